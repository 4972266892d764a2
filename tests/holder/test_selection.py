"""Choosing lots: fewest, then oldest, always the same; never what cannot be spent."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.proofs.scenarios import SITE, Scenario, mass

from lodeline.crypto.group import ONE, encode_scalar
from lodeline.crypto.onetime import tag
from lodeline.custody.forms import FormClass
from lodeline.custody.strands import Strand
from lodeline.holder.building import OwnedLot
from lodeline.holder.plan_refusals import AssuranceTooSmall, NotEnoughHeld
from lodeline.holder.records import HeldLot, LotStatus
from lodeline.holder.selection import (
    choose_assurances,
    choose_lots,
    choose_rights,
    fewest_oldest,
    usable,
)
from lodeline.holder.wishes import Supply
from lodeline.kernel.ids import ElementSymbol, FormName, Hash32, SiteId, StandardName
from lodeline.kernel.time import BlockTime

CO = Strand.parse("Co")
SEGREGATED = "IRMA-75/segregated"


@pytest.fixture(scope="module")
def scene() -> Scenario:
    return Scenario()


def held(supply: Supply, leaf: int = 0) -> HeldLot:
    lot = supply.source
    assert isinstance(lot, OwnedLot)
    return HeldLot(
        lot=lot.lot_id,
        public=lot.public,
        opening=lot.opening,
        offset=encode_scalar(ONE),
        tag=tag(lot.secret),
        maker=Hash32(bytes(32)),
        output=0,
        leaf=leaf,
        time=BlockTime(0),
        status=LotStatus.UNSPENT,
        reserved_for=None,
        spent_by=None,
        site=None,
        product=None,
        references=(),
        memo="",
    )


@given(st.lists(st.integers(0, 20), max_size=7), st.integers(1, 60))
def test_the_choice_is_the_oldest_of_the_smallest(amounts: list[int], wanted: int) -> None:
    items = list(enumerate(amounts))
    chosen = fewest_oldest(items, lambda item: item[1], wanted)
    fitting = [
        choice
        for count in range(1, len(items) + 1)
        for choice in combinations(items, count)
        if sum(amount for _, amount in choice) >= wanted
    ]
    if not fitting:
        assert chosen is None
        return
    fewest = min(len(choice) for choice in fitting)
    assert chosen == list(min(choice for choice in fitting if len(choice) == fewest))


def test_only_lots_that_can_be_spent_count(scene: Scenario) -> None:
    lot = held(scene.lot("cobalt-hydroxide", {"Co": "1 t"}))
    others = [
        structs.replace(lot, status=LotStatus.SPENT),
        structs.replace(lot, status=LotStatus.RESERVED),
        held(scene.lot("cobalt-sulfate", {"Co": "1 t"})),
    ]
    form = FormName("cobalt-hydroxide")
    assert usable(scene.desk, [*others, lot], [form]) == [lot]
    licence = held(scene.licence(Co="1 t"))
    gone = structs.replace(
        licence, public=structs.replace(licence.public, expires=scene.desk.now - 1)
    )
    last = structs.replace(licence, public=structs.replace(licence.public, expires=scene.desk.now))
    assert usable(scene.desk, [gone, last], [FormName("licence")]) == [last]
    with pytest.raises(NotEnoughHeld) as refused:
        choose_lots(scene.desk, [*others, lot], form, CO, mass("2 t"))
    assert (refused.value.held, refused.value.wanted) == (mass("1 t"), mass("2 t"))


def test_lots_can_be_held_to_a_claim(scene: Scenario) -> None:
    plain = held(scene.lot("cobalt-hydroxide", {"Co": "5 t"}))
    bearing = held(scene.lot("cobalt-hydroxide", {"Co": "1 t"}, {("Co", SEGREGATED): "1 t"}))
    form = FormName("cobalt-hydroxide")
    assert choose_lots(scene.desk, [plain, bearing], form, CO, mass("1 t")) == [plain]
    kept = choose_lots(
        scene.desk, [plain, bearing], form, CO, mass("1 t"), keep=lambda lot: bool(lot.claims)
    )
    assert kept == [bearing]


def test_rights_of_the_site_cover_every_metal(scene: Scenario) -> None:
    foreign = held(scene.licence(SiteId("site-2"), Co="100 t"))
    both = held(scene.licence(Co="5 t", Cu="5 t"))
    copper = held(scene.licence(Cu="50 t"))
    needs = {CO_LICENCE: mass("5 t"), Strand.parse("Cu.licence"): mass("20 t")}
    lots = [foreign, both, copper]
    chosen = choose_rights(scene.desk, lots, SITE, FormClass.LICENCE, needs)
    assert chosen == [both, copper]
    with pytest.raises(NotEnoughHeld) as refused:
        choose_rights(scene.desk, lots, SITE, FormClass.LICENCE, {CO_LICENCE: mass("6 t")})
    assert refused.value.held == mass("5 t")


CO_LICENCE = Strand.parse("Co.licence")


def test_assurances_of_the_site_cover_every_standard(scene: Scenario) -> None:
    two = held(scene.assurance({SEGREGATED: "5 t", "CIRAF/segregated": "5 t"}))
    more = held(scene.assurance({"CIRAF/identity-preserved": "50 t"}))
    cobalt = ElementSymbol("Co")
    irma, ciraf = (cobalt, StandardName("IRMA-75")), (cobalt, StandardName("CIRAF"))
    chosen = choose_assurances(
        scene.desk, [two, more], SITE, {irma: mass("5 t"), ciraf: mass("20 t")}
    )
    assert {lot.lot for lot in chosen} == {two.lot, more.lot}
    with pytest.raises(AssuranceTooSmall):
        choose_assurances(scene.desk, [two, more], SITE, {irma: mass("5.1 t")})
