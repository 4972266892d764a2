"""A log published as static files, which any web server can serve (C2SP tlog-tiles).

    checkpoint                 signed note of the published size; the only file that changes
    tile/<level>/<index>       hashes of the tree; immutable, as are
    tile/entries/<index>       the entries, as they are hashed
    …/<index>.p/<width>        the last tile of a row, while it is not full

Publishing again adds what is new. The checkpoint comes last, when everything below it is on the
disk, so a reader never finds a checkpoint without its tiles, and a publisher that was stopped goes
on from the checkpoint that stands. A folder that holds another history than the log is left as it
is and the publisher refuses: somebody may rely on what was published.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from lodeline.engine.durable_file import put_durably, take_if_there
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.checkpoint import Checkpoint, parse_checkpoint_text, verify_growth
from lodeline.ledger.merkle import (
    ConsistencyProof,
    LeafIndex,
    NodeBeyondLog,
    TreeSize,
    WrongNewRoot,
    leaf_hash,
    node_hash,
    tree_root,
)
from lodeline.ledger.signednote import parse_note
from lodeline.ledger.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Bundle,
    Tile,
    TileNodes,
    TilePath,
    bundle_bytes,
    bundles_between,
    tile_bytes,
    tiles_between,
)

__all__ = [
    "CHECKPOINT",
    "LogSource",
    "Published",
    "PublishedFileAltered",
    "PublishedLogDiffers",
    "PublishedLogShrank",
    "publish",
]

CHECKPOINT: Final = "checkpoint"
"""Path of the checkpoint."""


class PublishError(LodelineError):
    """A log cannot be published into a folder."""


class PublishedLogDiffers(PublishError):
    """A folder holds another history than the log that is to be published into it."""

    folder: str
    size: TreeSize
    refusal: str
    """Code of the reason."""

    code = "published-log-differs"
    en = "{folder} holds another log of {size} entries, which this one does not continue: {refusal}"
    fr = "{folder} contient un autre journal de {size} écritures, non continué ici : {refusal}"
    advice_en = "keep that folder, and find out who signed its checkpoint before publishing anew"
    advice_fr = "gardez ce dossier, et cherchez qui a signé son point de contrôle avant de publier"
    status = 409


class PublishedLogShrank(PublishError):
    """The checkpoint to publish is older than the one that is published."""

    published: TreeSize
    size: TreeSize

    code = "published-log-shrank"
    en = "{published} entries are published, the checkpoint has only {size}"
    fr = "{published} écritures sont publiées, le point de contrôle n'en a que {size}"
    advice_en = "publish the newest checkpoint; nothing that was published is taken back"
    advice_fr = "publiez le point de contrôle le plus récent ; rien de publié n'est retiré"
    status = 409


class PublishedFileAltered(PublishError):
    """A file that never changes is not what the log has in its place."""

    path: str

    code = "published-file-altered"
    en = "{path} is not what the log has there"
    fr = "{path} n'est pas ce que le journal a à cet endroit"
    advice_en = "find out who wrote it; take the file away and publish again"
    advice_fr = "cherchez qui l'a écrit ; retirez le fichier et publiez à nouveau"
    status = 409


class LogSource(Protocol):
    """Where entries and proofs come from; every engine is one."""

    def entries(self, start: LeafIndex, end: TreeSize) -> Iterator[bytes]:
        """Yield the leaves from ``start`` up to ``end``."""
        ...

    def prove_consistency(self, old: TreeSize, new: TreeSize) -> ConsistencyProof:
        """Return the proof that the log of one size continues that of another."""
        ...


@dataclass(frozen=True)
class Published:
    """What a folder holds after publishing."""

    size: TreeSize
    before: TreeSize
    tiles: int
    """Tiles of hashes that belong to what is new."""
    bundles: int
    """Bundles of entries that belong to what is new."""


def publish(source: LogSource, note: bytes, folder: Path) -> Published:
    """Publish a log up to a signed checkpoint, or advance what is published.

    Reads only the entries since the last published checkpoint. Not checked: the signatures of the
    note; whoever publishes verifies it first.

    Raises:
        NoteError, CheckpointError: it is no checkpoint.
        PublishedLogShrank, PublishedLogDiffers, PublishedFileAltered: what stands there disagrees.
        DurableFileFailed: a file cannot be used; the checkpoint is then the old one.
    """
    new = parse_checkpoint_text(parse_note(note).text)
    old = _standing(source, new, folder)
    nodes = _Grown(source, old, new.size, folder)
    root = tree_root(nodes, new.size)
    if root != new.root:
        raise PublishedLogDiffers(str(folder), new.size, WrongNewRoot.code)
    tiles = list(tiles_between(old, new.size))
    for tile in tiles:
        _put(folder, tile.path, tile_bytes(tile, nodes))
    bundles = list(bundles_between(old, new.size))
    for bundle in bundles:
        entries = source.entries(bundle.first, TreeSize(bundle.first + bundle.width))
        _put(folder, bundle.path, bundle_bytes(bundle, list(entries)))
    put_durably(folder / CHECKPOINT, note)
    _drop_partial(folder, (*tiles, *bundles))
    return Published(new.size, old, len(tiles), len(bundles))


def _standing(source: LogSource, new: Checkpoint, folder: Path) -> TreeSize:
    """Return the size that is published, once it is shown that the log continues it."""
    note = take_if_there(folder / CHECKPOINT)
    if note is None:
        return TreeSize(0)
    old = parse_checkpoint_text(parse_note(note).text)
    if new.size < old.size:
        raise PublishedLogShrank(old.size, new.size)
    try:
        verify_growth(old, new, source.prove_consistency(old.size, new.size))
    except LodelineError as refusal:
        raise PublishedLogDiffers(str(folder), old.size, refusal.code) from refusal
    return old.size


def _put(folder: Path, path: TilePath, data: bytes) -> None:
    standing = take_if_there(folder / path)
    if standing is None:
        put_durably(folder / path, data)
    elif standing != data:
        raise PublishedFileAltered(str(folder / path))


def _drop_partial(folder: Path, written: Iterable[Tile | Bundle]) -> None:
    """Take partial tiles away whose full ones are there (tlog-tiles, "Partial Tiles")."""
    for place in written:
        if place.width == TILE_WIDTH:
            partial = folder / f"{place.path}.p"
            if partial.is_dir():
                shutil.rmtree(partial)


class _Grown:
    """The tree after growing: its beginning as it was published, the rest hashed from the log."""

    def __init__(self, source: LogSource, old: TreeSize, new: TreeSize, folder: Path) -> None:
        self._published = TileNodes(lambda tile: _tile_in(folder, tile), old)
        self._old, self._new = old, new
        self._leaves = [Hash32(leaf_hash(data)) for data in source.entries(LeafIndex(old), new)]
        self._known = dict[tuple[int, int], Hash32]()
        """Hashes that stand in tiles; those between are made again, which saves their memory."""

    def node(self, level: int, index: int) -> Hash32:
        """Return the hash of a full subtree.

        Raises:
            NodeBeyondLog: the subtree is not full at the new size.
        """
        if index + 1 > self._new >> level:
            raise NodeBeyondLog(level, index, self._new)
        if index + 1 <= self._old >> level:
            return self._published.node(level, index)
        if level == 0:
            return self._leaves[index - self._old]
        known = self._known.get((level, index))
        if known is None:
            below = (self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))
            known = node_hash(*below)
            if level % TILE_HEIGHT == 0:
                self._known[level, index] = known
        return known


def _tile_in(folder: Path, tile: Tile) -> bytes:
    data = take_if_there(folder / tile.path)
    if data is None:
        raise PublishedFileAltered(str(folder / tile.path))
    return data
