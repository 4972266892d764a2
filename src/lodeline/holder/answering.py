"""Answers: the proof of one claim about the holder's own lots, for one audience (protocol.md §5).

Only a yes can be proved. A no is found here, on the holder's side, and said in words: nothing is
published, and nobody learns that there was a question.
"""

from __future__ import annotations

from collections.abc import Sequence

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.group import decode_scalar
from lodeline.custody.forms import FormTable
from lodeline.custody.lots import slots
from lodeline.holder.building import OwnedLot
from lodeline.kernel.errors import LodelineError
from lodeline.proofs.batch import verify_subject
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import StatementIsFalse, Witness, prove
from lodeline.proofs.questions import ClaimBody, claim_subject
from lodeline.proofs.relations import Ref, Side

__all__ = ["AnswerIsNo", "answer_claim"]


class AnswerIsNo(LodelineError):
    """A claim that these lots do not bear out."""

    lots: int

    code = "answer-is-no"
    en = "the {lots} lots named do not bear this claim out"
    fr = "les {lots} lots nommés ne confirment pas cette déclaration"
    advice_en = "claim less, or name other lots; nothing has left this machine"
    advice_fr = "déclarez moins, ou nommez d'autres lots ; rien n'est sorti de cette machine"


def answer_claim(
    body: ClaimBody, lots: Sequence[OwnedLot], forms: FormTable, entropy: Entropy
) -> Proof:
    """Return the proof of a claim; ``lots`` are those that the body names, in its order.

    The own proof is verified before it is given away.

    Raises:
        AnswerIsNo: the numbers of the lots do not bear it out.
        OpeningDoesNotMatch: a stored number does not open its commitment.
        NoSuchMetal, UnknownForm, RangesTooWide: the claim cannot be stated of these lots.
    """
    subject = claim_subject(body, tuple(lot.public for lot in lots), forms)
    try:
        proof = prove(subject, _witness(lots), entropy)
    except StatementIsFalse as no:
        raise AnswerIsNo(len(lots)) from no
    verify_subject(subject, proof, "own claim")
    return proof


def _witness(lots: Sequence[OwnedLot]) -> Witness:
    numbers = {}
    for index, lot in enumerate(lots):
        places = [slot for slot, _ in slots(lot.public)]
        opened = zip(places, lot.opening.values, lot.opening.blindings, strict=True)
        for slot, value, blinding in opened:
            numbers[Ref(Side.INPUT, index, slot)] = (value, decode_scalar(blinding))
    return Witness(numbers, tuple(lot.secret for lot in lots))
