"""Every refusal of the engine, and every fault that `fsck` names, is provoked and explained."""

from pathlib import Path

import pytest

from lodeline.engine import faults, refusals
from lodeline.kernel.errors import Lang, LodelineError, all_errors

FOLDER = Path(__file__).parent
MODULES = (faults.__name__, refusals.__name__)
REASONS = [error for error in all_errors().values() if error.__module__ in MODULES]
VALUES: dict[str, object] = {
    "int": 7,
    "str": "/data/ledger.db",
    "LeafIndex": 3,
    "TreeSize": 9,
    "BlockTime": 1_790_000_000,
    "Hash32": bytes(32),
    "EntryHash": bytes(32),
    "EntryHash | None": None,
    "ProtocolVersion": 2,
    "tuple[ProtocolVersion, ...]": (1,),
}


def example(error: type[LodelineError]) -> LodelineError:
    """Return a refusal of this class with plausible values."""
    kinds: dict[str, str] = error.__annotations__
    return error(**{name: VALUES[kind] for name, kind in kinds.items()})


def test_there_are_refusals_to_look_at() -> None:
    assert len(REASONS) > 25


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
def test_each_is_provoked_by_a_test(error: type[LodelineError]) -> None:
    sources = [path for path in FOLDER.glob("test_*.py") if path != Path(__file__)]
    assert len(sources) > 5
    assert any(error.__name__ in path.read_text() for path in sources)


@pytest.mark.parametrize("error", REASONS, ids=lambda error: error.__name__)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_explains_itself(error: type[LodelineError], lang: Lang) -> None:
    said = example(error).explain(lang)
    assert "{" not in said
    assert len(said) > 40


def test_no_fault_is_taken_for_a_refusal() -> None:
    for error in REASONS:
        family = faults.Fault if error.__module__ == faults.__name__ else refusals.EngineRefused
        assert issubclass(error, family)
