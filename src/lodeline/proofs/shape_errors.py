"""Refusals about the shape of a transform: everything that can be seen without a proof."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError

__all__ = [
    "AmountMissing",
    "ClaimFromNothing",
    "ClaimNotCovered",
    "ClaimTooStrong",
    "ClaimTwice",
    "FieldNotExpected",
    "FormNotExpected",
    "FormsDiffer",
    "LotsNotInOrder",
    "NotIdentityPreserved",
    "NotTheSameLot",
    "PortCountWrong",
    "ProcessNumbersWrong",
    "RatioStrandMissing",
    "ShapeRefused",
    "SiteNotStated",
    "StandardNotForElement",
    "StrandNotBalanced",
    "StrandNotInForm",
    "TooManyClaims",
    "TooManyStrands",
]


class ShapeRefused(LodelineError):
    """Family of the refusals in this module."""


class FormNotExpected(ShapeRefused):
    """A lot whose form the recipe does not take, or does not give."""

    recipe: str
    side: str
    form: str

    code = "form-not-expected"
    en = "The recipe “{recipe}” has no {side} of the form “{form}”"
    fr = "La recette « {recipe} » n'a pas, côté {side}, de forme « {form} »"
    advice_en = "Choose another recipe or other lots; `lodeline recipes` shows what each takes"
    advice_fr = "Choisissez une autre recette ou d'autres lots ; voyez `lodeline recipes`"


class PortCountWrong(ShapeRefused):
    """Too few or too many lots of one kind."""

    recipe: str
    side: str
    forms: tuple[str, ...]
    found: int
    at_least: int
    at_most: int

    code = "port-count-wrong"
    en = "“{recipe}” takes {at_least} to {at_most} lots of {forms} as {side}, not {found}"
    fr = "« {recipe} » prend de {at_least} à {at_most} lots de {forms} ({side}), pas {found}"
    advice_en = "Add or leave out lots, or split the step into several"
    advice_fr = "Ajoutez ou retirez des lots, ou divisez l'opération"


class FormsDiffer(ShapeRefused):
    """A step that keeps the form was given lots of several forms."""

    recipe: str
    forms: tuple[str, ...]

    code = "forms-differ"
    en = "“{recipe}” keeps the form, but these lots have several: {forms}"
    fr = "« {recipe} » garde la forme, mais ces lots en ont plusieurs : {forms}"
    advice_en = "Handle lots of each form in a step of their own"
    advice_fr = "Traitez les lots de chaque forme dans une opération à part"


class StrandNotInForm(ShapeRefused):
    """A strand that lots of this form cannot have."""

    form: str
    strand: str

    code = "strand-not-in-form"
    en = "Lots of “{form}” have no strand “{strand}”"
    fr = "Les lots de « {form} » n'ont pas de brin « {strand} »"
    advice_en = "Leave the strand out or choose another form"
    advice_fr = "Omettez le brin ou choisissez une autre forme"


class StrandNotBalanced(ShapeRefused):
    """A strand that the recipe does not account for."""

    recipe: str
    side: str
    strand: str

    code = "strand-not-balanced"
    en = "“{recipe}” has no balance for the {side} strand “{strand}”"
    fr = "« {recipe} » n'a pas de bilan pour le brin « {strand} » ({side})"
    advice_en = "Choose a recipe that accounts for this element"
    advice_fr = "Choisissez une recette qui tient compte de cet élément"


class LotsNotInOrder(ShapeRefused):
    """Strands or claims of a lot that are not strictly ascending by name."""

    names: tuple[str, ...]

    code = "names-not-in-order"
    en = "Strands and claims must stand in ascending order, each once; found {names}"
    fr = "Brins et déclarations doivent être en ordre croissant, une fois chacun : {names}"
    advice_en = "Sort them by name"
    advice_fr = "Triez-les par nom"


class AmountMissing(ShapeRefused):
    """A strand without its amount, or an amount on a strand that has none."""

    strand: str

    code = "amount-missing"
    en = "The strand “{strand}” must have an amount exactly when its kind has one"
    fr = "Le brin « {strand} » doit avoir une quantité si et seulement si son genre en a une"
    advice_en = "Assurance and credit bear claims only; everything else has an amount"
    advice_fr = "Assurance et crédit ne portent que des déclarations ; le reste a une quantité"


class FieldNotExpected(ShapeRefused):
    """A field of a lot that must be there and is not, or the other way round."""

    form: str
    field: str
    expected: bool

    code = "field-not-expected"
    en = "A lot of “{form}” in this step: “{field}” present must be {expected}"
    fr = "Un lot de « {form} » dans cette opération : « {field} » présent doit être {expected}"
    advice_en = "Build the lot with the planner; it fills in what each form needs"
    advice_fr = "Construisez le lot avec le planificateur ; il remplit ce qu'il faut"


class TooManyStrands(ShapeRefused):
    """More strands in one lot than the protocol's bound."""

    found: int
    bound: int

    code = "too-many-strands"
    en = "A lot has {found} strands; the bound is {bound}"
    fr = "Un lot a {found} brins ; la limite est {bound}"
    advice_en = "Keep apart what need not be one lot"
    advice_fr = "Séparez ce qui n'a pas besoin d'être un seul lot"


class TooManyClaims(ShapeRefused):
    """More claims in one lot than the protocol's bound."""

    found: int
    bound: int

    code = "too-many-claims"
    en = "A lot bears {found} claims; the bound is {bound}"
    fr = "Un lot porte {found} déclarations ; la limite est {bound}"
    advice_en = "Drop the claims that no customer asks for"
    advice_fr = "Laissez tomber les déclarations que personne ne demande"


class ClaimTwice(ShapeRefused):
    """One strand bears one standard under two models."""

    strand: str
    standard: str

    code = "claim-twice"
    en = "The strand “{strand}” bears “{standard}” under two models in one lot"
    fr = "Le brin « {strand} » porte « {standard} » sous deux modèles dans un même lot"
    advice_en = "Put the two shares into two lots"
    advice_fr = "Mettez les deux parts dans deux lots"


class ClaimNotCovered(ShapeRefused):
    """A claim for which the recipe has no rule."""

    recipe: str
    claim: str
    strand: str

    code = "claim-not-covered"
    en = "“{recipe}” says nothing about the claim “{claim}” on “{strand}”"
    fr = "« {recipe} » ne dit rien de la déclaration « {claim} » sur « {strand} »"
    advice_en = "Leave the claim out or choose a recipe that carries it"
    advice_fr = "Omettez la déclaration ou choisissez une recette qui la transmet"


class ClaimTooStrong(ShapeRefused):
    """A claim stronger than the recipe's chain-of-custody model can keep."""

    recipe: str
    claim: str
    strongest: str

    code = "claim-too-strong"
    en = "“{recipe}” keeps at most {strongest}; the claim “{claim}” is stronger"
    fr = "« {recipe} » garde au plus {strongest} ; la déclaration « {claim} » est plus forte"
    advice_en = "State the claim under a weaker chain-of-custody model"
    advice_fr = "Déclarez sous un modèle de chaîne de contrôle plus faible"


class ClaimFromNothing(ShapeRefused):
    """A claim that no input bears under an equal or stronger model."""

    claim: str
    element: str

    code = "claim-from-nothing"
    en = "No input bears “{claim}” (or stronger) on {element}"
    fr = "Aucune entrée ne porte « {claim} » (ou plus fort) sur {element}"
    advice_en = "Add the assurance or the certified lots to the inputs, or drop the claim"
    advice_fr = "Ajoutez l'assurance ou les lots certifiés, ou retirez la déclaration"


class StandardNotForElement(ShapeRefused):
    """A standard that does not speak of this element."""

    standard: str
    element: str

    code = "standard-not-for-element"
    en = "The standard “{standard}” does not cover {element}"
    fr = "La norme « {standard} » ne couvre pas {element}"
    advice_en = "See `lodeline recipes --standards` for what each standard covers"
    advice_fr = "Voyez `lodeline recipes --standards` : ce que couvre chaque norme"


class NotIdentityPreserved(ShapeRefused):
    """An identity-preserved claim where more than one lot of the metal goes in."""

    claim: str
    inputs: int

    code = "not-identity-preserved"
    en = "“{claim}” needs one single input lot of the metal; there are {inputs}"
    fr = "« {claim} » exige un seul lot d'entrée du métal ; il y en a {inputs}"
    advice_en = "Weaken the claim to segregated, or process the lots one by one"
    advice_fr = "Affaiblissez en ségrégation, ou traitez les lots un par un"


class ProcessNumbersWrong(ShapeRefused):
    """Process emissions where the recipe has none, or the other way round."""

    recipe: str
    expected: bool

    code = "process-numbers-wrong"
    en = "“{recipe}”: process emissions present must be {expected}"
    fr = "« {recipe} » : émissions du procédé présentes doit être {expected}"
    advice_en = "State emissions and their primary part for steps that have them, and only there"
    advice_fr = "Indiquez les émissions et leur part primaire là où il y en a, et là seulement"


class SiteNotStated(ShapeRefused):
    """A lot bound to a site in a transform that names no site."""

    recipe: str

    code = "site-not-stated"
    en = "“{recipe}” uses lots that are bound to a site, but the transform names none"
    fr = "« {recipe} » emploie des lots liés à un site, mais aucun site n'est indiqué"
    advice_en = "State the site where the step happens"
    advice_fr = "Indiquez le site de l'opération"


class RatioStrandMissing(ShapeRefused):
    """A form with ratios was given a lot that lacks one of the metals."""

    form: str
    strand: str

    code = "ratio-strand-missing"
    en = "Lots of “{form}” must contain “{strand}” (the form states ratios)"
    fr = "Les lots de « {form} » doivent contenir « {strand} » (la forme a des ratios)"
    advice_en = "Add the metal or choose another form"
    advice_fr = "Ajoutez le métal ou choisissez une autre forme"


class NotTheSameLot(ShapeRefused):
    """An output that must equal an input of the same index and does not have its shape."""

    index: int

    code = "not-the-same-lot"
    en = "Lot {index} must have the same form, strands, claims and expiry before and after"
    fr = "Le lot {index} doit garder forme, brins, déclarations et échéance"
    advice_en = "Sell lots whole; split them first if only a part is sold"
    advice_fr = "Vendez des lots entiers ; divisez-les d'abord si besoin"
