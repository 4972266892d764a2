"""The vault: lots and their standing, facts, history, offers, queue, and its backup."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs
from tests.holder.house import House
from tests.holder.test_selection import held
from tests.proofs.scenarios import ENTROPY, Scenario

from lodeline.custody.lots import LotOpening
from lodeline.holder import records
from lodeline.holder.backup import BackupNotOpened, backup, restore_backup
from lodeline.holder.keystore import VaultKey
from lodeline.holder.records import (
    AssayFact,
    Contact,
    DocumentDiffers,
    HeldLot,
    LotFacts,
    LotStatus,
    MadeRecord,
    OwnTransform,
    register_document,
)
from lodeline.holder.sealed_rows import VaultExists, VaultNotYours
from lodeline.holder.vault import (
    LotNotFree,
    LotNotHeld,
    OfferNotKnown,
    QueueEntryUnknown,
    RecordNotUnderstood,
    TransformNotOwn,
    Vault,
)
from lodeline.kernel.cbor_errors import CborError
from lodeline.kernel.ids import (
    ElementSymbol,
    Hash32,
    LotId,
    MemberId,
    RecipeDigest,
    RecipeName,
    TransformId,
)
from lodeline.kernel.units import Milligrams, Ppm
from lodeline.ledger.entries import EntryId

KEY = VaultKey.generate(ENTROPY)
ENTRY = EntryId(bytes([1]) * 32)
NOBODY = bytes([9]) * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def vault(path: Path) -> Vault:
    return Vault.create(path, KEY, ENTROPY)


@pytest.fixture(scope="module")
def lots() -> tuple[HeldLot, ...]:
    scene = Scenario()
    return tuple(held(scene.lot("cobalt-hydroxide", {"Co": n}), leaf=n) for n in (3, 1, 2))


def test_lots_are_listed_by_age_and_found_by_standing(
    vault: Vault, lots: tuple[HeldLot, ...]
) -> None:
    for lot in lots:
        vault.keep_lot(lot)
    assert [lot.leaf for lot in vault.lots()] == [1, 2, 3]
    spent = structs.replace(lots[0], status=LotStatus.SPENT, spent_by=Hash32(ENTRY))
    vault.keep_lot(spent)
    assert vault.lot(spent.lot_id) == spent
    assert [lot.leaf for lot in vault.lots(LotStatus.UNSPENT)] == [1, 2]
    assert vault.lots(LotStatus.SPENT) == (spent,)
    assert not vault.holds(LotId(NOBODY))
    with pytest.raises(LotNotHeld):
        vault.lot(LotId(NOBODY))


def test_promised_lots_are_promised_once_and_together(
    vault: Vault, lots: tuple[HeldLot, ...]
) -> None:
    for lot in lots:
        vault.keep_lot(lot)
    first, second, third = (lot.lot_id for lot in lots)
    vault.reserve((first, second), ENTRY)
    with pytest.raises(LotNotFree) as refused:
        vault.reserve((third, first), EntryId(NOBODY))
    assert (refused.value.standing, refused.value.by) == ("reserved", Hash32(ENTRY))
    assert [lot.lot_id for lot in vault.lots(LotStatus.UNSPENT)] == [third]
    assert set(vault.release(ENTRY)) == {first, second}
    assert vault.release(ENTRY) == ()
    assert len(vault.lots(LotStatus.UNSPENT)) == 3


def test_facts_documents_and_history(vault: Vault, lots: tuple[HeldLot, ...]) -> None:
    paper = register_document("assay.pdf", b"33.1 % Co", ENTROPY)
    facts = LotFacts(
        gross=Milligrams(25_000_000_000),
        tare=Milligrams(400_000_000),
        net=Milligrams(24_600_000_000),
        moisture=Ppm(124_000),
        assays=(AssayFact(ElementSymbol("Co"), Ppm(331_000), "XRF", "Lab A"),),
        seals=("A-1044",),
        documents=(paper,),
    )
    vault.record_facts(lots[0].lot_id, facts)
    assert vault.facts(lots[0].lot_id) == facts
    assert vault.facts(lots[1].lot_id) is None
    paper.check(b"33.1 % Co")
    with pytest.raises(DocumentDiffers) as refused:
        paper.check(b"33.2 % Co")
    assert refused.value.name == "assay.pdf"
    twin = register_document("assay.pdf", b"33.1 % Co", ENTROPY)
    assert twin.hash != paper.hash
    made = OwnTransform(
        TransformId(NOBODY),
        RecipeDigest(NOBODY),
        RecipeName("split"),
        None,
        (lots[0].lot_id,),
        (MadeRecord(lots[1].lot, lots[1].public, lots[1].opening),),
        LotOpening((), ()),
        "",
    )
    vault.record_transform(made)
    assert vault.transform(made.transform_id) == made
    assert vault.transforms() == (made,)
    assert made.outputs[0].contents == lots[1].contents
    with pytest.raises(TransformNotOwn):
        vault.transform(TransformId(bytes(32)))
    with pytest.raises(OfferNotKnown):
        vault.offer(ENTRY)


def test_the_queue_keeps_its_order_over_a_restart(path: Path, vault: Vault) -> None:
    numbers = [vault.enqueue(bytes([n]), f"entry {n}") for n in range(3)]
    assert numbers == [1, 2, 3]
    vault.mark_sent(2)
    vault.close()
    with Vault.open(path, KEY, ENTROPY) as again:
        assert [(item.number, item.data) for item in again.pending()] == [(1, b"\0"), (3, b"\2")]
        assert again.enqueue(b"last", "last") == 4
        with pytest.raises(QueueEntryUnknown):
            again.mark_sent(2)


def test_contacts_and_private_rows_of_others(vault: Vault) -> None:
    address = Scenario().keys.address
    for name, member in (("zinc", None), ("alpha", MemberId("alpha"))):
        vault.keep_contact(Contact(name, member, address))
    assert [item.name for item in vault.contacts()] == ["alpha", "zinc"]
    found = vault.contact(MemberId("alpha"))
    assert found is not None
    assert found.address == address
    vault.put_note("count", "2026-Q1", b"first")
    vault.put_note("count", "2026-Q2", b"second")
    vault.put_note("count", "2026-Q1", b"again")
    vault.put_note("counts", "2026-Q1", b"other kind")
    assert vault.notes("count") == (("2026-Q1", b"again"), ("2026-Q2", b"second"))
    assert vault.note("counts", "2026-Q1") == b"other kind"
    assert vault.note("count", "2026-Q3") is None


def test_a_record_of_another_version_is_named(path: Path, vault: Vault) -> None:
    vault.rows.put("facts", NOBODY, b"", b"\xc0")
    with pytest.raises(RecordNotUnderstood) as refused:
        vault.facts(LotId(NOBODY))
    assert refused.value.record == "LotFacts"


def test_one_company_never_reads_another_s_vault(path: Path, vault: Vault) -> None:
    vault.close()
    with pytest.raises(VaultNotYours):
        Vault.open(path, VaultKey.generate(ENTROPY))


def test_records_do_not_show_what_they_hold(lots: tuple[HeldLot, ...]) -> None:
    shown = [repr(item) for item in (lots[0], LotFacts(gross=Milligrams(77)))]
    assert shown == ["HeldLot(secret)", "LotFacts(secret)"]
    assert all(name in dir(records) for name in records.__all__)


# ------------------------------------------------------------------ backup


def test_a_backup_brings_everything_back(tmp_path: Path, lots: tuple[HeldLot, ...]) -> None:
    house = House(tmp_path)
    holder, buyer = house.holder("holder"), house.holder("buyer")
    lot = house.stock(holder)
    house.offer(holder, [lot], buyer)
    holder.vault.record_facts(lot.lot_id, LotFacts(remark="a little wet"))
    holder.vault.enqueue(b"waiting", "waiting")
    data = backup(holder.vault, holder.keys.vault, ENTROPY)
    assert b"a little wet" not in data
    path = tmp_path / "again"
    with restore_backup(path, data, holder.keys.vault, ENTROPY) as again:
        assert again.lots() == holder.vault.lots()
        assert again.offers() == holder.vault.offers()
        assert again.facts(lot.lot_id) == LotFacts(remark="a little wet")
        assert [item.data for item in again.pending()] == [b"waiting"]
        assert again.position == holder.vault.position
        again.keep_lot(lots[0])
    with pytest.raises(VaultExists):
        restore_backup(path, data, holder.keys.vault, ENTROPY)
    assert not list(tmp_path.glob("*.part*"))


def test_a_backup_opens_with_its_own_keystore_only(path: Path, vault: Vault) -> None:
    data = backup(vault, KEY, ENTROPY)
    other = path.with_name("other")
    with pytest.raises(BackupNotOpened) as refused:
        restore_backup(other, data, VaultKey.generate(ENTROPY), ENTROPY)
    assert refused.value.length == len(data)
    assert not other.exists()
    with pytest.raises((BackupNotOpened, CborError)):
        restore_backup(other, data[:-1] + bytes([data[-1] ^ 1]), KEY, ENTROPY)
    with pytest.raises(CborError):
        restore_backup(other, b"\xffgarbage", KEY, ENTROPY)
    assert not other.exists()
