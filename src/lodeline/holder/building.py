"""From a plan in plain numbers to a finished transform with its proof.

The steps, each a function below:

1. draw blinding factors and commit to every number of every output;
2. derive the owner's one-time key of each output from the recipient's address;
3. seal each output's note to its recipient;
4. assemble the body; its hash is the transform's id;
5. prove, then verify the own proof before anybody else sees it (protocol.md §9.10).

Nothing here knows where plans come from or where the transform goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.generators import BLINDING, VALUE
from lodeline.crypto.group import (
    POINT_BYTES,
    Scalar,
    decode_scalar,
    encode_point,
    encode_scalar,
    random_scalar,
    scalar,
)
from lodeline.crypto.onetime import (
    Address,
    EntryMarks,
    OutputMark,
    derive_for_recipient,
    owner_secret,
    recognise_all,
    tag,
)
from lodeline.crypto.sealing import (
    EphemeralKey,
    OutputIndex,
    ScanKey,
    SealedNote,
    ViewPublicKey,
    ViewTag,
)
from lodeline.custody.claims import ClaimName
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.forms import FormTable
from lodeline.custody.lots import (
    ClaimCommitment,
    LotOpening,
    LotPublic,
    Slot,
    StrandPublic,
    slots,
)
from lodeline.custody.recipes import Recipe
from lodeline.custody.standards import StandardTable
from lodeline.custody.strands import Strand
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.notes import Note, NoteScope, note_hash, scan_context, seal_note
from lodeline.kernel.ids import (
    ChainId,
    Commitment,
    FormName,
    Hash32,
    LotId,
    OneTimeKey,
    ScalarBytes,
    SiteId,
    TransformId,
)
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import GramsCO2e, Milligrams
from lodeline.proofs.batch import verify_subject
from lodeline.proofs.body import (
    PROTOCOL_VERSION,
    InputRef,
    ProcessCommitments,
    SignerRef,
    TransformBody,
    lot_id,
    transform_id,
)
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import Witness, prove
from lodeline.proofs.relations import Ref, Side
from lodeline.proofs.subject import Subject, transform_subject
from lodeline.proofs.view import TransformView, product_number, site_number

__all__ = [
    "BuiltTransform",
    "MadeLot",
    "OwnedLot",
    "OwnerKey",
    "Plan",
    "PlannedLot",
    "ProcessNumbers",
    "Tables",
    "build_transform",
    "claim_made",
    "commit_lot",
    "outline_lot",
]


@dataclass(frozen=True)
class Tables:
    """The consortium's forms and standards, as adopted."""

    chain: ChainId
    forms: FormTable
    standards: StandardTable


@dataclass(frozen=True)
class PlannedLot:
    """One output in plain numbers."""

    form: FormName
    recipient: Address
    amounts: Mapping[Strand, Milligrams]
    """For assurance and credit strands, which have no amount, any value stands and is ignored."""
    claims: Mapping[tuple[Strand, ClaimName], Milligrams] = field(default_factory=dict)
    emissions: GramsCO2e | None = None
    primary: GramsCO2e | None = None
    expires: BlockTime | None = None
    site: SiteId | None = None
    site_number: int | None = None
    """Of a lot that is passed on unchanged and whose site has no known name: the site's number."""
    product: str | None = None
    references: tuple[Hash32, ...] = ()
    memo: str = ""

    @property
    def bound_to(self) -> bool:
        """Return whether the lot carries a commitment to a site."""
        return self.site is not None or self.site_number is not None


@dataclass(frozen=True)
class OwnerKey:
    """A lot's one-time key pair."""

    owner: OneTimeKey
    secret: Scalar

    def __repr__(self) -> str:
        return f"OwnerKey({self.owner.hex()[:12]}, secret)"


@dataclass(frozen=True)
class OwnedLot:
    """A lot that the holder can spend."""

    lot_id: LotId
    public: LotPublic
    opening: LotOpening
    secret: Scalar

    @property
    def key(self) -> OwnerKey:
        """Return the lot's one-time key pair."""
        return OwnerKey(self.public.owner, self.secret)

    def __repr__(self) -> str:
        return f"OwnedLot({self.lot_id.hex()[:12]}, secret)"

    def __reduce__(self) -> tuple[object, ...]:
        """Go to a proving process of the same holder: the curve library's scalars cannot."""
        return _owned, (self.lot_id, self.public, self.opening, encode_scalar(self.secret))


def _owned(lot: LotId, public: LotPublic, opening: LotOpening, secret: ScalarBytes) -> OwnedLot:
    return OwnedLot(lot, public, opening, decode_scalar(secret))


@dataclass(frozen=True)
class ProcessNumbers:
    """Emissions of the step itself and their primary part, grams of CO2e."""

    emissions: GramsCO2e
    primary: GramsCO2e


@dataclass(frozen=True)
class Plan:
    """A transform in plain numbers."""

    recipe: Recipe
    site: SiteId | None
    inputs: tuple[OwnedLot, ...]
    outputs: tuple[PlannedLot, ...]
    process: ProcessNumbers | None = None
    signers: tuple[SignerRef, ...] = ()
    replaces: LotId | None = None


@dataclass(frozen=True)
class MadeLot:
    """One output of a finished transform, with its opening."""

    lot_id: LotId
    public: LotPublic
    opening: LotOpening

    def __repr__(self) -> str:
        return f"MadeLot({self.lot_id.hex()[:12]}, secret)"


@dataclass(frozen=True)
class BuiltTransform:
    """A finished transform: what goes to the ledger, and what its maker keeps."""

    body: TransformBody
    notes: tuple[SealedNote, ...]
    proof: Proof
    made: tuple[MadeLot, ...]
    process: LotOpening | None
    """Opening of the process commitments, emissions and primary, for co-signers."""

    @property
    def transform_id(self) -> TransformId:
        """Return the id of the transform."""
        return transform_id(self.body)


def build_transform(plan: Plan, tables: Tables, entropy: Entropy) -> BuiltTransform:
    """Return a finished transform; takes most of its time in the range proof.

    Raises:
        ShapeRefused: the plan does not have its recipe's shape.
        StatementIsFalse: the plan's numbers break a rule.
        OpeningDoesNotMatch: an input's opening is not that of its commitment.
    """
    digest = recipe_digest(plan.recipe)
    spent = tuple(lot.lot_id for lot in plan.inputs)
    ephemeral = EphemeralKey.generate(entropy)
    context = scan_context(tables.chain, digest, spent)
    lots, openings, tags = [], [], []
    for index, planned in enumerate(plan.outputs):
        owner, view_tag = derive_for_recipient(
            planned.recipient, ephemeral, OutputIndex(index), context
        )
        lot, opening = commit_lot(planned, tables.chain, owner, entropy)
        lots.append(lot)
        openings.append(opening)
        tags.append(view_tag)
    notes = tuple(
        _sealed(planned, opening, NoteScope(tables.chain, digest, spent, index), lot)
        for index, (planned, opening, lot) in enumerate(
            zip(plan.outputs, openings, lots, strict=True)
        )
    )
    process = _process_numbers(plan, entropy)
    body = TransformBody(
        chain=tables.chain,
        version=PROTOCOL_VERSION,
        recipe=digest,
        site=plan.site,
        inputs=tuple(InputRef(lot.lot_id, tag(lot.secret)) for lot in plan.inputs),
        outputs=tuple(lots),
        process=_committed(process),
        scan_key=Hash32(ephemeral.scan_key),
        view_tags=tuple(tags),
        notes=tuple(note_hash(note) for note in notes),
        signers=plan.signers,
        replaces=plan.replaces,
    )
    proof = _proved(plan, tables, body, (tuple(openings), process), entropy)
    made = _made(body, openings)
    return BuiltTransform(body, notes, proof, made, _process_opening(process))


def claim_made(built: BuiltTransform, keys: HolderKeys) -> dict[int, OwnedLot]:
    """Return the outputs of a transform that are the holder's own, by index, ready to be spent.

    Raises:
        OwnerSecretZero: a derived key is zero; chance 2**-255.
    """
    body = built.body
    spent = tuple(item.lot for item in body.inputs)
    marks = EntryMarks(
        ScanKey(body.scan_key),
        scan_context(body.chain, body.recipe, spent),
        tuple(
            OutputMark(OutputIndex(index), ViewTag(view_tag), lot.owner)
            for index, (lot, view_tag) in enumerate(zip(body.outputs, body.view_tags, strict=True))
        ),
    )
    return {
        int(found.index): _spendable(built.made[found.index], keys, found.offset)
        for found in recognise_all(keys.view, keys.spend.public, marks)
    }


def _spendable(made: MadeLot, keys: HolderKeys, offset: Scalar) -> OwnedLot:
    return OwnedLot(made.lot_id, made.public, made.opening, owner_secret(keys.spend, offset))


def commit_lot(
    planned: PlannedLot, chain: ChainId, owner: OneTimeKey, entropy: Entropy
) -> tuple[LotPublic, LotOpening]:
    """Return a planned lot as a table of commitments, with its opening in slot order."""
    outline = outline_lot(planned, owner)
    values = [_value(planned, chain, slot) for slot, _ in slots(outline)]
    blindings = [random_scalar(entropy) for _ in values]
    sealed = [_commit(value, blind) for value, blind in zip(values, blindings, strict=True)]
    opening = LotOpening.of(values, [encode_scalar(blind) for blind in blindings])
    return _filled(outline, sealed), opening


def outline_lot(planned: PlannedLot, owner: OneTimeKey) -> LotPublic:
    """Return a planned lot as everybody sees it, with zero bytes for its commitments.

    It decides the statement of a transform, which names commitments and never looks into them.
    """
    blank = Commitment(bytes(POINT_BYTES))
    strands = sorted(planned.amounts, key=lambda strand: strand.name)
    return LotPublic(
        form=planned.form,
        owner=owner,
        expires=planned.expires,
        strands=tuple(_outline(planned, strand, blank) for strand in strands),
        emissions=None if planned.emissions is None else blank,
        primary=None if planned.primary is None else blank,
        site=blank if planned.bound_to else None,
        product=None if planned.product is None else blank,
    )


def _outline(planned: PlannedLot, strand: Strand, blank: Commitment) -> StrandPublic:
    names = sorted(claim.text for borne, claim in planned.claims if borne == strand)
    claims = tuple(ClaimCommitment(name, blank) for name in names)
    return StrandPublic(strand.name, blank if strand.has_amount else None, claims)


def _value(planned: PlannedLot, chain: ChainId, slot: Slot) -> int:
    numbers: dict[str, int | None] = {
        "emissions": planned.emissions,
        "primary": planned.primary,
        "site": planned.site_number if planned.site is None else site_number(chain, planned.site),
        "product": None if planned.product is None else product_number(chain, planned.product),
    }
    if slot.strand is not None and slot.claim is not None:
        return planned.claims[(slot.strand, slot.claim)]
    if slot.strand is not None:
        return planned.amounts[slot.strand]
    return numbers[slot.kind.value] or 0


def _commit(value: int, blinding: Scalar) -> Commitment:
    return Commitment(encode_point(VALUE * scalar(value) + BLINDING * blinding))


def _filled(outline: LotPublic, sealed: Sequence[Commitment]) -> LotPublic:
    """Return the outline with its commitments put in, in slot order."""
    left = iter(sealed)
    strands = tuple(
        StrandPublic(
            item.strand,
            None if item.amount is None else next(left),
            tuple(ClaimCommitment(borne.claim, next(left)) for borne in item.claims),
        )
        for item in outline.strands
    )
    rest = {
        name: None if getattr(outline, name) is None else next(left)
        for name in ("emissions", "primary", "site", "product")
    }
    return LotPublic(
        form=outline.form,
        owner=outline.owner,
        expires=outline.expires,
        strands=strands,
        **rest,
    )


def _sealed(
    planned: PlannedLot, opening: LotOpening, scope: NoteScope, lot: LotPublic
) -> SealedNote:
    note = Note(opening, planned.site, planned.product, planned.references, planned.memo)
    return seal_note(ViewPublicKey(planned.recipient.view), note, scope, lot)


def _process_numbers(plan: Plan, entropy: Entropy) -> tuple[tuple[int, Scalar], ...]:
    if plan.process is None:
        return ()
    numbers = (plan.process.emissions, plan.process.primary)
    return tuple((int(number), random_scalar(entropy)) for number in numbers)


def _process_opening(process: tuple[tuple[int, Scalar], ...]) -> LotOpening | None:
    if not process:
        return None
    return LotOpening.of(
        [value for value, _ in process], [encode_scalar(blind) for _, blind in process]
    )


def _committed(process: tuple[tuple[int, Scalar], ...]) -> ProcessCommitments | None:
    if not process:
        return None
    emissions, primary = (_commit(value, blind) for value, blind in process)
    return ProcessCommitments(emissions, primary)


def _proved(
    plan: Plan,
    tables: Tables,
    body: TransformBody,
    secret: tuple[tuple[LotOpening, ...], tuple[tuple[int, Scalar], ...]],
    entropy: Entropy,
) -> Proof:
    spent = tuple(lot.public for lot in plan.inputs)
    view = TransformView(plan.recipe, tables.forms, tables.standards, body, spent)
    subject = transform_subject(view)
    witness = _witness(plan, body, secret)
    proof = prove(subject, witness, entropy)
    _check_own(subject, proof, plan.recipe)
    return proof


def _check_own(subject: Subject, proof: Proof, recipe: Recipe) -> None:
    verify_subject(subject, proof, f"own transform under {recipe.name}")


def _witness(
    plan: Plan,
    body: TransformBody,
    secret: tuple[tuple[LotOpening, ...], tuple[tuple[int, Scalar], ...]],
) -> Witness:
    openings, process = secret
    numbers: dict[Ref, tuple[int, Scalar]] = {}
    for index, lot in enumerate(plan.inputs):
        numbers.update(_opened(Side.INPUT, index, lot.public, lot.opening))
    for index, (lot_public, opening) in enumerate(zip(body.outputs, openings, strict=True)):
        numbers.update(_opened(Side.OUTPUT, index, lot_public, opening))
    for index, number in enumerate(process):
        numbers[Ref(Side.PROCESS, index)] = number
    return Witness(numbers, tuple(lot.secret for lot in plan.inputs))


def _opened(
    side: Side, index: int, lot: LotPublic, opening: LotOpening
) -> dict[Ref, tuple[int, Scalar]]:
    places = [slot for slot, _ in slots(lot)]
    return {
        Ref(side, index, slot): (value, decode_scalar(blinding))
        for slot, value, blinding in zip(places, opening.values, opening.blindings, strict=True)
    }


def _made(body: TransformBody, openings: Sequence[LotOpening]) -> tuple[MadeLot, ...]:
    transform = transform_id(body)
    return tuple(
        MadeLot(lot_id(transform, index), lot, opening)
        for index, (lot, opening) in enumerate(zip(body.outputs, openings, strict=True))
    )
