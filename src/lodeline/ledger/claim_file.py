"""The file in which a holder answers one question about his lots to one audience.

A claim proof speaks of commitments; the file brings what ties them to the ledger: a checkpoint that
the members signed, and for each lot the proof that it stood unspent and not recalled in the state
of that checkpoint. The forms, whose widths the statement needs, are shown in the same state. So the
file is checked without a network, with nothing but the trust file of the consortium.

The steps of :func:`verify_claim_file`:

1. the bytes are one canonical file;
2. it is meant for this audience: verifier, chain, nonce, product, not expired;
3. enough members signed the checkpoint, and it is the one that the claim names and recent enough;
4. the lots are those named, each once; each stood in the state unspent and under no recall;
5. the forms are the consortium's;
6. the proof holds: whoever made it knows each lot's owner secret, and the answer is yes.

Not shown: that these are all the lots that the holder has, whether one of them is on offer or was
spent after the checkpoint, and that the first weighing was honest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from lodeline.custody.forms import Form, FormTable
from lodeline.custody.lots import LotPublic
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, FormName, Hash32, LotId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import Checkpoint, CheckpointPolicy, verify_checkpoint
from lodeline.ledger.state import State
from lodeline.ledger.statekeys import StateKind, digest_of, state_key
from lodeline.ledger.statemap import AbsenceProof, PresenceProof, verify_absence, verify_presence
from lodeline.proofs.batch import verify_subject
from lodeline.proofs.proof import Proof
from lodeline.proofs.questions import MAX_CLAIM_LOTS, Audience, ClaimBody, Question, claim_subject

__all__ = [
    "Asked",
    "CheckedClaim",
    "ClaimFile",
    "ClaimedLot",
    "UsedForm",
    "claimed_lots",
    "encode_claim_file",
    "read_claim_file",
    "used_forms",
    "verify_claim_file",
]

MAX_CLAIM_FILE_BYTES = 1 << 20


class ClaimRefused(LodelineError):
    """A claim file that does not convince this reader."""


class ClaimForAnother(ClaimRefused):
    """A claim made for one audience, shown to another."""

    made_for: str
    shown_to: str

    code = "claim-for-another"
    en = "this claim was made for {made_for}, not for {shown_to}"
    fr = "cette déclaration a été faite pour {made_for}, pas pour {shown_to}"
    advice_en = "ask the holder for a claim of your own"
    advice_fr = "demandez au détenteur une déclaration à votre nom"


class ClaimOfAnotherLedger(ClaimRefused):
    """A claim about the lots of another consortium."""

    expected: ChainId
    found: ChainId

    code = "claim-of-another-ledger"
    en = "this claim is about the ledger {found}, not {expected}"
    fr = "cette déclaration porte sur le registre {found}, pas {expected}"
    advice_en = "check it with the trust file of its own consortium"
    advice_fr = "vérifiez-la avec le fichier de confiance de son consortium"


class ClaimNonceDiffers(ClaimRefused):
    """An answer to another request, perhaps an old one shown again."""

    expected: Hash32
    found: Hash32

    code = "claim-nonce-differs"
    en = "this claim answers the request {found}, not yours, {expected}"
    fr = "cette déclaration répond à la demande {found}, pas à la vôtre, {expected}"
    advice_en = "send the holder your number and ask again"
    advice_fr = "envoyez votre numéro au détenteur et redemandez"


class ClaimOfAnotherProduct(ClaimRefused):
    """A claim about another product, or about none."""

    expected: str
    found: str | None

    code = "claim-of-another-product"
    en = "this claim is about the product {found}, not {expected}"
    fr = "cette déclaration porte sur le produit {found}, pas {expected}"
    advice_en = "ask for the claim about this product"
    advice_fr = "demandez la déclaration sur ce produit"


class ClaimExpired(ClaimRefused):
    """A claim after the time until which it may be relied on."""

    expires: BlockTime
    now: BlockTime

    code = "claim-expired"
    en = "this claim could be relied on until {expires}, now it is {now}"
    fr = "cette déclaration valait jusqu'à {expires}, il est maintenant {now}"
    advice_en = "ask the holder for a fresh one"
    advice_fr = "demandez-en une nouvelle au détenteur"


class ClaimCheckpointDiffers(ClaimRefused):
    """The checkpoint in the file is not the one that the claim was proved for."""

    named_size: int
    found_size: int

    code = "claim-checkpoint-differs"
    en = "the claim was proved at entry {named_size}, its file has a checkpoint of {found_size}"
    fr = "la déclaration est prouvée à l'écriture {named_size}, son fichier en montre {found_size}"
    advice_en = "ask the holder for the file as it was made"
    advice_fr = "demandez au détenteur le fichier tel qu'il l'a produit"


class ClaimTooOld(ClaimRefused):
    """A claim proved at a checkpoint from before the time that the reader still accepts."""

    time: BlockTime
    oldest: BlockTime

    code = "claim-too-old"
    en = "the lots were shown at {time}, you accept nothing before {oldest}"
    fr = "les lots sont montrés à {time}, vous n'acceptez rien avant {oldest}"
    advice_en = "ask the holder for a proof at a newer checkpoint"
    advice_fr = "demandez une preuve sur un point de contrôle plus récent"


class ClaimLotsDiffer(ClaimRefused):
    """The lots in the file are not one for each that the claim names, in ascending order."""

    named: int
    found: int

    code = "claim-lots-differ"
    en = "the claim names {named} lots in order, each once; its file does not show these ({found})"
    fr = (
        "la déclaration nomme {named} lots en ordre, une fois chacun ; le fichier diffère ({found})"
    )
    advice_en = "do not rely on it; no honest program writes such a file"
    advice_fr = "ne vous y fiez pas ; aucun programme honnête n'écrit un tel fichier"


class ClaimFormsDiffer(ClaimRefused):
    """The forms in the file are not exactly those of the lots."""

    needed: tuple[FormName, ...]
    found: tuple[FormName, ...]

    code = "claim-forms-differ"
    en = "the lots are of the forms {needed}, the file shows {found}"
    fr = "les lots sont des formes {needed}, le fichier montre {found}"
    advice_en = "do not rely on it; no honest program writes such a file"
    advice_fr = "ne vous y fiez pas ; aucun programme honnête n'écrit un tel fichier"


class LotNotHeld(ClaimRefused):
    """A holder's own lot that is spent, recalled or unknown: nothing can be claimed of it."""

    lot: LotId

    code = "claim-lot-not-held"
    en = "the lot {lot} is not there unspent and without recall"
    fr = "le lot {lot} n'est pas là, non utilisé et sans rappel"
    advice_en = "name a lot that `lodeline lots` shows as unspent"
    advice_fr = "nommez un lot que « lodeline lots » montre comme disponible"


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the wire structures here: frozen and closed."""


class ClaimedLot(_Wire, frozen=True):
    """One lot as the ledger has it, shown in the state of the checkpoint."""

    lot: LotPublic
    unspent: PresenceProof
    not_recalled: AbsenceProof


class UsedForm(_Wire, frozen=True):
    """A form of the consortium's table, shown in the same state."""

    form: Form
    adopted: PresenceProof


class ClaimFile(_Wire, frozen=True, tag="lodeline-claim-v1"):
    """A claim proof with everything that a stranger needs to check it."""

    body: ClaimBody
    checkpoint: Annotated[bytes, msgspec.Meta(max_length=1 << 16)]
    """The signed note."""
    lots: Annotated[tuple[ClaimedLot, ...], msgspec.Meta(max_length=MAX_CLAIM_LOTS)]
    """In the order of the body."""
    forms: Annotated[tuple[UsedForm, ...], msgspec.Meta(max_length=MAX_CLAIM_LOTS)]
    """Of the lots, ascending by name, each once."""
    proof: Proof


@dataclass(frozen=True)
class Asked:
    """What the reader knows of his own request, from elsewhere than the file."""

    chain: ChainId
    verifier: str
    now: BlockTime
    nonce: Hash32 | None = None
    """Nothing: the reader chose none, and cannot tell a fresh answer from an old one."""
    product: str | None = None
    """Nothing: any product, or none."""
    oldest: BlockTime | None = None
    """The earliest time of a checkpoint that is still accepted."""


@dataclass(frozen=True)
class CheckedClaim:
    """What a file establishes."""

    question: Question
    audience: Audience
    checkpoint: Checkpoint
    lots: tuple[LotId, ...]


def read_claim_file(data: bytes) -> ClaimFile:
    """Read a claim file; nothing is verified.

    Raises:
        CborError, WrongShape: it is no canonical claim file.
    """
    return cbor.decode_struct(data, ClaimFile, max_bytes=MAX_CLAIM_FILE_BYTES)


def encode_claim_file(file: ClaimFile) -> bytes:
    """Return the canonical bytes of a claim file."""
    return cbor.encode_struct(file)


def claimed_lots(state: State, lots: tuple[LotId, ...]) -> tuple[ClaimedLot, ...]:
    """Return lots with their proofs in the present state, in the order given.

    Raises:
        LotNotHeld: a lot is spent, recalled or unknown.
    """
    return tuple(_claimed(state, lot) for lot in lots)


def _claimed(state: State, lot: LotId) -> ClaimedLot:
    public = state.lot(lot)
    if public is None or not state.is_unspent(lot) or lot in state.flags:
        raise LotNotHeld(lot)
    unspent = state.map.prove_presence(state_key(StateKind.UNSPENT, lot))
    return ClaimedLot(public, unspent, state.map.prove_absence(state_key(StateKind.FLAG, lot)))


def used_forms(state: State, lots: tuple[ClaimedLot, ...]) -> tuple[UsedForm, ...]:
    """Return the forms of some lots with their proofs in the present state.

    Raises:
        UnknownForm: a lot's form is not in the table.
    """
    return tuple(
        UsedForm(
            state.tables.forms[name],
            state.map.prove_presence(state_key(StateKind.FORM, name.encode())),
        )
        for name in _form_names(lots)
    )


def _form_names(lots: tuple[ClaimedLot, ...]) -> tuple[FormName, ...]:
    return tuple(sorted({item.lot.form for item in lots}))


def verify_claim_file(data: bytes, policy: CheckpointPolicy, asked: Asked) -> CheckedClaim:
    """Run all the steps; return only if every one holds.

    Raises:
        ClaimRefused: not for this reader, not of these lots, too old.
        CborError, NoteError, CheckpointError, StateMapError: malformed, not signed, not in the
            state.
        ProofDoesNotHold, …: the proof, as its verification names it.
    """
    file = read_claim_file(data)
    _check_audience(file.body.audience, asked)
    checkpoint = verify_checkpoint(file.checkpoint, policy)
    _check_moment(file.body.audience, checkpoint, asked)
    _check_lots(file, checkpoint)
    forms = _checked_forms(file, checkpoint)
    subject = claim_subject(file.body, tuple(item.lot for item in file.lots), forms)
    verify_subject(subject, file.proof, "claim")
    return CheckedClaim(file.body.question, file.body.audience, checkpoint, file.body.lots)


def _check_audience(audience: Audience, asked: Asked) -> None:
    if audience.chain != asked.chain:
        raise ClaimOfAnotherLedger(asked.chain, audience.chain)
    if audience.verifier != asked.verifier:
        raise ClaimForAnother(audience.verifier, asked.verifier)
    if asked.nonce is not None and audience.nonce != asked.nonce:
        raise ClaimNonceDiffers(asked.nonce, audience.nonce)
    if asked.product is not None and audience.product != asked.product:
        raise ClaimOfAnotherProduct(asked.product, audience.product)
    if asked.now > audience.expires:
        raise ClaimExpired(BlockTime(audience.expires), asked.now)


def _check_moment(audience: Audience, checkpoint: Checkpoint, asked: Asked) -> None:
    named = (audience.checkpoint_size, audience.checkpoint_root)
    if named != (checkpoint.size, checkpoint.root):
        raise ClaimCheckpointDiffers(audience.checkpoint_size, checkpoint.size)
    if asked.oldest is not None and checkpoint.time < asked.oldest:
        raise ClaimTooOld(checkpoint.time, asked.oldest)


def _check_lots(file: ClaimFile, checkpoint: Checkpoint) -> None:
    named = file.body.lots
    if len(named) != len(file.lots) or list(named) != sorted(set(named)):
        raise ClaimLotsDiffer(len(named), len(file.lots))
    for lot, item in zip(named, file.lots, strict=True):
        unspent = state_key(StateKind.UNSPENT, lot)
        verify_presence(checkpoint.state, unspent, digest_of(item.lot), item.unspent)
        verify_absence(checkpoint.state, state_key(StateKind.FLAG, lot), item.not_recalled)


def _checked_forms(file: ClaimFile, checkpoint: Checkpoint) -> FormTable:
    needed = _form_names(file.lots)
    found = tuple(item.form.name for item in file.forms)
    if needed != found:
        raise ClaimFormsDiffer(needed, found)
    for item in file.forms:
        adopted = state_key(StateKind.FORM, item.form.name.encode())
        verify_presence(checkpoint.state, adopted, digest_of(item.form), item.adopted)
    return FormTable(tuple(item.form for item in file.forms))
