"""Refusals of governance: votes, members, sites, recognitions, keys, tables."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ElementSymbol,
    FormName,
    Hash32,
    MemberId,
    MemberKey,
    RecipeDigest,
    RecipeName,
    SiteId,
    StandardName,
    StrandName,
)
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import Status

__all__ = [
    "AllocationKnown",
    "AnchorKnown",
    "ElementUnknown",
    "FormKnown",
    "GovernanceRefused",
    "KeyUnchanged",
    "MemberKeyTaken",
    "MemberKnown",
    "MemberRemoved",
    "NotAVoter",
    "NotAscending",
    "NotEnoughVotes",
    "RecipeKnown",
    "RecipeToRetireUnknown",
    "RecipeVersionsOverlap",
    "RecognitionMissing",
    "RecognitionOver",
    "RecognitionSubject",
    "SequenceWrong",
    "SiteOfOther",
    "StandardNotNewer",
    "StandardUnsound",
    "StatusUnchanged",
    "ThresholdTooHigh",
    "TooFewVoters",
    "WeightWrong",
]


class GovernanceRefused(LodelineError):
    """Family of the reasons for which an act of governance is refused."""


class SequenceWrong(GovernanceRefused):
    """An act that is not the next one: a replay, or one made for another state."""

    expected: int
    found: int

    code = "sequence-wrong"
    en = "the next act has number {expected}, this one {found}"
    fr = "le prochain acte a le numéro {expected}, celui-ci {found}"
    advice_en = "make the act again with the present number and collect the signatures anew"
    advice_fr = "refaites l'acte avec le numéro actuel et réunissez à nouveau les signatures"


class NotEnoughVotes(GovernanceRefused):
    """Fewer voting members than an act needs."""

    needed: int
    found: int

    code = "not-enough-votes"
    en = "an act needs {needed} voting members, {found} signed"
    fr = "un acte exige {needed} membres votants, {found} ont signé"
    advice_en = "collect more signatures"
    advice_fr = "réunissez d'autres signatures"


class NotAVoter(GovernanceRefused):
    """A signature of a member that has no vote."""

    member: MemberId

    code = "not-a-voter"
    en = "“{member}” has no vote"
    fr = "« {member} » n'a pas de voix"
    advice_en = "leave its signature out"
    advice_fr = "omettez sa signature"


class ThresholdTooHigh(GovernanceRefused):
    """A genesis that needs more votes than there are voters."""

    threshold: int
    voters: int

    code = "threshold-too-high"
    en = "an act would need {threshold} votes of {voters} voters"
    fr = "un acte exigerait {threshold} voix sur {voters} votants"
    advice_en = "lower the threshold or admit voters"
    advice_fr = "abaissez le seuil ou admettez des votants"


class MemberKnown(GovernanceRefused):
    """A member that is there already."""

    member: MemberId

    code = "member-known"
    en = "“{member}” is a member already"
    fr = "« {member} » est déjà membre"
    advice_en = "use another id, or set the member's status"
    advice_fr = "prenez un autre identifiant, ou changez le statut du membre"


class MemberRemoved(GovernanceRefused):
    """A change to a member that was removed for good."""

    member: MemberId

    code = "member-removed"
    en = "“{member}” was removed and stays so"
    fr = "« {member} » a été exclu et le reste"
    advice_en = "admit the company again under another id"
    advice_fr = "admettez à nouveau la société sous un autre identifiant"


class StatusUnchanged(GovernanceRefused):
    """A member that has this status already."""

    member: MemberId
    standing: Status

    code = "status-unchanged"
    en = "the status of “{member}” is {standing} already"
    fr = "le statut de « {member} » est déjà {standing}"
    advice_en = "leave the act out"
    advice_fr = "omettez l'acte"


class TooFewVoters(GovernanceRefused):
    """An act that would leave fewer active voters than an act needs."""

    needed: int
    left: int

    code = "too-few-voters"
    en = "{left} active voters would be left, an act needs {needed}"
    fr = "il resterait {left} votants actifs, un acte en exige {needed}"
    advice_en = "admit a voting member first, or the consortium could never act again"
    advice_fr = "admettez d'abord un membre votant, sinon le consortium ne pourrait plus agir"


class TooManyVoters(GovernanceRefused):
    """An act after which a vote would need more signatures than one entry can have."""

    most: int
    needed: int

    code = "too-many-voters"
    en = "an act would need {needed} voting members, an entry has room for {most}"
    fr = "un acte exigerait {needed} membres votants, une écriture n'en admet que {most}"
    advice_en = "admit the member without a vote, or the consortium could never act again"
    advice_fr = "admettez le membre sans droit de vote, sinon le consortium ne pourrait plus agir"


class MemberKeyTaken(GovernanceRefused):
    """A signing key that belongs to somebody else."""

    key: MemberKey
    owner: str

    code = "member-key-taken"
    en = "the signing key {key} belongs to “{owner}”"
    fr = "la clé de signature {key} appartient à « {owner} »"
    advice_en = "generate a key of your own"
    advice_fr = "générez votre propre clé"


class NotAscending(GovernanceRefused):
    """Names that must stand in ascending order, each once."""

    what: str
    names: tuple[str, ...]

    code = "not-ascending"
    en = "{what} must stand in ascending order, each once; found {names}"
    fr = "{what} : l'ordre croissant est exigé, chacun une fois ; trouvé {names}"
    advice_en = "sort them by name and drop what is there twice"
    advice_fr = "triez par nom et ôtez les doublons"


class SiteOfOther(GovernanceRefused):
    """A site that is registered for another member."""

    site: SiteId
    owner: MemberId
    member: MemberId

    code = "site-of-other"
    en = "the site “{site}” belongs to “{owner}”, not to “{member}”"
    fr = "le site « {site} » appartient à « {owner} », non à « {member} »"
    advice_en = "register the site under an id of its own"
    advice_fr = "enregistrez le site sous un identifiant propre"


class RecognitionSubject(GovernanceRefused):
    """A recognition that names a standard and a right, or neither."""

    member: MemberId

    code = "recognition-subject"
    en = "the recognition of “{member}” must name either a standard or a right"
    fr = "la reconnaissance de « {member} » doit nommer soit une norme, soit un droit"
    advice_en = "make one act for each standard or right"
    advice_fr = "faites un acte par norme ou par droit"


class RecognitionOver(GovernanceRefused):
    """A recognition that ends before it begins."""

    until: BlockTime
    now: BlockTime

    code = "recognition-over"
    en = "the recognition would end at {until}; it is {now}"
    fr = "la reconnaissance finirait à {until} ; il est {now}"
    advice_en = "give a later end"
    advice_fr = "donnez une fin plus tardive"


class RecognitionMissing(GovernanceRefused):
    """A recognition to be removed that is not there."""

    member: MemberId
    standard: StandardName | None
    right: str | None

    code = "recognition-missing"
    en = "“{member}” is not recognised for the standard {standard}, right {right}"
    fr = "« {member} » n'est pas reconnu pour la norme {standard}, droit {right}"
    advice_en = "leave the act out"
    advice_fr = "omettez l'acte"


class FormKnown(GovernanceRefused):
    """A form whose name is in the table."""

    form: FormName

    code = "form-known"
    en = "the form “{form}” is there and is never redefined"
    fr = "la forme « {form} » existe et n'est jamais redéfinie"
    advice_en = "give the new form a name of its own"
    advice_fr = "donnez un nom propre à la nouvelle forme"


class ElementUnknown(GovernanceRefused):
    """An element that the genesis does not name."""

    element: ElementSymbol

    code = "element-unknown"
    en = "{element} is not an element of this ledger"
    fr = "{element} n'est pas un élément de ce registre"
    advice_en = "use the elements that the genesis names"
    advice_fr = "prenez les éléments que l'écriture fondatrice nomme"


class StandardNotNewer(GovernanceRefused):
    """A standard that does not follow the version in the table."""

    standard: StandardName
    current: BlockTime
    found: BlockTime

    code = "standard-not-newer"
    en = "the table has a version of “{standard}” valid from {current}; this one is from {found}"
    fr = (
        "la table a une version de « {standard} » valable dès {current} ; celle-ci l'est dès "
        "{found}"
    )
    advice_en = "adopt a version that begins later"
    advice_fr = "adoptez une version qui commence plus tard"


class StandardUnsound(GovernanceRefused):
    """A standard whose carry share or dates make no sense."""

    standard: StandardName
    number: str
    found: int

    code = "standard-unsound"
    en = "the standard “{standard}” has an impossible {number}: {found}"
    fr = "la norme « {standard} » a une valeur impossible, {number} : {found}"
    advice_en = "correct the figure"
    advice_fr = "corrigez le chiffre"


class AllocationKnown(GovernanceRefused):
    """An allocation table whose name is taken."""

    table: str

    code = "allocation-known"
    en = "the allocation table “{table}” is there and is never redefined"
    fr = "la table d'allocation « {table} » existe et n'est jamais redéfinie"
    advice_en = "give the new table a name of its own"
    advice_fr = "donnez un nom propre à la nouvelle table"


class WeightWrong(GovernanceRefused):
    """An allocation weight outside 0 to 1,000,000."""

    table: str
    strand: StrandName
    weight: int

    code = "weight-wrong"
    en = "“{table}” gives {strand} the weight {weight}; 0 to 1000000 are allowed"
    fr = "« {table} » donne à {strand} le poids {weight} ; de 0 à 1000000 sont admis"
    advice_en = "state weights in parts per million of the heaviest"
    advice_fr = "donnez les poids en millionièmes du plus lourd"


class RecipeKnown(GovernanceRefused):
    """A recipe that was adopted before, or a version of it that was."""

    recipe: RecipeName
    version: int

    code = "recipe-known"
    en = "{recipe} version {version} was adopted before"
    fr = "{recipe} version {version} a déjà été adoptée"
    advice_en = "give the recipe a higher version"
    advice_fr = "donnez à la recette une version plus élevée"


class RecipeVersionsOverlap(GovernanceRefused):
    """A version of a recipe that would be in force beside an earlier one."""

    recipe: RecipeName
    earlier: int
    ends: BlockTime | None
    begins: BlockTime

    code = "recipe-versions-overlap"
    en = "{recipe} version {earlier} is in force until {ends}, the new one begins at {begins}"
    fr = "{recipe} version {earlier} est en vigueur jusqu'à {ends}, la nouvelle dès {begins}"
    advice_en = "retire the earlier version in the same vote, or begin after its end"
    advice_fr = "retirez l'ancienne version par le même vote, ou commencez après sa fin"


class RecipeToRetireUnknown(GovernanceRefused):
    """A recipe to be retired that is not in force."""

    recipe: RecipeDigest

    code = "recipe-to-retire-unknown"
    en = "no recipe with the digest {recipe} is in force"
    fr = "aucune recette d'empreinte {recipe} n'est en vigueur"
    advice_en = "name the digest of an adopted recipe"
    advice_fr = "nommez l'empreinte d'une recette adoptée"


class KeyUnchanged(GovernanceRefused):
    """A rotation to the key that the member has."""

    member: MemberId

    code = "key-unchanged"
    en = "the new key of “{member}” is its old one"
    fr = "la nouvelle clé de « {member} » est l'ancienne"
    advice_en = "generate a fresh key"
    advice_fr = "générez une clé neuve"


class AnchorKnown(GovernanceRefused):
    """A digest that the member has anchored before."""

    member: MemberId
    digest: Hash32

    code = "anchor-known"
    en = "“{member}” has anchored {digest} before"
    fr = "« {member} » a déjà ancré {digest}"
    advice_en = "nothing is to be done"
    advice_fr = "il n'y a rien à faire"
