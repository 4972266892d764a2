"""Refusals of the holder's side: what a validator did, and what all of them together did not.

Every one is an `EngineRefused`: it says nothing about an entry, so the entry can be sent later.
"""

from __future__ import annotations

from lodeline.engine.refusals import EngineRefused
from lodeline.kernel.ids import Hash32
from lodeline.ledger.entries import EntryId
from lodeline.ledger.merkle import LeafIndex, TreeSize
from lodeline.ledger.signednote import KeyName

__all__ = [
    "AnswerMalformed",
    "AnswerTooLarge",
    "AuthoritiesUnreadable",
    "CheckpointsFork",
    "EntryNotAllowed",
    "EntryNotConfirmed",
    "NoValidatorAnswers",
    "NoValidators",
    "NotThisConsortium",
    "ReceiptFalse",
    "SignerMissing",
    "StateNotAsSigned",
    "TooFewValidatorsSigned",
    "ValidatorFault",
    "ValidatorForks",
    "ValidatorHidesEntries",
    "ValidatorLies",
    "ValidatorNoteRefused",
    "ValidatorProofWrong",
    "ValidatorRedirects",
    "ValidatorRefuses",
    "ValidatorServesOtherEntries",
    "ValidatorTooSlow",
    "ValidatorUnreachable",
]


class ValidatorFault(EngineRefused):
    """Family of what a single validator did; another one is asked."""


class ValidatorLies(ValidatorFault):
    """Family of what no honest validator does; such a one is not asked again."""


class ValidatorUnreachable(ValidatorFault):
    """No connection, or one that broke."""

    validator: str
    reason: str

    code = "validator-unreachable"
    en = "the validator {validator} cannot be reached: {reason}"
    fr = "le validateur {validator} est injoignable : {reason}"
    advice_en = "another one is asked; check the address and the network"
    advice_fr = "un autre est interrogé ; vérifiez l'adresse et le réseau"


class ValidatorTooSlow(ValidatorFault):
    """The answer had not come when it was needed."""

    validator: str
    seconds: int

    code = "validator-too-slow"
    en = "the validator {validator} has not answered within {seconds} seconds"
    fr = "le validateur {validator} n'a pas répondu en {seconds} secondes"
    advice_en = "another one is asked; nothing is lost"
    advice_fr = "un autre est interrogé ; rien n'est perdu"


class ValidatorRefuses(ValidatorFault):
    """The validator answered a question with an error."""

    validator: str
    http_status: int
    refusal: str
    reason: str
    packed: bytes
    """The refusal itself, as it travels; empty where the validator gave none."""

    code = "validator-refuses"
    en = "the validator {validator} answered {http_status} ({refusal}): {reason}"
    fr = "le validateur {validator} a répondu {http_status} ({refusal}) : {reason}"
    advice_en = "another one is asked; tell the operator if it stays so"
    advice_fr = "un autre est interrogé ; avertissez l'exploitant si cela dure"


class ValidatorRedirects(ValidatorLies):
    """The validator sends elsewhere; a redirect is never followed."""

    validator: str
    location: str

    code = "validator-redirects"
    en = "the validator {validator} sends its clients on to {location}"
    fr = "le validateur {validator} renvoie ses clients vers {location}"
    advice_en = "ask the operator for the address, and write it into the settings"
    advice_fr = "demandez l'adresse à l'exploitant, et inscrivez-la dans les réglages"


class AnswerTooLarge(ValidatorLies):
    """An answer with more bytes than the question can have."""

    validator: str
    limit: int

    code = "validator-answer-too-large"
    en = "the validator {validator} sent more than {limit} bytes"
    fr = "le validateur {validator} a envoyé plus de {limit} octets"
    advice_en = "another one is asked; tell the operator"
    advice_fr = "un autre est interrogé ; avertissez l'exploitant"


class AnswerMalformed(ValidatorLies):
    """An answer that is not of the kind that was asked for."""

    validator: str
    what: str
    reason: str

    code = "validator-answer-malformed"
    en = "the validator {validator} sent something else than {what}: {reason}"
    fr = "le validateur {validator} n'a pas envoyé ce qui était demandé ({what}) : {reason}"
    advice_en = "another one is asked; compare the program versions"
    advice_fr = "un autre est interrogé ; comparez les versions des programmes"


class ValidatorNoteRefused(ValidatorLies):
    """A checkpoint with a signature that does not fit, or of another log, or none at all."""

    validator: str
    refusal: str
    reason: str

    code = "validator-note-refused"
    en = "the checkpoint of the validator {validator} is refused ({refusal}): {reason}"
    fr = "le point de contrôle du validateur {validator} est refusé ({refusal}) : {reason}"
    advice_en = "keep the answer; another validator is asked"
    advice_fr = "gardez la réponse ; un autre validateur est interrogé"


class ValidatorForks(ValidatorLies):
    """A validator shows, at a size that was agreed on before, another log."""

    validator: str
    size: TreeSize
    expected: Hash32
    got: Hash32

    code = "validator-forks"
    en = "the validator {validator} shows the root {got} for {size} entries; agreed is {expected}"
    fr = "le validateur {validator} montre {got} pour {size} écritures ; convenu : {expected}"
    advice_en = "keep its checkpoint and show it to the members"
    advice_fr = "gardez son point de contrôle et montrez-le aux membres"


class ValidatorServesOtherEntries(ValidatorLies):
    """Entries that do not give the root that the validators signed."""

    validator: str
    first: LeafIndex
    size: TreeSize
    expected: Hash32
    got: Hash32

    code = "validator-serves-other-entries"
    en = "the entries {first} to {size} of {validator} give the root {got}, signed is {expected}"
    fr = "les écritures {first} à {size} de {validator} donnent {got}, signé : {expected}"
    advice_en = "nothing of them was kept; another validator is asked"
    advice_fr = "rien n'en a été gardé ; un autre validateur est interrogé"


class ValidatorHidesEntries(ValidatorFault):
    """A validator serves fewer entries than were signed: it is behind, or says that it is."""

    validator: str
    size: TreeSize
    got: TreeSize

    code = "validator-hides-entries"
    en = "the validator {validator} gives {got} of {size} entries and no more"
    fr = "le validateur {validator} donne {got} écritures sur {size}, pas davantage"
    advice_en = "another validator is asked; if it stays so, tell the operator"
    advice_fr = "un autre validateur est interrogé ; si cela dure, avertissez l'exploitant"


class ValidatorProofWrong(ValidatorLies):
    """A proof that does not show what it is given for."""

    validator: str
    refusal: str
    reason: str

    code = "validator-proof-wrong"
    en = "the proof of the validator {validator} shows nothing ({refusal}): {reason}"
    fr = "la preuve du validateur {validator} ne montre rien ({refusal}) : {reason}"
    advice_en = "another validator is asked"
    advice_fr = "un autre validateur est interrogé"


class ReceiptFalse(ValidatorLies):
    """A validator said that an entry is in the log, and it is not."""

    validator: str
    entry: EntryId
    index: LeafIndex

    code = "validator-receipt-false"
    en = "{validator} says that the entry {entry} has the number {index}; the log does not have it"
    fr = "{validator} dit que l'écriture {entry} a le numéro {index} ; le journal ne l'a pas"
    advice_en = "another validator is asked; tell the members"
    advice_fr = "un autre validateur est interrogé ; avertissez les membres"


class NoValidators(EngineRefused):
    """A consortium without the address of a validator."""

    code = "no-validators"
    en = "no validator is named"
    fr = "aucun validateur n'est nommé"
    advice_en = 'write validators = ["https://…"] into settings.toml'
    advice_fr = "inscrivez validators = [« https://… »] dans settings.toml"


class NoValidatorAnswers(EngineRefused):
    """All validators were asked, and none gave an answer that can be used."""

    reasons: tuple[str, ...]
    """What came of each, in the order in which they were asked."""

    code = "no-validator-answers"
    en = "no validator gives an answer that can be used ({reasons})"
    fr = "aucun validateur ne donne de réponse utilisable ({reasons})"
    advice_en = "try again later; entries wait in the queue meanwhile"
    advice_fr = "réessayez plus tard ; les écritures attendent dans la file"


class TooFewValidatorsSigned(EngineRefused):
    """No newer checkpoint has the signatures of more than two thirds."""

    size: TreeSize
    needed: int
    signers: tuple[KeyName, ...]

    code = "too-few-validators-signed"
    en = "{needed} validators must sign the checkpoint of {size} entries; these did: {signers}"
    fr = "{needed} validateurs doivent signer le point à {size} écritures ; l'ont fait : {signers}"
    advice_en = "wait until more validators follow; nothing unsigned was kept"
    advice_fr = "attendez que d'autres validateurs suivent ; rien sans signature n'a été gardé"


class CheckpointsFork(EngineRefused):
    """More than two thirds have signed another log than the one that they signed before."""

    size: TreeSize
    known: Hash32
    """Root of the log that is kept here."""
    shown: bytes
    """Note of the other one, with enough signatures too."""

    code = "checkpoints-fork"
    en = "the validators have signed two different logs of {size} entries"
    fr = "les validateurs ont signé deux journaux différents de {size} écritures"
    advice_en = "keep both checkpoints, accept nothing more and tell every member"
    advice_fr = "gardez les deux points, n'acceptez plus rien et avertissez tous les membres"


class StateNotAsSigned(EngineRefused):
    """The entries that the validators signed give another state than the one they signed."""

    size: TreeSize
    what: str
    signed: str
    computed: str

    code = "state-not-as-signed"
    en = "after {size} entries the {what} is {computed}; the validators have signed {signed}"
    fr = "après {size} écritures, {what} vaut {computed} ; les validateurs ont signé {signed}"
    advice_en = "compare the program versions; nothing was kept"
    advice_fr = "comparez les versions des programmes ; rien n'a été gardé"


class EntryNotAllowed(EngineRefused):
    """The validators have signed a log with an entry that its own rules do not allow."""

    index: LeafIndex
    refusal: str
    """Code of the refusal that deciding the entry again gives."""
    reason: str

    code = "entry-not-allowed"
    en = "the validators have signed the entry {index}, which is refused ({refusal}): {reason}"
    fr = "les validateurs ont signé l'écriture {index}, qui est refusée ({refusal}) : {reason}"
    advice_en = "compare the program versions; tell the members; nothing was kept"
    advice_fr = "comparez les versions ; avertissez les membres ; rien n'a été gardé"


class NotThisConsortium(EngineRefused):
    """The log begins with another genesis than the one that is pinned."""

    expected: EntryId
    got: EntryId

    code = "not-this-consortium"
    en = "the validators' log begins with the genesis {got}, pinned is {expected}"
    fr = "le journal des validateurs commence par la genèse {got} ; épinglée : {expected}"
    advice_en = "name the validators of the consortium whose trust file is pinned"
    advice_fr = "nommez les validateurs du consortium dont le fichier de confiance est épinglé"


class EntryNotConfirmed(EngineRefused):
    """An entry was taken, but no signed checkpoint has it yet."""

    seconds: int

    code = "entry-not-confirmed"
    en = "after {seconds} seconds no signed checkpoint has the entry yet"
    fr = "après {seconds} secondes, aucun point de contrôle signé n'a encore l'écriture"
    advice_en = "send it again later; if it was accepted its receipt comes at once"
    advice_fr = "renvoyez-la plus tard ; si elle a été acceptée, le reçu vient aussitôt"


class SignerMissing(EngineRefused):
    """Entries are offered, and no member of this node can sign the envelope."""

    code = "submission-signer-missing"
    en = "no member of this node can sign what is sent to the validators"
    fr = "aucun membre de ce nœud ne peut signer ce qui est envoyé aux validateurs"
    advice_en = "open the keys of a member who is in the registry"
    advice_fr = "ouvrez les clés d'un membre inscrit au registre"


class AuthoritiesUnreadable(EngineRefused):
    """A file that should name the certificates to accept."""

    file: str
    reason: str

    code = "authorities-unreadable"
    en = "{file} holds no certificates: {reason}"
    fr = "{file} ne contient pas de certificats : {reason}"
    advice_en = "name the PEM file of the authority that certifies the validators"
    advice_fr = "nommez le fichier PEM de l'autorité qui certifie les validateurs"
