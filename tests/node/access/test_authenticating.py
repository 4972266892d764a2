"""Who is let in, who is not, and what a stranger learns from being refused."""

import base64
from threading import BoundedSemaphore

import pytest
from sqlalchemy import select
from tests.node.access.conftest import ADMIN, CHEAP, PASSWORD, House, bearer
from tests.node.events.conftest import SetClock

from lodeline.node.access import passwords
from lodeline.node.access.accounts import (
    AccountState,
    NewAccount,
    account,
    accounts,
    add_account,
    read_roles,
    set_password,
    set_roles,
    set_state,
)
from lodeline.node.access.callers import Caller, TokenId, UserName, user_name
from lodeline.node.access.guessing import BY_ACCOUNT, BY_SOURCE, Source, source_of
from lodeline.node.access.passwords import hash_password, is_password, new_password
from lodeline.node.access.refusals import (
    AccessNameMalformed,
    AccountExists,
    AccountUnknown,
    CredentialsMissing,
    CredentialsWrong,
    PasswordsBusy,
    PasswordTooLong,
    PasswordTooShort,
    RoleUnknown,
    ScopeMissing,
    ScopeNotOfRoles,
    ScopeUnknown,
    TokenLifetimeWrong,
    TokenUnknown,
    TooManyAttempts,
)
from lodeline.node.access.roles import PARTNER_SCOPES, ROLE_SCOPES, Role, Scope, scopes_of
from lodeline.node.access.schema import ACCESS_TOKENS, ACCOUNTS
from lodeline.node.access.tokens import (
    MAX_TOKEN_DAYS,
    TokenKind,
    issue_token,
    read_scopes,
    revoke_token,
    shown_token,
    tokens,
)
from lodeline.node.events.jobs import Who
from lodeline.node.events.store import TenantName

DAY = 86_400


def basic(user: str, password: str) -> dict[str, str]:
    shown = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"Basic {shown}"}


# ------------------------------------------------------------------ tokens


def test_a_token_says_who_asks_for_whom_and_what_for(house: House) -> None:
    shown = house.token("anna", Role.SITE_OPERATOR)
    caller = house.access.authenticate(bearer(shown))
    assert caller.tenant == house.tenant
    assert caller.user == "anna"
    assert caller.scopes == ROLE_SCOPES[Role.SITE_OPERATOR]
    assert caller.partner is None
    assert caller.token == shown.split("_")[1]
    caller.require(Scope.EVENTS_CAPTURE)
    with pytest.raises(ScopeMissing) as refused:
        caller.require(Scope.ACCOUNTS_WRITE)
    assert (refused.value.user, refused.value.scope) == ("anna", "accounts:write")


@pytest.mark.parametrize("header", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_headers_and_schemes_are_taken_in_any_case(
    small_house: House, header: str, scheme: str
) -> None:
    shown = small_house.token("anna", Role.TRADER)
    assert small_house.access.authenticate({header: f"{scheme} {shown}"}).user == "anna"


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"X-Token": "lodeline_1"}])
def test_a_request_that_says_nothing_is_asked_who_it_is(
    small_house: House, headers: dict[str, str]
) -> None:
    with pytest.raises(CredentialsMissing) as refused:
        small_house.access.authenticate(headers)
    assert refused.value.status == 401
    assert refused.value.exception == "SecurityException"


@pytest.mark.parametrize(
    "shown",
    [
        "Bearer",
        "Bearer ",
        "Bearer lodeline",
        "Bearer a.b.c",
        "Bearer lodeline_0123456789abcdef_" + "A" * 43,
        "Basic",
        "Basic !!!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"with\0nul:password").decode(),
        "Digest username=anna",
        "Negotiate abc",
        "x" * 20_000,
        "Bearer " + "y" * 20_000,
    ],
)
def test_whatever_is_no_valid_token_is_refused_alike(house: House, shown: str) -> None:
    house.token("anna", Role.TRADER)
    with pytest.raises(CredentialsWrong) as refused:
        house.access.authenticate({"Authorization": shown})
    assert refused.value.status == 401
    assert refused.value.fields() == {}


def test_the_thief_of_a_backup_finds_no_token_and_no_password(house: House) -> None:
    shown = house.token("anna", Role.TRADER)
    house.account("bob", Role.TRADER, password=PASSWORD)
    secret = shown.split("_", 2)[2]
    with house.store.reading() as connection:
        kept = repr(
            [*connection.execute(select(ACCESS_TOKENS)), *connection.execute(select(ACCOUNTS))]
        )
    assert len(kept) > 100
    assert secret not in kept
    assert PASSWORD not in kept
    assert "$argon2id$" in kept


def test_a_token_is_not_in_what_is_printed_of_it(small_house: House) -> None:
    user = small_house.account("anna", Role.TRADER)
    made = issue_token(small_house.store, small_house.tenant, user, by=ADMIN, days=1)
    secret = made.bearer.split("_", 2)[2]
    assert secret not in repr(made)
    assert secret not in repr(shown_token(made.bearer))


@pytest.mark.parametrize("at", [9, 20, 26, 40, 67])
def test_a_token_with_one_character_changed_is_no_token(small_house: House, at: int) -> None:
    shown = small_house.token("anna", Role.TRADER)
    other = "A" if shown[at] != "A" else "B"
    with pytest.raises(CredentialsWrong):
        small_house.access.authenticate(bearer(shown[:at] + other + shown[at + 1 :]))


def test_the_secret_of_one_token_does_not_open_another(small_house: House) -> None:
    one, two = (small_house.token(name, Role.TRADER) for name in ("anna", "bob"))
    mixed = "_".join([*one.split("_")[:2], two.split("_", 2)[2]])
    with pytest.raises(CredentialsWrong):
        small_house.access.authenticate(bearer(mixed))


def test_a_token_opens_nothing_from_the_moment_that_it_expires(
    house: House, clock: SetClock
) -> None:
    user = house.account("anna", Role.TRADER)
    made = issue_token(house.store, house.tenant, user, by=ADMIN, days=2)
    clock.pass_seconds(2 * DAY - 1)
    assert house.access.authenticate(bearer(made.bearer)).user == user
    clock.pass_seconds(1)
    with pytest.raises(CredentialsWrong):
        house.access.authenticate(bearer(made.bearer))


def test_a_revoked_token_opens_nothing_at_once_and_stays_revoked(
    house: House, clock: SetClock
) -> None:
    shown = house.token("anna", Role.TRADER)
    caller = house.access.authenticate(bearer(shown))
    assert caller.token is not None
    first = revoke_token(house.store, house.tenant, caller.token, ADMIN)
    clock.pass_seconds(5)
    assert revoke_token(house.store, house.tenant, caller.token, ADMIN) == first
    with pytest.raises(CredentialsWrong):
        house.access.authenticate(bearer(shown))


def test_the_administrator_of_another_tenant_reaches_no_token_or_account(house: House) -> None:
    shown = house.token("anna", Role.TRADER)
    other = house.store.tenant(TenantName("refiner"))
    token = TokenId(shown.split("_")[1])
    with pytest.raises(TokenUnknown):
        revoke_token(house.store, other, token, ADMIN)
    with pytest.raises(AccountUnknown):
        set_state(house.store, other, UserName("anna"), AccountState.DISABLED, ADMIN)
    with pytest.raises(AccountUnknown):
        set_password(
            house.store, other, UserName("anna"), new_password(PASSWORD), by=ADMIN, cost=CHEAP
        )
    with pytest.raises(AccountUnknown):
        issue_token(house.store, other, UserName("anna"), by=ADMIN, days=1)
    assert list(tokens(house.store, other)) == []
    assert list(accounts(house.store, other)) == []
    assert house.access.authenticate(bearer(shown)).user == "anna"


def test_a_disabled_account_opens_nothing_until_it_is_let_in_again(house: House) -> None:
    shown = house.token("anna", Role.TRADER)
    user = UserName("anna")
    set_state(house.store, house.tenant, user, AccountState.DISABLED, ADMIN)
    with pytest.raises(CredentialsWrong):
        house.access.authenticate(bearer(shown))
    set_state(house.store, house.tenant, user, AccountState.ACTIVE, ADMIN)
    assert house.access.authenticate(bearer(shown)).user == user


def test_a_role_that_is_taken_away_is_gone_from_older_tokens(house: House) -> None:
    shown = house.token("anna", Role.REFINER, Role.ADMINISTRATOR)
    assert house.access.authenticate(bearer(shown)).may(Scope.ACCOUNTS_WRITE)
    set_roles(house.store, house.tenant, UserName("anna"), frozenset({Role.AUDITOR}), ADMIN)
    assert house.access.authenticate(bearer(shown)).scopes == {Scope.EVENTS_READ}


def test_a_role_that_is_given_later_does_not_widen_a_token(house: House) -> None:
    shown = house.token("anna", Role.AUDITOR)
    set_roles(house.store, house.tenant, UserName("anna"), frozenset(Role), ADMIN)
    assert house.access.authenticate(bearer(shown)).scopes == {Scope.EVENTS_READ}


def test_a_token_has_the_scopes_that_it_was_made_with(small_house: House) -> None:
    user = small_house.account("meter", Role.SITE_OPERATOR)
    only = frozenset({Scope.EVENTS_CAPTURE})
    made = issue_token(small_house.store, small_house.tenant, user, by=ADMIN, days=1, scopes=only)
    assert small_house.access.authenticate(bearer(made.bearer)).scopes == only


def test_no_token_may_do_what_its_account_may_not(small_house: House) -> None:
    user = small_house.account("meter", Role.SITE_OPERATOR)
    with pytest.raises(ScopeNotOfRoles) as refused:
        issue_token(
            small_house.store,
            small_house.tenant,
            user,
            by=ADMIN,
            days=1,
            scopes=frozenset({Scope.OPERATE}),
        )
    assert refused.value.scope == "operate"
    assert list(tokens(small_house.store, small_house.tenant)) == []


@pytest.mark.parametrize("days", [-1, 0, MAX_TOKEN_DAYS + 1])
def test_a_token_lives_for_a_while_and_not_for_ever(small_house: House, days: int) -> None:
    user = small_house.account("meter", Role.SITE_OPERATOR)
    with pytest.raises(TokenLifetimeWrong) as refused:
        issue_token(small_house.store, small_house.tenant, user, by=ADMIN, days=days)
    assert refused.value.days == days


def test_the_last_use_of_a_token_is_known_to_the_hour(house: House, clock: SetClock) -> None:
    shown = house.token("anna", Role.TRADER)
    assert tokens(house.store, house.tenant)[0].used is None
    house.access.authenticate(bearer(shown))
    first = clock.now()
    clock.pass_seconds(3_599)
    house.access.authenticate(bearer(shown))
    assert tokens(house.store, house.tenant)[0].used == first
    clock.pass_seconds(1)
    house.access.authenticate(bearer(shown))
    assert tokens(house.store, house.tenant)[0].used == clock.now()


# ------------------------------------------------------------------ roles and partners


def test_nobody_of_a_partner_does_more_than_read_what_is_shared(small_house: House) -> None:
    shown = small_house.token("zoe", *Role, partner="refiner")
    caller = small_house.access.authenticate(bearer(shown))
    assert caller.scopes == PARTNER_SCOPES
    assert caller.partner == "refiner"
    assert not caller.sees_all
    assert set(caller.readers) == {"partner:refiner", "account:zoe"}


@pytest.mark.parametrize(
    ("roles", "sees_all"),
    [
        ({Role.TRADER}, True),
        ({Role.AUDITOR}, False),
        ({Role.AUDITOR, Role.COMPLIANCE}, True),
        ({Role.AUDITOR, Role.ADMINISTRATOR}, False),
        (set(), False),
    ],
)
def test_an_auditor_sees_what_is_shared_alone(
    small_house: House, roles: set[Role], sees_all: bool
) -> None:
    caller = small_house.access.authenticate(bearer(small_house.token("eve", *roles)))
    assert caller.sees_all is sees_all
    assert caller.readers == ("account:eve",)


def test_every_role_has_its_scopes_and_auditors_only_read() -> None:
    assert set(ROLE_SCOPES) == set(Role)
    assert scopes_of([Role.AUDITOR], partner=False) == {Scope.EVENTS_READ}
    assert scopes_of([], partner=False) == frozenset()
    assert Scope.EVENTS_READ not in ROLE_SCOPES[Role.ADMINISTRATOR]
    assert frozenset().union(*ROLE_SCOPES.values()) == frozenset(Scope)


def test_words_that_are_no_role_or_scope_are_named() -> None:
    with pytest.raises(RoleUnknown) as role:
        read_roles(["trader", "boss"])
    assert role.value.role == "boss"
    with pytest.raises(ScopeUnknown) as scope:
        read_scopes(["events:read", "events:burn"])
    assert scope.value.scope == "events:burn"


@pytest.mark.parametrize("name", ["", "a" * 129, "-a", "a b", "a\0", "ä", "a\n", "a/b", "a:b"])
def test_names_have_no_characters_that_mean_something_elsewhere(name: str) -> None:
    with pytest.raises(AccessNameMalformed) as refused:
        user_name(name)
    assert refused.value.name == name


def test_an_account_name_is_taken_once_on_a_node(house: House) -> None:
    house.account("anna", Role.TRADER)
    other = house.store.tenant(TenantName("refiner"))
    for tenant in (house.tenant, other):
        with pytest.raises(AccountExists) as refused:
            add_account(house.store, tenant, NewAccount(UserName("anna"), frozenset(Role)), ADMIN)
        assert refused.value.user == "anna"
    assert account(house.store, house.tenant, UserName("anna")).roles == {Role.TRADER}


# ------------------------------------------------------------------ passwords


def test_a_password_opens_a_session_and_single_requests(house: House) -> None:
    user = house.account("anna", Role.TRADER, password=PASSWORD)
    made = house.access.sign_in(user, PASSWORD)
    by_session = house.access.authenticate(bearer(made.bearer))
    by_password = house.access.authenticate(basic(user, PASSWORD))
    assert by_session.scopes == by_password.scopes == ROLE_SCOPES[Role.TRADER]
    assert by_session.token == made.token
    assert by_password.token is None
    assert [info.kind for info in tokens(house.store, house.tenant)] == [TokenKind.SESSION]


def test_a_session_ends_when_its_owner_signs_out(small_house: House) -> None:
    user = small_house.account("anna", Role.TRADER, password=PASSWORD)
    made = small_house.access.sign_in(user, PASSWORD)
    caller = small_house.access.authenticate(bearer(made.bearer))
    small_house.access.sign_out(caller)
    with pytest.raises(CredentialsWrong):
        small_house.access.authenticate(bearer(made.bearer))


def test_a_session_ends_after_half_a_day(small_house: House, clock: SetClock) -> None:
    user = small_house.account("anna", Role.TRADER, password=PASSWORD)
    made = small_house.access.sign_in(user, PASSWORD)
    clock.pass_seconds(12 * 3_600)
    with pytest.raises(CredentialsWrong):
        small_house.access.authenticate(bearer(made.bearer))


def test_a_new_password_ends_sessions_and_leaves_programs_alone(house: House) -> None:
    user = house.account("anna", Role.TRADER, password=PASSWORD)
    session = house.access.sign_in(user, PASSWORD)
    program = issue_token(house.store, house.tenant, user, by=ADMIN, days=1)
    fresh = new_password("another lantern, and rope")
    set_password(house.store, house.tenant, user, fresh, by=ADMIN, cost=CHEAP)
    with pytest.raises(CredentialsWrong):
        house.access.authenticate(bearer(session.bearer))
    with pytest.raises(CredentialsWrong):
        house.access.sign_in(user, PASSWORD)
    assert house.access.authenticate(bearer(program.bearer)).user == user
    assert house.access.sign_in(user, fresh).user == user


@pytest.mark.parametrize(
    "password", ["", PASSWORD[:-1], PASSWORD + " ", "x" * 5_000, "\0", "\ud800"]
)
def test_another_password_is_wrong_whatever_it_is(small_house: House, password: str) -> None:
    user = small_house.account("anna", Role.TRADER, password=PASSWORD)
    with pytest.raises(CredentialsWrong):
        small_house.access.sign_in(user, password)


def test_an_account_without_a_password_has_none_that_opens_it(small_house: House) -> None:
    user = small_house.account("anna", Role.TRADER)
    for password in ("", "None", PASSWORD):
        with pytest.raises(CredentialsWrong):
            small_house.access.sign_in(user, password)


def test_a_disabled_account_is_refused_with_its_right_password(small_house: House) -> None:
    user = small_house.account("anna", Role.TRADER, password=PASSWORD)
    set_state(small_house.store, small_house.tenant, user, AccountState.DISABLED, Who("root"))
    with pytest.raises(CredentialsWrong):
        small_house.access.sign_in(user, PASSWORD)


def test_passwords_are_compared_as_people_type_them() -> None:
    kept = hash_password(new_password("Ａluminium häuser"), CHEAP)
    assert is_password("Aluminium häuser", kept, CHEAP)
    assert hash_password(new_password(PASSWORD), CHEAP) != hash_password(
        new_password(PASSWORD), CHEAP
    )


def test_new_passwords_are_neither_short_nor_endless() -> None:
    with pytest.raises(PasswordTooShort) as short:
        new_password("x" * 11)
    assert short.value.least == 12
    with pytest.raises(PasswordTooLong) as long:
        new_password("é" * 600)
    assert long.value.most == 1_024
    assert new_password("x" * 1_024)


# ------------------------------------------------------------------ guessing


def test_a_guesser_of_tokens_has_to_wait_longer_each_time(
    small_house: House, clock: SetClock
) -> None:
    thief, wrong = source_of("203.0.113.9"), bearer("lodeline_wrong")
    for _ in range(BY_SOURCE.free + 1):
        with pytest.raises(CredentialsWrong):
            small_house.access.authenticate(wrong, thief)
    waited = []
    for _ in range(12):
        with pytest.raises(TooManyAttempts) as refused:
            small_house.access.authenticate(wrong, thief)
        waited.append(refused.value.seconds)
        clock.pass_seconds(refused.value.seconds)
        with pytest.raises(CredentialsWrong):
            small_house.access.authenticate(wrong, thief)
    assert waited[:4] == [1, 2, 4, 8]
    assert waited[-1] == BY_SOURCE.longest_seconds


def test_a_right_token_is_taken_where_others_guess_and_a_right_password_is_not(
    house: House,
) -> None:
    """Behind one address there are many: a guesser among them locks out no program."""
    shown = house.token("anna", Role.TRADER)
    user = house.account("mia", Role.TRADER, password=PASSWORD)
    thief, wrong = (
        source_of("203.0.113.9"),
        bearer(f"{shown[:-1]}{'b' if shown[-1] == 'a' else 'a'}"),
    )
    for _ in range(BY_SOURCE.free + 1):
        with pytest.raises(CredentialsWrong):
            house.access.authenticate(wrong, thief)
    assert house.access.authenticate(bearer(shown), thief).user == "anna"
    for shown_wrong in (wrong, bearer("a.b.c"), bearer(""), basic(user, PASSWORD)):
        with pytest.raises(TooManyAttempts) as refused:
            house.access.authenticate(shown_wrong, thief)
        assert refused.value.seconds == 1
    with pytest.raises(TooManyAttempts):
        house.access.sign_in(user, PASSWORD, thief)


def test_strangers_with_passwords_leave_threads_to_others(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as may wait do: the next one is told so at once and counted nowhere."""
    user = small_house.account("mia", Role.TRADER, password=PASSWORD)
    busy = BoundedSemaphore(1)
    assert busy.acquire(blocking=False)
    monkeypatch.setattr(passwords, "_asking", busy)
    for _ in range(BY_SOURCE.free + 2):
        with pytest.raises(PasswordsBusy) as refused:
            small_house.access.sign_in(user, PASSWORD)
        assert refused.value.seconds == 1
    busy.release()
    assert small_house.access.sign_in(user, PASSWORD).user == user


def test_a_guesser_is_forgotten_after_a_quiet_while(small_house: House, clock: SetClock) -> None:
    thief = source_of("203.0.113.9")
    for _ in range(BY_SOURCE.free + 1):
        with pytest.raises(CredentialsWrong):
            small_house.access.authenticate(bearer("x"), thief)
    clock.pass_seconds(1_000)
    for _ in range(BY_SOURCE.free):
        with pytest.raises(CredentialsWrong):
            small_house.access.authenticate(bearer("x"), thief)


def test_a_guesser_with_many_addresses_is_slowed_by_account(
    small_house: House, clock: SetClock
) -> None:
    user = small_house.account("anna", Role.TRADER, password=PASSWORD)
    for at in range(BY_ACCOUNT.free + 1):
        with pytest.raises(CredentialsWrong):
            small_house.access.sign_in(user, "wrong", source_of(f"198.51.100.{at}"))
    with pytest.raises(TooManyAttempts) as refused:
        small_house.access.sign_in(user, PASSWORD, source_of("192.0.2.1"))
    assert refused.value.seconds == 1
    clock.pass_seconds(1)
    assert small_house.access.sign_in(user, PASSWORD, source_of("192.0.2.1")).user == user


def test_a_guesser_with_a_network_of_its_own_is_one_source() -> None:
    assert source_of("2001:db8:1:2::1") == source_of("2001:db8:1:2:ffff::9")
    assert source_of("2001:db8:1:2::1") != source_of("2001:db8:1:3::1")
    assert source_of("::ffff:192.0.2.1") == source_of("192.0.2.1")
    assert source_of("unix") == Source("unix")


def test_who_never_errs_is_never_slowed(small_house: House) -> None:
    shown = small_house.token("anna", Role.TRADER)
    found: list[Caller] = [
        small_house.access.authenticate(bearer(shown)) for _ in range(3 * BY_SOURCE.free)
    ]
    assert {caller.user for caller in found} == {"anna"}
