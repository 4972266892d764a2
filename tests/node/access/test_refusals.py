"""Every refusal of access says what and why in both languages, and gives nothing away."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import pytest

from lodeline.kernel.errors import LodelineError, all_errors
from lodeline.node.access import (
    openid_refusals,
    policy_refusals,
    refusals,
    trail_refusals,
)
from lodeline.node.events.exceptions import EpcisException, SecurityException

MODULES = {
    module.__name__ for module in (openid_refusals, policy_refusals, refusals, trail_refusals)
}
REASONS = [error for error in all_errors().values() if error.__module__ in MODULES]
FIELDS: dict[str, object] = {
    "seconds": 7,
    "days": 400,
    "most": 366,
    "least": 12,
    "number": 5,
    "found": 4,
    "index": 3,
    "expires": 0,
    "digest": bytes(range(32)),
    "known": ("one", "two"),
}


def made(reason: type[LodelineError]) -> LodelineError:
    # Any: dataclasses.fields is typed for decorated classes, and refusals decorate themselves.
    names = [field.name for field in dataclasses.fields(cast(Any, reason))]
    return reason(**{name: FIELDS.get(name, f"the-{name}") for name in names})


def test_there_are_reasons() -> None:
    assert len(REASONS) > 25
    assert {reason.code.startswith("access-") for reason in REASONS} == {True}


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.code)
def test_a_reason_is_said_in_both_languages(reason: type[LodelineError]) -> None:
    error = made(reason)
    english, french = error.explain("en"), error.explain("fr")
    assert english != french
    assert "{" not in english + french
    assert error.problem("fr")["status"] == reason.status


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.code)
def test_each_reason_is_provoked_by_a_test(reason: type[LodelineError]) -> None:
    here = Path(__file__)
    texts = [path.read_text() for path in here.parent.glob("test_*.py") if path != here]
    assert len(texts) > 4
    assert any(reason.__name__ in text for text in texts)


def test_whoever_is_not_known_is_a_matter_of_security_to_the_standard() -> None:
    for reason in REASONS:
        if reason.status in {401, 403, 429}:
            assert issubclass(reason, SecurityException), reason
            assert issubclass(reason, EpcisException)


def test_a_wrong_token_and_an_unknown_account_are_refused_with_the_same_words() -> None:
    error = refusals.CredentialsWrong()
    assert error.fields() == {}
    assert refusals.CredentialsMissing().fields() == {}
    assert openid_refusals.SignInOver().fields() == {}
