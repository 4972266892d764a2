"""Refusals of a validator's HTTP API, before an entry is judged."""

from __future__ import annotations

from typing import ClassVar

from lodeline.engine.refusals import EngineRefused
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId
from lodeline.ledger.merkle import TreeSize

__all__ = [
    "BodyTooLarge",
    "CheckpointNotHere",
    "ConsensusUnreachable",
    "MediaTypeRefused",
    "MemberTooFast",
    "MempoolFull",
    "MethodRefused",
    "PathUnknown",
    "QueryMalformed",
    "RequestRefused",
    "SnapshotNotHere",
    "SubmissionUndecided",
    "ValidatorBroken",
]


class RequestRefused(LodelineError):
    """Family of requests that nobody can answer."""


class PathUnknown(RequestRefused):
    """There is nothing at this address."""

    path: str

    code = "path-unknown"
    en = "there is nothing at {path}"
    fr = "il n'y a rien à {path}"
    advice_en = "see the list of addresses in the documentation of the validator's API"
    advice_fr = "voyez la liste des adresses dans la documentation de l'API du validateur"
    status: ClassVar[int] = 404


class MethodRefused(RequestRefused):
    """The address answers another method."""

    method: str

    code = "method-refused"
    en = "{method} is not answered here"
    fr = "{method} n'est pas servi ici"
    advice_en = "use GET to read, and POST to hand in a submission"
    advice_fr = "utilisez GET pour lire, et POST pour remettre un envoi"
    status: ClassVar[int] = 405


class QueryMalformed(RequestRefused):
    """A parameter is missing or no number that can be."""

    name: str
    text: str

    code = "query-malformed"
    en = "“{text}” is no value for the parameter {name}"
    fr = "« {text} » n'est pas une valeur pour le paramètre {name}"
    advice_en = "write a whole number of the log's range, in decimal"
    advice_fr = "écrivez un nombre entier de l'étendue du journal, en décimal"
    status: ClassVar[int] = 400


class MediaTypeRefused(RequestRefused):
    """A submission came as something else than CBOR."""

    got: str

    code = "media-type-refused"
    en = "a submission is application/cbor, not {got}"
    fr = "un envoi est de type application/cbor, non {got}"
    advice_en = "encode the submission, and name its type"
    advice_fr = "encodez l'envoi, et nommez son type"
    status: ClassVar[int] = 415


class BodyTooLarge(RequestRefused):
    """More bytes than a submission can have."""

    limit: int

    code = "body-too-large"
    en = "a submission has at most {limit} bytes"
    fr = "un envoi a au plus {limit} octets"
    advice_en = "hand in fewer entries at once"
    advice_fr = "remettez moins d'écritures à la fois"
    status: ClassVar[int] = 413


class CheckpointNotHere(RequestRefused):
    """This validator has no signed checkpoint of that size."""

    size: TreeSize

    code = "checkpoint-not-here"
    en = "there is no signed checkpoint of {size} entries here"
    fr = "il n'y a pas ici de point de contrôle signé à {size} écritures"
    advice_en = "ask for the newest one, or ask another validator"
    advice_fr = "demandez le plus récent, ou interrogez un autre validateur"
    status: ClassVar[int] = 404


class SnapshotNotHere(RequestRefused):
    """This validator has made no snapshot yet."""

    code = "snapshot-not-here"
    en = "no snapshot has been made here yet"
    fr = "aucun instantané n'a encore été fait ici"
    advice_en = "ask again later, or replay the chain from its first block"
    advice_fr = "redemandez plus tard, ou rejouez la chaîne depuis le premier bloc"
    status: ClassVar[int] = 404


class MemberTooFast(RequestRefused):
    """A member hands in more submissions than it may in that time."""

    member: MemberId
    limit: int
    seconds: int

    code = "member-too-fast"
    en = "{member} has handed in {limit} submissions in {seconds} seconds"
    fr = "{member} a remis {limit} envois en {seconds} secondes"
    advice_en = "put several entries into one submission, or wait"
    advice_fr = "mettez plusieurs écritures dans un envoi, ou attendez"
    status: ClassVar[int] = 429


class ConsensusUnreachable(EngineRefused):
    """The consensus process of this validator does not take a submission now."""

    reason: str

    code = "consensus-unreachable"
    en = "the consensus process does not answer: {reason}"
    fr = "le processus de consensus ne répond pas : {reason}"
    advice_en = "hand the submission in at another validator, or later"
    advice_fr = "remettez l'envoi à un autre validateur, ou plus tard"
    status: ClassVar[int] = 503


class MempoolFull(EngineRefused):
    """Too much waits for a block already."""

    reason: str

    code = "mempool-full"
    en = "too many submissions wait for a block: {reason}"
    fr = "trop d'envois attendent un bloc : {reason}"
    advice_en = "hand it in again later"
    advice_fr = "remettez-le plus tard"
    status: ClassVar[int] = 503


class SubmissionUndecided(EngineRefused):
    """A submission waits for a block longer than an answer is kept waiting."""

    seconds: int

    code = "submission-undecided"
    en = "the submission was taken, but is not decided after {seconds} seconds"
    fr = "l'envoi a été pris, mais n'est pas décidé après {seconds} secondes"
    advice_en = "hand the same bytes in again later; they are decided once only"
    advice_fr = "remettez les mêmes octets plus tard ; ils ne sont décidés qu'une fois"
    status: ClassVar[int] = 503


class ValidatorBroken(EngineRefused):
    """Something failed that this program does not foresee."""

    code = "validator-broken"
    en = "this validator has failed at answering"
    fr = "ce validateur n'a pas su répondre"
    advice_en = "ask another validator; its operator finds the cause in the log"
    advice_fr = "interrogez un autre validateur ; l'exploitant en trouve la cause au journal"
    status: ClassVar[int] = 500
