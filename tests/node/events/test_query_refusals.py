"""Every refusal of a query is provoked, explains itself, and has its exception of the standard."""

import dataclasses
import typing
from pathlib import Path

import pytest

from lodeline.kernel.errors import Lang, LodelineError, all_errors
from lodeline.node.events import query_refusals
from lodeline.node.events.exceptions import EpcisException

FOLDER = Path(__file__).parent
REASONS = [error for error in all_errors().values() if error.__module__ == query_refusals.__name__]
STANDARD = {
    "NoSuchNameException": {404},
    "NoSuchResourceException": {404},
    "QueryParameterException": {400},
    "QueryTooComplexException": {413},
    "QueryTooLargeException": {413},
    "QueryValidationException": {400},
    "ResourceAlreadyExistsException": {409},
}
"""Exceptions of the standard's interface description, and their HTTP status."""


def example(error: type[LodelineError]) -> LodelineError:
    values = {"int": 7, "str": "EQ_bizStep", "tuple[str, ...]": ("ASC", "DESC")}
    # Any: dataclasses.fields is typed for decorated classes, and refusals decorate themselves.
    fields = dataclasses.fields(typing.cast(typing.Any, error))
    return error(**{field.name: values[str(field.type)] for field in fields})


def test_there_are_refusals_to_look_at() -> None:
    families = 1
    assert len(REASONS) == len(query_refusals.__all__) - families > 20


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
def test_each_is_provoked_by_a_test(error: type[LodelineError]) -> None:
    sources = [path for path in FOLDER.glob("test_query_*.py") if path != Path(__file__)]
    assert len(sources) > 4
    assert any(error.__name__ in path.read_text() for path in sources)


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
