// The board: what was brought in, what became of it, and why. It asks the service for everything,
// as any other client does, and keeps nothing but the token of the session, in this tab.

const STATES = ["received", "mapped", "proved", "on-ledger", "held", "refused", "kept"];
const STOPPED = new Set(["held", "refused"]);
const PAGE = 50;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone; // of times that a table leaves open
const SHOWN = 4; // quantities, and things, of one event
const HASH_ID = /ni:\/\/\/sha-256;([0-9a-f]{8})[0-9a-f]{56}\?ver=CBV2\.0/g;
const WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const FORMS = {
  xlsx: WORKBOOK, csv: "text/csv",
  json: "application/json", jsonld: "application/ld+json", xml: "application/xml",
};
const root = new URL(".", location.href);
const TEXTS = await (await fetch(new URL("board/texts.json", root))).json();
const $ = (id) => document.getElementById(id);

let lang = localStorage.getItem("lodeline.lang") ?? (navigator.language.startsWith("fr") ? "fr" : "en");
let token = sessionStorage.getItem("lodeline.token");
let chosen = null; // the state that is shown alone
let next = null; // where the next page is
let following = null; // ends the stream of moves

/** What the page says, with values filled in; `many` chooses between one and other. */
function text(name, values = {}, many = 0) {
  const found = TEXTS[lang][name];
  const chosen = typeof found === "string" ? found : found[new Intl.PluralRules(lang).select(many)];
  const said = (chosen ?? found.other).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  return lang === "fr" ? said.replace(/ ([:;?!])/g, "\u00a0$1") : said;
}

const node = (name, content = "", classes = "") => {
  const made = document.createElement(name);
  made.textContent = content;
  if (classes) made.className = classes;
  return made;
};

// ------------------------------------------------------------------ asking the service

class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? text("broken", { status }));
    this.status = status;
    this.problem = problem;
  }
}

async function ask(path, options = {}) {
  const headers = { "Accept-Language": lang, Accept: "application/json", ...options.headers };
  if (token) headers.Authorization ??= `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(new URL(path, root), { ...options, headers, credentials: "omit" });
  } catch {
    throw new Refused(0, { detail: text("unreached") });
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    if (answer.status === 401 && token && !options.headers?.Authorization) leave();
    throw new Refused(answer.status, problem);
  }
  return answer;
}

// ------------------------------------------------------------------ in and out

const basic = (name, password) => {
  const bytes = new TextEncoder().encode(`${name}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
};

async function enter(given) {
  $("enterTrouble").hidden = true;
  try {
    if (given.token) {
      token = given.token.trim();
      await ask("states?perPage=1", { headers: { Authorization: `Bearer ${token}` } });
    } else {
      token = null;
      const headers = { Authorization: basic(given.name, given.password) };
      token = (await (await ask("session", { method: "POST", headers })).json()).token;
    }
    sessionStorage.setItem("lodeline.token", token);
    $("enter").reset();
    show();
    $("main").focus();
  } catch (refused) {
    token = null;
    tell($("enterTrouble"), refused);
  }
}

function leave() {
  if (token) {
    const headers = { Authorization: `Bearer ${token}` };
    fetch(new URL("session", root), { method: "DELETE", headers }).catch(() => {});
  }
  token = null;
  sessionStorage.removeItem("lodeline.token");
  following?.abort();
  show();
}

function tell(place, refused) {
  const advice = refused.problem?.advice;
  place.textContent = advice ? `${refused.message} – ${advice}` : refused.message;
  place.hidden = false;
}

// ------------------------------------------------------------------ bringing in

async function kinds() {
  const found = await (await ask("sheets")).json();
  $("kind").replaceChildren(...found.map(({ kind }) => {
    const option = node("option", TEXTS[lang].kinds[kind] ?? kind);
    option.value = kind;
    return option;
  }));
}

async function template() {
  const kind = $("kind").value;
  const answer = await ask(`sheets/${kind}`, { headers: { Accept: WORKBOOK } });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${kind}.xlsx`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function bring(file) {
  const outcome = $("outcome");
  const form = FORMS[file.name.split(".").pop().toLowerCase()];
  outcome.replaceChildren(node("p", text("bringing", { name: file.name })));
  if (!form) {
    outcome.replaceChildren(node("p", text("noForm", { name: file.name }), "trouble"));
    return;
  }
  const isTable = form === WORKBOOK || form === "text/csv";
  try {
    const path = isTable ? `sheets/${$("kind").value}?zone=${encodeURIComponent(ZONE)}` : "capture";
    const job = await (await ask(path, {
      method: "POST", body: file, headers: { "Content-Type": form },
    })).json();
    outcome.replaceChildren(...(job.success ? [taken(file, job)] : notTaken(file, job.errors, "event")));
    if (job.success) await list();
  } catch (refused) {
    const rows = refused.problem?.rows;
    if (rows) {
      outcome.replaceChildren(...notTaken(file, rows, "row"));
    } else {
      outcome.replaceChildren(node("p", "", "trouble"));
      tell(outcome.firstChild, refused);
    }
  }
}

function taken(file, job) {
  const values = { name: file.name, count: job.captured, known: job.known };
  const said = job.known ? text("takenKnown", values, job.known) : text("taken", values, job.captured);
  return node("p", said, "done");
}

function notTaken(file, errors, where) {
  const table = node("table");
  const head = table.createTHead().insertRow();
  for (const name of [where === "row" ? "colRow" : "colEvent", "colColumn", "colWhy"]) {
    const cell = node("th", text(name));
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const error of errors) {
    const line = body.insertRow();
    line.insertCell().textContent = where === "row" ? error.row : error.event + 1;
    line.insertCell().textContent = error.column ?? "";
    const why = line.insertCell();
    why.append(node("span", error.detail), node("span", error.advice, "advice"));
  }
  const told = node("p", text("notTaken", { name: file.name, count: errors.length }), "trouble");
  return [told, table];
}

// ------------------------------------------------------------------ the list

async function list(more = false) {
  $("trouble").hidden = true;
  try {
    const path = more ? next : `states?perPage=${PAGE}${chosen ? `&state=${chosen}` : ""}`;
    const answer = await ask(path);
    const states = await answer.json();
    next = /<([^>]+)>;\s*rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1] ?? null;
    const lines = await described(states);
    if (more) $("rows").append(...lines);
    else $("rows").replaceChildren(...lines);
    $("more").hidden = !next;
    $("none").hidden = $("rows").childElementCount > 0;
    if (!more) await chips();
  } catch (refused) {
    tell($("trouble"), refused);
  }
}

/** How many events are in each state; whoever sees by a policy is not told. */
async function chips() {
  const counts = await ask("states/counts").then((answer) => answer.json(), () => null);
  $("states").hidden = !counts;
  if (!counts) return;
  const all = STATES.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  const made = [[null, text("all"), all], ...STATES.map((s) => [s, TEXTS[lang].states[s], counts[s] ?? 0])];
  $("states").replaceChildren(...made.map(([state, name, count]) => {
    const button = node("button", `${name} ${count.toLocaleString(lang)}`);
    button.type = "button";
    button.setAttribute("aria-pressed", String(chosen === state));
    button.addEventListener("click", () => { chosen = state; list(); });
    return button;
  }));
}

/** Lines of the table for some states, with what their events say. */
async function described(states) {
  if (!states.length) return [];
  const ids = states.map((each) => encodeURIComponent(each.eventID));
  const answer = await ask(`events?perPage=${states.length}&EQ_eventID=${ids.join("|")}`, {
    headers: { "GS1-EPC-Format": "Never_Translates" },
  });
  const found = (await answer.json()).epcisBody.queryResults.resultsBody.eventList;
  const events = new Map(found.map((event) => [event.eventID, event]));
  return states.map((state) => line(state, events.get(state.eventID)));
}

function line(told, event) {
  const made = node("tr");
  made.dataset.event = told.eventID;
  const when = node("td", event ? moment(event.eventTime) : "", "when");
  const what = node("td", event ? TEXTS[lang].steps[event.bizStep] ?? event.bizStep ?? event.type : told.eventID);
  made.append(when, what, goods(event), state(told), why(told));
  return made;
}

const moment = (written) =>
  new Date(written).toLocaleString(lang, { dateStyle: "medium", timeStyle: "short" });

/** What an event is about: quantities with their units, then single things. */
function goods(event) {
  const cell = node("td", "", "goods");
  if (!event) return cell;
  const quantities = [
    ...(event.inputQuantityList ?? []), ...(event.quantityList ?? []),
    ...(event.childQuantityList ?? []), ...(event.outputQuantityList ?? []),
  ];
  const things = [
    ...(event.inputEPCList ?? []), ...(event.epcList ?? []),
    ...(event.childEPCs ?? []), ...(event.outputEPCList ?? []),
  ];
  for (const each of quantities.slice(0, SHOWN)) cell.append(thing(each.epcClass, amount(each)));
  for (const each of things.slice(0, SHOWN)) cell.append(thing(each, ""));
  const left = Math.max(quantities.length - SHOWN, 0) + Math.max(things.length - SHOWN, 0);
  if (left) cell.append(node("div", text("andMore", { count: left }), "advice"));
  return cell;
}

/** A quantity for the eye; grams of a lot are shown in kilograms. */
function amount({ quantity, uom }) {
  if (quantity === undefined) return "";
  const isLarge = uom === "GRM" && quantity >= 1000;
  const number = isLarge ? quantity / 1000 : quantity;
  const unit = isLarge ? "kg" : TEXTS[lang].units[uom] ?? uom ?? text("pieces");
  return `${number.toLocaleString(lang, { maximumFractionDigits: 9 })}\u00a0${unit}`;
}

/** One lot or thing: how much, which number of its own, and the whole identifier below. */
function thing(identifier, amount) {
  const made = node("div");
  const own = decodeURIComponent(identifier.split(/[./:]/).pop());
  if (amount) made.append(node("b", amount), " ");
  made.append(node("span", own, "own"), node("span", identifier, "whole"));
  return made;
}

function state(told) {
  const cell = node("td");
  cell.append(node("span", TEXTS[lang].states[told.state], `state ${told.state}`));
  return cell;
}

function why(told) {
  const cell = node("td");
  if (told.reason) {
    const detail = told.reason.detail.replace(HASH_ID, "$1…");
    cell.append(node("span", detail), node("span", told.reason.advice, "advice"));
  }
  if (told.entry) cell.append(node("span", text("entry", { entry: told.entry.slice(0, 12) }), "advice"));
  if (STOPPED.has(told.state)) {
    for (const deed of ["retry", "keep"]) {
      const button = node("button", text(deed));
      button.type = "button";
      button.addEventListener("click", () => act(told.eventID, deed, button));
      cell.append(button);
    }
  }
  return cell;
}

async function act(event, deed, button) {
  button.disabled = true;
  try {
    await ask(`events/${encodeURIComponent(event)}/${deed}`, { method: "POST" });
    await list();
  } catch (refused) {
    tell($("trouble"), refused);
    button.disabled = false;
  }
}

// ------------------------------------------------------------------ live

/** Follow every move, from now on; where the stream ends, begin again where it was. */
async function follow() {
  following?.abort();
  const own = (following = new AbortController());
  let last = null;
  while (!own.signal.aborted) {
    try {
      const headers = { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) };
      const answer = await ask("states", { headers, signal: own.signal });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ;) {
        const { done, value } = await reader.read();
        if (done) break;
        const parts = (rest + value).split("\n\n");
        rest = parts.pop();
        for (const part of parts) last = moved(part) ?? last;
      }
    } catch (refused) {
      if (own.signal.aborted || refused.status === 401 || refused.status === 403) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
}

let waiting = null;
/** Take one message of the stream; return its place. The list is asked for again, at most once a second. */
function moved(message) {
  const id = /^id: ?(.*)$/m.exec(message)?.[1] ?? null;
  if (/^data:/m.test(message)) waiting ??= setTimeout(() => { waiting = null; list(); ledger(); }, 1000);
  return id;
}

async function ledger() {
  const answer = await ask("health/ready").catch(() => null);
  const told = answer ? (await answer.json()).pipeline : "unreached";
  $("ledger").textContent = TEXTS[lang].ledger[told] ?? "";
  $("ledger").className = told === "working" ? "" : "waits";
}

// ------------------------------------------------------------------ the page

function show() {
  document.documentElement.lang = lang;
  document.title = `Lodeline – ${text("eventsTitle")}`;
  for (const each of document.querySelectorAll("[data-text]")) each.textContent = text(each.dataset.text, { zone: ZONE });
  for (const each of document.querySelectorAll("[data-label]")) each.setAttribute("aria-label", text(each.dataset.label));
  for (const each of document.querySelectorAll(".lang")) each.setAttribute("aria-pressed", String(each.dataset.lang === lang));
  $("enter").hidden = Boolean(token);
  $("work").hidden = $("leave").hidden = !token;
  $("outcome").replaceChildren();
  if (!token) return;
  // Whoever may not bring anything in is not shown how.
  kinds().then(() => { $("bring").hidden = false; }, () => { $("bring").hidden = true; });
  list();
  ledger();
  follow();
}

for (const each of document.querySelectorAll(".lang")) {
  each.addEventListener("click", () => {
    lang = each.dataset.lang;
    localStorage.setItem("lodeline.lang", lang);
    show();
  });
}
$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(Object.fromEntries(new FormData($("enter"))));
});
$("useToken").addEventListener("click", () => enter({ token: $("enter").elements.token.value }));
$("leave").addEventListener("click", leave);
$("template").addEventListener("click", () => template().catch((refused) => tell($("trouble"), refused)));
$("file").addEventListener("change", async () => {
  const [file] = $("file").files;
  if (file) await bring(file);
  $("file").value = "";
});
$("more").addEventListener("click", () => list(true));
for (const [kind, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  $("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", isOver);
    if (kind === "drop" && event.dataTransfer.files.length) bring(event.dataTransfer.files[0]);
  });
}
show();
