"""A published log as its readers see it: fetched file by file, and believed in nothing.

What is fetched is checked against a signed checkpoint. `PublishedLog` makes proofs from tiles;
`check_published` reads everything: each entry against its place, each row of hashes against the one
below, the root against the checkpoint, the first entry against the genesis that a trust file names,
and on request every rule and proof by replaying the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lodeline.engine.durable_file import take_if_there
from lodeline.engine.faults import RootDiffers
from lodeline.engine.memory import REPLAY_BATCH
from lodeline.engine.tile_files import CHECKPOINT
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.checkpoint import Checkpoint, CheckpointPolicy, verify_checkpoint
from lodeline.ledger.entries import EntryId, Genesis, entry_id
from lodeline.ledger.log import Verify, read_leaf, replay
from lodeline.ledger.merkle import (
    ConsistencyProof,
    TreeSize,
    WrongNewRoot,
    leaf_hash,
    prove_consistency,
    tree_root,
)
from lodeline.ledger.merklelog import MerkleLog
from lodeline.ledger.tiles import (
    Bundle,
    Tile,
    TileNodes,
    TilePath,
    bundles_between,
    check_bundle,
    parse_bundle,
    parse_tile,
    tile_bytes,
    tiles_between,
)
from lodeline.ledger.trust import TrustFile

__all__ = [
    "Fetch",
    "PublishedFileMissing",
    "PublishedLog",
    "PublishedReport",
    "TileDiffers",
    "WrongGenesis",
    "check_published",
    "from_folder",
]

Fetch: TypeAlias = Callable[[str], bytes]
"""Fetches a file of a published log by its path, as `parse_tile_path` reads it."""


class PublishedLogError(LodelineError):
    """A published log is not what its checkpoint says."""


class PublishedFileMissing(PublishedLogError):
    """A file that the checkpoint promises is not there."""

    path: str

    code = "published-file-missing"
    en = "the published log has no {path}"
    fr = "le journal publié n'a pas de {path}"
    advice_en = "ask whoever publishes the log to publish it again, or copy it from another place"
    advice_fr = "demandez à qui le publie de republier le journal, ou copiez-le d'ailleurs"
    status = 404


class TileDiffers(PublishedLogError):
    """A tile is not what the entries, or the tiles below it, give."""

    path: TilePath

    code = "published-tile-differs"
    en = "{path} is not what the entries below it give"
    fr = "{path} n'est pas ce que donnent les écritures en dessous"
    advice_en = "fetch it again; if it stays so, the copy was altered"
    advice_fr = "récupérez-la à nouveau ; si cela persiste, la copie a été altérée"


class WrongGenesis(PublishedLogError):
    """A log begins with another genesis than the trust file names."""

    expected: EntryId
    got: EntryId | None
    """None where the log is empty or begins with something else."""

    code = "published-wrong-genesis"
    en = "the log begins with {got}, the trust file names the genesis {expected}"
    fr = "le journal commence par {got}, le fichier de confiance nomme la genèse {expected}"
    advice_en = "this is another consortium's log: fetch the one that you mean"
    advice_fr = "c'est le journal d'un autre consortium : récupérez celui que vous voulez"


@dataclass(frozen=True)
class PublishedReport:
    """What was read of a published log, all of it in order."""

    note: bytes
    checkpoint: Checkpoint
    tiles: int
    bundles: int
    replayed: bool
    """Whether every rule and proof was checked again."""


class PublishedLog:
    """The log of a signed checkpoint, so far as proofs need it."""

    def __init__(self, fetch: Fetch, policy: CheckpointPolicy) -> None:
        """Fetch and verify the checkpoint.

        Raises:
            PublishedFileMissing: there is none.
            NoteError, CheckpointError: it is not signed as the policy asks for.
        """
        self._fetch = fetch
        self.note = fetch(CHECKPOINT)
        self.checkpoint = verify_checkpoint(self.note, policy)

    def root_at(self, size: TreeSize) -> Hash32:
        """Return the root that the log had at a smaller size; as good as the tiles are.

        Raises:
            PublishedFileMissing, TileLengthDiffers: tiles are not there or no tiles.
            SizeBeyondLog, NodeBeyondLog: the log is not that large.
        """
        return tree_root(self._nodes(), size)

    def prove_consistency(self, size: TreeSize) -> ConsistencyProof:
        """Return the proof that the published log continues a smaller one.

        Raises:
            PublishedFileMissing, TileLengthDiffers: as `root_at`.
            TreeShrank: the log is not that large.
        """
        return prove_consistency(self._nodes(), size, self.checkpoint.size)

    def _nodes(self) -> TileNodes:
        held = dict[Tile, bytes]()

        def read(tile: Tile) -> bytes:
            if tile not in held:
                held[tile] = self._fetch(tile.path)
            return held[tile]

        return TileNodes(read, self.checkpoint.size)


def from_folder(folder: Path) -> Fetch:
    """Return what fetches the files of a log from a folder."""

    def fetch(path: str) -> bytes:
        data = take_if_there(folder / path)
        if data is None:
            raise PublishedFileMissing(path)
        return data

    return fetch


def check_published(
    fetch: Fetch, trust: TrustFile, verify: Verify | None = None
) -> PublishedReport:
    """Read a whole published log and compare it with its checkpoint; see the module.

    With ``verify`` the log is replayed, every proof verified, and the state root compared, too.

    Raises:
        PublishedFileMissing, TileError, TileDiffers: a file is not in order.
        NoteError, CheckpointError: the checkpoint is not signed as the trust file asks for.
        WrongNewRoot: the entries are not those that were signed.
        WrongGenesis: it is another consortium's log.
        RootDiffers, LodelineError: what was signed does not follow from the entries.
    """
    published = PublishedLog(fetch, trust.policy())
    checkpoint = published.checkpoint
    log = MerkleLog()
    genesis: EntryId | None = None
    bundles = 0
    for bundle, entries in _bundles(fetch, checkpoint.size):
        hashes = parse_tile(*_level_zero(fetch, bundle))
        check_bundle(bundle, entries, hashes)
        genesis = _genesis(entries[0]) if bundle.index == 0 else genesis
        for entry in entries:
            log.append(leaf_hash(entry))
        bundles += 1
    tiles = list(tiles_between(TreeSize(0), checkpoint.size))
    for tile in tiles:
        if fetch(tile.path) != tile_bytes(tile, log):
            raise TileDiffers(tile.path)
    if log.root() != checkpoint.root:
        raise WrongNewRoot(checkpoint.root, log.root())
    if genesis != trust.genesis_id:
        raise WrongGenesis(trust.genesis_id, genesis)
    if verify is not None:
        _check_state(fetch, checkpoint, verify)
    return PublishedReport(published.note, checkpoint, len(tiles), bundles, verify is not None)


def _bundles(fetch: Fetch, size: TreeSize) -> Iterator[tuple[Bundle, tuple[bytes, ...]]]:
    for bundle in bundles_between(TreeSize(0), size):
        yield bundle, parse_bundle(bundle, fetch(bundle.path))


def _level_zero(fetch: Fetch, bundle: Bundle) -> tuple[Tile, bytes]:
    tile = Tile(0, bundle.index, bundle.width)
    return tile, fetch(tile.path)


def _genesis(leaf: bytes) -> EntryId | None:
    """Return the id of the first entry, where it is a genesis."""
    entry = read_leaf(leaf).entry
    return entry_id(entry) if isinstance(entry, Genesis) else None


def _check_state(fetch: Fetch, checkpoint: Checkpoint, verify: Verify) -> None:
    leaves = (entry for _, entries in _bundles(fetch, checkpoint.size) for entry in entries)
    again = replay(leaves, verify, REPLAY_BATCH)
    if again.state.root != checkpoint.state:
        raise RootDiffers(checkpoint.size, "state root", checkpoint.state, again.state.root)
