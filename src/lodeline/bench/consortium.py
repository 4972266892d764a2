"""`lodeline bench consortium`: four validators on this machine, beside the embedded ledger.

The same entries as in `bench.ledger`, with the same processors: now the four validators' two
programs each, their proof workers and the load share them, over the loopback. So the figures say
what agreement costs in work; they say nothing about distances.

| measured | how |
|---|---|
| signed entries | submissions over the HTTP API, until all are durable where they were handed in |
| block time | median over the blocks of that load, by the times in their headers |
| transforms | proofs made beforehand, handed in at once; every validator verifies every proof |
| catch-up | one validator killed under a steady load, then started, until it has the newest block |
| joins | a validator admitted by vote, from a snapshot or by replaying every block |
"""

from __future__ import annotations

import os
import stat
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Final

from msgspec import structs

from lodeline.bench.ledger import LedgerFigures, bench_ledger
from lodeline.bench.pump import Pumped, enveloped, pump
from lodeline.bench.world import BENCH_CHAIN, NOW, World
from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.engine.consortium.founding import ClockKind
from lodeline.engine.consortium.sending import MemberSigner
from lodeline.engine.consortium.settings import SNAPSHOT_ENTRIES
from lodeline.holder.building import OwnedLot
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import (
    Act,
    AdmitMember,
    Govern,
    GovernBody,
    MemberSignature,
    SetValidator,
    encode_entry,
    entry_id,
)
from lodeline.ledger.records import Constants
from lodeline.node.clock import SystemClock
from lodeline.node.consensus_rpc import BlockHeight, ConsensusRpc
from lodeline.node.consortium_status import see_validators
from lodeline.node.founding import MemberSpec
from lodeline.node.local_network import Founder, LocalChain, LocalNetwork, LocalValidator

__all__ = ["ConsortiumFigures", "bench_consortium"]

Progress = Callable[[str], None]

_OTHERS: Final = ("refiner", "smelter")
_NEWCOMERS: Final = ("bank", "port")
_STREAMS: Final = 4
"""Chains of transforms that do not depend on each other: one for each validator."""
_SECONDS: Final = 600.0
_BLOCK_BYTES: Final = 512
"""Unit in which POSIX counts what a file takes up."""
_WARMING: Final = 8
"""Waves that are handed in before those that are measured."""
_DOWN_SECONDS: Final = 5
_LATER: Final = 10**9
"""Number of the first signed entry of later loads, beyond those of the first."""


@dataclass(frozen=True)
class ConsortiumFigures:
    """What four validators do on this machine; rates per second."""

    embedded_signed_per_s: float
    validators4_signed_per_s: float
    validators4_median_block_s: float
    embedded_transforms_per_s: float
    validators4_transforms_per_s: float
    floor_transforms_per_s: float
    """Verifying the proofs once, with all processors and nothing else."""
    catch_up_s: float
    snapshot_join_s: float
    replay_join_s: float
    bytes_per_transform: float
    """On one validator's disk, of both its programs: ledger, blocks, write-ahead logs, logs."""


def bench_consortium(
    program: Path, entries: int, waves: int, progress: Progress = lambda _: None
) -> ConsortiumFigures:
    """Measure with so many signed entries, and four transforms in each wave.

    ``program`` is CometBFT. Everything that is started is stopped.

    Raises:
        NetworkNotThere: the validators do not come to work.
        LoadRefused: they refuse a sound entry.
    """
    alone = bench_ledger(entries, waves, progress)
    with (
        TemporaryDirectory(prefix="lodeline-bench-") as folder,
        _Bench.at(Path(folder), program, entries, progress) as bench,
    ):
        transforms, size = bench.transforms(waves)
        signed = bench.signed(entries)
        catch_up = bench.catch_up(entries)
        joins = [bench.join(name, with_snapshot=name == _NEWCOMERS[0]) for name in _NEWCOMERS]
        return _figures(alone, signed, (transforms, size), (catch_up, *joins))


def _figures(
    alone: LedgerFigures,
    signed: tuple[Pumped, float],
    transforms: tuple[Pumped, float],
    seconds: Sequence[float],
) -> ConsortiumFigures:
    catch_up, snapshot_join, replay_join = seconds
    return ConsortiumFigures(
        embedded_signed_per_s=alone.append_signed_per_s,
        validators4_signed_per_s=round(signed[0].per_second, 1),
        validators4_median_block_s=round(signed[1], 3),
        embedded_transforms_per_s=alone.append_transforms_per_s,
        validators4_transforms_per_s=round(transforms[0].per_second, 1),
        floor_transforms_per_s=alone.verify_alone_per_s,
        catch_up_s=round(catch_up, 2),
        snapshot_join_s=round(snapshot_join, 2),
        replay_join_s=round(replay_join, 2),
        bytes_per_transform=round(transforms[1], 1),
    )


# ------------------------------------------------------------------ the network


class _Bench:
    """A network at work, and everybody's keys."""

    def __init__(self, network: LocalNetwork, world: World, progress: Progress) -> None:
        self._network, self._world, self._progress = network, world, progress
        self._signers: list[MemberSigner] = []
        self._votes = network.founded.state.acts

    @classmethod
    @contextmanager
    def at(cls, folder: Path, program: Path, entries: int, progress: Progress) -> Iterator[_Bench]:
        """Found and start four validators."""
        world, entropy = World(), SystemEntropy()
        others = (_member(name) for name in _OTHERS)
        founders = [Founder(spec, keys) for spec, keys in (*world.founders(), *others)]
        chain = LocalChain(
            BENCH_CHAIN,
            BlockTime(min(NOW, SystemClock().now() - 10)),
            clock=ClockKind.STORY,
            snapshot_entries=min(SNAPSHOT_ENTRIES, entries // 2),
        )
        progress("founding four validators")
        with LocalNetwork.found(folder, program, chain, founders, entropy) as network:
            network.start()
            network.wait_for_height(1, seconds=_SECONDS)
            bench = cls(network, world, progress)
            bench._signers = [MemberSigner(it.spec.member, it.keys.signing) for it in founders]
            bench._vote(world.own_acts())
            yield bench

    @property
    def _all(self) -> list[LocalValidator]:
        return list(self._network.validators.values())

    def _envelopes(self, entries: Sequence[bytes]) -> list[bytes]:
        return enveloped(BENCH_CHAIN, entries, self._signers, NOW)

    def _put(self, entries: Sequence[bytes]) -> Pumped:
        """Hand entries in and wait until every validator has them."""
        done = pump(self._network.urls, self._envelopes(entries))
        self._level()
        return done

    def _vote(self, acts: Sequence[Act]) -> None:
        """Have acts voted for by every founder, and wait until they are in force."""
        entry = Govern(GovernBody(BENCH_CHAIN, self._votes, tuple(acts)), ())
        signatures = tuple(
            MemberSignature(it.member, sign(it.key, SignatureContext.VOTE, entry_id(entry)))
            for it in sorted(self._signers, key=lambda signer: signer.member)
        )
        self._put([encode_entry(structs.replace(entry, signatures=signatures))])
        self._votes += 1

    def _level(self) -> BlockHeight:
        """Wait until all validators have the same entries; return the highest block."""
        policy = self._network.trust.policy()

        def level() -> bool:
            seen = see_validators(self._network.urls, policy)
            return all(one.fault is None and not one.behind for one in seen)

        self._network.wait_for("validators that are level", level, _SECONDS)
        return max(validator.height() or 0 for validator in self._all)

    # -------------------------------------------------------------- transforms

    def transforms(self, waves: int) -> tuple[Pumped, float]:
        """Return what handing in transforms took, and the bytes that one takes on a disk."""
        constants = self._network.founded.state.constants
        assert constants is not None  # noqa: S101 - a founding has a genesis
        streams = self._proved(constants, waves + _WARMING)
        self._progress(f"handing {4 * waves} transforms to four validators")
        # Processes that verify make their generators first; the floor is measured without that too.
        self._handed(stream[:_WARMING] for stream in streams)
        before = _bytes_under(self._all[-1].home.folder)
        done = self._handed(stream[_WARMING:] for stream in streams)
        grown = _bytes_under(self._all[-1].home.folder) - before
        return done, grown / done.entries

    def _handed(self, streams: Iterable[Sequence[bytes]]) -> Pumped:
        """Hand in one submission of each stream, signed by a member of its own."""
        submissions = [
            signer.signed(BENCH_CHAIN, tuple(stream), NOW)
            for signer, stream in zip(self._signers, streams, strict=True)
        ]
        done = pump(self._network.urls, submissions)
        self._level()
        return done

    def _proved(self, constants: Constants, waves: int) -> list[list[bytes]]:
        """Bring stock onto the ledger and prove four chains of transforms over it."""
        state = self._network.founded.state
        opening, lots = self._world.opening(state, constants)
        self._put(opening)
        self._progress(f"proving {4 * waves} transforms")
        with (
            ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool,
            ThreadPoolExecutor(_STREAMS) as threads,
        ):
            stored = partial(self._world.stored, state, waves=waves, pool=pool)
            return list(threads.map(stored, _pairs(lots)))

    # -------------------------------------------------------------- signed entries

    def signed(self, entries: int) -> tuple[Pumped, float]:
        """Return what handing in signed entries took, and the median time between two blocks."""
        self._progress(f"signing {entries} entries")
        envelopes = self._envelopes(self._world.anchors(entries))
        first = self._level()
        self._progress("handing them to four validators")
        done = pump(self._network.urls, envelopes)
        last = self._level()
        with ConsensusRpc(self._all[0].rpc) as rpc:
            moments = [rpc.moment(height) for height in range(first + 1, last + 1)]
        waits = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
        return done, statistics.median(waits)

    # -------------------------------------------------------------- a validator that comes back

    def catch_up(self, entries: int) -> float:
        """Kill a validator under load, start it again, and return the seconds until it is level.

        The load is one submission at a time, of 256 entries: one that takes all processors of the
        one machine would leave none for catching up.
        """
        victim, others = self._all[-1], self._all[:-1]
        self._progress("killing one of four under load, and starting it again")
        envelopes = self._envelopes(self._world.anchors(entries, _LATER))
        enough = Event()
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(pump, [others[0].api], envelopes, enough, at_once=1)
            try:
                victim.kill()
                _rest_while(load.running, _DOWN_SECONDS)
                started = time.monotonic()
                victim.start()
                self._network.wait_for(
                    "a level validator", lambda: _level(victim, others), _SECONDS
                )
                seconds = time.monotonic() - started
            finally:
                enough.set()
            load.result()
        self._level()
        return seconds

    # -------------------------------------------------------------- newcomers

    def join(self, name: str, *, with_snapshot: bool) -> float:
        """Admit a validator and return the seconds from its start until it is level."""
        self._progress(f"joining {'with a snapshot' if with_snapshot else 'by replaying'}")
        spec, keys = _member(name)
        file = self._network.prepare(Founder(spec, keys), SystemEntropy())
        public = file.validator
        assert public is not None  # noqa: S101 - it was prepared as a validator
        acts = (
            AdmitMember(file.record),
            SetValidator(spec.member, public.consensus, public.checkpoint, public.api),
        )
        self._vote(acts)
        self._put(self._world.anchors(1, _LATER * 2 + self._votes))
        others = self._all
        joined = self._network.join(spec.member, with_snapshot=with_snapshot)
        started = time.monotonic()
        joined.start()
        self._network.wait_for("a level newcomer", lambda: _level(joined, others), _SECONDS)
        seconds = time.monotonic() - started
        self._level()
        return seconds


def _member(name: str) -> tuple[MemberSpec, HolderKeys]:
    return MemberSpec(MemberId(name), name, "CD", ()), HolderKeys.generate([], SystemEntropy())


def _pairs(lots: Sequence[OwnedLot]) -> list[list[OwnedLot]]:
    return [list(lots[at : at + 2]) for at in range(0, 2 * _STREAMS, 2)]


def _level(one: LocalValidator, others: Sequence[LocalValidator]) -> bool:
    """Return whether a validator has the block that the others have, asked before it is."""
    highest = max(other.height() or 0 for other in others)
    return (one.height() or 0) >= highest > 0


def _rest_while(lasting: Callable[[], bool], seconds: float) -> None:
    """Let a load go on for a while, or until it is over."""
    end = time.monotonic() + seconds
    while lasting() and time.monotonic() < end:
        time.sleep(0.1)


def _bytes_under(folder: Path) -> int:
    """Return what the files of a folder take up on the disk; it is written to meanwhile."""
    return sum(_blocks(path) for path in folder.rglob("*")) * _BLOCK_BYTES


def _blocks(path: Path) -> int:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return 0
    return found.st_blocks if stat.S_ISREG(found.st_mode) else 0
