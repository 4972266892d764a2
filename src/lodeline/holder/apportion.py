"""Sharing whole numbers in proportion, with rounding that the proofs accept.

T8 of a transform asks for each output ``|e·ΣM − M·Σe| ≤ ΣM``: its emissions differ by at most one
gram from its exact share, and T6 asks for the exact total. Rounding down and handing out what is
left, one by one, to the largest remainders (Hamilton's method) does both. Primary emissions must
obey the same two rules *and* stay below the emissions of each output, for which remainders alone
are not enough: see :func:`share_emissions`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

__all__ = ["SharedEmissions", "in_proportion", "share_emissions"]


def in_proportion(
    total: int, weights: Sequence[int], first: Collection[int] = frozenset()
) -> list[int]:
    """Return whole numbers with the given total, each within one of its exact share.

    Exact shares are rounded down, and what is left goes, one each, to the indices of ``first`` and
    then to the largest remainders; among equals the earlier index. Where all weights are zero, the
    first index takes everything.

    ``total`` is at least 0, so are the weights. An index whose weight is zero gets nothing, unless
    all weights are.
    """
    whole = sum(weights)
    if not weights:
        return []
    if whole == 0:
        return [total] + [0] * (len(weights) - 1)
    floors = [total * weight // whole for weight in weights]
    left = total - sum(floors)
    order = sorted(
        range(len(weights)),
        key=lambda index: (index not in first, -(total * weights[index] % whole), index),
    )
    for index in order[:left]:
        floors[index] += 1
    return floors


@dataclass(frozen=True)
class SharedEmissions:
    """Emissions and their primary part of each output, in grams."""

    emissions: list[int]
    primary: list[int]


def share_emissions(emissions: int, primary: int, weights: Sequence[int]) -> SharedEmissions:
    """Share emissions and their primary part, the part never above the whole on any output.

    With exact shares ``x·E`` and ``x·P``, write ``B`` for the outputs where rounding down already
    leaves a gram between the two. Primary emissions are rounded up on outputs of ``B`` first; the
    outputs that are rounded up outside ``B`` then have their emissions rounded up as well. There
    are always enough grams to do so: were ``B`` not exhausted, nobody outside it is rounded up;
    and if it is, what is left of ``E`` covers them, because rounding down lost at most
    ``E − P`` grams more on ``B`` than it gained.

    ``0 ≤ primary ≤ emissions``; weights as for :func:`in_proportion`.
    """
    whole = sum(weights)
    if whole == 0:
        return SharedEmissions(in_proportion(emissions, weights), in_proportion(primary, weights))
    apart = {
        index
        for index, weight in enumerate(weights)
        if emissions * weight // whole > primary * weight // whole
    }
    part = in_proportion(primary, weights, apart)
    raised = {
        index for index, weight in enumerate(weights) if part[index] > emissions * weight // whole
    }
    return SharedEmissions(in_proportion(emissions, weights, raised), part)
