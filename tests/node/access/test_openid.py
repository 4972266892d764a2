"""People of an issuer of identities: who is let in, and every way to lie about being one."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from sqlalchemy import func, select
from tests.cli.sessions import ROOT
from tests.node.access.conftest import ADMIN, House, bearer
from tests.node.access.issuers import CLIENT, URL, TestIssuer, sign
from tests.node.events.conftest import SetClock

from lodeline.node.access import openid as openid_module
from lodeline.node.access.accounts import (
    AccountState,
    account,
    accounts,
    set_state,
)
from lodeline.node.access.authenticating import Access
from lodeline.node.access.callers import Caller, PartnerName, UserName
from lodeline.node.access.issuer import MAX_ANSWER_BYTES, HttpFetch, Issuer
from lodeline.node.access.openid import SIGN_IN_SECONDS, OpenId
from lodeline.node.access.openid_refusals import (
    IdentityWithoutRole,
    IssuerAnswerWrong,
    IssuerUnreachable,
    OpenIdSettingWrong,
    SignInOver,
)
from lodeline.node.access.openid_settings import (
    ClientId,
    OpenIdSettings,
    is_safe_url,
    read_openid_settings,
)
from lodeline.node.access.opening import opened_access
from lodeline.node.access.refusals import AccountDisabled, CredentialsWrong, RoleUnknown
from lodeline.node.access.roles import ROLE_SCOPES, Role
from lodeline.node.access.schema import SIGN_INS
from lodeline.node.access.sign_ins import SealedSignIn
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.store import EventStore, TenantName
from lodeline.node.workspace import FileUnreadable

SETTINGS = OpenIdSettings(
    issuer=URL,
    client_id=ClientId(CLIENT),
    redirect="https://node.example/sign-in/return",
    tenant=TenantName("miner"),
    roles={
        "mine operators": frozenset({Role.SITE_OPERATOR}),
        "audit": frozenset({Role.AUDITOR}),
    },
)


@dataclass
class Setting:
    """A house, an issuer, and what ties them together."""

    house: House
    issuer: TestIssuer
    openid: OpenId
    access: Access

    @property
    def now(self) -> float:
        return self.house.store.clock.now() / 1_000_000

    def caller(self, **changes: Any) -> Caller:
        return self.access.authenticate(bearer(self.issuer.token(self.now, **changes)))


def joined(house: House, chosen: OpenIdSettings = SETTINGS) -> Setting:
    issuer = TestIssuer()
    openid = OpenId(chosen, Issuer(URL, issuer, house.store.clock), house.store)
    return Setting(house, issuer, openid, Access(house.store, foreign=openid))


@pytest.fixture
def at(small_house: House) -> Setting:
    return joined(small_house)


# ------------------------------------------------------------------ tokens of the issuer


def test_somebody_new_gets_an_account_with_the_roles_of_their_groups(house: House) -> None:
    at = joined(house)
    caller = at.caller()
    assert (caller.user, caller.tenant, caller.partner) == ("jana", house.tenant, None)
    assert caller.scopes == ROLE_SCOPES[Role.SITE_OPERATOR]
    assert at.caller() == caller
    assert [one.user for one in accounts(house.store, house.tenant)] == ["jana"]


def test_people_of_a_partners_issuer_see_what_is_shared(small_house: House) -> None:
    at = joined(small_house, replace(SETTINGS, partner=PartnerName("refiner")))
    caller = at.caller()
    assert caller.partner == "refiner"
    assert not caller.sees_all


def test_other_groups_are_other_roles_from_the_next_request_on(at: Setting) -> None:
    at.caller()
    assert at.caller(groups="audit").roles == {Role.AUDITOR}
    user = UserName("jana")
    assert account(at.house.store, at.house.tenant, user).roles == {Role.AUDITOR}


@pytest.mark.parametrize(
    "groups", [None, [], "football", ["football"], [["audit"]], 7, {"audit": 1}]
)
def test_who_has_no_role_gets_no_account(at: Setting, groups: object) -> None:
    with pytest.raises(IdentityWithoutRole) as refused:
        at.caller(groups=groups)
    assert refused.value.claim == "groups"
    assert list(accounts(at.house.store, at.house.tenant)) == []


def test_a_disabled_account_is_refused_whatever_its_issuer_says(at: Setting) -> None:
    user = at.caller().user
    set_state(at.house.store, at.house.tenant, user, AccountState.DISABLED, ADMIN)
    with pytest.raises(CredentialsWrong):
        at.caller()
    with pytest.raises(AccountDisabled) as refused:
        at.access.caller_of(at.house.tenant, user)
    assert refused.value.user == user


def test_a_foreign_name_is_never_taken_for_an_account_of_this_node(at: Setting) -> None:
    own = at.house.account("jana", Role.ADMINISTRATOR)
    caller = at.caller()
    assert caller.user != own
    assert caller.roles == {Role.SITE_OPERATOR}
    assert account(at.house.store, at.house.tenant, own).identity is None


def test_two_people_with_one_name_are_two_accounts(at: Setting) -> None:
    one, two = at.caller(), at.caller(sub="other")
    assert one.user == "jana"
    assert two.user.startswith("id-")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": URL + "/"},
        {"iss": "https://evil.example"},
        {"iss": [URL]},
        {"aud": None},
        {"aud": "other"},
        {"aud": []},
        {"aud": ["other", 7]},
        {"aud": {CLIENT: 1}},
        {"azp": "other"},
        {"aud": [CLIENT, "other"], "azp": "other"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("nan")},
        {"iat": None},
        {"iat": "now"},
        {"iat": float("nan")},
        {"nbf": "later"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "nul\0"},
    ],
)
def test_a_token_says_for_whom_by_whom_and_when(at: Setting, changes: dict[str, Any]) -> None:
    with pytest.raises(CredentialsWrong):
        at.caller(**changes)
    assert list(accounts(at.house.store, at.house.tenant)) == []


@pytest.mark.parametrize(
    ("claim", "offset", "is_valid"),
    [
        ("exp", -59, True),
        ("exp", -60, False),
        ("exp", 1e12, True),
        ("nbf", 60, True),
        ("nbf", 62, False),
        ("iat", 60, True),
        ("iat", 62, False),
        ("iat", -86_400, True),
        ("iat", -86_402, False),
    ],
)
def test_a_token_is_valid_for_its_time_and_a_minute(
    at: Setting, claim: str, offset: float, is_valid: bool
) -> None:
    changes: dict[str, Any] = {claim: at.now + offset}
    if is_valid:
        assert at.caller(**changes).user == "jana"
        return
    with pytest.raises(CredentialsWrong):
        at.caller(**changes)


def test_a_token_for_several_is_for_us_too(at: Setting) -> None:
    assert at.caller(aud=["other", CLIENT], azp=CLIENT).user == "jana"


def test_an_audience_of_its_own_leaves_identity_tokens_out(small_house: House) -> None:
    at = joined(small_house, replace(SETTINGS, audience="https://node.example"))
    assert at.caller(aud="https://node.example", azp="browser-app").user == "jana"
    with pytest.raises(CredentialsWrong):
        at.caller(aud=CLIENT)


# ------------------------------------------------------------------ forgers


def unsigned(claims: dict[str, Any], alg: str = "none") -> str:
    parts = ({"alg": alg, "kid": "one"}, claims)
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*texts, b""]).decode()


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "ES256", "HS256"])
def test_a_forger_without_a_key_is_refused(at: Setting, alg: str) -> None:
    with pytest.raises(CredentialsWrong):
        at.access.authenticate(bearer(unsigned(at.issuer.claims(at.now), alg)))


def test_a_forger_with_a_key_of_the_same_name_is_refused(at: Setting) -> None:
    own = ECKey.generate_key("P-256", {"kid": "one"}, private=True)
    forged = sign({"alg": "ES256", "kid": "one"}, at.issuer.claims(at.now), own)
    with pytest.raises(CredentialsWrong):
        at.access.authenticate(bearer(forged))


def test_a_forger_who_uses_the_public_key_as_a_shared_secret_is_refused(at: Setting) -> None:
    public = at.issuer.key.as_pem(private=False)
    shared = OctKey.import_key(public.hex())
    header = {"alg": "HS256", "kid": "one"}
    forged = jwt.encode(header, at.issuer.claims(at.now), shared, algorithms=["HS256"])
    with pytest.raises(CredentialsWrong):
        at.access.authenticate(bearer(forged))


@pytest.mark.parametrize(
    "extra",
    [
        {"jwk": {"kty": "EC"}},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"crit": ["exp"], "exp": 1},
    ],
)
def test_a_forger_who_brings_a_key_along_is_refused(at: Setting, extra: dict[str, Any]) -> None:
    own = ECKey.generate_key("P-256", private=True)
    header = {"alg": "ES256", "kid": "one", **extra}
    texts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, at.issuer.claims(at.now))
    ]
    plain = sign({"alg": "ES256"}, at.issuer.claims(at.now), own).rpartition(".")[2]
    with pytest.raises(CredentialsWrong):
        at.access.authenticate(bearer(".".join([*texts, plain])))
    assert all(url.startswith(URL) for url in at.issuer.gets)


def test_a_forger_who_changes_what_was_signed_is_refused(at: Setting) -> None:
    head, _, tail = at.issuer.token(at.now).split(".")
    other = unsigned(at.issuer.claims(at.now, groups=["audit"])).split(".")[1]
    with pytest.raises(CredentialsWrong):
        at.access.authenticate(bearer(f"{head}.{other}.{tail}"))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.binary(max_size=60))
def test_whatever_is_no_token_is_refused_as_one(
    at: Setting, one: str, two: str, three: str, raw: bytes
) -> None:
    coded = base64.urlsafe_b64encode(raw).decode()
    for text in (f"{one}.{two}.{three}", f"{coded}.{coded}.{coded}"):
        with pytest.raises(CredentialsWrong):
            at.openid.caller(text)


# ------------------------------------------------------------------ the issuer's keys


def test_a_new_key_is_fetched_when_it_is_used(at: Setting, clock: SetClock) -> None:
    at.caller()
    clock.pass_seconds(61)
    at.issuer.key = ECKey.generate_key("P-384", {"kid": "two"}, private=True)
    at.issuer.keys.append(at.issuer.key)
    token = sign({"alg": "ES384", "kid": "two"}, at.issuer.claims(at.now), at.issuer.key)
    assert at.access.authenticate(bearer(token)).user == "jana"


def test_made_up_keys_do_not_make_us_hammer_the_issuer(at: Setting, clock: SetClock) -> None:
    at.caller()
    asked = len(at.issuer.gets)
    for tries in range(5):
        token = sign({"alg": "ES256", "kid": f"k{tries}"}, at.issuer.claims(at.now), at.issuer.key)
        with pytest.raises(CredentialsWrong):
            at.openid.caller(token)
    assert len(at.issuer.gets) == asked
    clock.pass_seconds(60)
    for tries in range(5):
        token = sign({"alg": "ES256", "kid": f"k{tries}"}, at.issuer.claims(at.now), at.issuer.key)
        with pytest.raises(CredentialsWrong):
            at.openid.caller(token)
    assert len(at.issuer.gets) == asked + 2


def test_a_withdrawn_key_is_forgotten_within_the_hour(at: Setting, clock: SetClock) -> None:
    at.caller()
    at.issuer.keys = [ECKey.generate_key("P-256", {"kid": "two"}, private=True)]
    clock.pass_seconds(3_600)
    with pytest.raises(CredentialsWrong):
        at.caller()


def test_an_issuer_that_is_away_is_done_without_for_a_day(at: Setting, clock: SetClock) -> None:
    at.caller()
    at.issuer.is_away = True
    clock.pass_seconds(86_400)
    assert at.caller().user == "jana"
    clock.pass_seconds(61)
    with pytest.raises(IssuerUnreachable):
        at.caller()


def test_an_issuer_that_never_answered_is_said_to_be_away(at: Setting, clock: SetClock) -> None:
    at.issuer.is_away = True
    for _ in range(3):
        with pytest.raises(IssuerUnreachable) as refused:
            at.caller()
        assert refused.value.issuer == URL
    assert len(at.issuer.gets) == 1
    at.issuer.is_away = False
    clock.pass_seconds(60)
    assert at.caller().user == "jana"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"issuer": "https://evil.example"}, "issuer"),
        ({"issuer": None}, "issuer"),
        ({"jwks_uri": "http://login.example/keys"}, "jwks_uri"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
        ({"jwks_uri": 7}, "jwks_uri"),
        ({"token_endpoint": "https://user@login.example/"}, "token_endpoint"),
        ({"authorization_endpoint": None}, "authorization_endpoint"),
    ],
)
def test_a_discovery_document_is_that_of_the_issuer(
    at: Setting, changes: dict[str, Any], field: str
) -> None:
    at.issuer.changes = changes
    with pytest.raises(IssuerAnswerWrong) as refused:
        at.caller()
    assert refused.value.field == field


WEAK = {"kty": "RSA", "kid": "weak", "e": "AQAB", "n": "x" * 171}
SHARED = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"keys": []}',
        b'{"keys": {}}',
        json.dumps({"keys": [{"kty": "EC", "crv": "P-256"}]}).encode(),
        json.dumps({"keys": [{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}]}).encode(),
        json.dumps({"keys": [SHARED] * 65}).encode(),
    ],
)
def test_keys_that_are_no_keys_are_refused(at: Setting, answer: bytes) -> None:
    at.issuer.answers[f"{URL}/keys"] = answer
    with pytest.raises(IssuerAnswerWrong):
        at.caller()


@pytest.mark.parametrize("key", [WEAK, SHARED, 7, {"kty": "EC", "use": "enc"}, {"kty": "new"}])
def test_keys_that_are_weak_or_for_something_else_sign_for_nobody(at: Setting, key: object) -> None:
    at.issuer.answers[f"{URL}/keys"] = json.dumps({"keys": [key]}).encode()
    with pytest.raises(IssuerAnswerWrong) as refused:
        at.caller()
    assert refused.value.field == "keys"


def test_keys_that_are_not_understood_are_passed_over(at: Setting) -> None:
    good = at.issuer.key.as_dict(private=False)
    answer = {"keys": [WEAK, SHARED, {"kty": "new", "kid": "one"}, good]}
    at.issuer.answers[f"{URL}/keys"] = json.dumps(answer).encode()
    assert at.caller().user == "jana"


def test_rsa_keys_are_taken_too(at: Setting) -> None:
    key = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
    answer = {"keys": [key.as_dict(private=False)]}
    at.issuer.answers[f"{URL}/keys"] = json.dumps(answer).encode()
    token = sign({"alg": "RS256", "kid": "rsa"}, at.issuer.claims(at.now), key)
    assert at.access.authenticate(bearer(token)).user == "jana"


# ------------------------------------------------------------------ signing in with a browser


def began(at: Setting) -> tuple[dict[str, str], SealedSignIn]:
    sign_in = at.openid.begin()
    parts = urlsplit(sign_in.url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{URL}/authorize"
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert query["state"] == sign_in.state
    return query, sign_in.kept


def rows_of_sign_ins(at: Setting) -> int:
    with at.house.store.reading() as connection:
        return connection.execute(select(func.count()).select_from(SIGN_INS)).scalar_one()


def test_somebody_signs_in_and_gets_a_session(house: House) -> None:
    at = joined(house, replace(SETTINGS, client_secret="s3cret"))
    query, kept = began(at)
    assert query["response_type"] == "code"
    assert query["redirect_uri"] == SETTINGS.redirect
    assert query["code_challenge_method"] == "S256"
    at.issuer.id_token = at.issuer.token(at.now, nonce=query["nonce"])
    owner = at.openid.finish("code-1", query["state"], kept)
    session = at.access.session_for(owner, "openid")
    assert at.access.authenticate(bearer(session.bearer)).user == "jana"
    (form,) = at.issuer.posts
    assert form["code"] == "code-1"
    assert at.issuer.secrets == [(CLIENT, "s3cret")]
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert challenge == query["code_challenge"]


def test_a_sign_in_succeeds_once(house: House) -> None:
    at = joined(house)
    query, kept = began(at)
    at.issuer.id_token = at.issuer.token(at.now, nonce=query["nonce"])
    at.openid.finish("code", query["state"], kept)
    with pytest.raises(SignInOver):
        at.openid.finish("code", query["state"], kept)
    assert len(at.issuer.posts) == 1


def test_two_that_finish_one_sign_in_together_do_not_both_succeed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = joined(house)
    query, kept = began(at)
    at.issuer.id_token = at.issuer.token(at.now, nonce=query["nonce"])
    monkeypatch.setattr(openid_module, "is_taken", lambda *_: False)
    at.openid.finish("code", query["state"], kept)
    with pytest.raises(SignInOver):
        at.openid.finish("code", query["state"], kept)


def test_what_begins_or_fails_writes_nothing(at: Setting) -> None:
    """Whoever begins is a stranger: it costs the store nothing, however often it is done."""
    query, kept = [began(at) for _ in range(20)][-1]
    at.issuer.id_token = at.issuer.token(at.now, nonce="another")
    with pytest.raises(CredentialsWrong):
        at.openid.finish("code", query["state"], kept)
    assert rows_of_sign_ins(at) == 0
    at.issuer.id_token = at.issuer.token(at.now, nonce=query["nonce"])
    at.openid.finish("code", query["state"], kept)
    assert rows_of_sign_ins(at) == 1


def test_a_sign_in_that_began_in_another_browser_is_refused(at: Setting) -> None:
    query, kept = began(at)
    other, kept_elsewhere = began(at)
    for state, cookie in (
        (query["state"], kept_elsewhere),
        (other["state"], kept),
        (query["state"], ""),
        (query["state"], query["state"]),
        (query["state"], "\ud800"),
        (query["state"], "A" * 2_000),
        ("", kept),
    ):
        with pytest.raises(SignInOver):
            at.openid.finish("code", state, cookie)
    assert at.issuer.posts == []


@pytest.mark.parametrize("place", [0, 20, 100])
def test_a_sign_in_that_was_changed_is_refused(at: Setting, place: int) -> None:
    query, kept = began(at)
    changed = f"{kept[:place]}{'B' if kept[place] == 'A' else 'A'}{kept[place + 1 :]}"
    with pytest.raises(SignInOver):
        at.openid.finish("code", query["state"], changed)


def test_the_sign_in_of_another_node_is_refused(at: Setting, tmp_path: Path) -> None:
    query, kept = began(at)
    store = EventStore(open_engine(sqlite_url(tmp_path / "other.db")), at.house.store.clock)
    elsewhere = joined(House(store, at.house.access, store.tenant(TenantName("miner"))))
    with pytest.raises(SignInOver):
        elsewhere.openid.finish("code", query["state"], kept)
    store.close()


@pytest.mark.parametrize("state", ["", "made up", "nul\0"])
def test_a_sign_in_that_nobody_began_is_refused(house: House, state: str) -> None:
    at = joined(house)
    with pytest.raises(SignInOver):
        at.openid.finish("code", state, state)


def test_a_sign_in_takes_ten_minutes_at_most(at: Setting, clock: SetClock) -> None:
    query, kept = began(at)
    later, kept_later = began(at)
    at.issuer.id_token = at.issuer.token(at.now, nonce=later["nonce"])
    at.openid.finish("code", later["state"], kept_later)
    clock.pass_seconds(SIGN_IN_SECONDS)
    at.issuer.id_token = at.issuer.token(at.now, nonce=query["nonce"])
    with pytest.raises(SignInOver):
        at.openid.finish("code", query["state"], kept)
    query, kept = began(at)
    at.issuer.id_token = at.issuer.token(at.now, nonce=query["nonce"])
    at.openid.finish("code", query["state"], kept)
    assert rows_of_sign_ins(at) == 1


@pytest.mark.parametrize("nonce", [None, "", "another", 7, ["x"]])
def test_the_token_of_another_sign_in_is_refused(at: Setting, nonce: object) -> None:
    query, kept = began(at)
    at.issuer.id_token = at.issuer.token(at.now, nonce=nonce)
    with pytest.raises(CredentialsWrong):
        at.openid.finish("code", query["state"], kept)


def test_a_token_for_a_program_signs_nobody_in(small_house: House) -> None:
    at = joined(small_house, replace(SETTINGS, audience="https://node.example"))
    query, kept = began(at)
    at.issuer.id_token = at.issuer.token(at.now, nonce=query["nonce"], aud="https://node.example")
    with pytest.raises(CredentialsWrong):
        at.openid.finish("code", query["state"], kept)


def test_an_answer_without_a_token_is_the_issuers_fault(at: Setting) -> None:
    query, kept = began(at)
    at.issuer.id_token = None  # type: ignore[assignment]  # what a wrong issuer answers
    with pytest.raises(IssuerAnswerWrong) as refused:
        at.openid.finish("code", query["state"], kept)
    assert refused.value.field == "id_token"


# ------------------------------------------------------------------ over HTTP


def fetch(handler: Any) -> HttpFetch:
    return HttpFetch(URL, httpx.MockTransport(handler))


def test_answers_are_bounded_and_redirects_are_not_followed() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        if request.url.path == "/big":
            return httpx.Response(200, content=b"x" * (MAX_ANSWER_BYTES + 1))
        if request.url.path == "/away":
            raise httpx.ConnectTimeout("slow")
        if request.url.path == "/moved":
            return httpx.Response(302, headers={"Location": "https://evil.example/"})
        return httpx.Response(200, content=b"x" * MAX_ANSWER_BYTES)

    client = fetch(answer)
    assert len(client.get(f"{URL}/fine")) == MAX_ANSWER_BYTES
    reasons = []
    for path in ("big", "away", "moved"):
        with pytest.raises(IssuerUnreachable) as refused:
            client.get(f"{URL}/{path}")
        reasons.append(refused.value.reason)
    assert reasons == [f"more than {MAX_ANSWER_BYTES} bytes", "ConnectTimeout", "HTTP 302"]
    assert not any("evil" in url for url in seen)
    client.close()


def test_the_secret_of_the_client_goes_to_the_token_endpoint_alone() -> None:
    found: list[tuple[str, str | None, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        found.append((request.method, request.headers.get("Authorization"), request.read()))
        return httpx.Response(200, content=b"{}")

    client = fetch(answer)
    client.get(f"{URL}/keys")
    client.post(f"{URL}/token", {"code": "a b"}, (CLIENT, "s3cret"))
    client.close()
    coded = base64.b64encode(b"lodeline:s3cret").decode()
    assert found == [("GET", None, b""), ("POST", f"Basic {coded}", b"code=a+b")]


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://login.example/a", True),
        ("http://localhost:8080/realms/x", True),
        ("http://127.0.0.1/", True),
        ("http://login.example", False),
        ("https://user@login.example", False),
        ("https://login.example/#x", False),
        ("https://login.example/a b", False),
        ("https://[::1", False),
        ("https://", False),
        ("//login.example", False),
        ("", False),
    ],
)
def test_what_is_fetched_cannot_be_changed_on_its_way(url: str, is_safe: bool) -> None:
    assert is_safe_url(url) is is_safe


# ------------------------------------------------------------------ settings

FILE = """
issuer = "https://login.example"
client_id = "lodeline"
client_secret_file = "openid.secret"
redirect = "https://node.example/sign-in/return"
tenant = "miner"

[roles]
"mine operators" = ["site-operator"]
"audit" = ["auditor"]
"""


def test_settings_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "openid.secret").write_text("s3cret\n")
    (tmp_path / "openid.toml").write_text(FILE)
    found = read_openid_settings(tmp_path / "openid.toml")
    assert found == replace(SETTINGS, client_secret="s3cret")
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('issuer = "https://login.example"', "", "issuer"),
        ("https://login.example", "http://login.example", "issuer"),
        ('client_id = "lodeline"', "client_id = 7", "client_id"),
        ('tenant = "miner"', 'tenant = ""', "tenant"),
        ('tenant = "miner"', 'tenant = "miner"\nrealm = "x"', "realm"),
        ('["auditor"]', '"auditor"', "roles.audit"),
        ("[roles]", "[rules]", "rules"),
        ("[roles]", "[[", "openid.toml"),
    ],
)
def test_settings_that_say_nothing_sensible_are_named(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    (tmp_path / "openid.secret").write_text("s3cret")
    (tmp_path / "openid.toml").write_text(FILE.replace(old, new))
    with pytest.raises(OpenIdSettingWrong) as refused:
        read_openid_settings(tmp_path / "openid.toml")
    assert refused.value.key == key


def test_settings_name_roles_and_files_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "openid.toml").write_text(FILE)
    with pytest.raises(FileUnreadable):
        read_openid_settings(tmp_path / "openid.toml")
    (tmp_path / "openid.secret").write_text("s3cret")
    (tmp_path / "openid.toml").write_text(FILE.replace("auditor", "boss"))
    with pytest.raises(RoleUnknown) as refused:
        read_openid_settings(tmp_path / "openid.toml")
    assert refused.value.role == "boss"


def test_a_folder_without_settings_has_local_accounts_alone(
    small_house: House, tmp_path: Path
) -> None:
    with opened_access(small_house.store, tmp_path) as access:
        assert access.foreign is None
    (tmp_path / "openid.secret").write_text("s3cret")
    (tmp_path / "openid.toml").write_text(FILE)
    with opened_access(small_house.store, tmp_path) as access:
        assert isinstance(access.foreign, OpenId)
        assert access.foreign.settings.issuer == URL


def test_the_settings_of_the_page_are_settings(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "openid.secret").write_text("s3cret")
    (tmp_path / "openid.toml").write_text(shown)
    assert read_openid_settings(tmp_path / "openid.toml") == replace(
        SETTINGS, client_secret="s3cret"
    )
