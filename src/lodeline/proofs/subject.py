"""What one proof is about: the statement, the commitments it speaks of, and what it is bound to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lodeline.crypto.labels import Domain, Label
from lodeline.crypto.transcript import Transcript
from lodeline.custody.lots import LotPublic, slots
from lodeline.kernel import cbor
from lodeline.kernel.ids import Commitment, OneTimeKey, Tag
from lodeline.proofs.compiler import compile_restoration, compile_transform
from lodeline.proofs.relations import Ref, Side, Statement
from lodeline.proofs.view import TransformView

__all__ = ["Owner", "Subject", "commitments_of", "restoration_subject", "transform_subject"]


@dataclass(frozen=True)
class Owner:
    """One owner key whose secret is proved, with the tag where one is published."""

    key: OneTimeKey
    tag: Tag | None


@dataclass(frozen=True)
class Subject:
    """Everything public about one proof."""

    domain: Domain
    binding: tuple[tuple[Label, bytes], ...]
    """What the proof is bound to: absorbed first, whole."""
    statement: Statement
    commitments: Mapping[Ref, Commitment]
    owners: tuple[Owner, ...]
    made: tuple[OneTimeKey, ...]
    """Owner keys of lots that come into being; they must at least be valid points."""

    def transcript(self) -> Transcript:
        """Return the transcript with the complete statement absorbed.

        The relations follow from what ``binding`` holds; their outline is absorbed besides, so
        that two versions of the compiler that differ never accept each other's proofs.
        """
        transcript = Transcript(self.domain)
        for label, data in self.binding:
            transcript.absorb(label, data)
        statement = self.statement
        outline = (
            statement.spent,
            len(statement.zeros),
            len(statement.totals),
            len(statement.products),
            len(statement.ranges),
        )
        numbers = b"".join(number.to_bytes(4, "big") for number in outline)
        transcript.absorb(Label.STATEMENT, numbers)
        for owner in self.owners:
            transcript.absorb(Label.OWNER, owner.key + (owner.tag or b""))
        return transcript


def commitments_of(side: Side, lots: tuple[LotPublic, ...]) -> Iterator[tuple[Ref, Commitment]]:
    """Yield every commitment of some lots with its name in relations."""
    for index, lot in enumerate(lots):
        for slot, commitment in slots(lot):
            yield Ref(side, index, slot), commitment


def transform_subject(view: TransformView) -> Subject:
    """Return the subject of a transform's proof.

    The binding is the canonical body (suite, chain, version, recipe digest, tags, sites, signers,
    outputs with the hashes of their notes) and every input lot as the ledger has it.

    Raises:
        ShapeRefused, UnknownForm, UnknownStandard, RangesTooWide: from the compiler.
    """
    statement = compile_transform(view)
    body = view.body
    named = {
        ref: commitment
        for lot in (*view.inputs, *view.outputs)
        for (_, ref), (_, commitment) in zip(lot.numbers, slots(lot.lot), strict=True)
    }
    if body.process is not None:
        named[Ref(Side.PROCESS, 0)] = body.process.emissions
        named[Ref(Side.PROCESS, 1)] = body.process.primary
    owners = tuple(
        Owner(lot.owner, spent.tag) for lot, spent in zip(view.spent, body.inputs, strict=True)
    )
    binding = ((Label.BODY, cbor.encode_struct(body)), *_bound_lots(view.spent))
    made = tuple(lot.owner for lot in body.outputs)
    return Subject(Domain.TRANSFORM, binding, statement, named, owners, made)


def _bound_lots(lots: tuple[LotPublic, ...]) -> tuple[tuple[Label, bytes], ...]:
    return tuple((Label.INPUT_LOT, cbor.encode_struct(lot)) for lot in lots)


def restoration_subject(
    body: bytes,
    spent: tuple[LotPublic, ...],
    tags: tuple[Tag, ...],
    originals: tuple[LotPublic, ...],
    restored: tuple[LotPublic, ...],
) -> Subject:
    """Return the subject of a reversal's proof; ``body`` is the canonical reversal body.

    Raises:
        NotTheSameLot: a restored lot has another shape than its original.
    """
    statement = compile_restoration(spent, originals, restored)
    named = dict(commitments_of(Side.INPUT, spent + originals))
    named.update(commitments_of(Side.OUTPUT, restored))
    owners = tuple(Owner(lot.owner, tag) for lot, tag in zip(spent, tags, strict=True))
    binding = ((Label.BODY, body), *_bound_lots(spent + originals))
    made = tuple(lot.owner for lot in restored)
    return Subject(Domain.RESTORATION, binding, statement, named, owners, made)
