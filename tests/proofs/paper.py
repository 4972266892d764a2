"""Transforms on paper: statements compiled and judged over plain numbers, without a commitment.

Commitments here are labels of 48 bytes, since the compiler never decodes one. So thousands of
transforms can be judged in a second. Whether a proof shows what the statement says is another
question, for the tests that prove.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from vectors.stage import Committer, Plan, Scene, stage

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.group import ONE, Scalar
from lodeline.kernel.ids import Commitment, OneTimeKey, Tag
from lodeline.proofs.compiler import compile_transform
from lodeline.proofs.relations import InRange, LinearForm, Ref, Rule, Side, Statement, Zero

__all__ = ["Paper", "broken", "broken_rules", "on_paper", "statement_of"]


class Paper(Committer):
    """Writes numbers down beside numbered labels, which no curve point hides."""

    def __init__(self) -> None:
        super().__init__(SystemEntropy())
        self._count = 0

    def _label(self) -> bytes:
        self._count += 1
        return hashlib.sha384(self._count.to_bytes(8, "big")).digest()

    def commit(self, value: int) -> Commitment:
        self.numbers.append((value, ONE))
        return Commitment(self._label())

    def owner(self) -> tuple[Scalar, OneTimeKey, Tag]:
        return ONE, OneTimeKey(self._label()), Tag(self._label())

    def bytes(self, count: int) -> bytes:
        return bytes(count)


def on_paper(plan: Plan) -> Scene:
    """Return the plan with labels for commitments."""
    return stage(plan, Paper())


def statement_of(plan: Plan) -> Statement:
    """Return what a proof of the plan would have to show."""
    return compile_transform(on_paper(plan).view)


def broken(plan: Plan, staged: Scene | None = None) -> list[Rule]:
    """Return every rule that the plan's numbers break, in the statement's order.

    ``staged`` is the plan on paper under other forms than the vectors'.

    Written apart from the prover's own check, so that neither vouches for itself.
    """
    scene = staged or on_paper(plan)
    statement = compile_transform(scene.view)
    values = {ref: value for ref, (value, _) in scene.witness.numbers.items()}
    for index, product in enumerate(statement.products):
        x, z = statement.totals[product.x], statement.totals[product.z]
        values[Ref(Side.PRODUCT, index)] = _value(values, x) * _value(values, product.y) - _value(
            values, z
        ) * _value(values, product.w)
    relations: Iterable[Zero | InRange] = (*statement.zeros, *statement.ranges)
    found = []
    for relation in relations:
        most = (1 << relation.bits) - 1 if isinstance(relation, InRange) else 0
        if not 0 <= _value(values, relation.form) <= most:
            found.append(relation.rule)
    return sorted(found, key=Rule.sort_key)


def broken_rules(plan: Plan) -> set[int]:
    """Return the numbers of the rules that the plan's numbers break."""
    return {int(rule.number) for rule in broken(plan)}


def _value(values: dict[Ref, int], form: LinearForm) -> int:
    return form.constant + sum(values[ref] * factor for ref, factor in form.terms)
