"""From plain numbers to a committed transform with its statement, honest or not.

A :class:`Plan` says what a transform's lots hold. :func:`stage` draws keys and blinding factors and
gives a :class:`Scene`: body, statement and witness, from which a proof is made. Nothing here asks
whether the numbers are true, so the same functions serve whoever attacks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from vectors.tables import FORMS, STANDARDS

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.generators import BLINDING, OWNER_BASE, TAG_BASE, VALUE
from lodeline.crypto.group import Scalar, encode_point, random_scalar, scalar
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.forms import Form, FormTable
from lodeline.custody.lots import ClaimCommitment, LotPublic, StrandPublic, slots
from lodeline.custody.recipes import Recipe
from lodeline.custody.standards import Standard, StandardTable
from lodeline.kernel.ids import (
    ChainId,
    Commitment,
    FormName,
    Hash32,
    LotId,
    MemberId,
    NoteHash,
    OneTimeKey,
    SiteId,
    StrandName,
    Tag,
)
from lodeline.proofs.body import (
    PROTOCOL_VERSION,
    InputRef,
    ProcessCommitments,
    SignerRef,
    TransformBody,
)
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import Witness, prove
from lodeline.proofs.relations import Ref, Side
from lodeline.proofs.subject import Subject, transform_subject
from lodeline.proofs.task import TransformTask
from lodeline.proofs.view import TransformView, product_number, site_number

__all__ = ["CHAIN", "Committer", "Lot", "PlainLot", "Plan", "Scene", "numbers_of", "stage"]

CHAIN = ChainId("vectors-1")


@dataclass(frozen=True)
class PlainLot:
    """What a lot holds, in milligrams and grams of CO2e; the keys of claims are strand, claim."""

    form: str
    amounts: Mapping[str, int | None]
    """Milligrams of each strand; none for assurance and credit."""
    claims: Mapping[tuple[str, str], int] = field(default_factory=dict)
    emissions: int | None = None
    primary: int | None = None
    expires: int | None = None
    site: str | None = None
    product: str | None = None

    def strands(self) -> list[str]:
        """Return the written strand names in ascending order."""
        return sorted(self.amounts)

    def claims_on(self, strand: str) -> list[tuple[str, int]]:
        """Return the claims of one strand in ascending order of their names."""
        return sorted((claim, mg) for (on, claim), mg in self.claims.items() if on == strand)


@dataclass(frozen=True)
class Plan:
    """A transform in plain numbers."""

    recipe: Recipe
    inputs: tuple[PlainLot, ...]
    outputs: tuple[PlainLot, ...]
    process: tuple[int, int] | None = None
    """Emissions of the step and their primary part, in grams of CO2e."""
    site: str | None = None

    def with_output(self, index: int, lot: PlainLot) -> Plan:
        """Return the plan with one output replaced."""
        return replace(self, outputs=_replaced(self.outputs, index, lot))

    def with_input(self, index: int, lot: PlainLot) -> Plan:
        """Return the plan with one input replaced."""
        return replace(self, inputs=_replaced(self.inputs, index, lot))


def _replaced(lots: tuple[PlainLot, ...], index: int, lot: PlainLot) -> tuple[PlainLot, ...]:
    return (*lots[:index], lot, *lots[index + 1 :])


@dataclass(frozen=True)
class Lot:
    """A committed lot with its secrets: numbers and blinding factors in the order of its slots."""

    public: LotPublic
    secret: Scalar
    tag: Tag
    """The spending tag ``T = U/k``."""
    numbers: tuple[tuple[int, Scalar], ...]


class Committer:
    """Draws keys and blinding factors, commits numbers, and remembers openings in that order."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self.numbers: list[tuple[int, Scalar]] = []

    def commit(self, value: int) -> Commitment:
        """Return the commitment to a number, of any sign (reduced modulo the group order)."""
        blinding = random_scalar(self._entropy)
        self.numbers.append((value, blinding))
        return Commitment(encode_point(VALUE * scalar(value) + BLINDING * blinding))

    def optional(self, value: int | None) -> Commitment | None:
        """Return the commitment to a number, or nothing for none."""
        return None if value is None else self.commit(value)

    def owner(self) -> tuple[Scalar, OneTimeKey, Tag]:
        """Return a fresh one-time secret with its key and tag."""
        secret = random_scalar(self._entropy)
        key = OneTimeKey(encode_point(OWNER_BASE * secret))
        return secret, key, Tag(encode_point(TAG_BASE * secret.inverse()))

    def bytes(self, count: int) -> bytes:
        """Return random bytes for what only has to be unlike anything else."""
        return self._entropy.bytes(count)

    def lot(self, plain: PlainLot) -> Lot:
        """Return a lot with fresh owner key and blinding factors."""
        start = len(self.numbers)
        secret, key, tag = self.owner()
        strands = tuple(self._strand(plain, name) for name in plain.strands())
        site = None if plain.site is None else site_number(CHAIN, SiteId(plain.site))
        product = None if plain.product is None else product_number(CHAIN, plain.product)
        public = LotPublic(
            form=FormName(plain.form),
            owner=key,
            expires=plain.expires,
            strands=strands,
            emissions=self.optional(plain.emissions),
            primary=self.optional(plain.primary),
            site=self.optional(site),
            product=self.optional(product),
        )
        return Lot(public, secret, tag, tuple(self.numbers[start:]))

    def _strand(self, plain: PlainLot, name: str) -> StrandPublic:
        amount = self.optional(plain.amounts[name])
        claims = [ClaimCommitment(claim, self.commit(mg)) for claim, mg in plain.claims_on(name)]
        return StrandPublic(StrandName(name), amount, tuple(claims))


def numbers_of(side: Side, lots: Sequence[Lot]) -> Iterator[tuple[Ref, tuple[int, Scalar]]]:
    """Yield every number of some lots with its name in relations."""
    for index, lot in enumerate(lots):
        for (slot, _), number in zip(slots(lot.public), lot.numbers, strict=True):
            yield Ref(side, index, slot), number


@dataclass(frozen=True)
class Scene:
    """A committed transform: everything public about it, and everything secret."""

    recipe: Recipe
    body: TransformBody
    inputs: tuple[Lot, ...]
    outputs: tuple[Lot, ...]
    process: tuple[tuple[int, Scalar], ...]
    forms: tuple[Form, ...] = FORMS
    standards: tuple[Standard, ...] = STANDARDS

    @property
    def spent(self) -> tuple[LotPublic, ...]:
        """Return the input lots as the ledger has them."""
        return tuple(lot.public for lot in self.inputs)

    @cached_property
    def view(self) -> TransformView:
        """What the statement is compiled from."""
        forms, standards = FormTable(self.forms), StandardTable(self.standards)
        return TransformView(self.recipe, forms, standards, self.body, self.spent)

    @cached_property
    def subject(self) -> Subject:
        """What the proof is about.

        Raises:
            ShapeRefused, UnknownForm, UnknownStandard, RangesTooWide: from the compiler.
        """
        return transform_subject(self.view)

    @cached_property
    def witness(self) -> Witness:
        """Everything secret about the proof."""
        numbers = dict(numbers_of(Side.INPUT, self.inputs))
        numbers.update(numbers_of(Side.OUTPUT, self.outputs))
        for index, number in enumerate(self.process):
            numbers[Ref(Side.PROCESS, index)] = number
        return Witness(numbers, tuple(lot.secret for lot in self.inputs))

    def prove(self, entropy: Entropy) -> Proof:
        """Return an honest proof.

        Raises:
            StatementIsFalse: the numbers break a rule.
        """
        return prove(self.subject, self.witness, entropy)

    def task(self, proof: Proof, key: bytes | None = None) -> TransformTask:
        """Return what a verifier is handed; the key is a hash of the scan key unless given."""
        named = Hash32(hashlib.sha256(self.body.scan_key).digest() if key is None else key)
        return TransformTask(
            named, self.recipe, self.forms, self.standards, self.body, self.spent, proof
        )


def stage(
    plan: Plan,
    hand: Committer,
    forms: tuple[Form, ...] = FORMS,
    standards: tuple[Standard, ...] = STANDARDS,
    inputs: tuple[Lot, ...] | None = None,
) -> Scene:
    """Return a plan committed; ``inputs`` are lots made before, in place of fresh ones."""
    spent = tuple(hand.lot(lot) for lot in plan.inputs) if inputs is None else inputs
    made = tuple(hand.lot(lot) for lot in plan.outputs)
    start = len(hand.numbers)
    process = None
    if plan.process is not None:
        emissions, primary = plan.process
        process = ProcessCommitments(hand.commit(emissions), hand.commit(primary))
    body = TransformBody(
        chain=CHAIN,
        version=PROTOCOL_VERSION,
        recipe=recipe_digest(plan.recipe),
        site=None if plan.site is None else SiteId(plan.site),
        inputs=tuple(
            InputRef(LotId(hashlib.sha256(lot.public.owner).digest()), lot.tag) for lot in spent
        ),
        outputs=tuple(lot.public for lot in made),
        process=process,
        scan_key=Hash32(hand.bytes(32)),
        view_tags=tuple(hand.bytes(2) for _ in made),
        notes=tuple(NoteHash(hand.bytes(32)) for _ in made),
        signers=tuple(SignerRef(MemberId(f"a-{role}"), role) for role in plan.recipe.co_signers),
        replaces=None,
    )
    return Scene(plan.recipe, body, spent, made, tuple(hand.numbers[start:]), forms, standards)
