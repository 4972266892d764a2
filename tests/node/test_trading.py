"""Trade: offers that wait, end, or are taken in part; and steps that are undone."""

import pytest
from tests.node.benches import Bench

from lodeline.custody.strands import Strand
from lodeline.engine.interface import Receipt
from lodeline.exchange.transform_file import ElementAmount
from lodeline.holder.plan_refusals import MoreOutThanIn, SplitTooSmall
from lodeline.holder.records import LotStatus, OfferSide, OfferState
from lodeline.holder.signing import hashed_reason
from lodeline.holder.vault import LotNotFree
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, MemberId
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.kernel.units import Milligrams
from lodeline.ledger.entries import Decline
from lodeline.ledger.log import read_leaf
from lodeline.ledger.merkle import LeafIndex, TreeSize
from lodeline.ledger.refusals_entries import EntryAlreadyAccepted, UnknownMember
from lodeline.ledger.refusals_offers import OfferClosed, OfferTooLate
from lodeline.ledger.refusals_transforms import LotRecalled
from lodeline.node.requests import Request
from lodeline.node.trading import (
    OfferUnknownHere,
    PartWanted,
    accept,
    buyer_of,
    decline,
    decline_for_part,
    encode_part,
    offer,
    offer_named,
    offer_part,
    read_part,
    withdraw,
)
from lodeline.node.undoing import (
    NotAllHeld,
    NotTheGiver,
    Undoing,
    encode_undoing,
    go_on,
    read_undoing,
    recall,
    reverse,
)

CO = Strand.parse("Co")
DEADLINE = parse_time("2026-10-20T00:00:00Z")


def _offered(bench: Bench, deadline: BlockTime = DEADLINE) -> str:
    ore = bench.mined()
    with bench.at("pit") as own:
        (made,) = offer(own, [own.vault.lot(ore.lot_id)], MemberId("trader"), deadline)
        assert isinstance(made.sent, Receipt)
        assert buyer_of(own, own.vault.offer(made.offer)) == "trader"
    return made.offer.hex()


def test_a_lot_changes_hands_with_its_numbers_and_its_seals(bench: Bench) -> None:
    number = _offered(bench)
    with bench.at("pit") as own:
        assert own.vault.lots(LotStatus.RESERVED)[0].public.form == "copper-cobalt-ore"
    with bench.at("trader") as own:
        offered = offer_named(own, number[:12])
        assert offered.side is OfferSide.RECEIVED
        accept(own, offered)
        (lot,) = own.unspent()
        assert lot.contents.amount(CO) == 112_057_920
        assert "A-1044" in lot.memo
        assert own.vault.offer(offered.offer_id).state is OfferState.ACCEPTED
    with bench.at("pit") as own:
        assert not [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]


def test_a_reason_for_declining_can_be_shown_and_not_guessed(bench: Bench) -> None:
    number = _offered(bench)
    with bench.at("trader") as own:
        decline(own, offer_named(own, number), "assay differs")
        kept = own.vault.offer(offer_named(own, number).offer_id)
    last = bench.session.ledger.size - 1
    (leaf,) = bench.session.ledger.entries(LeafIndex(last), TreeSize(last + 1))
    entry = read_leaf(leaf).entry
    assert isinstance(entry, Decline)
    assert entry.body.reason == hashed_reason("assay differs", kept.salt)
    assert entry.body.reason != hashed_reason("assay differs", bytes(32))
    with bench.at("pit") as own:
        assert [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]


def test_a_seller_takes_back_what_nobody_accepted(bench: Bench) -> None:
    number = _offered(bench)
    with bench.at("pit") as own:
        withdraw(own, offer_named(own, number))
        assert [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]
        with pytest.raises(EntryAlreadyAccepted):
            withdraw(own, offer_named(own, number))
    with bench.at("trader") as own, pytest.raises(OfferClosed):
        accept(own, offer_named(own, number))


def test_nobody_accepts_after_the_deadline(bench: Bench) -> None:
    number = _offered(bench)
    bench.move("2026-10-20T00:00:01Z")
    with bench.at("trader") as own:
        offered = offer_named(own, number)
        with pytest.raises(OfferTooLate) as refused:
            accept(own, offered)
        assert refused.value.deadline == DEADLINE
    with bench.at("pit") as own:
        withdraw(own, offer_named(own, number))


def test_a_lot_is_not_offered_twice_and_a_right_never(bench: Bench) -> None:
    _offered(bench)
    with bench.at("pit") as own:
        (ore,) = own.vault.lots(LotStatus.RESERVED)
        with pytest.raises(LotNotFree):
            offer(own, [ore], MemberId("trader"), DEADLINE)
        licence = next(lot for lot in own.unspent() if lot.public.form == "licence")
        with pytest.raises(LodelineError):
            offer(own, [licence], MemberId("trader"), DEADLINE)
        assert own.vault.free_lot(licence.lot_id) == licence
        with pytest.raises(UnknownMember):
            offer(own, [licence], MemberId("nobody"), DEADLINE)


def test_an_offer_is_named_by_its_beginning(bench: Bench) -> None:
    _offered(bench)
    with bench.at("trader") as own:
        with pytest.raises(OfferUnknownHere):
            offer_named(own, "ffffffffffffffff")
        with pytest.raises(OfferUnknownHere):
            offer_named(own, "", OfferSide.MADE)


def test_a_part_is_accepted_by_declining_splitting_and_offering_again(bench: Bench) -> None:
    number = _offered(bench)
    wanted = ElementAmount(ElementSymbol("Co"), Milligrams(50_000_000))
    with bench.at("trader") as own:
        _, part = decline_for_part(own, offer_named(own, number), wanted)
        again = read_part(encode_part(part))
        assert again == part
    with bench.at("pit") as own:
        made = offer_part(own, again, None)
        assert own.vault.offer(made.offer).deadline == DEADLINE
    with bench.at("trader") as own:
        accept(own, own.vault.offer(made.offer))
        (lot,) = own.unspent()
        assert lot.contents.amount(CO) == 50_000_000
    with bench.at("pit") as own:
        left = [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]
        assert [lot.contents.amount(CO) for lot in left] == [62_057_920]


@pytest.mark.parametrize(
    ("amount", "error"), [(500_000_000, MoreOutThanIn), (112_057_920, SplitTooSmall)]
)
def test_a_part_is_less_than_the_lot(bench: Bench, amount: int, error: type[Exception]) -> None:
    number = _offered(bench)
    wanted = ElementAmount(ElementSymbol("Co"), Milligrams(amount))
    with bench.at("trader") as own:
        _, part = decline_for_part(own, offer_named(own, number), wanted)
    assert isinstance(part, PartWanted)
    with bench.at("pit") as own, pytest.raises(error):
        offer_part(own, part, None)


# ------------------------------------------------------------------ undoing


def test_a_mistake_is_undone_by_whoever_made_it(bench: Bench) -> None:
    ore = bench.mined()
    text = (
        f"recipe: split\ninputs: [{ore.lot_id.hex()[:12]}]\n"
        "outputs: [{form: copper-cobalt-ore, contained: [1 kg Co, 4 kg Cu]}, "
        "{form: copper-cobalt-ore}]"
    )
    done = bench.report("pit", text)
    with bench.at("pit") as own:
        sent = reverse(own, own.vault.lot(done.built.made[0].lot_id))
        assert isinstance(sent, Receipt)
        left = [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]
    assert [lot.contents.amount(CO) for lot in left] == [112_057_920]
    assert left[0].public.owner != ore.public.owner
    with bench.at("pit") as own, pytest.raises(LotNotFree):
        reverse(own, own.vault.lot(done.built.made[0].lot_id))


def test_reversing_ore_needs_those_who_vouched_for_it(bench: Bench) -> None:
    ore = bench.mined()
    with bench.at("pit") as own:
        sent = reverse(own, own.vault.lot(ore.lot_id))
    assert isinstance(sent, Request)
    bench.signed_by(sent, "scales", "verifier")
    with bench.at("pit") as own:
        forms = sorted(lot.public.form for lot in own.unspent())
        licence = next(lot for lot in own.unspent() if lot.public.form == "licence")
    assert forms == ["assurance", "licence"]
    assert licence.contents.amount(Strand.parse("Co.licence")) == 2_500_000_000_000


def test_a_sale_is_undone_by_both_sides_together(bench: Bench) -> None:
    number = _offered(bench)
    with bench.at("trader") as own:
        accept(own, offer_named(own, number))
        (lot,) = own.unspent()
        begun = reverse(own, lot)
    assert isinstance(begun, Undoing)
    assert begun.body is None
    with bench.at("state") as own, pytest.raises(NotTheGiver):
        go_on(own, begun)
    with bench.at("pit") as own:
        agreed = go_on(own, read_undoing(encode_undoing(begun)))
        assert isinstance(agreed, Undoing)
        assert agreed.body is not None
        with pytest.raises(NotAllHeld) as refused:
            go_on(own, agreed)
        assert refused.value.missing == (lot.lot_id,)
    with bench.at("trader") as own:
        assert isinstance(go_on(own, agreed), Receipt)
        assert own.unspent() == ()
    with bench.at("pit") as own:
        back = [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]
        assert [lot.contents.amount(CO) for lot in back] == [112_057_920]


def test_what_moved_on_is_not_undone(bench: Bench) -> None:
    number = _offered(bench)
    with bench.at("trader") as own:
        accept(own, offer_named(own, number))
    with bench.at("pit") as own:
        spent = next(
            lot for lot in own.vault.lots(LotStatus.SPENT) if lot.public.form == "copper-cobalt-ore"
        )
        with pytest.raises(LotNotFree):
            reverse(own, spent)


def test_a_recall_flags_everything_that_came_of_a_lot(bench: Bench) -> None:
    ore = bench.mined()
    with bench.at("seal") as own:
        recall(own, ore.lot_id, "seal broken")
    assert ore.lot_id in bench.session.state.flags
    with bench.at("pit") as own, pytest.raises(LotRecalled):
        offer(own, [own.vault.lot(ore.lot_id)], MemberId("trader"), DEADLINE)
    with bench.at("pit") as own:
        assert own.vault.free_lot(ore.lot_id).lot_id == ore.lot_id
