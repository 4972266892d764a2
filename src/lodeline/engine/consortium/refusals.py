"""Refusals of a validator: what keeps a submission from being agreed on, besides the rules."""

from __future__ import annotations

from lodeline.engine.refusals import EngineRefused
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.kernel.time import BlockTime

__all__ = [
    "BlockLimitsDiffer",
    "ConsortiumRefused",
    "FoundingMalformed",
    "FoundingNotOfThisLedger",
    "MemberLockedOut",
    "MemberQuotaFull",
    "NoValidatorHere",
    "RefusedElsewhere",
    "RefusedWithOthers",
    "SettingsNotRead",
    "SubmissionBeyondBlock",
    "SubmissionDayMissing",
    "SubmissionForgotten",
    "ValidatorsDiffer",
]


class ConsortiumRefused(EngineRefused):
    """Family of the refusals in this module."""


class SettingsNotRead(ConsortiumRefused):
    """The settings of a validator are missing or not what this program writes."""

    file: str
    reason: str

    code = "validator-settings-not-read"
    en = "the settings of the validator in {file} cannot be read: {reason}"
    fr = "les réglages du validateur dans {file} ne peuvent être lus : {reason}"
    advice_en = "correct the line, or write the file again from the ceremony's files"
    advice_fr = "corrigez la ligne, ou réécrivez le fichier à partir de ceux de la cérémonie"


class NoValidatorHere(ConsortiumRefused):
    """A folder that is not the home of a validator."""

    folder: str

    code = "no-validator-here"
    en = "there is no validator in {folder}: it has no validator.toml"
    fr = "il n'y a pas de validateur dans {folder} : validator.toml n'y est pas"
    advice_en = "name the validator's folder; to look at others' validators, name their URLs"
    advice_fr = "nommez le dossier du validateur ; pour voir ceux des autres, nommez leurs URL"


class FoundingMalformed(ConsortiumRefused):
    """The founding document is not one."""

    reason: str

    code = "founding-malformed"
    en = "the founding document cannot be read: {reason}"
    fr = "le document de fondation ne peut être lu : {reason}"
    advice_en = "copy founding.json again from another founder and compare its digest"
    advice_fr = "recopiez founding.json d'un autre fondateur et comparez son empreinte"


class FoundingNotOfThisLedger(ConsortiumRefused):
    """The chain that starts, the document in the validator's folder and its ledger differ."""

    expected: Hash32
    got: Hash32

    code = "founding-not-of-this-ledger"
    en = "the chain starts from the founding {got}, this validator's is {expected}"
    fr = "la chaîne part de la fondation {got}, celle de ce validateur est {expected}"
    advice_en = "compare the digests with the other founders; one folder has another's files"
    advice_fr = "comparez les empreintes entre fondateurs ; un dossier contient d'autres fichiers"


class BlockLimitsDiffer(ConsortiumRefused):
    """The consensus engine was founded with blocks of another size than the ledger."""

    founding: int
    """Bytes of the largest block."""
    engine: int

    code = "block-limits-differ"
    en = "the founding has blocks of {founding} bytes, the consensus engine's genesis of {engine}"
    fr = "la fondation a des blocs de {founding} octets, la genèse du moteur de consensus {engine}"
    advice_en = "write both files again from the same ceremony"
    advice_fr = "réécrivez les deux fichiers à partir de la même cérémonie"


class ValidatorsDiffer(ConsortiumRefused):
    """The consensus engine was founded with other validators than the ledger."""

    ledger: tuple[str, ...]
    """Consensus keys in hexadecimal, ascending."""
    engine: tuple[str, ...]

    code = "validators-differ"
    en = "the founding has the validators {ledger}, the consensus engine's genesis {engine}"
    fr = "la fondation a les validateurs {ledger}, la genèse du moteur de consensus {engine}"
    advice_en = "write both files again from the same ceremony"
    advice_fr = "réécrivez les deux fichiers à partir de la même cérémonie"


class SubmissionDayMissing(ConsortiumRefused):
    """A submission tells a day where time is the validators', or none where it is a story's."""

    told: BlockTime | None

    code = "submission-day-unfit"
    en = "the submission tells the day {told}; this consortium's clock expects otherwise"
    fr = "l'envoi donne le jour {told} ; l'horloge de ce consortium demande autre chose"
    advice_en = (
        "tell a day only to a consortium whose founding says `clock: story`, and there always"
    )
    advice_fr = "ne donnez un jour qu'à un consortium fondé avec `clock: story`, et là toujours"


class SubmissionBeyondBlock(ConsortiumRefused):
    """A submission that fits into no block."""

    what: str
    limit: int
    got: int

    code = "submission-beyond-block"
    en = "the submission has {got} {what}, a block takes {limit}"
    fr = "l'envoi a {got} {what}, un bloc en accepte {limit}"
    advice_en = "send the entries in several submissions"
    advice_fr = "envoyez les écritures en plusieurs fois"


class MemberQuotaFull(ConsortiumRefused):
    """A member has as much waiting for a block as one member may."""

    member: MemberId
    waiting: int
    """Bytes of its submissions that wait on this validator."""
    quota: int

    code = "member-quota-full"
    en = "{member} has {waiting} bytes waiting for a block, of {quota} that a member may have"
    fr = "{member} a {waiting} octets en attente d'un bloc, sur {quota} permis par membre"
    advice_en = "wait for the next block, then send again"
    advice_fr = "attendez le prochain bloc, puis renvoyez"
    status = 429


class MemberLockedOut(ConsortiumRefused):
    """A member whose submissions kept being refused has to wait a little."""

    member: MemberId
    refused: int
    """How many were refused one after another."""
    seconds: int
    """How long the pause is, from the last refusal."""

    code = "member-locked-out"
    en = "{refused} submissions of {member} were refused one after another; it waits {seconds} s"
    fr = "{refused} envois de {member} ont été refusés de suite ; il attend {seconds} s"
    advice_en = "look at the refusals, correct the entries, then send again"
    advice_fr = "examinez les refus, corrigez les écritures, puis renvoyez"
    status = 429


class RefusedWithOthers(ConsortiumRefused):
    """An entry that nothing is said against, in a submission of which another one is refused."""

    index: int
    """Place in the submission of the first entry that was refused, from 0."""
    refusal: str
    """Its code."""

    code = "refused-with-others"
    en = "entry {index} of the same submission was refused ({refusal}), so none of it was taken"
    fr = "l'écriture {index} du même envoi a été refusée ({refusal}), rien n'en a été pris"
    advice_en = "send the other entries again without it"
    advice_fr = "renvoyez les autres écritures sans elle"


class SubmissionForgotten(ConsortiumRefused):
    """A submission left the validator's waiting room without having been decided."""

    digest: Hash32

    code = "submission-forgotten"
    en = "the submission {digest} no longer waits on this validator and was not decided"
    fr = "l'envoi {digest} n'attend plus sur ce validateur et n'a pas été tranché"
    advice_en = "send the same bytes again; nothing is ever accepted twice"
    advice_fr = "renvoyez les mêmes octets ; rien n'est jamais accepté deux fois"
    status = 503


class RefusedElsewhere(ConsortiumRefused):
    """Another program refused for a reason that this version does not know."""

    reason: str
    """Its code."""
    text_en: str
    text_fr: str

    code = "refused-elsewhere"
    en = "refused by the validator ({reason}): {text_en}"
    fr = "refusé par le validateur ({reason}) : {text_fr}"
    advice_en = "bring this program to the validators' version to be told more"
    advice_fr = "mettez ce programme à la version des validateurs pour en savoir plus"
