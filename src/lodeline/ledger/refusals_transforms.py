"""Refusals of a transform by what the ledger knows: recipe, lots, tags, keys, signers, expiry."""

from __future__ import annotations

from lodeline.custody.recipes import Family
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    FormName,
    Hash32,
    LotId,
    MemberId,
    NoteHash,
    OneTimeKey,
    RecipeDigest,
    RecipeName,
    Role,
    SiteId,
    Tag,
)
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId

__all__ = [
    "CreditCarriedTwice",
    "ExpiryWrong",
    "FamilyNotAllowed",
    "LotAlreadySpent",
    "LotExpired",
    "LotRecalled",
    "LotReserved",
    "LotTwice",
    "LotUnknown",
    "NoteCountWrong",
    "NoteHashDiffers",
    "OwnerKeyReserved",
    "OwnerKeySeen",
    "OwnerKeyTwice",
    "RecipeNotAdopted",
    "RecipeNotInForce",
    "RecipeRetired",
    "ReplacesNotExpected",
    "RightFromNowhere",
    "RolesDiffer",
    "SignerInTwoRoles",
    "SignerNotIndependent",
    "SiteNeeded",
    "SiteNotExpected",
    "TagReserved",
    "TagSpent",
    "TagTwice",
    "TransformRefused",
    "UnknownSite",
    "ViewTagLength",
]


class TransformRefused(LodelineError):
    """Family of the reasons for which the state refuses a transform."""


class RecipeNotAdopted(TransformRefused):
    """A recipe that the members have not adopted."""

    recipe: RecipeDigest

    code = "recipe-not-adopted"
    en = "no recipe with the digest {recipe} has been adopted"
    fr = "aucune recette d'empreinte {recipe} n'a été adoptée"
    advice_en = "see the recipes with `lodeline recipes`"
    advice_fr = "voyez les recettes avec `lodeline recipes`"


class RecipeNotInForce(TransformRefused):
    """A recipe outside its dates."""

    recipe: RecipeName
    version: int
    valid_from: BlockTime
    valid_to: BlockTime | None
    now: BlockTime

    code = "recipe-not-in-force"
    en = "{recipe} version {version} is in force from {valid_from} to {valid_to}; it is {now}"
    fr = "{recipe} version {version} est en vigueur de {valid_from} à {valid_to} ; il est {now}"
    advice_en = "use the version that is in force"
    advice_fr = "utilisez la version en vigueur"


class RecipeRetired(TransformRefused):
    """A recipe that the members have retired."""

    recipe: RecipeName
    version: int

    code = "recipe-retired"
    en = "{recipe} version {version} has been retired"
    fr = "{recipe} version {version} a été retirée"
    advice_en = "use the version that is in force"
    advice_fr = "utilisez la version en vigueur"


class FamilyNotAllowed(TransformRefused):
    """A recipe of a family that this type of entry does not take."""

    recipe: RecipeName
    family: Family
    entry_type: str

    code = "family-not-allowed"
    en = "{recipe} is of the family {family}, which does not come as “{entry_type}”"
    fr = "{recipe} est de la famille {family}, qui ne vient pas comme « {entry_type} »"
    advice_en = (
        "sales come as an offer, corrective steps as a correction, everything else as a transform"
    )
    advice_fr = (
        "les ventes viennent comme offre, les corrections comme correction, le reste comme "
        "transformation"
    )


class NoteCountWrong(TransformRefused):
    """Not one note, note hash and view tag for each output."""

    outputs: int
    hashes: int
    notes: int
    view_tags: int

    code = "note-count-wrong"
    en = (
        "{outputs} outputs need as many notes; there are {hashes} hashes, {notes} notes, "
        "{view_tags} view tags"
    )
    fr = (
        "{outputs} sorties exigent autant de notes ; il y a {hashes} empreintes, {notes} notes,"
        " {view_tags} étiquettes de vue"
    )
    advice_en = "seal one note for each output"
    advice_fr = "scellez une note pour chaque sortie"


class NoteHashDiffers(TransformRefused):
    """A sealed note that is not the one which the body names."""

    index: int
    stated: NoteHash
    computed: NoteHash

    code = "note-hash-differs"
    en = "note {index} hashes to {computed}, the body says {stated}"
    fr = "la note {index} a l'empreinte {computed}, le corps dit {stated}"
    advice_en = "ask the sender for the entry again; it was damaged on the way"
    advice_fr = "redemandez l'écriture à l'expéditeur ; elle a été abîmée en chemin"


class ViewTagLength(TransformRefused):
    """A view tag that is not two bytes."""

    index: int
    length: int

    code = "view-tag-length"
    en = "view tag {index} has {length} bytes, not 2"
    fr = "l'étiquette de vue {index} a {length} octets, et non 2"
    advice_en = "derive the output again"
    advice_fr = "dérivez la sortie à nouveau"


class LotUnknown(TransformRefused):
    """A lot that the ledger does not have."""

    lot: LotId

    code = "lot-unknown"
    en = "there is no lot {lot}"
    fr = "il n'y a pas de lot {lot}"
    advice_en = "wait until the entry that makes it is accepted, or correct the id"
    advice_fr = "attendez que l'écriture qui le crée soit acceptée, ou corrigez l'identifiant"


class LotAlreadySpent(TransformRefused):
    """A lot that was used up before."""

    lot: LotId
    by: Hash32

    code = "lot-already-spent"
    en = "the lot {lot} was used up by {by}"
    fr = "le lot {lot} a été consommé par {by}"
    advice_en = "use the lots that are there; see `lodeline lots`"
    advice_fr = "utilisez les lots présents ; voyez `lodeline lots`"


class LotTwice(TransformRefused):
    """One lot twice among the inputs of one entry."""

    lot: LotId

    code = "lot-twice"
    en = "the lot {lot} stands twice among the inputs"
    fr = "le lot {lot} figure deux fois parmi les entrées"
    advice_en = "name each lot once"
    advice_fr = "nommez chaque lot une fois"


class LotReserved(TransformRefused):
    """A lot that an open offer holds."""

    lot: LotId
    offer: EntryId

    code = "lot-reserved"
    en = "the lot {lot} is held by the open offer {offer}"
    fr = "le lot {lot} est retenu par l'offre ouverte {offer}"
    advice_en = "withdraw the offer first"
    advice_fr = "retirez d'abord l'offre"


class LotExpired(TransformRefused):
    """A right or credit after its last block time."""

    lot: LotId
    expires: BlockTime
    now: BlockTime

    code = "lot-expired"
    en = "the lot {lot} could be used until {expires}; it is {now}"
    fr = "le lot {lot} pouvait servir jusqu'à {expires} ; il est {now}"
    advice_en = "use a right of the present period"
    advice_fr = "utilisez un droit de la période actuelle"


class LotRecalled(TransformRefused):
    """A recalled lot, or a descendant of one."""

    lot: LotId
    recalls: tuple[LotId, ...]

    code = "lot-recalled"
    en = "the lot {lot} is recalled (recalls of: {recalls})"
    fr = "le lot {lot} est rappelé (rappels de : {recalls})"
    advice_en = "only a correction with an auditor can use it, until the members lift the recall"
    advice_fr = (
        "seule une correction avec un auditeur peut l'employer, tant que les membres ne lèvent "
        "pas le rappel"
    )


class TagTwice(TransformRefused):
    """One spending tag twice in one entry."""

    tag: Tag

    code = "tag-twice"
    en = "the spending tag {tag} stands twice in the entry"
    fr = "l'étiquette de dépense {tag} figure deux fois dans l'écriture"
    advice_en = "spend each lot once"
    advice_fr = "dépensez chaque lot une fois"


class TagSpent(TransformRefused):
    """A spending tag that was published before: the same lot again."""

    tag: Tag
    by: Hash32

    code = "tag-spent"
    en = "the spending tag {tag} was used by {by}"
    fr = "l'étiquette de dépense {tag} a servi à {by}"
    advice_en = "the lot is used up; spend another one"
    advice_fr = "le lot est consommé ; dépensez-en un autre"


class TagReserved(TransformRefused):
    """A spending tag that an open offer reserves."""

    tag: Tag
    offer: EntryId

    code = "tag-reserved"
    en = "the spending tag {tag} is reserved by the open offer {offer}"
    fr = "l'étiquette de dépense {tag} est réservée par l'offre ouverte {offer}"
    advice_en = "withdraw the offer first"
    advice_fr = "retirez d'abord l'offre"


class OwnerKeyTwice(TransformRefused):
    """Two outputs under one owner key."""

    key: OneTimeKey

    code = "owner-key-twice"
    en = "two outputs have the owner key {key}"
    fr = "deux sorties ont la clé de propriétaire {key}"
    advice_en = "derive a key for each output"
    advice_fr = "dérivez une clé pour chaque sortie"


class OwnerKeySeen(TransformRefused):
    """An owner key that the ledger has seen before; its lot could never be spent."""

    key: OneTimeKey

    code = "owner-key-seen"
    en = "the owner key {key} was used before"
    fr = "la clé de propriétaire {key} a déjà servi"
    advice_en = "derive a fresh key"
    advice_fr = "dérivez une clé neuve"


class OwnerKeyReserved(TransformRefused):
    """An owner key that an open offer keeps for its buyer."""

    key: OneTimeKey
    offer: EntryId

    code = "owner-key-reserved"
    en = "the owner key {key} is reserved for the buyer by the open offer {offer}"
    fr = "la clé de propriétaire {key} est réservée à l'acheteur par l'offre ouverte {offer}"
    advice_en = "derive a fresh key"
    advice_fr = "dérivez une clé neuve"


class SiteNeeded(TransformRefused):
    """An operation that names no site where its recipe needs one."""

    recipe: RecipeName

    code = "site-needed"
    en = "{recipe} needs the site where it happens"
    fr = "{recipe} exige le site de l'opération"
    advice_en = "state the site, and let its facility key sign"
    advice_fr = "indiquez le site, et faites signer sa clé d'installation"


class SiteNotExpected(TransformRefused):
    """A site where the recipe has none."""

    recipe: RecipeName
    site: SiteId

    code = "site-not-expected"
    en = "{recipe} takes no site, but “{site}” is stated"
    fr = "{recipe} ne prend pas de site, mais « {site} » est indiqué"
    advice_en = "leave the site out"
    advice_fr = "omettez le site"


class UnknownSite(TransformRefused):
    """A site that is not registered."""

    site: SiteId

    code = "unknown-site"
    en = "“{site}” is not a registered site"
    fr = "« {site} » n'est pas un site enregistré"
    advice_en = "have the members register the site and its key"
    advice_fr = "faites enregistrer le site et sa clé par les membres"


class RolesDiffer(TransformRefused):
    """Signers whose roles are not exactly the recipe's co-signers, in their order."""

    recipe: RecipeName
    expected: tuple[Role, ...]
    found: tuple[Role, ...]

    code = "roles-differ"
    en = "{recipe} is signed by {expected}, in this order; found {found}"
    fr = "{recipe} est signée par {expected}, dans cet ordre ; trouvé {found}"
    advice_en = "name one member for each role of the recipe"
    advice_fr = "nommez un membre pour chaque rôle de la recette"


class SignerInTwoRoles(TransformRefused):
    """One member that signs a transform in more than one role."""

    member: MemberId
    roles: tuple[Role, ...]

    code = "signer-in-two-roles"
    en = "“{member}” cannot sign one transform as each of: {roles}"
    fr = "« {member} » ne peut signer une même transformation à la fois comme : {roles}"
    advice_en = "name another member for one of the roles"
    advice_fr = "nommez un autre membre pour l'un des rôles"


class SignerNotIndependent(TransformRefused):
    """An auditor, authority or umpire who is the company of the site itself."""

    member: MemberId
    role: Role
    site: SiteId

    code = "signer-not-independent"
    en = "“{member}” cannot sign as {role} what its own site {site} does"
    fr = "« {member} » ne peut signer comme {role} ce que fait son propre site {site}"
    advice_en = "let another member with this role sign"
    advice_fr = "faites signer un autre membre qui a ce rôle"


class ExpiryWrong(TransformRefused):
    """An output whose expiry is not the one that follows from the inputs and the block time."""

    index: int
    expected: BlockTime | None
    found: BlockTime | None

    code = "expiry-wrong"
    en = "output {index} must expire at {expected}, not {found}"
    fr = "la sortie {index} doit échoir à {expected}, et non {found}"
    advice_en = "take the earliest expiry of the inputs of its kind; plan the step again"
    advice_fr = (
        "prenez l'échéance la plus proche des entrées du même genre ; replanifiez l'opération"
    )


class RightFromNowhere(TransformRefused):
    """A right or credit without an input of its kind, in a step that cannot make one."""

    index: int
    form: FormName

    code = "right-from-nowhere"
    en = "output {index} is “{form}”, but no input is of its kind"
    fr = "la sortie {index} est « {form} », mais aucune entrée n'est de ce genre"
    advice_en = "rights come from grants alone, credit from a deposit"
    advice_fr = "les droits ne viennent que d'octrois, le crédit d'un dépôt"


class CreditCarriedTwice(TransformRefused):
    """A credit that is to be carried into a second further period."""

    lot: LotId

    code = "credit-carried-twice"
    en = "the credit in {lot} was carried on before; once is the limit"
    fr = "le crédit de {lot} a déjà été reporté ; une fois est la limite"
    advice_en = "take the credit up before it expires"
    advice_fr = "employez le crédit avant son échéance"


class ReplacesNotExpected(TransformRefused):
    """A step other than a grant that says it replaces one."""

    recipe: RecipeName
    lot: LotId

    code = "replaces-not-expected"
    en = "{recipe} is no grant and cannot replace the grant {lot}"
    fr = "{recipe} n'est pas un octroi et ne peut remplacer l'octroi {lot}"
    advice_en = "leave the field out"
    advice_fr = "omettez ce champ"
