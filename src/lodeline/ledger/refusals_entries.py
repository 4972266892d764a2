"""Refusals that any entry can meet: chain, time, standing of the signers, signatures, proof."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, Hash32, MemberId, Role, SiteId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId, Status

__all__ = [
    "BlockTimeWentBack",
    "EntryAlreadyAccepted",
    "EntryRefused",
    "GenesisAgain",
    "MemberNotActive",
    "MemberSignatureInvalid",
    "NoGenesis",
    "OwnerSignatureCount",
    "ProofNotVerified",
    "RoleMissing",
    "SignerTwice",
    "SignersDiffer",
    "SiteSignatureInvalid",
    "SiteSignatureMissing",
    "SiteSignatureNotExpected",
    "UnknownMember",
    "WrongChain",
    "WrongVersion",
]


class EntryRefused(LodelineError):
    """Family of everything for which the ledger refuses an entry."""


class WrongChain(EntryRefused):
    """An entry that was made for another ledger."""

    expected: ChainId
    found: ChainId

    code = "wrong-chain"
    en = "the entry is for the ledger “{found}”, this is “{expected}”"
    fr = "l'écriture est pour le registre « {found} », celui-ci est « {expected} »"
    advice_en = "send it to the ledger that it names"
    advice_fr = "envoyez-la au registre qu'elle nomme"


class WrongVersion(EntryRefused):
    """An entry of a protocol version that this ledger does not speak."""

    expected: int
    found: int

    code = "wrong-version"
    en = "the entry is of protocol version {found}, this ledger speaks {expected}"
    fr = "l'écriture est de la version {found} du protocole, ce registre parle la {expected}"
    advice_en = "use a program of the ledger's version"
    advice_fr = "utilisez un programme de la version du registre"


class BlockTimeWentBack(EntryRefused):
    """A block time before the last one."""

    last: BlockTime
    now: BlockTime

    code = "block-time-went-back"
    en = "the block time {now} is before the last one, {last}"
    fr = "l'heure de bloc {now} précède la dernière, {last}"
    advice_en = "set the clock of the node that orders the entries"
    advice_fr = "réglez l'horloge du nœud qui ordonne les écritures"


class EntryAlreadyAccepted(EntryRefused):
    """An entry that says the same as one that was accepted before."""

    entry: EntryId
    index: int

    code = "entry-already-accepted"
    en = "the entry {entry} was accepted before, as leaf {index}"
    fr = "l'écriture {entry} a déjà été acceptée, feuille {index}"
    advice_en = "nothing is to be done; to say the same again, say it in a new entry"
    advice_fr = "il n'y a rien à faire ; pour le redire, faites une nouvelle écriture"


class NoGenesis(EntryRefused):
    """An entry for a ledger that has not been founded."""

    code = "no-genesis"
    en = "the ledger has no genesis yet"
    fr = "le registre n'a pas encore d'écriture fondatrice"
    advice_en = "found the consortium first"
    advice_fr = "fondez d'abord le consortium"


class GenesisAgain(EntryRefused):
    """A second genesis."""

    genesis: EntryId

    code = "genesis-again"
    en = "the ledger was founded before, by the entry {genesis}"
    fr = "le registre a déjà été fondé, par l'écriture {genesis}"
    advice_en = "found another ledger, with a chain of its own"
    advice_fr = "fondez un autre registre, avec sa propre chaîne"


class UnknownMember(EntryRefused):
    """A member that the consortium does not have."""

    member: MemberId

    code = "unknown-member"
    en = "“{member}” is not a member of this consortium"
    fr = "« {member} » n'est pas membre de ce consortium"
    advice_en = "see the members with `lodeline members`"
    advice_fr = "voyez les membres avec `lodeline members`"


class MemberNotActive(EntryRefused):
    """A member that is suspended or removed."""

    member: MemberId
    standing: Status

    code = "member-not-active"
    en = "the member “{member}” may not act: {standing}"
    fr = "le membre « {member} » ne peut agir : {standing}"
    advice_en = "ask the members to reinstate it, or let another member sign"
    advice_fr = "demandez aux membres de le rétablir, ou faites signer un autre membre"


class RoleMissing(EntryRefused):
    """A member that signs in a role which it does not have."""

    member: MemberId
    role: Role
    roles: tuple[Role, ...]

    code = "role-missing"
    en = "“{member}” may not act as {role}; its roles are: {roles}"
    fr = "« {member} » ne peut agir comme {role} ; ses rôles : {roles}"
    advice_en = "let a member with this role sign"
    advice_fr = "faites signer un membre qui a ce rôle"


class SignersDiffer(EntryRefused):
    """Signatures that are not exactly those of the members that must sign, in their order."""

    expected: tuple[MemberId, ...]
    found: tuple[MemberId, ...]

    code = "signers-differ"
    en = "the signatures must be those of {expected}, in this order; found {found}"
    fr = "les signatures doivent être de {expected}, dans cet ordre ; trouvé {found}"
    advice_en = "collect exactly these signatures"
    advice_fr = "réunissez exactement ces signatures"


class SignerTwice(EntryRefused):
    """One member that signs twice where distinct members must."""

    member: MemberId

    code = "signer-twice"
    en = "“{member}” signs twice; distinct members must sign"
    fr = "« {member} » signe deux fois ; il faut des membres distincts"
    advice_en = "collect the signature of another member"
    advice_fr = "réunissez la signature d'un autre membre"


class MemberSignatureInvalid(EntryRefused):
    """A member's signature that does not fit the entry."""

    member: MemberId

    code = "member-signature-invalid"
    en = "the signature of “{member}” does not fit this entry"
    fr = "la signature de « {member} » ne correspond pas à cette écriture"
    advice_en = "ask the member to sign exactly this entry with its present key"
    advice_fr = "demandez au membre de signer exactement cette écriture, avec sa clé actuelle"


class SiteSignatureMissing(EntryRefused):
    """An operation of a site without the signature of the facility's key."""

    site: SiteId
    found: SiteId | None

    code = "site-signature-missing"
    en = "the operation at “{site}” needs the signature of its facility key; found one of: {found}"
    fr = "l'opération à « {site} » exige la signature de sa clé d'installation ; trouvé : {found}"
    advice_en = "let the facility's key sign the operation"
    advice_fr = "faites signer l'opération par la clé de l'installation"


class SiteSignatureNotExpected(EntryRefused):
    """A facility's signature where none belongs."""

    site: SiteId

    code = "site-signature-not-expected"
    en = "no facility signs this entry, but there is a signature of “{site}”"
    fr = "aucune installation ne signe cette écriture, mais « {site} » l'a signée"
    advice_en = "leave the signature out"
    advice_fr = "omettez la signature"


class SiteSignatureInvalid(EntryRefused):
    """A facility's signature that does not fit the entry."""

    site: SiteId

    code = "site-signature-invalid"
    en = "the signature of the facility “{site}” does not fit this entry"
    fr = "la signature de l'installation « {site} » ne correspond pas à cette écriture"
    advice_en = "let the facility's registered key sign exactly this entry"
    advice_fr = "faites signer exactement cette écriture par la clé enregistrée de l'installation"


class OwnerSignatureCount(EntryRefused):
    """Not one signature for each lot whose owner must sign."""

    expected: int
    found: int

    code = "owner-signature-count"
    en = "{expected} owners must sign, there are {found} signatures"
    fr = "{expected} propriétaires doivent signer, il y a {found} signatures"
    advice_en = "sign once with the one-time key of each lot, in the order of the lots"
    advice_fr = "signez une fois avec la clé à usage unique de chaque lot, dans l'ordre des lots"


class ProofNotVerified(EntryRefused):
    """An entry whose proof nobody has verified under the present tables."""

    key: Hash32

    code = "proof-not-verified"
    en = "the proof of this entry has not been verified (key {key})"
    fr = "la preuve de cette écriture n'a pas été vérifiée (clé {key})"
    advice_en = "verify it first, under the tables as they are now"
    advice_fr = "vérifiez-la d'abord, avec les tables actuelles"
