"""Questions about lots as people type them, and as they are read back.

    share RMAP-refiner Co >= 90 %              (controlled blending or stronger)
    share RMAP-refiner/mass-balance Co >= 90 % (that model or a stronger one)
    recycled-pre Co >= 16 %
    intensity Co <= 12 kg CO2e/kg
    amount Co 100 kg .. 2 t
    primary >= 50 %

Without a model only physical claims count: the weakest is controlled blending. Every number has its
unit; `≥` and `≤` are read too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from lodeline.custody.claims import Model
from lodeline.custody.wording import model_name
from lodeline.kernel.errors import Lang, LodelineError
from lodeline.kernel.ids import ElementSymbol, StandardName
from lodeline.kernel.units import (
    GramsPerKg,
    Milligrams,
    Ppm,
    format_intensity,
    format_mass,
    format_share,
    parse_intensity,
    parse_mass,
    parse_percent,
)
from lodeline.proofs.questions import (
    AmountBetween,
    IntensityAtMost,
    PrimaryAtLeast,
    Question,
    ShareAtLeast,
)

__all__ = ["ClaimNotUnderstood", "read_claim", "say_question"]

_ELEMENT = "(?P<element>[A-Z][a-z]?)"
_AT_LEAST, _AT_MOST = "(?:>=|≥|at least)", "(?:<=|≤|at most)"
_FORMS: Mapping[str, re.Pattern[str]] = {
    "share": re.compile(rf"share (?P<claim>\S+) {_ELEMENT} ?{_AT_LEAST} ?(?P<share>.+)"),
    "recycled": re.compile(rf"(?P<claim>recycled-\S+) {_ELEMENT} ?{_AT_LEAST} ?(?P<share>.+)"),
    "intensity": re.compile(rf"intensity {_ELEMENT} ?{_AT_MOST} ?(?P<most>.+)"),
    "amount": re.compile(rf"amount {_ELEMENT} (?P<low>.+?) ?(?:\.\.|…) ?(?P<high>.+)"),
    "primary": re.compile(rf"primary ?{_AT_LEAST} ?(?P<share>.+)"),
}
_WEAKEST_PHYSICAL = Model.CONTROLLED_BLENDING


class ClaimNotUnderstood(LodelineError):
    """A text that is none of the questions that can be answered."""

    text: str

    code: ClassVar[str] = "claim-not-understood"
    en: ClassVar[str] = "“{text}” is none of the claims that can be proved"
    fr: ClassVar[str] = "« {text} » n'est aucune des déclarations que l'on peut prouver"
    advice_en: ClassVar[str] = (
        "write one of: share RMAP-refiner Co >= 90 % · recycled-pre Co >= 16 % · "
        "intensity Co <= 12 kg CO2e/kg · amount Co 100 kg .. 2 t · primary >= 50 %"
    )
    advice_fr: ClassVar[str] = (
        "écrivez par exemple : share RMAP-refiner Co >= 90 % · recycled-pre Co >= 16 % · "
        "intensity Co <= 12 kg CO2e/kg · amount Co 100 kg .. 2 t · primary >= 50 %"
    )


class AmountsReversed(LodelineError):
    """A range of amounts whose end lies below its beginning."""

    low: Milligrams
    high: Milligrams

    code: ClassVar[str] = "claim-amounts-reversed"
    en: ClassVar[str] = "no amount lies between {low} mg and {high} mg"
    fr: ClassVar[str] = "aucune quantité ne se trouve entre {low} mg et {high} mg"
    advice_en: ClassVar[str] = "write the smaller amount first"
    advice_fr: ClassVar[str] = "écrivez d'abord la plus petite quantité"


def read_claim(text: str) -> Question:
    """Return the question that a text asks.

    Raises:
        ClaimNotUnderstood: it has none of the five forms.
        UnknownClaim: no such chain-of-custody model.
        AmountsReversed: a range that holds nothing.
        QuantityError: a number without its unit, or otherwise unclear.
    """
    plain = " ".join(text.split())
    for kind, form in _FORMS.items():
        found = form.fullmatch(plain)
        if found is not None:
            return _question(kind, found.groupdict())
    raise ClaimNotUnderstood(text)


def _question(kind: str, part: Mapping[str, str]) -> Question:
    if kind == "primary":
        return PrimaryAtLeast(parse_percent(part["share"]))
    element = ElementSymbol(part["element"])
    if kind == "intensity":
        return IntensityAtMost(element, parse_intensity(part["most"]))
    if kind == "amount":
        low, high = parse_mass(part["low"]), parse_mass(part["high"])
        if high < low:
            raise AmountsReversed(low, high)
        return AmountBetween(element, low, high)
    standard, _, model = part["claim"].partition("/")
    weakest = Model.parse(model) if model else _WEAKEST_PHYSICAL
    share = parse_percent(part["share"])
    return ShareAtLeast(element, StandardName(standard), weakest.text, share)


def say_question(question: Question, lang: Lang) -> str:
    """Return a question as a sentence about the lots, without a closing full stop."""
    if isinstance(question, ShareAtLeast):
        return _say_share(question, lang)
    if isinstance(question, IntensityAtMost):
        most = format_intensity(GramsPerKg(question.grams_per_kg), lang)
        if lang == "fr":
            return f"au plus {most} pour le {question.element} contenu"
        return f"at most {most} for the {question.element} contained"
    if isinstance(question, AmountBetween):
        low = format_mass(Milligrams(question.low), lang)
        high = format_mass(Milligrams(question.high), lang)
        if lang == "fr":
            return f"entre {low} et {high} de {question.element} contenu"
        return f"between {low} and {high} of contained {question.element}"
    share = format_share(Ppm(question.share_ppm), lang)
    if lang == "fr":
        return f"au moins {share} des émissions reposent sur des données primaires"
    return f"at least {share} of the emissions rests on primary data"


def _say_share(question: ShareAtLeast, lang: Lang) -> str:
    share = format_share(Ppm(question.share_ppm), lang)
    model = model_name(Model.parse(question.model), lang)
    if lang == "fr":
        return (
            f"au moins {share} du {question.element} porte {question.standard} "
            f"(modèle « {model} » ou plus strict)"
        )
    return (
        f"at least {share} of the {question.element} bears {question.standard} "
        f"({model} or a stricter model)"
    )
