"""Why a plan cannot be: said before anything is proved, with kilograms and units.

The proof would refuse the same numbers, by the number of a rule. People read these.
"""

from __future__ import annotations

import dataclasses
from typing import Any, cast

from lodeline.kernel.bounds import MAX_AMOUNT
from lodeline.kernel.errors import Lang, LodelineError
from lodeline.kernel.ids import ElementSymbol, FormName, LotId, RecipeName, StandardName, StrandName
from lodeline.kernel.units import (
    GramsCO2e,
    Milligrams,
    Ppm,
    format_emissions,
    format_mass,
    format_share,
)

__all__ = [
    "AmountTooLarge",
    "AmountsMissing",
    "AssuranceTooSmall",
    "BelowRecovery",
    "ClaimAmountWrong",
    "ClaimNotAvailable",
    "ClaimNotWhole",
    "ClaimsNotCovered",
    "EmissionsHaveNoPlace",
    "EmissionsTooLarge",
    "GrantClaimUnclear",
    "LeastAmountMissed",
    "LotNotOfSite",
    "LotsDiffer",
    "MoreOutThanIn",
    "NotAllAccounted",
    "NotEnoughHeld",
    "NothingToCredit",
    "PlanRefused",
    "PrimaryAboveEmissions",
    "ProcessBelowFloor",
    "ProcessNumbersExpected",
    "RatioMissed",
    "RecipientMissing",
    "RestTwice",
    "RightTooSmall",
    "SplitTooSmall",
    "StrandNotExpected",
    "ToleranceHasNoPlace",
]


class PlanRefused(LodelineError):
    """Family of the reasons why numbers cannot be; quantities are written with their units."""

    def message(self, lang: Lang) -> str:
        """Return the reason, amounts in t, kg or g, emissions in CO2e, shares in percent."""
        return _worded(self, lang).en if lang == "en" else _worded(self, lang).fr

    def advice(self, lang: Lang) -> str:
        """Return the advice, with quantities written like those of the reason."""
        worded = _worded(self, lang)
        return worded.advice_en if lang == "en" else worded.advice_fr


@dataclasses.dataclass(frozen=True)
class _Worded:
    en: str
    fr: str
    advice_en: str
    advice_fr: str


def _worded(refusal: PlanRefused, lang: Lang) -> _Worded:
    values: dict[str, str] = {}
    for field in dataclasses.fields(cast(Any, type(refusal))):  # made a dataclass by its base
        values[field.name] = _text(str(field.type), getattr(refusal, field.name), lang)
    cls = type(refusal)
    texts = (cls.en, cls.fr, cls.advice_en, cls.advice_fr)
    return _Worded(*(text.format(**values) for text in texts))


def _text(kind: str, value: object, lang: Lang) -> str:
    if isinstance(value, int) and kind in ("Milligrams", "GramsCO2e") and value > MAX_AMOUNT:
        return f"{value} {'mg' if kind == 'Milligrams' else 'g CO2e'}"
    if isinstance(value, int) and kind == "Milligrams":
        return format_mass(Milligrams(value), lang)
    if isinstance(value, int) and kind == "GramsCO2e":
        return format_emissions(GramsCO2e(value), lang)
    if isinstance(value, int) and kind == "Ppm":
        return format_share(Ppm(value), lang)
    if isinstance(value, bytes):
        return value.hex()[:12]
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


# ------------------------------------------------------------------ material


class MoreOutThanIn(PlanRefused):
    """More of a strand comes out than went in."""

    strand: StrandName
    given: Milligrams
    taken: Milligrams

    code = "plan-more-out-than-in"
    en = "{taken} of {strand} would come out, but only {given} go in"
    fr = "{taken} de {strand} sortiraient, mais seulement {given} entrent"
    advice_en = "check the output's weight, moisture and assay, or add the missing input"
    advice_fr = "vérifiez poids, humidité et teneur de la sortie, ou ajoutez l'entrée manquante"


class NotAllAccounted(PlanRefused):
    """A step that may lose nothing leaves something over."""

    strand: StrandName
    given: Milligrams
    taken: Milligrams

    code = "plan-not-all-accounted"
    en = "{given} of {strand} go in, only {taken} come out, and this step may lose nothing"
    fr = "{given} de {strand} entrent, {taken} sortent, et cette étape ne peut rien perdre"
    advice_en = "name an output for the rest; a true loss is a write-off"
    advice_fr = "nommez une sortie pour le reste ; une vraie perte est une sortie de stock"


class BelowRecovery(PlanRefused):
    """Less comes out than the recipe's least recovery."""

    strand: StrandName
    given: Milligrams
    taken: Milligrams
    least: Milligrams

    code = "plan-below-recovery"
    en = "{taken} of {strand} come out of {given}; the recipe asks for at least {least}"
    fr = "{taken} de {strand} sortent de {given} ; la recette demande au moins {least}"
    advice_en = "list residues, scrap and by-products too: they count as recovered"
    advice_fr = "indiquez aussi résidus, rebuts et sous-produits : ils comptent comme récupérés"


class RightTooSmall(PlanRefused):
    """A licence or quota that does not cover what it is used for."""

    strand: StrandName
    held: Milligrams
    needed: Milligrams

    code = "plan-right-too-small"
    en = "{needed} of {strand} are needed, the lots chosen hold {held}"
    fr = "il faut {needed} de {strand}, les lots choisis en contiennent {held}"
    advice_en = "add a licence or quota of the same site, or report less"
    advice_fr = "ajoutez une licence ou un quota du même site, ou déclarez moins"


class ToleranceHasNoPlace(PlanRefused):
    """Measurement reserve that no output can take, in a step that may lose nothing."""

    strand: StrandName
    amount: Milligrams

    code = "plan-tolerance-has-no-place"
    en = "{amount} of {strand} go in, and no output of this step can hold them"
    fr = "{amount} de {strand} entrent, et aucune sortie de cette étape ne peut les contenir"
    advice_en = "settle the lot first, so that its reserve is used up"
    advice_fr = "réglez d'abord le lot, pour que sa réserve soit consommée"


class StrandNotExpected(PlanRefused):
    """An output of a strand that its form or the recipe does not have."""

    form: FormName
    strand: StrandName
    recipe: RecipeName

    code = "plan-strand-not-expected"
    en = "a lot of {form} made by {recipe} cannot contain {strand}"
    fr = "un lot de {form} fait par {recipe} ne peut pas contenir {strand}"
    advice_en = "leave it out, or choose the form that has it"
    advice_fr = "omettez-le, ou choisissez la forme qui l'a"


class AmountTooLarge(PlanRefused):
    """More of a strand than lots of the form can have."""

    form: FormName
    strand: StrandName
    amount: Milligrams
    most: Milligrams

    code = "plan-amount-too-large"
    en = "{amount} of {strand} do not fit a lot of {form}, which holds at most {most}"
    fr = "{amount} de {strand} ne tiennent pas dans un lot de {form}, qui contient au plus {most}"
    advice_en = "make several lots of it"
    advice_fr = "faites-en plusieurs lots"


class EmissionsTooLarge(PlanRefused):
    """More emissions than lots of the form can have."""

    form: FormName
    emissions: GramsCO2e
    most: GramsCO2e

    code = "plan-emissions-too-large"
    en = "{emissions} do not fit a lot of {form}, which bears at most {most}"
    fr = "{emissions} ne tiennent pas dans un lot de {form}, qui porte au plus {most}"
    advice_en = "make several lots of it, and check the emissions of the step"
    advice_fr = "faites-en plusieurs lots, et vérifiez les émissions de l'étape"


class LeastAmountMissed(PlanRefused):
    """A product with less of a metal than its form must contain."""

    form: FormName
    strand: StrandName
    amount: Milligrams
    least: Milligrams

    code = "plan-least-amount-missed"
    en = "a {form} contains at least {least} of {strand}, this one only {amount}"
    fr = "un lot de {form} contient au moins {least} de {strand}, celui-ci seulement {amount}"
    advice_en = "check which pack this is, and its contents"
    advice_fr = "vérifiez de quel pack il s'agit, et son contenu"


class RatioMissed(PlanRefused):
    """A lot whose metals are not in the proportion that its form states."""

    form: FormName
    element: ElementSymbol
    share: Ppm
    low: Ppm
    high: Ppm

    code = "plan-ratio-missed"
    en = "{element} would be {share} of the metals in {form}; the form says {low} to {high}"
    fr = "{element} ferait {share} des métaux de {form} ; la forme dit de {low} à {high}"
    advice_en = "check amounts and form, for instance 622 against 811"
    advice_fr = "vérifiez quantités et forme, par exemple 622 contre 811"


class AmountsMissing(PlanRefused):
    """An output without amounts where they cannot be worked out."""

    form: FormName
    recipe: RecipeName

    code = "plan-amounts-missing"
    en = "how much {form} comes out of {recipe} must be said"
    fr = "il faut dire combien de {form} sort de {recipe}"
    advice_en = "give weight, moisture and assay, or contained masses"
    advice_fr = "donnez poids, humidité et teneur, ou les masses contenues"


class RestTwice(PlanRefused):
    """Two outputs that both take whatever is left."""

    first: FormName
    second: FormName

    code = "plan-rest-twice"
    en = "{first} and {second} cannot both take the rest"
    fr = "{first} et {second} ne peuvent pas tous deux prendre le reste"
    advice_en = "give the amounts of one of them"
    advice_fr = "donnez les quantités de l'un d'eux"


class LotsDiffer(PlanRefused):
    """Lots that cannot go through one step together, because their forms differ."""

    first: FormName
    second: FormName

    code = "plan-lots-differ"
    en = "{first} and {second} cannot go through this step together"
    fr = "{first} et {second} ne peuvent pas passer ensemble par cette étape"
    advice_en = "do it for each form on its own"
    advice_fr = "faites-le pour chaque forme séparément"


class RecipientMissing(PlanRefused):
    """A sale to nobody."""

    recipe: RecipeName

    code = "plan-recipient-missing"
    en = "{recipe} needs somebody who receives the lots"
    fr = "{recipe} demande quelqu'un qui reçoit les lots"
    advice_en = "name the buyer"
    advice_fr = "nommez l'acheteur"


class SplitTooSmall(PlanRefused):
    """A split that makes one lot of one."""

    form: FormName
    parts: int

    code = "plan-split-too-small"
    en = "splitting this lot of {form} would give {parts} part"
    fr = "diviser ce lot de {form} donnerait {parts} partie"
    advice_en = "name a part smaller than the lot"
    advice_fr = "nommez une partie plus petite que le lot"


class NotEnoughHeld(PlanRefused):
    """A wish for more than all suitable lots together hold."""

    strand: StrandName
    held: Milligrams
    wanted: Milligrams

    code = "plan-not-enough-held"
    en = "{wanted} of {strand} are wanted, your suitable lots hold {held}"
    fr = "il faut {wanted} de {strand}, vos lots convenables en contiennent {held}"
    advice_en = "lots that are offered, expired or recalled do not count; see `lodeline lots`"
    advice_fr = "les lots offerts, expirés ou rappelés ne comptent pas ; voyez « lodeline lots »"


# ------------------------------------------------------------------ claims


class ClaimNotAvailable(PlanRefused):
    """A claim that nothing among the inputs bears."""

    standard: StandardName
    strand: StrandName
    recipe: RecipeName

    code = "plan-claim-not-available"
    en = "nothing that goes into {recipe} lets {strand} bear {standard}"
    fr = "rien de ce qui entre dans {recipe} ne permet à {strand} de porter {standard}"
    advice_en = "add lots, an assurance or a credit that bear it, or leave the claim out"
    advice_fr = "ajoutez lots, attestation ou crédit qui la portent, ou omettez la déclaration"


class ClaimNotWhole(PlanRefused):
    """A segregated claim on material of which only a part bears it."""

    claim: str
    strand: StrandName
    bearing: Milligrams
    whole: Milligrams

    code = "plan-claim-not-whole"
    en = "only {bearing} of {whole} {strand} bear {claim}, which needs all of it, from one source"
    fr = "seuls {bearing} sur {whole} de {strand} portent {claim}, qui exige tout, d'une source"
    advice_en = "claim controlled blending or mass balance, or keep the lots apart"
    advice_fr = "déclarez mélange contrôlé ou bilan massique, ou tenez les lots à part"


class ClaimAmountWrong(PlanRefused):
    """An amount for a claim that its custody model does not allow."""

    claim: str
    strand: StrandName
    wanted: Milligrams
    allowed: Milligrams

    code = "plan-claim-amount-wrong"
    en = "{wanted} of {strand} cannot bear {claim}; its custody model gives {allowed}"
    fr = "{wanted} de {strand} ne peuvent porter {claim} ; le modèle de traçabilité donne {allowed}"
    advice_en = "leave the amount out: it follows from the lot"
    advice_fr = "omettez la quantité : elle découle du lot"


class ClaimsNotCovered(PlanRefused):
    """More claimed than the inputs bear."""

    claim: str
    element: ElementSymbol
    claimed: Milligrams
    available: Milligrams

    code = "plan-claims-not-covered"
    en = "{claimed} of {element} would bear {claim}, the inputs cover {available}"
    fr = "{claimed} de {element} porteraient {claim}, les entrées couvrent {available}"
    advice_en = "claim less, or add lots or credits that bear it"
    advice_fr = "déclarez moins, ou ajoutez des lots ou crédits qui la portent"


class NothingToCredit(PlanRefused):
    """A step that must give a credit, and nothing among the inputs would fill it."""

    recipe: RecipeName
    form: FormName

    code = "plan-nothing-to-credit"
    en = "{recipe} gives a {form}, and nothing that goes in bears a claim for it"
    fr = "{recipe} donne un {form}, et rien de ce qui entre ne porte de déclaration pour lui"
    advice_en = "use the recipe without credits for this material"
    advice_fr = "prenez la recette sans crédits pour cette matière"


class AssuranceTooSmall(PlanRefused):
    """An assurance that does not cover what is drawn from it."""

    standard: StandardName
    element: ElementSymbol
    held: Milligrams
    needed: Milligrams

    code = "plan-assurance-too-small"
    en = "{needed} of {element} should bear {standard}, the assurance covers {held}"
    fr = "{needed} de {element} devraient porter {standard}, l'attestation couvre {held}"
    advice_en = "split the output into a lot with the claim and one without it"
    advice_fr = "divisez la sortie en un lot avec la déclaration et un sans"


class GrantClaimUnclear(PlanRefused):
    """A grant of assurance that does not say model, element and tonnage."""

    standard: StandardName

    code = "plan-grant-claim-unclear"
    en = "the assurance of {standard} must say its custody model, element and tonnage"
    fr = "l'attestation de {standard} doit dire son modèle, son élément et son tonnage"
    advice_en = "for instance IRMA-75/identity-preserved, Co, 1500 t"
    advice_fr = "par exemple IRMA-75/identity-preserved, Co, 1500 t"


# ------------------------------------------------------------------ emissions


class ProcessNumbersExpected(PlanRefused):
    """A step without the emissions that its recipe asks for, or with some that it has not."""

    recipe: RecipeName
    expected: bool

    code = "plan-process-numbers-expected"
    en = "whether {recipe} has emissions of its own: {expected}; the plan says otherwise"
    fr = "{recipe} a-t-elle ses propres émissions : {expected} ; le plan dit autre chose"
    advice_en = "give the emissions of the step exactly where the recipe has them"
    advice_fr = "donnez les émissions de l'étape exactement là où la recette en a"


class ProcessBelowFloor(PlanRefused):
    """Emissions that no honest plant has."""

    recipe: RecipeName
    stated: GramsCO2e
    least: GramsCO2e

    code = "plan-process-below-floor"
    en = "{stated} are stated for {recipe}, whose floor for this output is {least}"
    fr = "{stated} sont déclarés pour {recipe}, dont le plancher pour cette sortie est {least}"
    advice_en = "check the unit and whether fuel, power and reagents are all in"
    advice_fr = "vérifiez l'unité et que carburant, courant et réactifs y sont tous"


class PrimaryAboveEmissions(PlanRefused):
    """More emissions from primary data than emissions."""

    emissions: GramsCO2e
    primary: GramsCO2e

    code = "plan-primary-above-emissions"
    en = "{primary} of primary data are more than all emissions of the step, {emissions}"
    fr = "{primary} de données primaires dépassent toutes les émissions de l'étape, {emissions}"
    advice_en = "primary is the part of the emissions that was measured on the spot"
    advice_fr = "le primaire est la part des émissions mesurée sur place"


class EmissionsHaveNoPlace(PlanRefused):
    """Inherited emissions and no material output that would bear them."""

    recipe: RecipeName
    emissions: GramsCO2e

    code = "plan-emissions-have-no-place"
    en = "{emissions} go into {recipe}, and no lot comes out that bears them"
    fr = "{emissions} entrent dans {recipe}, et aucun lot n'en sort pour les porter"
    advice_en = "name the outputs; only a write-off loses emissions"
    advice_fr = "nommez les sorties ; seule une sortie de stock perd des émissions"


class LotNotOfSite(PlanRefused):
    """A right of another site than the one where the step happens."""

    lot: LotId
    form: FormName

    code = "plan-lot-not-of-site"
    en = "lot {lot} of {form} belongs to another site"
    fr = "le lot {lot} de {form} appartient à un autre site"
    advice_en = "use the licences, assurances, quotas and credits of the step's own site"
    advice_fr = "utilisez licences, attestations, quotas et crédits du site de l'étape"
