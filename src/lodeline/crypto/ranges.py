"""Aggregated range proofs, what both sides share: Bulletproofs+ with a width for each value.

Source: Chung, Han, Ju, Kim, Seo, "Bulletproofs+: Shorter Proofs for a Privacy-Enhanced Distributed
Ledger" (IEEE Access 2022; eprint 2020/735), protocol 3 with the aggregation of its §4.2. Two things
differ in the wording, not in the algebra: value ``j`` has its own width ``n_j`` in bits instead of
one common width, and the sum of widths is padded with zero bits to a power of two ``N``. With the
vector ``d`` holding ``z^(2(j+1))·2^b`` for bit ``b`` of value ``j`` and zero for padding, the
verification equation is that of the paper; the paper's proof of witness-extended emulation reads
``d`` only through ``<bits, d>``, which here is ``Σ z^(2(j+1))·v_j``.

Symbols: ``A``, ``L``, ``R``, ``A1`` (the paper's second ``A``), ``B``, ``r'``, ``s'``, ``δ'``; the
challenges ``y``, ``z``, ``e_k`` (one a round) and ``e`` (the last).
"""

from __future__ import annotations

from collections.abc import Sequence

from lodeline.crypto.group import ONE, Scalar, ScalarBytes
from lodeline.crypto.labels import Label
from lodeline.crypto.transcript import Transcript
from lodeline.kernel.bounds import MAX_RANGE_BITS
from lodeline.kernel.errors import LodelineError

__all__ = ["MAX_WIDTH", "RangesTooWide", "absorb_widths", "bit_weights", "padded", "powers"]

MAX_WIDTH = 160
"""Bits of the widest single value; far below the group order's 255 (T8 needs up to 140)."""


class RangesTooWide(LodelineError):
    """The ranges of one proof need more bits together than the protocol allows."""

    bits: int
    bound: int

    code = "ranges-too-wide"
    en = "This needs {bits} range bits in one proof; the bound is {bound}"
    fr = "Il faut {bits} bits d'intervalle dans une seule preuve ; la limite est {bound}"
    advice_en = "Split the step into several transforms with fewer lots each"
    advice_fr = "Divisez l'opération en plusieurs transformations de moins de lots"


def padded(widths: Sequence[int]) -> int:
    """Return ``N``: the sum of widths, padded to a power of two.

    Raises:
        RangesTooWide: the sum or one width passes its bound.
    """
    total = sum(widths)
    if total > MAX_RANGE_BITS:
        raise RangesTooWide(total, MAX_RANGE_BITS)
    widest = max(widths)
    if widest > MAX_WIDTH:
        raise RangesTooWide(widest, MAX_WIDTH)
    return 1 << (total - 1).bit_length()


def absorb_widths(transcript: Transcript, widths: Sequence[int]) -> None:
    """Bind the widths; the values' commitments are bound by the statement before."""
    data = b"".join(width.to_bytes(2, "big") for width in widths)
    transcript.absorb(Label.RANGE_WIDTHS, data)


def powers(base: Scalar, count: int) -> list[Scalar]:
    """Return ``base**0`` to ``base**(count-1)``."""
    found = [ONE]
    for _ in range(count - 1):
        found.append(found[-1] * base)
    return found[:count]


def bit_weights(widths: Sequence[int], z: Scalar) -> list[Scalar]:
    """Return ``z**2, z**4, …``: the factor of each value in the aggregation."""
    square = z * z
    found = [square]
    for _ in widths[1:]:
        found.append(found[-1] * square)
    return found


def absorb_scalars(transcript: Transcript, scalars: Sequence[ScalarBytes]) -> None:
    """Bind the final scalars, so that whatever follows depends on the whole range proof."""
    for value in scalars:
        transcript.absorb(Label.RANGE_FINAL, value)
