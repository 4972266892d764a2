"""Every refusal of EPCIS documents and GS1 keys is provoked by a test and explains itself."""

from pathlib import Path
from typing import get_type_hints

import pytest

from lodeline.exchange.epcis import errors as epcis_errors
from lodeline.exchange.gs1 import errors as gs1_errors
from lodeline.kernel.errors import Lang, LodelineError, all_errors

FOLDERS = (Path(__file__).parent, Path(__file__).parent.parent / "gs1")
MODULES = (epcis_errors.__name__, gs1_errors.__name__)
REASONS = [error for error in all_errors().values() if error.__module__ in MODULES]
VALUES: dict[type, object] = {int: 7, str: "urn:x:1"}


def example(error: type[LodelineError]) -> LodelineError:
    """Return a refusal of this class with plausible values."""
    kinds = get_type_hints(error)
    return error(**{n: VALUES[kind] for n, kind in kinds.items() if kind in VALUES})


def test_there_are_refusals_to_look_at() -> None:
    assert len(REASONS) > 30


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
def test_each_is_provoked_by_a_test(error: type[LodelineError]) -> None:
    sources = [
        path for folder in FOLDERS for path in folder.glob("test_*.py") if path != Path(__file__)
    ]
    assert len(sources) > 4
    assert any(error.__name__ in path.read_text() for path in sources)


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_explains_itself(error: type[LodelineError], lang: Lang) -> None:
    said = example(error).explain(lang)
    assert "{" not in said
    assert len(said) > 40


def test_each_belongs_to_its_family() -> None:
    for error in REASONS:
        if error.__module__ == gs1_errors.__name__:
            assert issubclass(error, gs1_errors.Gs1Refused)
        else:
            assert issubclass(error, epcis_errors.EpcisRefused)
