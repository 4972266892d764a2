"""Why a witness refuses a checkpoint, one class for each reason; the status is that of its answer.

Source of the statuses: C2SP tlog-witness, "add-checkpoint".
"""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.checkpoint import Origin
from lodeline.ledger.merkle import TreeSize

__all__ = [
    "LogForked",
    "LogNotSigned",
    "LogUnderAlarm",
    "LogUnknown",
    "OldSizeBeyondCheckpoint",
    "OldSizeDiffers",
    "ProofNotVerified",
    "WitnessHasWriter",
    "WitnessRefused",
    "WitnessRequestMalformed",
    "WitnessRequestTooLong",
]


class WitnessRefused(LodelineError):
    """A witness does not cosign."""


class WitnessRequestMalformed(WitnessRefused):
    """A request to a witness is not old size, proof, blank line and checkpoint."""

    number: int
    reason: str

    code = "witness-request-malformed"
    en = "line {number} of the request to the witness is not in order: {reason}"
    fr = "la ligne {number} de la demande au témoin n'est pas en ordre : {reason}"
    advice_en = "send the old size, the proof, a blank line and the checkpoint, unchanged"
    advice_fr = "envoyez l'ancienne taille, la preuve, une ligne vide et le point de contrôle"
    status = 400


class WitnessRequestTooLong(WitnessRefused):
    """A request to a witness has more bytes than any checkpoint with its proof."""

    limit: int

    code = "witness-request-too-long"
    en = "the request to the witness has more than {limit} bytes"
    fr = "la demande au témoin fait plus de {limit} octets"
    advice_en = "send one checkpoint with its proof, without signatures that nobody knows"
    advice_fr = "envoyez un seul point de contrôle avec sa preuve, sans signatures inconnues"
    status = 413


class LogUnknown(WitnessRefused):
    """A witness is shown a checkpoint of a log that it does not follow."""

    origin: str

    code = "witness-log-unknown"
    en = "this witness does not follow the log {origin!r}"
    fr = "ce témoin ne suit pas le journal {origin!r}"
    advice_en = "ask its operator to add the log, with the keys that sign it"
    advice_fr = "demandez à son exploitant d'ajouter le journal, avec les clés qui le signent"
    status = 404


class LogNotSigned(WitnessRefused):
    """A checkpoint is not signed by those who sign for the log."""

    origin: Origin
    refusal: str
    """Code of the reason."""

    code = "witness-log-not-signed"
    en = "the checkpoint of {origin} is not signed as this witness asks for: {refusal}"
    fr = "le point de contrôle de {origin} n'est pas signé comme ce témoin le demande : {refusal}"
    advice_en = "have it signed by the keys that the witness was told of"
    advice_fr = "faites-le signer par les clés que le témoin connaît"
    status = 403


class OldSizeBeyondCheckpoint(WitnessRefused):
    """A request says that the log shrank."""

    old: TreeSize
    size: TreeSize

    code = "witness-old-size-beyond"
    en = "the old size {old} is above that of the checkpoint, {size}"
    fr = "l'ancienne taille {old} dépasse celle du point de contrôle, {size}"
    advice_en = "send the size of the last checkpoint that the witness cosigned"
    advice_fr = "envoyez la taille du dernier point de contrôle que le témoin a cosigné"
    status = 400


class OldSizeDiffers(WitnessRefused):
    """A request starts from another size than the witness last cosigned."""

    old: TreeSize
    last: TreeSize

    code = "witness-old-size-differs"
    en = "the witness last cosigned {last} entries, the request starts from {old}"
    fr = "le témoin a cosigné {last} écritures en dernier, la demande part de {old}"
    advice_en = "send a proof from {last} entries on"
    advice_fr = "envoyez une preuve à partir de {last} écritures"
    status = 409


class ProofNotVerified(WitnessRefused):
    """A consistency proof does not lead from the last checkpoint to the new one."""

    origin: Origin
    old: TreeSize
    new: TreeSize
    refusal: str
    """Code of the reason."""

    code = "witness-proof-not-verified"
    en = "nothing shows that {origin} with {new} entries continues that with {old}: {refusal}"
    fr = "rien ne montre que {origin} à {new} écritures continue celui à {old} : {refusal}"
    advice_en = "make the proof again from the log; the witness keeps the checkpoint to look into"
    advice_fr = "refaites la preuve depuis le journal ; le témoin garde le point de contrôle"


class LogForked(WitnessRefused):
    """The log signed two checkpoints that cannot both be true; the witness keeps both."""

    origin: Origin
    last: TreeSize
    size: TreeSize
    evidence: Hash32

    code = "witness-log-forked"
    en = "{origin} signed two histories (sizes {last} and {size}); evidence {evidence} is kept"
    fr = "{origin} a signé deux histoires (tailles {last} et {size}) ; preuve {evidence} gardée"
    advice_en = "give the evidence to every member; those who signed both must explain it"
    advice_fr = "remettez la preuve à chaque membre ; qui a signé les deux doit s'expliquer"
    status = 409


class LogUnderAlarm(WitnessRefused):
    """A witness cosigns nothing of a log that it has shown to have two histories."""

    origin: Origin
    evidence: Hash32

    code = "witness-log-under-alarm"
    en = "this witness has evidence {evidence} against {origin} and cosigns nothing of it"
    fr = "ce témoin a la preuve {evidence} contre {origin} et n'en cosigne plus rien"
    advice_en = "look at the evidence; the operator lifts the alarm by taking the file away"
    advice_fr = "voyez la preuve ; l'exploitant lève l'alarme en retirant le fichier"
    status = 403


class WitnessHasWriter(WitnessRefused):
    """Another process works with the folder of this witness."""

    folder: str

    code = "witness-has-writer"
    en = "another witness runs on {folder}"
    fr = "un autre témoin utilise {folder}"
    advice_en = "stop it first; two could sign two histories"
    advice_fr = "arrêtez-le d'abord ; à deux, ils pourraient signer deux histoires"
    status = 503
