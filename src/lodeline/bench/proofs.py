"""`lodeline bench proofs`: what proving and verifying cost, beside the physical floor.

The floor of a batch is what no verifier of these proofs can avoid: decoding every point that it
reads, with subgroup check, and one multi-scalar multiplication over exactly the points and scalars
of the batch verifier. Both are measured in the same run, on one core.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from lodeline.bench.shapes import Provable, blend, claim
from lodeline.crypto.accumulator import Accumulator, WeightSource, merged
from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.generators import bit_generators
from lodeline.crypto.group import decode_point, multi_scalar_mul
from lodeline.kernel import cbor
from lodeline.proofs.batch import verify_subject
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import prove
from lodeline.proofs.subject import Subject
from lodeline.proofs.verifier import accumulate_proof, announcements, replay

__all__ = ["SHAPES", "Figures", "bench_proofs", "measure"]

BATCH = 100
DISTINCT = 4
"""Different proofs in a batch, each repeated; the verifier treats repetitions like strangers."""

SHAPES: Mapping[str, Callable[[], Provable]] = {
    "transform_2x2": lambda: blend(2),
    "transform_4x4": lambda: blend(4),
    "six_strands": lambda: blend(2, strands=6),
    "claim": claim,
}


@dataclass(frozen=True)
class Figures:
    """What one shape costs; bytes of the proof, milliseconds of wall-clock time on one core."""

    bytes: int
    range_bits: int
    prove_ms: float
    verify_ms: float
    batch100_ms_each: float
    floor_ms_each: float
    batch_over_floor: float
    points_decoded: int


def bench_proofs(
    names: Sequence[str] = tuple(SHAPES), progress: Callable[[str], None] = lambda _: None
) -> dict[str, Figures]:
    """Measure the named shapes, one after another."""
    bit_generators(4096)
    found = {}
    for name in names:
        progress(name)
        found[name] = measure(SHAPES[name])
    return found


def measure(shape: Callable[[], Provable]) -> Figures:
    """Measure one shape: a few distinct proofs, alone and in a batch of 100."""
    provables = [shape() for _ in range(DISTINCT)]
    proofs: list[Proof] = []
    prove_times = [_timed(partial(_prove, provable, proofs)) for provable in provables]
    subjects = [provable.subject for provable in provables]
    verify_times = [
        _timed(partial(verify_subject, subject, proof, "bench"))
        for subject, proof in zip(subjects, proofs, strict=True)
    ]
    batch = [(subjects[i % DISTINCT], proofs[i % DISTINCT]) for i in range(BATCH)]
    batch_time = min(_timed(partial(_verify, batch)) for _ in range(2))
    floor_time = min(_timed(_floor(batch)) for _ in range(2))
    return Figures(
        bytes=len(cbor.encode_struct(proofs[0])),
        range_bits=subjects[0].statement.range_bits,
        prove_ms=_ms(median(prove_times)),
        verify_ms=_ms(median(verify_times)),
        batch100_ms_each=_ms(batch_time / BATCH),
        floor_ms_each=_ms(floor_time / BATCH),
        batch_over_floor=round(batch_time / floor_time, 3),
        points_decoded=len(_points(subjects[0], proofs[0])),
    )


def _prove(provable: Provable, proofs: list[Proof]) -> None:
    proofs.append(prove(provable.subject, provable.witness, SystemEntropy()))


def _sum(batch: Sequence[tuple[Subject, Proof]]) -> Accumulator:
    replayed = [replay(subject, proof) for subject, proof in batch]
    sums = []
    for index, item in enumerate(replayed):
        accumulator = Accumulator(WeightSource(item.digest + index.to_bytes(4, "big")))
        accumulate_proof(accumulator, item)
        sums.append(accumulator)
    return merged(sums)


def _verify(batch: Sequence[tuple[Subject, Proof]]) -> None:
    if not _sum(batch).holds():
        message = "the benchmark's own proofs do not hold"
        raise AssertionError(message)


def _floor(batch: Sequence[tuple[Subject, Proof]]) -> Callable[[], None]:
    """Return the unavoidable work of a batch: decoding and one multiplication."""
    encodings = [point for subject, proof in batch for point in _points(subject, proof)]
    points, scalars = _sum(batch).terms()

    def work() -> None:
        for encoding in encodings:
            decode_point(encoding)
        multi_scalar_mul(points, scalars)

    return work


def _points(subject: Subject, proof: Proof) -> list[bytes]:
    """Return every point that the verifier of one proof decodes."""
    found: list[bytes] = [*subject.commitments.values(), *subject.made]
    for owner in subject.owners:
        found.append(owner.key)
        if owner.tag is not None:
            found.append(owner.tag)
    found.extend(announcements(proof))
    found.extend(product.difference for product in proof.products)
    if proof.ranges is not None:
        ranges = proof.ranges
        found.extend((ranges.a, ranges.a1, ranges.b, *ranges.left, *ranges.right))
    return found


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
