"""Snapshots: the same from every validator, restored whole or not at all, vouched for by others."""

import hashlib
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.engine.consortium.chain import (
    Block,
    Consortium,
    Node,
    Setting,
    decide,
    start,
)
from tests.engine.consortium.conftest import Founded
from tests.engine.ledgers import anchor
from tests.ledger.world import CHAIN, ENTROPY, fingerprint

from lodeline.crypto.signatures import SignatureInvalid, SigningKey
from lodeline.engine.abci.abci_pb2 import (
    RequestApplySnapshotChunk,
    RequestListSnapshots,
    RequestLoadSnapshotChunk,
    RequestOfferSnapshot,
    ResponseApplySnapshotChunk,
    ResponseOfferSnapshot,
    Snapshot,
)
from lodeline.engine.consortium import snapshot_format
from lodeline.engine.consortium.refusals import FoundingNotOfThisLedger
from lodeline.engine.consortium.refusals_snapshots import (
    SnapshotDiffers,
    SnapshotMalformed,
    SnapshotNotEmpty,
)
from lodeline.engine.consortium.snapshot_format import (
    Record,
    SnapshotHeader,
    pack_piece,
    pieces,
    read_header,
    read_records,
    read_statement,
    records,
    sign_statement,
    unpack_piece,
    verify_statement,
)
from lodeline.engine.store import Block as StoredBlock
from lodeline.engine.store import StoredPart
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.merkle import LeafIndex, TreeSize

_Offered = ResponseOfferSnapshot.Result
_Applied = ResponseApplySnapshotChunk.Result


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_format, "PIECE_BYTES", 1_500)


@pytest.fixture(scope="module")
def told() -> Consortium:
    """A consortium with a story: lots made, used up and recalled; anchors."""
    made = Consortium("grant-licence", "mine-copper-cobalt", "sale")
    world = made.world
    ore, licence = world.mined()
    offer = world.offer(world.sale(ore), world.now + 1_000)
    world.apply(offer)
    world.apply(world.accept(offer), BlockTime(world.now + 10))
    other, _ = world.does("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    world.apply(world.recall("audit-a", other))
    for number in range(12):
        world.apply(anchor(world.parties["refiner"], number))
    return made


def blocks_of(consortium: Consortium) -> list[Block]:
    entries = consortium.world.log[consortium.founded :]
    return [
        Block(height, (consortium.submission("miner", data),), time)
        for height, (data, time) in enumerate(entries, 1)
    ]


SOON = Setting(snapshot_entries=20)


def run(node: Node, blocks: Iterable[Block]) -> None:
    for block in blocks:
        decide(node.application, block)
        node.snapshots.wait()


def headers(node: Node) -> list[SnapshotHeader]:
    listed = node.application.list_snapshots(RequestListSnapshots()).snapshots
    return [read_header(found.metadata) for found in listed]


def offered(node: Node) -> tuple[Snapshot, bytes]:
    """Return a validator's last snapshot, and the application hash that goes with it."""
    found = node.application.list_snapshots(RequestListSnapshots()).snapshots[-1]
    return found, read_header(found.metadata).application_hash


def fetched(node: Node, snapshot: Snapshot) -> list[bytes]:
    return [
        node.application.load_snapshot_chunk(
            RequestLoadSnapshotChunk(height=snapshot.height, format=snapshot.format, chunk=number)
        ).chunk
        for number in range(snapshot.chunks)
    ]


def newcomer(consortium: Consortium, folder: Path, *listed: bytes, name: str = "authority") -> Node:
    setting = Setting(listed=frozenset(map(Hash32, listed)), snapshot_entries=20)
    return Node(consortium, name, folder, setting)


def offer(node: Node, snapshot: Snapshot, application_hash: bytes) -> int:
    request = RequestOfferSnapshot(snapshot=snapshot, app_hash=application_hash)
    return node.application.offer_snapshot(request).result


def give(node: Node, chunks: Iterable[bytes]) -> list[int]:
    return [
        node.application.apply_snapshot_chunk(
            RequestApplySnapshotChunk(index=index, chunk=chunk, sender="peer")
        ).result
        for index, chunk in enumerate(chunks)
    ]


@pytest.fixture
def giver(told: Consortium, founded: Founded) -> Node:
    node = founded("miner", SOON, told)
    run(node, blocks_of(told))
    assert headers(node)
    return node


# ---------------------------------------------------------------------------- making


def test_every_validator_makes_the_same_snapshot_whenever_it_was_started(
    told: Consortium, tmp_path: Path, giver: Node
) -> None:
    """One runs through, one is closed and opened between all blocks, one is killed in between."""
    blocks = blocks_of(told)
    for name, kills in (("refiner", False), ("audit-a", True)):
        for at, block in enumerate([None, *blocks]):
            node = Node(told, name, tmp_path / name, SOON)
            start(node.application, told) if block is None else run(node, [block])
            if kills and at % 2:
                node.replica._store.close()  # what a killed process leaves
            else:
                node.close()
        node = Node(told, name, tmp_path / name, SOON)
        assert [header.digest for header in headers(node)] == [
            header.digest for header in headers(giver)
        ]
        node.close()


def test_only_the_last_snapshots_are_kept(giver: Node, told: Consortium) -> None:
    refiner, height = told.party("refiner"), giver.height
    for number in range(100, 150):
        height += 1
        data = told.submission("refiner", anchor(refiner, number))
        run(giver, [Block(height, (data,), told.world.now)])
    assert [header.size // 20 for header in headers(giver)] == [
        giver.replica.size // 20 - 1,
        giver.replica.size // 20,
    ]


def test_a_statement_names_the_snapshot_and_who_made_it(giver: Node, told: Consortium) -> None:
    data = giver.snapshots.statement()
    assert data is not None
    statement, key = read_statement(data), told.keys["miner"].checkpoint.public
    verify_statement(statement, key)
    assert statement.digest == headers(giver)[-1].digest
    assert (statement.chain, statement.member) == (CHAIN, "miner")
    for forged in (
        structs.replace(statement, digest=Hash32(bytes(32))),
        structs.replace(statement, member=MemberId("refiner")),
        structs.replace(statement, height=statement.height + 1),
    ):
        with pytest.raises(SignatureInvalid):
            verify_statement(forged, key)


def test_no_statement_before_the_first_snapshot(told: Consortium, founded: Founded) -> None:
    node = founded("miner", SOON, told)
    assert node.snapshots.statement() is None
    assert headers(node) == []
    missing = RequestLoadSnapshotChunk(height=7, format=1, chunk=0)
    assert node.application.load_snapshot_chunk(missing).chunk == b""


def test_a_disk_that_refuses_a_snapshot_stops_no_block(
    told: Consortium, founded: Founded, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = founded("miner", SOON, told)

    def refuse(self: Path, data: bytes) -> int:
        raise OSError(28, "no space left on device", str(self), data[:0])

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", refuse)
        run(node, blocks_of(told)[:-5])
    assert isinstance(node.snapshots.failure, OSError)
    assert headers(node) == []
    run(node, blocks_of(told)[-5:])
    assert node.replica.size == len(told.world.log)


# ---------------------------------------------------------------------------- taking in


def test_a_newcomer_starts_from_a_snapshot_and_goes_on_like_the_others(
    giver: Node, told: Consortium, tmp_path: Path
) -> None:
    snapshot, application_hash = offered(giver)
    node = newcomer(told, tmp_path / "new", snapshot.hash)
    assert offer(node, snapshot, application_hash) == _Offered.ACCEPT
    chunks = fetched(giver, snapshot)
    assert len(chunks) > 2
    assert give(node, chunks) == [_Applied.ACCEPT] * len(chunks)
    assert (node.height, node.application_hash) == (snapshot.height, application_hash)
    assert not (tmp_path / "new" / "incoming").exists()
    run(node, blocks_of(told)[node.height :])
    assert node.application_hash == giver.application_hash
    assert fingerprint(node.replica.state()) == fingerprint(giver.replica.state())
    assert node.replica.replay().application_hash == node.application_hash
    more = Block(node.height + 1, (told.submission("refiner", anchor(told.party("refiner"), 77)),))
    assert decide(node.application, more).app_hash == decide(giver.application, more).app_hash
    node.close()
    again = newcomer(told, tmp_path / "new")
    assert again.replica.position == giver.replica.position
    again.close()


def test_a_snapshot_that_nobody_vouched_for_is_refused(
    giver: Node, told: Consortium, tmp_path: Path
) -> None:
    snapshot, application_hash = offered(giver)
    node = newcomer(told, tmp_path / "new", b"\x01" * 32)
    assert offer(node, snapshot, application_hash) == _Offered.REJECT
    assert give(node, [b""]) == [_Applied.ABORT]
    node.close()


@pytest.mark.parametrize(
    ("change", "result"),
    [
        (lambda s: {"format": 2}, _Offered.REJECT_FORMAT),
        (lambda s: {"height": s.height + 1}, _Offered.REJECT),
        (lambda s: {"chunks": s.chunks + 1}, _Offered.REJECT),
        (lambda s: {"hash": b"\x01" * 32}, _Offered.REJECT),
        (lambda s: {"metadata": b"nonsense"}, _Offered.REJECT),
        (lambda s: {"metadata": s.metadata[:-1]}, _Offered.REJECT),
    ],
)
def test_a_snapshot_offered_as_something_else_is_refused(
    giver: Node,
    told: Consortium,
    tmp_path: Path,
    change: Callable[[Snapshot], dict[str, object]],
    result: int,
) -> None:
    snapshot, application_hash = offered(giver)
    node = newcomer(told, tmp_path / "new", snapshot.hash)
    altered = Snapshot()
    altered.CopyFrom(snapshot)
    for name, value in change(snapshot).items():
        setattr(altered, name, value)
    assert offer(node, altered, application_hash) == result
    assert offer(node, snapshot, b"\x02" * 32) == _Offered.REJECT
    assert node.replica.size == 0
    node.close()


def test_a_ledger_with_entries_takes_no_snapshot(giver: Node, told: Consortium) -> None:
    snapshot, application_hash = offered(giver)
    assert offer(giver, snapshot, application_hash) == _Offered.ABORT


def test_a_wrong_piece_is_asked_for_again_from_another(
    giver: Node, told: Consortium, tmp_path: Path
) -> None:
    snapshot, application_hash = offered(giver)
    node = newcomer(told, tmp_path / "new", snapshot.hash)
    offer(node, snapshot, application_hash)
    chunks = fetched(giver, snapshot)
    for bad in (b"", b"nonsense", chunks[1], zlib.compress(bytes(10**7)), chunks[0][:-20]):
        answer = node.application.apply_snapshot_chunk(
            RequestApplySnapshotChunk(index=0, chunk=bad, sender="liar")
        )
        assert answer.result == _Applied.RETRY
        assert list(answer.refetch_chunks) == [0]
        assert list(answer.reject_senders) == ["liar"]
    answer = node.application.apply_snapshot_chunk(
        RequestApplySnapshotChunk(index=len(chunks), chunk=chunks[0], sender="liar")
    )
    assert answer.result == _Applied.RETRY
    assert give(node, chunks)[-1] == _Applied.ACCEPT
    assert node.application_hash == application_hash
    node.close()


@pytest.mark.parametrize(("kind", "data"), [(b"?", b""), (b"p", bytes(15)), (b"b", bytes(95))])
def test_a_record_that_is_none(kind: bytes, data: bytes) -> None:
    with pytest.raises(SnapshotMalformed):
        snapshot_format._parsed(kind, data)


# ------------------------------------------------------------- validators that vouch for a lie


Lie = Callable[[list[Record]], list[Record]]


def swap_leaves(found: list[Record]) -> list[Record]:
    at = next(index for index, record in enumerate(found) if isinstance(record, bytes))
    return [*found[:at], found[at + 1], found[at], *found[at + 2 :]]


def drop_last_leaf(found: list[Record]) -> list[Record]:
    last = max(index for index, record in enumerate(found) if isinstance(record, bytes))
    return found[:last] + found[last + 1 :]


def drop_a_part(found: list[Record]) -> list[Record]:
    return found[:-1]


def garble_a_part(found: list[Record]) -> list[Record]:
    part = found[-1]
    assert isinstance(part, StoredPart)
    return [*found[:-1], StoredPart.of(part.first, part.size, part.part[:-1] + b"\xff")]


def drop_a_block(found: list[Record]) -> list[Record]:
    return found[:1] + found[2:]


def other_root(found: list[Record]) -> list[Record]:
    block = found[1]
    assert isinstance(block, StoredBlock)
    wrong = StoredBlock(
        block.height, block.first, block.size, block.time, Hash32(bytes(32)), block.state_root
    )
    return [found[0], wrong, *found[2:]]


def shifted_block(found: list[Record]) -> list[Record]:
    block = found[1]
    assert isinstance(block, StoredBlock)
    wrong = StoredBlock(
        block.height,
        LeafIndex(block.first + 1),
        block.size,
        block.time,
        block.log_root,
        block.state_root,
    )
    return [found[0], wrong, *found[2:]]


@pytest.mark.parametrize(
    "lie",
    [
        swap_leaves,
        drop_last_leaf,
        drop_a_part,
        garble_a_part,
        drop_a_block,
        other_root,
        shifted_block,
    ],
)
def test_a_snapshot_that_does_not_add_up_is_refused_whole(
    giver: Node, told: Consortium, tmp_path: Path, lie: Lie
) -> None:
    """Enough validators have signed a lie: both roots are still computed by the newcomer."""
    snapshot, application_hash = offered(giver)
    header = read_header(snapshot.metadata)
    true = list(read_records(_unpacked(fetched(giver, snapshot), header)))
    false = [pack_piece(piece) for piece in pieces(_stream(lie(true)))]
    hashes = tuple(Hash32(hashlib.sha256(zlib.decompress(piece)).digest()) for piece in false)
    forged = structs.replace(header, pieces=hashes)
    node = newcomer(told, tmp_path / "new", forged.digest)
    snapshot.hash, snapshot.metadata, snapshot.chunks = forged.digest, forged.encode(), len(hashes)
    assert offer(node, snapshot, application_hash) == _Offered.ACCEPT
    assert give(node, false)[-1] == _Applied.REJECT_SNAPSHOT
    assert node.replica.size == 0
    assert start(node.application, told)
    node.close()


def _unpacked(chunks: Iterable[bytes], header: SnapshotHeader) -> Iterable[bytes]:
    return (unpack_piece(chunk, known) for chunk, known in zip(chunks, header.pieces, strict=True))


def _stream(found: Iterable[Record]) -> Iterable[bytes]:
    for record in found:
        if isinstance(record, StoredBlock):
            yield from records([record], (), ())
        elif isinstance(record, StoredPart):
            yield from records((), (), [record])
        else:
            yield from records((), [record], ())


def test_another_consortium_s_snapshot_is_refused(
    giver: Node, told: Consortium, tmp_path: Path
) -> None:
    snapshot, application_hash = offered(giver)
    other = Consortium()
    node = newcomer(other, tmp_path / "new", snapshot.hash)
    assert offer(node, snapshot, application_hash) == _Offered.ACCEPT
    assert give(node, fetched(giver, snapshot))[-1] == _Applied.REJECT_SNAPSHOT
    found = read_records(_unpacked(fetched(giver, snapshot), read_header(snapshot.metadata)))
    with pytest.raises(FoundingNotOfThisLedger):
        node.replica.restore(found, read_header(snapshot.metadata), other.founding)
    assert node.replica.size == 0
    node.close()


def test_restoring_into_a_ledger_is_refused_by_name(giver: Node, told: Consortium) -> None:
    with pytest.raises(SnapshotNotEmpty):
        giver.replica.restore((), headers(giver)[-1], told.founding)


def test_a_header_of_another_size_or_hash_is_refused_by_name(
    giver: Node, told: Consortium, tmp_path: Path
) -> None:
    snapshot, _ = offered(giver)
    header = read_header(snapshot.metadata)
    node = newcomer(told, tmp_path / "new")
    for wrong, what in (
        (structs.replace(header, size=header.size + 1), "size"),
        (structs.replace(header, application_hash=Hash32(bytes(32))), "application hash"),
    ):
        found = read_records(_unpacked(fetched(giver, snapshot), header))
        with pytest.raises(SnapshotDiffers) as caught:
            node.replica.restore(found, wrong, told.founding)
        assert caught.value.what == what
    found = read_records(_unpacked(fetched(giver, snapshot), header))
    node.replica.restore(found, header, told.founding)
    assert node.replica.size == header.size
    node.close()


# ---------------------------------------------------------------------------- the format

BLOCKS = st.builds(
    StoredBlock,
    *[st.integers(0, 2**63 - 1)] * 4,
    *[st.binary(min_size=32, max_size=32)] * 2,
)
PARTS = st.builds(
    lambda first, size, part: StoredPart.of(LeafIndex(first), TreeSize(size), part),
    st.integers(0, 2**40),
    st.integers(0, 2**40),
    st.binary(max_size=80),
)


@pytest.mark.property
@given(
    st.lists(BLOCKS, max_size=4),
    st.lists(st.binary(max_size=200), max_size=30),
    st.lists(PARTS, max_size=4),
)
def test_records_read_back_however_they_are_cut(
    blocks: list[StoredBlock], leaves: list[bytes], parts: list[StoredPart]
) -> None:
    cut = list(pieces(records(blocks, leaves, parts)))
    assert list(read_records(cut)) == [*blocks, *leaves, *parts]
    whole = b"".join(cut)
    assert list(read_records(whole[at : at + 1] for at in range(len(whole)))) == [
        *blocks,
        *leaves,
        *parts,
    ]
    if whole:
        with pytest.raises(SnapshotMalformed):
            list(read_records([whole[:-1]]))


@pytest.mark.fuzz
@given(st.binary(max_size=300))
def test_nonsense_is_refused_by_name(data: bytes) -> None:
    for reading in (read_header, read_statement):
        with pytest.raises(SnapshotMalformed):
            reading(data)
    with suppress(SnapshotMalformed):
        assert len(list(read_records([data]))) <= len(data)


def test_a_statement_reads_back() -> None:
    key = SigningKey.generate(ENTROPY)
    header = SnapshotHeader(1, 5, 10, Hash32(bytes(32)), (Hash32(b"\x01" * 32),))
    said = sign_statement(header, CHAIN, MemberId("m"), key)
    assert read_statement(said.encode()) == said
    assert read_header(header.encode()) == header
