"""Refusals of submissions: envelopes that no validator takes, whatever entries are in them."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.kernel.time import BlockTime

__all__ = [
    "SubmissionDayNotExpected",
    "SubmissionMalformed",
    "SubmissionOfOther",
    "SubmissionRefused",
    "SubmissionSignatureInvalid",
    "SubmissionTooLarge",
]


class SubmissionRefused(LodelineError):
    """Family of everything for which a submission as a whole is refused."""


class SubmissionTooLarge(SubmissionRefused):
    """A submission of more bytes than validators take at once."""

    size: int
    limit: int

    code = "submission-too-large"
    en = "the submission has {size} bytes; {limit} are allowed"
    fr = "l'envoi fait {size} octets ; {limit} sont admis"
    advice_en = "send the entries in several submissions"
    advice_fr = "envoyez les écritures en plusieurs envois"


class SubmissionMalformed(SubmissionRefused):
    """Bytes that are no submission in its only encoding."""

    reason: str
    """``too-many-items``, or the code of the decoder's refusal, which is kept as the cause."""

    code = "submission-malformed"
    en = "the bytes are no submission: {reason}"
    fr = "ces octets ne sont pas un envoi : {reason}"
    advice_en = "use a program of this version; no honest one writes such bytes"
    advice_fr = "utilisez un programme de cette version ; aucun honnête n'écrit ces octets"


class SubmissionOfOther(SubmissionRefused):
    """A submission for another ledger."""

    expected: ChainId
    found: ChainId

    code = "submission-of-other"
    en = "the submission is for the ledger “{found}”, this is “{expected}”"
    fr = "l'envoi est pour le registre « {found} », celui-ci est « {expected} »"
    advice_en = "send it to a validator of the ledger that it names"
    advice_fr = "adressez-le à un validateur du registre qu'il nomme"


class SubmissionSignatureInvalid(SubmissionRefused):
    """A submission that the member which it names did not sign with its present key."""

    member: MemberId

    code = "submission-signature-invalid"
    en = "the signature under the submission is not that of “{member}”"
    fr = "la signature de l'envoi n'est pas celle de « {member} »"
    advice_en = "let the member sign exactly these entries with its present key"
    advice_fr = "faites signer exactement ces écritures par le membre, avec sa clé actuelle"


class SubmissionDayNotExpected(SubmissionRefused):
    """A story's day in a ledger of real material."""

    member: MemberId
    day: BlockTime

    code = "submission-day-not-expected"
    en = "“{member}” gives the submission the day {day}; only invented material has days of a story"
    fr = "« {member} » date l'envoi du {day} ; seule une matière inventée suit les jours d'un récit"
    advice_en = "leave the day out; the validators' clocks give the time"
    advice_fr = "omettez le jour ; les horloges des validateurs donnent l'heure"
