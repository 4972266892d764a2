"""Every refusal of the event store is provoked, explains itself, and has its exception."""

import dataclasses
import typing
from pathlib import Path

import pytest

from lodeline.kernel.errors import Lang, LodelineError, all_errors
from lodeline.node.events import exceptions, refusals
from lodeline.node.events.states import Reason, reason_of

FOLDER = Path(__file__).parent
REASONS = [error for error in all_errors().values() if error.__module__ == refusals.__name__]
FAMILIES = [getattr(exceptions, name) for name in exceptions.__all__]
STANDARD = {
    "CaptureLimitExceededException",
    "ImplementationException",
    "NoSuchNameException",
    "NoSuchResourceException",
    "QueryTooComplexException",
    "QueryTooLargeException",
    "QueryValidationException",
    "ResourceAlreadyExistsException",
    "SecurityException",
    "SubscriptionControlsException",
    "UnsupportedMediaTypeException",
    "ValidationException",
}
"""What the standard's interface description knows."""


def example(error: type[LodelineError]) -> LodelineError:
    values = {"int": 7, "str": "urn:x:something"}
    # Any: dataclasses.fields is typed for decorated classes, and refusals decorate themselves.
    fields = dataclasses.fields(typing.cast(typing.Any, error))
    return error(**{field.name: values[str(field.type)] for field in fields})


def test_there_are_refusals_to_look_at() -> None:
    assert len(REASONS) == len(refusals.__all__) > 12


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
def test_each_is_provoked_by_a_test(error: type[LodelineError]) -> None:
    sources = [path for path in FOLDER.glob("test_*.py") if path != Path(__file__)]
    assert len(sources) > 5
    texts = [path.read_text() for path in sources]
    assert any(error.__name__ in text or f'"{error.code}"' in text for text in texts)


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_explains_itself(error: type[LodelineError], lang: Lang) -> None:
    said = example(error).explain(lang)
    assert "{" not in said
    assert len(said) > 40


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
def test_each_has_an_exception_of_the_standard_and_a_status(error: type[LodelineError]) -> None:
    assert issubclass(error, exceptions.EpcisException)
    assert error.exception in STANDARD
    assert 400 <= error.status < 600


def test_every_family_is_of_the_standard() -> None:
    assert len(FAMILIES) > 10
    named = {family.exception for family in FAMILIES if family is not exceptions.EpcisException}
    assert named <= STANDARD


def test_a_reason_keeps_what_a_refusal_says() -> None:
    error = refusals.EventUnknown("urn:x:1")
    assert reason_of(error) == Reason(
        "event-unknown",
        error.message("en"),
        error.message("fr"),
        error.advice("en"),
        error.advice("fr"),
    )
