"""Refusals of the engine: what keeps an entry from being durable, besides the ledger's rules."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import ProtocolVersion
from lodeline.ledger.merkle import TreeSize

__all__ = [
    "CheckpointMissing",
    "CheckpointNotOfThisLog",
    "ClockWentBack",
    "EngineRefused",
    "LedgerClosed",
    "LedgerDamaged",
    "LedgerHasWriter",
    "LedgerIncomplete",
    "LedgerMissing",
    "LedgerMustReopen",
    "LedgerNeedsMigration",
    "LedgerNotRead",
    "LedgerNotWritten",
    "LedgerReadOnly",
    "LedgerVersionUnknown",
    "LogEmpty",
    "NotALedger",
    "PartDamaged",
    "PartWithoutBlock",
    "PartsGiveOtherState",
    "ProgramTooOld",
    "StatePartIgnored",
]


class EngineRefused(LodelineError):
    """Family of the refusals in this module."""


class ProgramTooOld(EngineRefused):
    """The members require a version of the protocol that this program does not know."""

    version: ProtocolVersion
    at: BlockTime
    """Since when."""
    since: str
    """The same in UTC, for people."""
    release: str
    """What the members said of the release that knows it."""
    known: tuple[ProtocolVersion, ...]

    code = "program-too-old"
    en = (
        "since {since} this ledger follows protocol {version} (release {release}); "
        "this program knows {known} and has stopped before deciding anything"
    )
    fr = (
        "depuis le {since} ce registre suit le protocole {version} (version {release}) ; "
        "ce programme connaît {known} et s'est arrêté avant de décider quoi que ce soit"
    )
    advice_en = "install release {release} and start again; it goes on where this one stopped"
    advice_fr = "installez la version {release} et redémarrez ; elle reprend où celle-ci s'arrête"


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


class LedgerNeedsMigration(EngineRefused):
    """A file of an earlier layout is opened for reading only."""

    path: str
    found: int
    known: int

    code = "ledger-needs-migration"
    en = "the ledger at {path} has store version {found}; to be read it needs version {known}"
    fr = "le registre à {path} a la version {found} ; pour le lire il faut la version {known}"
    advice_en = "open it once for writing; that brings it up to date"
    advice_fr = "ouvrez-le une fois en écriture ; cela le met à jour"


class NotALedger(EngineRefused):
    """The file is that of another program, or no database at all."""

    path: str

    code = "not-a-ledger"
    en = "the file {path} is not a ledger"
    fr = "le fichier {path} n'est pas un registre"
    advice_en = "name the ledger's own file, or restore it from a backup"
    advice_fr = "indiquez le fichier du registre, ou restaurez-le d'une sauvegarde"


class LedgerNotRead(EngineRefused):
    """The storage could not be used: a missing right, a damaged file, a broken disk."""

    path: str
    doing: str
    reason: str

    code = "ledger-not-read"
    en = "the ledger at {path} could not be used while {doing}: {reason}"
    fr = "le registre à {path} n'a pas pu être utilisé ({doing}) : {reason}"
    advice_en = "look at the file's rights and the disk, then check the ledger with fsck"
    advice_fr = "vérifiez les droits du fichier et le disque, puis contrôlez le registre (fsck)"


class LedgerMustReopen(EngineRefused):
    """A write did not come to its end, so what is stored may be ahead of what is in memory."""

    path: str

    code = "ledger-must-reopen"
    en = "a write to the ledger at {path} did not end; what it wrote may be there or not"
    fr = "une écriture dans le registre à {path} n'a pas abouti ; son contenu y est peut-être"
    advice_en = "open the ledger again, and look for the entries before submitting them once more"
    advice_fr = "rouvrez le registre, et cherchez les écritures avant de les soumettre à nouveau"


class LedgerClosed(EngineRefused):
    """A ledger is asked something after it was closed."""

    path: str

    code = "ledger-closed"
    en = "the ledger at {path} has been closed"
    fr = "le registre à {path} a été fermé"
    advice_en = "open it again"
    advice_fr = "rouvrez-le"


class ClockWentBack(EngineRefused):
    """The clock is further behind the last block than clocks differ."""

    last: BlockTime
    now: BlockTime
    slack: int
    """Seconds by which it may be behind; the block then has the last block's time."""

    code = "clock-went-back"
    en = "the clock says {now}, the last block is of {last}: more than {slack} seconds ahead"
    fr = "l'horloge dit {now}, le dernier bloc est de {last} : plus de {slack} secondes d'avance"
    advice_en = "set the machine's clock right; block time never goes back"
    advice_fr = "mettez l'horloge de la machine à l'heure ; l'heure des blocs ne recule jamais"


class LogEmpty(EngineRefused):
    """A checkpoint of a log without entries is asked for."""

    path: str

    code = "log-empty"
    en = "the ledger at {path} has no entry yet, so there is nothing to sign"
    fr = "le registre à {path} n'a pas encore d'écriture, il n'y a rien à signer"
    advice_en = "found the consortium first"
    advice_fr = "fondez d'abord le consortium"


class CheckpointMissing(EngineRefused):
    """Nobody has signed a checkpoint of the log yet."""

    size: TreeSize

    code = "checkpoint-missing"
    en = "no checkpoint has been signed yet; the log has {size} entries"
    fr = "aucun point de contrôle n'est encore signé ; le journal a {size} écritures"
    advice_en = "have the members sign the head of the log first"
    advice_fr = "faites d'abord signer la tête du journal par les membres"


class LedgerIncomplete(EngineRefused):
    """Something is missing in a file: it has fewer, or more, of a thing than its blocks say."""

    path: str
    what: str
    expected: int
    got: int

    code = "ledger-incomplete"
    en = "the ledger at {path} is damaged: it has {got} {what}, its blocks have {expected}"
    fr = "le registre à {path} est abîmé : il a {got} {what}, ses blocs en ont {expected}"
    advice_en = "restore the file from a backup, or copy the log from another member"
    advice_fr = "restaurez le fichier d'une sauvegarde, ou copiez le journal d'un autre membre"


class CheckpointNotOfThisLog(EngineRefused):
    """A signed checkpoint says something else than the log at that size."""

    size: TreeSize
    what: str
    expected: str
    got: str

    code = "checkpoint-not-of-this-log"
    en = "the checkpoint of {size} entries has the {what} {got}, the log {expected}"
    fr = "le point de contrôle de {size} écritures a pour {what} {got}, le journal {expected}"
    advice_en = "keep it: the members have signed another log than this one"
    advice_fr = "gardez-le : les membres ont signé un autre journal que celui-ci"


class StatePartIgnored(EngineRefused):
    """Family of the reasons why a stored part of the state was not used.

    Nothing is lost then: the entries that it covers are applied again.
    """


class PartDamaged(StatePartIgnored):
    """The bytes of a stored part are not those that were written."""

    first: int
    size: int

    code = "state-part-damaged"
    en = "the stored state of the entries {first} to {size} is damaged; it was made again"
    fr = "l'état enregistré des écritures {first} à {size} est abîmé ; il a été refait"
    advice_en = "check the disk, and the ledger with fsck"
    advice_fr = "contrôlez le disque, et le registre avec fsck"


class PartWithoutBlock(StatePartIgnored):
    """A stored part does not end where a block ends."""

    first: int
    size: int

    code = "state-part-without-block"
    en = "the stored state of the entries {first} to {size} ends with no block; it was made again"
    fr = "l'état enregistré des écritures {first} à {size} ne finit aucun bloc ; il a été refait"
    advice_en = "check the disk, and the ledger with fsck"
    advice_fr = "contrôlez le disque, et le registre avec fsck"


class PartsGiveOtherState(StatePartIgnored):
    """The stored parts together do not give the state of the block that they end with."""

    size: TreeSize
    stored: Hash32
    computed: Hash32

    code = "state-parts-give-other-state"
    en = "the stored state after {size} entries is {computed}, not {stored}; it was made again"
    fr = "l'état enregistré après {size} écritures est {computed}, non {stored} ; il a été refait"
    advice_en = "check the disk, and the ledger with fsck"
    advice_fr = "contrôlez le disque, et le registre avec fsck"
