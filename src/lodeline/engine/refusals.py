"""Refusals of the engine: what keeps an entry from being durable, besides the ledger's rules."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32

__all__ = [
    "EngineRefused",
    "LedgerDamaged",
    "LedgerHasWriter",
    "LedgerMissing",
    "LedgerNotWritten",
    "LedgerReadOnly",
    "LedgerVersionUnknown",
]


class EngineRefused(LodelineError):
    """Family of the refusals in this module."""


class LedgerMissing(EngineRefused):
    """There is no ledger file at this place."""

    path: str

    code = "ledger-missing"
    en = "There is no ledger at {path}"
    fr = "Il n'y a pas de registre à {path}"
    advice_en = "found one with `lodeline init`, or name the right folder with --home"
    advice_fr = "fondez-en un avec `lodeline init`, ou indiquez le bon dossier avec --home"


class LedgerHasWriter(EngineRefused):
    """Another process is writing this ledger."""

    path: str

    code = "ledger-has-writer"
    en = "Another program is writing the ledger at {path}"
    fr = "Un autre programme écrit le registre à {path}"
    advice_en = "wait until it has finished; transforms wait in the queue meanwhile"
    advice_fr = "attendez qu'il ait fini ; les transformations attendent dans la file"


class LedgerReadOnly(EngineRefused):
    """An entry was offered to a ledger that was opened for reading."""

    path: str

    code = "ledger-read-only"
    en = "The ledger at {path} was opened for reading only"
    fr = "Le registre à {path} a été ouvert en lecture seule"
    advice_en = "open it for writing to submit entries"
    advice_fr = "ouvrez-le en écriture pour soumettre des écritures"


class LedgerNotWritten(EngineRefused):
    """The storage refused a batch; nothing of it was accepted."""

    path: str
    reason: str

    code = "ledger-not-written"
    en = "The ledger at {path} could not be written: {reason}"
    fr = "Le registre à {path} n'a pas pu être écrit : {reason}"
    advice_en = "make room or repair the disk, then submit again; nothing was accepted"
    advice_fr = "libérez de la place ou réparez le disque, puis recommencez ; rien n'est accepté"


class LedgerDamaged(EngineRefused):
    """What is stored does not add up to the roots that were stored with it."""

    path: str
    what: str
    stored: Hash32
    computed: Hash32

    code = "ledger-damaged"
    en = "The ledger at {path} is damaged: {what} is {computed}, stored as {stored}"
    fr = "Le registre à {path} est abîmé : {what} vaut {computed}, enregistré {stored}"
    advice_en = "run `lodeline log verify`, and restore the file from a backup"
    advice_fr = "lancez `lodeline log verify`, et restaurez le fichier d'une sauvegarde"


class LedgerVersionUnknown(EngineRefused):
    """The file was written by another version of the store."""

    path: str
    found: int
    known: int

    code = "ledger-version-unknown"
    en = "The ledger at {path} has store version {found}; this program knows {known}"
    fr = "Le registre à {path} a la version {found} ; ce programme connaît {known}"
    advice_en = "use the program version that wrote it, or a newer one"
    advice_fr = "utilisez la version du programme qui l'a écrit, ou une plus récente"
