"""The commands of access: what they print, how they end, and what they leave behind."""

import json
import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from tests.cli.sessions import PASSPHRASE, ROOT, Ran, lodeline
from tests.node.access.conftest import bearer
from tests.node.benches import cheap_keystores

from lodeline.node.access.authenticating import Access
from lodeline.node.access.refusals import CredentialsWrong
from lodeline.node.access.roles import ROLE_SCOPES, Role, Scope
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.store import EventStore

HOME = Path("home")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LODELINE_HOME", "LODELINE_LANG", "LODELINE_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LODELINE_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)
    HOME.mkdir()


@pytest.fixture
def store(folder: None) -> Iterator[EventStore]:
    opened = EventStore(open_engine(sqlite_url(HOME / "events.db")))
    yield opened
    opened.close()


def ran(*words: str, yes: bool = True) -> Ran:
    return lodeline("--home", str(HOME), "--as", "miner", *words, yes=yes)


def data(*words: str) -> Any:
    done = ran("--json", *words)
    assert done.code == 0, done.out
    return json.loads(done.out)


def refused(*words: str) -> Any:
    done = ran("--json", *words)
    assert done.code == 2, done.out
    return json.loads(done.out)


def test_an_account_and_its_token_open_the_store(store: EventStore) -> None:
    made = data("account", "add", "anna", "--role", "trader", "--title", "Anna Q.")
    assert (made["user"], made["roles"], made["password"]) == ("anna", ["trader"], False)
    token = data("token", "issue", "anna", "--days", "3", "--scope", "events:read", "--note", "x")
    caller = Access(store).authenticate(bearer(token["bearer"]))
    assert caller.user == "anna"
    assert caller.scopes == {Scope.EVENTS_READ}
    assert caller.tenant.name == "miner"
    (listed,) = data("token", "list")
    assert (listed["state"], listed["note"], listed["used"] is None) == ("valid", "x", False)
    assert "bearer" not in listed
    assert data("token", "revoke", token["token"])["state"] == "revoked"
    with pytest.raises(CredentialsWrong):
        Access(store).authenticate(bearer(token["bearer"]))


def test_the_file_of_the_store_is_for_its_owner_alone() -> None:
    data("account", "add", "anna", "--role", "trader")
    assert (HOME / "events.db").stat().st_mode & 0o077 == 0


def test_the_token_is_shown_once_and_says_so() -> None:
    ran("account", "add", "anna", "--role", "trader")
    out = ran("token", "issue", "anna").out
    (line,) = [line for line in out.splitlines() if line.startswith("lodeline_")]
    assert "this one time" in out
    assert line not in ran("token", "list").out


def test_a_password_from_a_file_signs_in_until_the_account_is_disabled(store: EventStore) -> None:
    data("account", "add", "anna", "--role", "trader")
    Path("password").write_text("copper wire and a lantern\n")
    assert data("account", "password", "anna", "--new-file", "password")["password"]
    access = Access(store)
    assert access.sign_in("anna", "copper wire and a lantern").user == "anna"
    assert data("account", "disable", "anna")["state"] == "disabled"
    with pytest.raises(CredentialsWrong):
        access.sign_in("anna", "copper wire and a lantern")
    assert data("account", "enable", "anna")["state"] == "active"
    roles = data("account", "roles", "anna", "--role", "auditor", "--role", "compliance")
    assert roles["roles"] == ["auditor", "compliance"]
    assert set(roles["scopes"]) == ROLE_SCOPES[Role.COMPLIANCE] | ROLE_SCOPES[Role.AUDITOR]


def test_nobody_is_asked_for_a_password_where_nobody_sits() -> None:
    data("account", "add", "anna", "--role", "trader")
    done = ran("--json", "account", "password", "anna", yes=False)
    assert done.code == 2
    problem = json.loads(done.out)
    assert problem["type"].endswith("access-password-missing")
    assert problem["user"] == "anna"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("account", "add", "anna", "--role", "boss"), "access-role-unknown"),
        (("account", "add", "a b", "--role", "trader"), "access-name-malformed"),
        (("account", "roles", "nobody", "--role", "trader"), "access-account-unknown"),
        (("account", "disable", "nobody"), "access-account-unknown"),
        (("token", "issue", "nobody"), "access-account-unknown"),
        (("token", "revoke", "0123"), "access-token-unknown"),
        (("share", "add", "x"), "access-policy-empty"),
        (("share", "add", "x", "--kind", "Rumour"), "access-policy-kind-unknown"),
        (("share", "add", "group:x", "--everything"), "access-reader-malformed"),
        (("share", "add", "account:x", "--everything"), "access-account-unknown"),
        (("share", "add", "x", "--everything", "--expires", "2001-01-01"), "access-policy-over"),
        (("share", "add", "x", "--since", "yesterday"), "epcis-time-wrong"),
        (("share", "revoke", "0123"), "access-policy-unknown"),
        (("audit-trail", "show", "--event", "ni:x"), "event-unknown"),
    ],
)
def test_what_cannot_be_done_is_named(words: tuple[str, ...], code: str) -> None:
    problem = refused(*words, "--yes") if words[:2] == ("share", "add") else refused(*words)
    assert problem["type"].removeprefix("urn:lodeline:problem:") == code


def test_policies_are_said_in_plain_words_in_both_languages() -> None:
    made = data("--yes", "share", "add", "refiner", "--step", "shipping", "--before", "2027-01-01")
    assert made["says"] == (
        "The people of refiner may see the events that are of the business step shipping and that "
        "happened before 2027-01-01."
    )
    assert ran("share", "list").out.strip() == f"{made['policy']}  {made['says']}"
    assert "Chez refiner, on voit" in ran("--lang", "fr", "share", "list").out
    gone = data("share", "revoke", made["policy"])
    assert gone["revoked"] is not None
    assert data("share", "list") == []
    assert [one["policy"] for one in data("share", "list", "--all")] == [made["policy"]]
    assert "Nothing is shared" in ran("share", "list").out


def test_nothing_is_shared_without_a_yes() -> None:
    done = lodeline(
        "--home", str(HOME), "--as", "miner", "share", "add", "x", "--everything", yes=False
    )
    assert done.code == 2
    assert data("share", "list") == []


def test_tenants_do_not_see_each_others_accounts() -> None:
    data("account", "add", "anna", "--role", "trader")
    assert [one["user"] for one in data("account", "list")] == ["anna"]
    assert data("account", "list", "--tenant", "refiner") == []


def test_the_trail_is_shown_and_verified_and_a_forger_found(store: EventStore) -> None:
    data("account", "add", "anna", "--role", "trader")
    data("token", "issue", "anna")
    rows = data("audit-trail", "show")
    assert [(row["who"], row["act"]) for row in rows] == [
        ("console", "account-made"),
        ("console", "token-made"),
    ]
    assert [row["number"] for row in data("audit-trail", "show", "--start", "2")] == [2]
    found = data("audit-trail", "verify")
    assert found["rows"] == 2
    assert found["digest"] == rows[-1]["digest"]
    assert not found["compared_with_ledger"]
    for statement in ("DROP TRIGGER access_trail_no_update", "UPDATE access_trail SET who = 'eve'"):
        store.write(partial(_execute, statement))
    broken = ran("--json", "audit-trail", "verify")
    assert broken.code == 1
    assert json.loads(broken.out)["number"] == "1"


def _execute(statement: str, connection: Connection) -> None:
    connection.execute(text(statement))


def test_the_trail_is_anchored_on_the_ledger_and_compared_with_it() -> None:
    with cheap_keystores():
        pit = ("--member", "pit:Kolwezi Pit:CD:miner", "--synthetic")
        founded = lodeline("--home", "consortium", "init", "test", *pit)
        assert founded.code == 0, founded.err
        words = ("--home", "consortium", "--as", "pit", "--json")
        assert lodeline(*words, "account", "add", "anna", "--role", "trader").code == 0
        assert not json.loads(lodeline(*words, "audit-trail", "verify").out)["anchored"]
        sent = lodeline(*words, "audit-trail", "anchor")
        assert sent.code == 0, sent.out
        assert json.loads(sent.out)["rows"] == 1
        found = json.loads(lodeline(*words, "audit-trail", "verify").out)
        assert (found["anchored"], found["compared_with_ledger"]) == (1, True)


def test_the_commands_of_the_page_do_what_it_says() -> None:
    page = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    commands = [line[2:] for line in page.splitlines() if line.startswith("$ lodeline ")]
    assert len(commands) > 8
    for command in commands:
        done = ran(*shlex.split(command)[1:])
        assert done.code == 0, (command, done.err)
    assert [one["user"] for one in data("account", "list")] == ["anna", "zoe"]
    assert len(data("share", "list")) == 2
