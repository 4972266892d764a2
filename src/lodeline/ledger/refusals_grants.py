"""Refusals of grants: who may give which right, for how long, and how often."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ElementSymbol,
    FormName,
    LotId,
    MemberId,
    RecipeName,
    SiteId,
    StandardName,
)
from lodeline.kernel.time import BlockTime

__all__ = [
    "GrantClassWrong",
    "GrantEmpty",
    "GrantExists",
    "GrantInputsNotExpected",
    "GrantOutputs",
    "GrantRefused",
    "GrantSiteMissing",
    "GrantToReplaceUnknown",
    "GrantorMissing",
    "GrantorNotRecognised",
    "RecognitionExpired",
    "RemainderNotConsumed",
    "RightReplaced",
    "StandardNotValid",
]


class GrantRefused(LodelineError):
    """Family of the reasons for which a grant is refused."""


class GrantOutputs(GrantRefused):
    """A grant that does not give exactly one lot."""

    found: int

    code = "grant-outputs"
    en = "a grant gives one lot, not {found}"
    fr = "un octroi donne un lot, et non {found}"
    advice_en = "make one grant for each lot"
    advice_fr = "faites un octroi par lot"


class GrantEmpty(GrantRefused):
    """A grant of a lot without strands, or of assurance without claims."""

    form: FormName

    code = "grant-empty"
    en = "the granted lot of “{form}” has no strand, or bears no claim"
    fr = "le lot octroyé de « {form} » n'a pas de brin, ou ne porte pas de déclaration"
    advice_en = "name the elements, and for assurance the standards, that are granted"
    advice_fr = "nommez les éléments, et pour l'assurance les normes, qui sont octroyés"


class GrantClassWrong(GrantRefused):
    """A grant of something that cannot be granted."""

    form: FormName
    form_class: str

    code = "grant-class-wrong"
    en = "“{form}” is {form_class}; only licences, intake, quotas and assurances are granted"
    fr = "« {form} » est {form_class} ; seuls licences, apports, quotas et assurances s'octroient"
    advice_en = "credit comes from a deposit, material from licences"
    advice_fr = "le crédit vient d'un dépôt, la matière de licences"


class GrantSiteMissing(GrantRefused):
    """A grant that names no site."""

    recipe: RecipeName

    code = "grant-site-missing"
    en = "a grant ({recipe}) must name the grantee's site"
    fr = "un octroi ({recipe}) doit nommer le site du bénéficiaire"
    advice_en = "state the registered site that the right is for"
    advice_fr = "indiquez le site enregistré auquel le droit est destiné"


class GrantorMissing(GrantRefused):
    """A grant under a recipe that nobody signs."""

    recipe: RecipeName

    code = "grantor-missing"
    en = "{recipe} names no signer, so nobody grants"
    fr = "{recipe} ne nomme aucun signataire, donc personne n'octroie"
    advice_en = "adopt a recipe that names the authority or accredited body"
    advice_fr = "adoptez une recette qui nomme l'autorité ou l'organisme accrédité"


class GrantorNotRecognised(GrantRefused):
    """A grantor whom the members have not recognised for this right or standard."""

    member: MemberId
    standard: StandardName | None
    right: str | None

    code = "grantor-not-recognised"
    en = "“{member}” is not recognised for the standard {standard}, right {right}"
    fr = "« {member} » n'est pas reconnu pour la norme {standard}, droit {right}"
    advice_en = "have the members recognise the body or authority"
    advice_fr = "faites reconnaître l'organisme ou l'autorité par les membres"


class RecognitionExpired(GrantRefused):
    """A grantor whose recognition has run out."""

    member: MemberId
    standard: StandardName | None
    right: str | None
    until: BlockTime
    now: BlockTime

    code = "recognition-expired"
    en = (
        "the recognition of “{member}” (standard {standard}, right {right}) held until {until};"
        " it is {now}"
    )
    fr = (
        "la reconnaissance de « {member} » (norme {standard}, droit {right}) valait jusqu'à "
        "{until} ; il est {now}"
    )
    advice_en = "have the members renew the recognition"
    advice_fr = "faites renouveler la reconnaissance par les membres"


class StandardNotValid(GrantRefused):
    """A grant under a version of a standard outside its dates."""

    standard: StandardName
    valid_from: BlockTime
    valid_to: BlockTime | None
    now: BlockTime

    code = "standard-not-valid"
    en = "the standard “{standard}” takes grants from {valid_from} to {valid_to}; it is {now}"
    fr = "la norme « {standard} » admet des octrois de {valid_from} à {valid_to} ; il est {now}"
    advice_en = "adopt the version of the standard that is valid"
    advice_fr = "adoptez la version valide de la norme"


class GrantExists(GrantRefused):
    """A second grant for the same site, element, right and period."""

    site: SiteId
    element: ElementSymbol
    right: str
    standard: str
    lot: LotId

    code = "grant-exists"
    en = "“{site}” has a grant of {element} {right} {standard} for this period: {lot}"
    fr = "« {site} » a déjà un octroi de {element} {right} {standard} pour cette période : {lot}"
    advice_en = "replace it: name it, consume its remainder, and grant net of use"
    advice_fr = "remplacez-le : nommez-le, consommez son reste, et octroyez net de l'usage"


class GrantToReplaceUnknown(GrantRefused):
    """A grant that replaces one which is not in force under the same keys."""

    replaces: LotId
    current: LotId | None

    code = "grant-to-replace-unknown"
    en = (
        "the grant {replaces} cannot be replaced; in force for this site, element and period: "
        "{current}"
    )
    fr = (
        "l'octroi {replaces} ne peut être remplacé ; en vigueur pour ce site, cet élément, "
        "cette période : {current}"
    )
    advice_en = "name the grant that is in force, and grant the same elements and standards"
    advice_fr = "nommez l'octroi en vigueur, et octroyez les mêmes éléments et normes"


class RemainderNotConsumed(GrantRefused):
    """A replacing grant that does not use up exactly what is left of the old one."""

    expected: tuple[LotId, ...]
    found: tuple[LotId, ...]

    code = "remainder-not-consumed"
    en = "what is left of the replaced grant is {expected}; the inputs are {found}"
    fr = "le reste de l'octroi remplacé est {expected} ; les entrées sont {found}"
    advice_en = "use up every remaining lot of the old grant, and nothing else"
    advice_fr = "consommez chaque lot restant de l'ancien octroi, et rien d'autre"


class GrantInputsNotExpected(GrantRefused):
    """A grant that replaces nothing and yet uses lots up."""

    found: int

    code = "grant-inputs-not-expected"
    en = "a grant that replaces none has no inputs; there are {found}"
    fr = "un octroi qui n'en remplace aucun n'a pas d'entrées ; il y en a {found}"
    advice_en = "name the grant that it replaces, or leave the inputs out"
    advice_fr = "nommez l'octroi remplacé, ou omettez les entrées"


class RightReplaced(GrantRefused):
    """A reversal that would give back a right whose grant another grant has replaced."""

    lot: LotId
    grant: LotId
    successor: LotId

    code = "right-replaced"
    en = "the right {lot} was granted as {grant}, which {successor} has replaced"
    fr = "le droit {lot} fut octroyé comme {grant}, que {successor} a remplacé"
    advice_en = "correct what was made instead, or ask the grantor for a further grant"
    advice_fr = "corrigez plutôt ce qui a été fait, ou demandez un nouvel octroi à qui l'octroie"
