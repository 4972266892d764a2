"""One refusal for each reason that no other test meets, with the values that disagreed."""

from pathlib import Path

import pytest
from msgspec import structs
from tests.node.benches import ORE, PIT, Bench

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.group import encode_scalar, random_scalar
from lodeline.custody.forms import FormClass
from lodeline.custody.lots import LotOpening
from lodeline.engine.interface import Receipt
from lodeline.exchange.claim_text import read_claim
from lodeline.exchange.transform_file import ElementAmount
from lodeline.holder.notes import NoteDoesNotMatch
from lodeline.holder.records import LotStatus, StoredOffer
from lodeline.kernel.ids import ElementSymbol, LotId, MemberId, RecipeName
from lodeline.kernel.time import parse_time
from lodeline.kernel.units import Milligrams
from lodeline.ledger.claim_file import (
    Asked,
    ClaimCheckpointDiffers,
    ClaimFile,
    ClaimFormsDiffer,
    ClaimLotsDiffer,
    ClaimRefused,
    encode_claim_file,
    read_claim_file,
    verify_claim_file,
)
from lodeline.ledger.entries import entry_id
from lodeline.node.answering import ClaimOrder, prove_claim
from lodeline.node.cosigning import looked_at
from lodeline.node.governing import retire_recipe
from lodeline.node.granting import GrantOrder, GrantRecipeMissing, grant
from lodeline.node.logbook import signed_checkpoint
from lodeline.node.requests import Piece, PieceDoesNotMatch, Request, seal_pieces
from lodeline.node.trading import (
    OfferAmbiguous,
    OfferOfSeveral,
    OfferUnsound,
    SaleRecipeMissing,
    accept,
    decline_for_part,
    offer,
    offer_named,
)
from lodeline.node.trust import read_trust
from lodeline.node.undoing import NotATransform, reverse
from lodeline.node.workspace import FileUnwritable, make_folder, write_file

DEADLINE = parse_time("2026-10-20T00:00:00Z")


def _opening(*values: int) -> LotOpening:
    entropy = SystemEntropy()
    return LotOpening.of(values, [encode_scalar(random_scalar(entropy)) for _ in values])


def _with_piece(bench: Bench, piece: Piece) -> Request:
    request = bench.report("pit", ORE).sent
    assert isinstance(request, Request)
    verifier = bench.session.member(MemberId("verifier"))
    shown = seal_pieces(verifier, entry_id(request.entry), [piece])
    return structs.replace(request, shown=(shown,))


@pytest.mark.parametrize(
    ("piece", "error"),
    [
        (Piece("process", 0, _opening(1, 1)), PieceDoesNotMatch),
        (Piece("output", 9, _opening(1)), PieceDoesNotMatch),
        (Piece("input", 9, _opening(1)), PieceDoesNotMatch),
        (Piece("output", 0, _opening(1, 2, 3)), NoteDoesNotMatch),
    ],
)
def test_nobody_is_shown_other_numbers_than_he_signs_for(
    bench: Bench, piece: Piece, error: type[Exception]
) -> None:
    request = _with_piece(bench, piece)
    with pytest.raises(error):
        looked_at(bench.session, request, MemberId("verifier"))


def test_what_was_retired_is_missed(bench: Bench) -> None:
    ore = bench.mined()
    retire_recipe(bench.session, RecipeName("grant-quota"))
    order = GrantOrder(FormClass.QUOTA, PIT, {ElementSymbol("Co"): Milligrams(1)})
    with pytest.raises(GrantRecipeMissing) as no_grant:
        grant(bench.session, MemberId("state"), order)
    assert no_grant.value.kind == "quota"
    retire_recipe(bench.session, RecipeName("sale"))
    with bench.at("pit") as own, pytest.raises(SaleRecipeMissing):
        offer(own, [own.vault.lot(ore.lot_id)], MemberId("trader"), DEADLINE)


SPLIT = (
    "recipe: split\ninputs: ['{lot}']\noutputs: "
    "[{{form: copper-cobalt-ore, contained: [1 kg Co, 4 kg Cu]}}, {{form: copper-cobalt-ore}}]"
)


def _two_lots(bench: Bench) -> tuple[LotId, LotId]:
    ore = bench.mined()
    done = bench.report("pit", SPLIT.format(lot=ore.lot_id.hex()[:12]))
    first, second = (made.lot_id for made in done.built.made)
    return first, second


def test_offers_of_several_lots_and_several_offers(bench: Bench) -> None:
    lots = _two_lots(bench)
    with bench.at("pit") as own:
        held = [own.vault.lot(lot) for lot in lots]
        (both,) = offer(own, held, MemberId("trader"), DEADLINE)
    part = ElementAmount(ElementSymbol("Co"), Milligrams(1))
    with bench.at("trader") as own:
        offered = offer_named(own, None)
        assert offered.offer_id == both.offer
        with pytest.raises(OfferOfSeveral) as several:
            decline_for_part(own, offered, part)
        assert several.value.lots == 2
        unsound: StoredOffer = structs.replace(offered, taken=offered.taken[:1])
        with pytest.raises(OfferUnsound) as refused:
            accept(own, unsound)
        assert (refused.value.promised, refused.value.opened) == (2, 1)
        accept(own, offered)
        for lot in own.unspent():
            offer(own, [lot], MemberId("pit"), DEADLINE)
        with pytest.raises(OfferAmbiguous) as ambiguous:
            offer_named(own, None)
        assert ambiguous.value.matching == 2


def test_what_was_given_back_is_not_undone_again(bench: Bench) -> None:
    first, _ = _two_lots(bench)
    with bench.at("pit") as own:
        assert isinstance(reverse(own, own.vault.lot(first)), Receipt)
        (back,) = [
            lot
            for lot in own.vault.lots(LotStatus.UNSPENT)
            if lot.public.form == "copper-cobalt-ore"
        ]
        with pytest.raises(NotATransform) as refused:
            reverse(own, back)
    assert refused.value.lot == back.lot_id


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileUnwritable):
        write_file(tmp_path / "file" / "below", b"")
    with pytest.raises(FileUnwritable):
        make_folder(tmp_path / "file" / "below")


def test_a_claim_file_put_together_otherwise(bench: Bench) -> None:
    first, second = _two_lots(bench)
    order = ClaimOrder(read_claim("primary >= 1 %"), "trader", DEADLINE)
    with bench.at("pit") as own:
        data = prove_claim(own, [own.vault.lot(first), own.vault.lot(second)], order)
    file = read_claim_file(data)
    bench.move("2026-10-13T00:00:00Z")
    with bench.at("pit") as own:
        offer(own, [own.vault.lot(first)], MemberId("trader"), DEADLINE)
    later, _ = signed_checkpoint(bench.session)
    reversed_body = structs.replace(file.body, lots=file.body.lots[::-1])
    policy = read_trust(bench.session.workspace.trust).policy()
    asked = Asked(bench.session.chain, "trader", bench.session.now())

    def refused(changed: ClaimFile, error: type[ClaimRefused]) -> None:
        with pytest.raises(error):
            verify_claim_file(encode_claim_file(changed), policy, asked)

    assert verify_claim_file(data, policy, asked).lots == tuple(sorted((first, second)))
    refused(structs.replace(file, checkpoint=later), ClaimCheckpointDiffers)
    refused(structs.replace(file, lots=file.lots[:1]), ClaimLotsDiffer)
    refused(structs.replace(file, body=reversed_body, lots=file.lots[::-1]), ClaimLotsDiffer)
    refused(structs.replace(file, forms=()), ClaimFormsDiffer)
    refused(structs.replace(file, forms=file.forms * 2), ClaimFormsDiffer)
