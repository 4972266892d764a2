"""Allocation weights: the most precise entry counts, and tables hold for their time."""

import msgspec
import pytest
from tests.custody import shipped

from lodeline.custody.allocation import AllocationTable, UnknownAllocation
from lodeline.custody.recipes import Weight
from lodeline.kernel.ids import FormName, StrandName
from lodeline.kernel.time import BlockTime

SLAG, INGOT = FormName("slag"), FormName("ingot")
TIN, LEAD = StrandName("Sn"), StrandName("Pb")


def table(*weights: tuple[str, str, int]) -> AllocationTable:
    rows = tuple(Weight(FormName(form), StrandName(strand), ppm) for form, strand, ppm in weights)
    return AllocationTable("t", "t", "t", 10, 20, rows, "invented")


def test_the_most_precise_entry_counts() -> None:
    given = table(("*", "X", 1), ("*", "Sn", 2), ("slag", "X", 3), ("slag", "Sn", 4))
    assert given.weight(SLAG, TIN) == 4
    assert given.weight(SLAG, LEAD) == 3
    assert given.weight(INGOT, TIN) == 2
    assert given.weight(INGOT, LEAD) == 1


def test_zero_is_a_weight_and_silence_is_none() -> None:
    given = table(("slag", "X", 0))
    assert given.weight(SLAG, TIN) == 0
    assert given.weight(INGOT, TIN) is None


def test_the_wildcard_stands_for_metals_only() -> None:
    given = table(("*", "X", 1))
    assert given.weight(SLAG, StrandName("Sn.tolerance")) is None


def test_a_table_holds_from_its_first_to_its_last_second() -> None:
    given = table()
    held = [moment for moment in range(5, 25) if given.holds_at(BlockTime(moment))]
    assert held == list(range(10, 21))
    endless = msgspec.structs.replace(given, valid_to=None)
    assert endless.holds_at(BlockTime(10**9))


def test_a_table_that_is_not_there() -> None:
    tables = shipped.allocation()
    assert "contained-mass-2025" in tables
    with pytest.raises(UnknownAllocation) as refused:
        tables["by-luck"]
    assert refused.value.table == "by-luck"


def test_only_the_residue_that_is_leached_again_has_a_weight() -> None:
    residues = [form for form in shipped.forms().all() if form.form_class.value == "residue"]
    assert len(residues) >= 10
    for packaged in shipped.allocation().all():
        for form in residues:
            weights = {packaged.weight(form.name, item.strand) for item in form.strands}
            assert (weights == {0}) == (form.name != "leach-residue"), (packaged.name, form.name)
