"""A lot shown to one member: sealed, signed by its owner, checked against the ledger."""

from __future__ import annotations

import pytest
from msgspec import structs
from tests.proofs.scenarios import CHAIN, ENTROPY, NARROW, SITE, Scenario

from lodeline.crypto.group import ONE
from lodeline.crypto.owner_signature import OwnerSignatureInvalid
from lodeline.crypto.sealing import NoteNotOpened
from lodeline.custody.lots import LotOpening
from lodeline.holder import disclosure
from lodeline.holder.building import OwnedLot
from lodeline.holder.disclosure import (
    DisclosureOfOtherChain,
    Told,
    make_disclosure,
    open_disclosure,
    read_disclosure,
)
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.notes import NamesDoNotMatch, NoteDoesNotMatch
from lodeline.kernel import cbor
from lodeline.kernel.cbor_errors import CborError
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, MemberId, SiteId

AUDITOR = MemberId("auditor")


@pytest.fixture(scope="module")
def auditor() -> HolderKeys:
    return HolderKeys.generate((), ENTROPY)


@pytest.fixture(scope="module")
def lot() -> OwnedLot:
    found = Scenario(recipes=NARROW).licence(Co=100).source
    assert isinstance(found, OwnedLot)
    return found


@pytest.fixture(scope="module")
def data(lot: OwnedLot, auditor: HolderKeys) -> bytes:
    told = Told(site=SITE, remark="for the sample of March")
    return make_disclosure(lot, CHAIN, (AUDITOR, auditor.address), ENTROPY, told)


def test_the_reader_learns_one_lot(data: bytes, lot: OwnedLot, auditor: HolderKeys) -> None:
    parsed = read_disclosure(data)
    assert (parsed.lot, parsed.member) == (lot.lot_id, AUDITOR)
    found = open_disclosure(data, auditor.view, CHAIN, lot.public)
    assert found.opening == lot.opening
    assert (found.site, found.product, found.remark) == (SITE, None, "for the sample of March")
    assert sum(found.contents.amounts.values()) == 100
    assert "secret" in repr(found)


def test_nobody_else_learns_anything(data: bytes, lot: OwnedLot) -> None:
    stranger = HolderKeys.generate((), ENTROPY)
    with pytest.raises(NoteNotOpened):
        open_disclosure(data, stranger.view, CHAIN, lot.public)
    assert b"sample of March" not in data


def test_a_disclosure_about_another_lot_or_ledger(
    data: bytes, lot: OwnedLot, auditor: HolderKeys
) -> None:
    with pytest.raises(DisclosureOfOtherChain):
        open_disclosure(data, auditor.view, ChainId("other"), lot.public)
    other = Scenario(recipes=NARROW).licence(Co=100).source
    assert isinstance(other, OwnedLot)
    with pytest.raises(OwnerSignatureInvalid):
        open_disclosure(data, auditor.view, CHAIN, other.public)


def test_somebody_who_knows_the_numbers_but_not_the_key(lot: OwnedLot, auditor: HolderKeys) -> None:
    """The seller of a lot still knows its opening; the buyer alone can show it as his."""
    former = OwnedLot(lot.lot_id, lot.public, lot.opening, ONE)
    data = make_disclosure(former, CHAIN, (AUDITOR, auditor.address), ENTROPY)
    with pytest.raises(OwnerSignatureInvalid):
        open_disclosure(data, auditor.view, CHAIN, lot.public)


def test_false_numbers_and_names_are_refused_before_they_are_sent(
    lot: OwnedLot, auditor: HolderKeys
) -> None:
    reader = (AUDITOR, auditor.address)
    with pytest.raises(NoteDoesNotMatch):
        make_disclosure(embellished(lot), CHAIN, reader, ENTROPY)
    with pytest.raises(NamesDoNotMatch):
        make_disclosure(lot, CHAIN, reader, ENTROPY, Told(site=SiteId("site-2")))


def embellished(lot: OwnedLot) -> OwnedLot:
    told = LotOpening.of([999, *lot.opening.values[1:]], lot.opening.blindings)
    return OwnedLot(lot.lot_id, lot.public, told, lot.secret)


def test_an_owner_whose_program_checks_nothing(
    lot: OwnedLot, auditor: HolderKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = (AUDITOR, auditor.address)
    with monkeypatch.context() as patched:
        patched.setattr(disclosure, "check_opening", lambda *_: None)
        patched.setattr(disclosure, "check_names", lambda *_: None)
        numbers = make_disclosure(embellished(lot), CHAIN, reader, ENTROPY)
        names = make_disclosure(lot, CHAIN, reader, ENTROPY, Told(site=SiteId("site-2")))
    with pytest.raises(NoteDoesNotMatch):
        open_disclosure(numbers, auditor.view, CHAIN, lot.public)
    with pytest.raises(NamesDoNotMatch):
        open_disclosure(names, auditor.view, CHAIN, lot.public)


def test_every_byte_of_the_file_is_bound(data: bytes, lot: OwnedLot, auditor: HolderKeys) -> None:
    positions = range(0, len(data), 7)
    assert len(positions) > 50
    for position in positions:
        flipped = bytearray(data)
        flipped[position] ^= 1
        with pytest.raises(LodelineError):
            open_disclosure(bytes(flipped), auditor.view, CHAIN, lot.public)
    with pytest.raises(CborError):
        read_disclosure(data + b"\0")
    readdressed = structs.replace(read_disclosure(data), member=MemberId("another"))
    with pytest.raises(OwnerSignatureInvalid):
        open_disclosure(cbor.encode_struct(readdressed), auditor.view, CHAIN, lot.public)
