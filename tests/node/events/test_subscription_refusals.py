"""Every refusal of a subscription is provoked, explains itself, and has a name of the standard."""

import dataclasses
import typing
from pathlib import Path

import pytest

from lodeline.kernel.errors import Lang, LodelineError, all_errors
from lodeline.node.events import subscription_refusals
from lodeline.node.events.exceptions import EpcisException

FOLDER = Path(__file__).parent
NAMES = ("schedules", "destinations", "webhooks", "deliveries")
REASONS = [
    error for error in all_errors().values() if error.__module__ == subscription_refusals.__name__
]
STANDARD = {
    "NoSuchResourceException": {404},
    "SubscriptionControlsException": {400},
    "ValidationException": {400},
}


def example(error: type[LodelineError]) -> LodelineError:
    values = {"int": 7, "str": "minute"}
    # Any: dataclasses.fields is typed for decorated classes, and refusals decorate themselves.
    fields = dataclasses.fields(typing.cast(typing.Any, error))
    return error(**{field.name: values[str(field.type)] for field in fields})


def test_there_are_refusals_to_look_at() -> None:
    families = 1
    assert len(REASONS) == len(subscription_refusals.__all__) - families > 15


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
def test_each_is_provoked_by_a_test(error: type[LodelineError]) -> None:
    sources = [(FOLDER / f"test_{name}.py").read_text() for name in NAMES]
    assert any(error.__name__ in source for source in sources)


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_explains_itself(error: type[LodelineError], lang: Lang) -> None:
    said = example(error).explain(lang)
    assert "None" not in said
    assert len(said) > 40


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
def test_each_has_an_exception_of_the_standard_and_its_status(
    error: type[LodelineError],
) -> None:
    assert issubclass(error, EpcisException)
    assert error.status in STANDARD[error.exception]
