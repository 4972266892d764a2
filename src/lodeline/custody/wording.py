"""What may be said of a claim in words, for each chain-of-custody model (ISO 22095:2020 clause 5).

The model decides the sentence, not the seller: under mass balance and book and claim the material
in hand need not contain what is claimed, and the wording says so. The figures come from a checked
claim; nothing here checks them.
"""

from __future__ import annotations

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.elements import Element
from lodeline.custody.standards import Standard
from lodeline.kernel.errors import Lang, LodelineError
from lodeline.kernel.ids import StandardName
from lodeline.kernel.units import Ppm, format_share

__all__ = ["WordingOfOtherStandard", "claim_wording", "is_physical", "model_name"]


class WordingOfOtherStandard(LodelineError):
    """A claim of one standard to be worded with the title of another."""

    claimed: StandardName
    given: StandardName

    code = "wording-of-other-standard"
    en = "the claim is of {claimed}, its wording was asked for with {given}"
    fr = "la déclaration porte sur {claimed}, sa formulation a été demandée avec {given}"
    advice_en = "look the claim's own standard up in the table"
    advice_fr = "cherchez dans la table la norme même de la déclaration"


_NAMES: dict[Model, tuple[str, str]] = {
    Model.IDENTITY_PRESERVED: ("identity preserved", "identité préservée"),
    Model.SEGREGATED: ("segregated", "ségrégation"),
    Model.CONTROLLED_BLENDING: ("controlled blending", "mélange contrôlé"),
    Model.MASS_BALANCE: ("mass balance", "bilan massique"),
    Model.BOOK_AND_CLAIM: ("book and claim", "réservation et déclaration"),
}

_ENGLISH: dict[Model, str] = {
    Model.IDENTITY_PRESERVED: "{share} of the {element} in this material comes from one single "
    "source under “{title}” and was never mixed with another",
    Model.SEGREGATED: "{share} of the {element} in this material comes from sources under "
    "“{title}”, kept apart from all other material",
    Model.CONTROLLED_BLENDING: "{share} of the {element} in this material comes from sources under "
    "“{title}”, blended in a known share",
    Model.MASS_BALANCE: "{element} under “{title}” in the amount of {share} of the {element} in "
    "this material entered the same process; this material itself need not contain it",
    Model.BOOK_AND_CLAIM: "credits for {element} under “{title}” were retired for {share} of the "
    "{element} in this material; the material itself is not traced to it",
}

_FRENCH: dict[Model, str] = {
    Model.IDENTITY_PRESERVED: "{share} {of_element} de cette matière vient d'une seule source sous "
    "« {title} » et n'a jamais été mélangé à une autre",
    Model.SEGREGATED: "{share} {of_element} de cette matière vient de sources sous « {title} », "
    "tenues à part de toute autre matière",
    Model.CONTROLLED_BLENDING: "{share} {of_element} de cette matière vient de sources sous "
    "« {title} », mélangées en part connue",
    Model.MASS_BALANCE: "{of_element} sous « {title} », pour {share} {of_element} de cette "
    "matière, est entré dans le même procédé ; cette matière elle-même peut ne pas en contenir",
    Model.BOOK_AND_CLAIM: "des crédits {of_element} sous « {title} » ont été retirés pour {share} "
    "{of_element} de cette matière ; la matière elle-même n'y est pas rattachée",
}


def is_physical(model: Model) -> bool:
    """Return whether material under a model contains what is claimed, so that one may say so."""
    return model >= Model.CONTROLLED_BLENDING


def model_name(model: Model, lang: Lang) -> str:
    """Return the name of a chain-of-custody model in a language."""
    english, french = _NAMES[model]
    return english if lang == "en" else french


def claim_wording(
    claim: ClaimName, standard: Standard, element: Element, share: Ppm, lang: Lang
) -> str:
    """Return the sentence that a claim allows, without a closing full stop.

    Args:
        claim: the claim, whose model decides what is said.
        standard: the claim's standard, for its title.
        element: which metal bears the claim.
        share: how much of the metal bears it, in ppm; whoever calls has it from a checked claim.
        lang: language of the sentence.

    Raises:
        WordingOfOtherStandard: the standard is not the claim's.
    """
    if claim.standard != standard.name:
        raise WordingOfOtherStandard(claim.standard, standard.name)
    template = _ENGLISH[claim.model] if lang == "en" else _FRENCH[claim.model]
    sentence = template.format(
        share=format_share(share, lang),
        element=element.name(lang),
        of_element=_of_french(element.name("fr")),
        title=standard.title_en if lang == "en" else standard.title_fr,
    )
    sentence = sentence[0].upper() + sentence[1:]
    return f"{sentence} ({model_name(claim.model, lang)}, ISO 22095)"


def _of_french(name: str) -> str:
    """All elements of the trade are masculine; before a vowel the article is elided."""
    return f"de l'{name}" if name[0] in "aeiouyéèêâîôû" else f"du {name}"
