"""Why the event store refuses: one class for each reason."""

from __future__ import annotations

from typing import ClassVar

from lodeline.node.events.exceptions import (
    CaptureLimitExceededException,
    ImplementationException,
    NoSuchResourceException,
    ResourceAlreadyExistsException,
    ValidationException,
)

__all__ = [
    "BackupFailed",
    "CaptureJobUnknown",
    "ContentTypeUnknown",
    "DatabaseUnknown",
    "DeclarationDiffers",
    "DocumentEmpty",
    "EventIdTaken",
    "EventIdTooLong",
    "EventNotAlone",
    "EventTwiceInDocument",
    "EventUnknown",
    "EventsOverLimit",
    "StoreLayoutUnknown",
    "StoreNotEmpty",
    "StoreUnreachable",
    "ValueUnstorable",
]


class DatabaseUnknown(ImplementationException):
    """The setting names a database that the event store does not run on."""

    code: ClassVar[str] = "event-database-unknown"
    en: ClassVar[str] = "the database “{database}” is neither SQLite nor PostgreSQL with psycopg"
    fr: ClassVar[str] = "la base « {database} » n'est ni SQLite ni PostgreSQL avec psycopg"
    advice_en: ClassVar[str] = "write sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"
    advice_fr: ClassVar[str] = "écrivez sqlite:///CHEMIN ou postgresql+psycopg://COMPTE@HÔTE/NOM"

    database: str
    """The kind that was named; never the whole URL, which may hold a password."""


class StoreUnreachable(ImplementationException):
    """The database does not answer, or refuses what the store needs."""

    code: ClassVar[str] = "event-store-unreachable"
    en: ClassVar[str] = "the event database cannot be used: {reason}"
    fr: ClassVar[str] = "la base des événements est inutilisable : {reason}"
    advice_en: ClassVar[str] = "check that it runs, its rights, and the space on the disk"
    advice_fr: ClassVar[str] = "vérifiez qu'elle tourne, ses droits et la place sur le disque"
    status: ClassVar[int] = 503

    reason: str


class ValueUnstorable(ValidationException):
    """A text has NUL or half a character, or a number is too large, for any database to hold it."""

    code: ClassVar[str] = "event-value-unstorable"
    en: ClassVar[str] = "a value is none that the database can hold: {reason}"
    fr: ClassVar[str] = "une valeur n'est pas de celles que la base peut tenir : {reason}"
    advice_en: ClassVar[str] = (
        "look for NUL, for half a character, and for a number that is too large"
    )
    advice_fr: ClassVar[str] = "cherchez NUL, une moitié de caractère, un nombre trop grand"

    reason: str
    """Kind of the failure; never the value."""


class StoreLayoutUnknown(ImplementationException):
    """The database has a layout that this version does not know."""

    code: ClassVar[str] = "event-store-layout-unknown"
    en: ClassVar[str] = "the event database has the layout {found}, which is not known here"
    fr: ClassVar[str] = "la base des événements a la structure {found}, inconnue ici"
    advice_en: ClassVar[str] = "use the version that wrote it, or a later one"
    advice_fr: ClassVar[str] = "prenez la version qui l'a écrite, ou une plus récente"

    found: str


class StoreNotEmpty(ImplementationException):
    """A backup is to be restored over something that is there."""

    code: ClassVar[str] = "event-store-not-empty"
    en: ClassVar[str] = "{where} is not empty: nothing is restored over it"
    fr: ClassVar[str] = "{where} n'est pas vide : rien n'y est restauré"
    advice_en: ClassVar[str] = "move what is there aside, or name another place"
    advice_fr: ClassVar[str] = "mettez de côté ce qui s'y trouve, ou nommez un autre endroit"
    status: ClassVar[int] = 409

    where: str


class BackupFailed(ImplementationException):
    """A backup could not be written, or is not whole."""

    code: ClassVar[str] = "event-backup-failed"
    en: ClassVar[str] = "the backup {path} failed: {reason}"
    fr: ClassVar[str] = "la sauvegarde {path} a échoué : {reason}"
    advice_en: ClassVar[str] = (
        "check the disk and the file; what SQLite wrote is not for PostgreSQL"
    )
    advice_fr: ClassVar[str] = (
        "vérifiez disque et fichier ; ce que SQLite a écrit n'est pas pour PostgreSQL"
    )

    path: str
    reason: str


class ContentTypeUnknown(ValidationException):
    """What is captured is neither JSON nor XML."""

    code: ClassVar[str] = "event-content-type-unknown"
    en: ClassVar[str] = "{found} is no form in which events are taken"
    fr: ClassVar[str] = "{found} n'est pas une forme acceptée pour des événements"
    advice_en: ClassVar[str] = "send application/json, application/ld+json or application/xml"
    advice_fr: ClassVar[str] = "envoyez application/json, application/ld+json ou application/xml"
    exception: ClassVar[str] = "UnsupportedMediaTypeException"
    status: ClassVar[int] = 415

    found: str


class DocumentEmpty(ValidationException):
    """A document without any event."""

    code: ClassVar[str] = "event-document-empty"
    en: ClassVar[str] = "the document has neither events nor master data"
    fr: ClassVar[str] = "le document n'a ni événements ni données de base"
    advice_en: ClassVar[str] = "put at least one event into eventList"
    advice_fr: ClassVar[str] = "mettez au moins un événement dans eventList"


class EventNotAlone(ValidationException):
    """Several events where one is taken."""

    code: ClassVar[str] = "event-not-alone"
    en: ClassVar[str] = "{found} events are sent where one is taken"
    fr: ClassVar[str] = "{found} événements sont envoyés là où un seul est pris"
    advice_en: ClassVar[str] = "send several events as one document to capture"
    advice_fr: ClassVar[str] = "envoyez plusieurs événements en un document à la capture"

    found: int


class EventsOverLimit(CaptureLimitExceededException):
    """A document has more events, or bytes, than this node takes at once."""

    code: ClassVar[str] = "event-capture-limit-exceeded"
    en: ClassVar[str] = "the document has {found} {unit}, at most {most} are taken at once"
    fr: ClassVar[str] = "le document a {found} {unit}, au plus {most} sont pris à la fois"
    advice_en: ClassVar[str] = "split it into several documents"
    advice_fr: ClassVar[str] = "répartissez-le en plusieurs documents"

    found: int
    most: int
    unit: str
    """``events`` or ``bytes``."""


class EventIdTooLong(ValidationException):
    """An event's own id is longer than can be looked up."""

    code: ClassVar[str] = "event-id-too-long"
    en: ClassVar[str] = "the event id has {found} bytes, at most {most} are taken"
    fr: ClassVar[str] = "l'identifiant d'événement a {found} octets, au plus {most} sont pris"
    advice_en: ClassVar[str] = "leave the id out: the event then gets its hash id"
    advice_fr: ClassVar[str] = "omettez l'identifiant : l'événement reçoit alors son empreinte"

    found: int
    most: int


class EventIdTaken(ResourceAlreadyExistsException):
    """Another event has the id already: same id, other content."""

    code: ClassVar[str] = "event-id-taken"
    en: ClassVar[str] = "the id {event_id} belongs to another event, whose hash is {stored}"
    fr: ClassVar[str] = "l'identifiant {event_id} est d'un autre événement, d'empreinte {stored}"
    advice_en: ClassVar[str] = (
        "events do not change: declare the first one wrong, and send the right one with an id of "
        "its own"
    )
    advice_fr: ClassVar[str] = (
        "un événement ne change pas : déclarez le premier erroné et envoyez le bon sous un autre "
        "identifiant"
    )

    event_id: str
    stored: str
    """Hash id of the event that is in the store."""
    offered: str
    """Hash id of the event that was sent."""


class DeclarationDiffers(ValidationException):
    """An error declaration repeats its event, but not as it was (EPCIS 2.0, section 7.4.1.2)."""

    code: ClassVar[str] = "event-declaration-differs"
    en: ClassVar[str] = "the error declaration of {event_id} repeats another content than it had"
    fr: ClassVar[str] = "la déclaration d'erreur de {event_id} répète un autre contenu"
    advice_en: ClassVar[str] = "send the event exactly as it was, with the declaration added"
    advice_fr: ClassVar[str] = "envoyez l'événement tel qu'il était, avec la déclaration en plus"

    event_id: str
    stored: str
    """Hash id of the event that is declared to be wrong."""
    offered: str
    """Hash id of what the declaration repeats."""


class EventTwiceInDocument(ValidationException):
    """Two different events of one document have the same id."""

    code: ClassVar[str] = "event-twice-in-document"
    en: ClassVar[str] = "two different events of the document have the id {event_id}"
    fr: ClassVar[str] = "deux événements différents du document ont l'identifiant {event_id}"
    advice_en: ClassVar[str] = "give each event an id of its own, or none"
    advice_fr: ClassVar[str] = "donnez à chaque événement son identifiant, ou aucun"

    event_id: str


class EventUnknown(NoSuchResourceException):
    """No event has that id, for the tenant that asks."""

    code: ClassVar[str] = "event-unknown"
    en: ClassVar[str] = "there is no event {event_id}"
    fr: ClassVar[str] = "il n'y a pas d'événement {event_id}"
    advice_en: ClassVar[str] = "check the id, and whether retention has removed the event"
    advice_fr: ClassVar[str] = "vérifiez l'identifiant, et si la rétention l'a retiré"

    event_id: str


class CaptureJobUnknown(NoSuchResourceException):
    """No capture job has that id, for the tenant that asks."""

    code: ClassVar[str] = "event-capture-job-unknown"
    en: ClassVar[str] = "there is no capture job {capture_id}"
    fr: ClassVar[str] = "il n'y a pas de tâche de capture {capture_id}"
    advice_en: ClassVar[str] = "take the id from the Location of the answer to the capture"
    advice_fr: ClassVar[str] = "prenez l'identifiant dans Location, en réponse à la capture"

    capture_id: str
