"""Advice on figures before they are committed: what a person should look at twice.

Advice is not proof and refuses nothing: rich ore exists, and so do typing mistakes. It compares
what is entered with the public figures of a form (`Form.contents`) and with arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lodeline.custody.forms import Content, Form
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.errors import Lang
from lodeline.kernel.ids import ElementSymbol
from lodeline.kernel.units import Assay, Milligrams, Ppm, format_mass, format_share

__all__ = [
    "WETTEST",
    "Advice",
    "Topic",
    "Weighing",
    "advise_assay",
    "advise_contained",
    "advise_weighing",
]

WETTEST = Ppm(700_000)
"""Most moisture that passes without advice: press cake of hydroxide is rarely wetter (assumption).
"""


class Topic(Enum):
    """What a piece of advice is about; stable, for programs."""

    DRY_ABOVE_WET = "dry-above-wet"
    VERY_WET = "very-wet"
    NOTHING_WEIGHED = "nothing-weighed"
    MORE_THAN_ALL = "more-than-all"
    ASSAY_LOW = "assay-low"
    ASSAY_HIGH = "assay-high"


@dataclass(frozen=True)
class Advice:
    """One remark, in both languages, without a closing full stop."""

    topic: Topic
    en: str
    fr: str

    def text(self, lang: Lang) -> str:
        """Return the remark in a language."""
        return self.en if lang == "en" else self.fr


@dataclass(frozen=True)
class Weighing:
    """A lot on the scales: as it lies there, and dried."""

    wet: Milligrams
    dry: Milligrams

    @property
    def moisture(self) -> Ppm:
        """Return water as part of the wet weight, rounded down; 0 where nothing was weighed."""
        if self.wet <= 0 or self.dry >= self.wet:
            return Ppm(0)
        return Ppm((self.wet - self.dry) * PPM_ONE // self.wet)


def advise_weighing(weighing: Weighing) -> tuple[Advice, ...]:
    """Return advice on wet and dry weight."""
    wet, dry = weighing.wet, weighing.dry
    if wet == 0 or dry == 0:
        return (Advice(Topic.NOTHING_WEIGHED, "a weight is zero", "un poids est nul"),)
    if dry > wet:
        en = f"dry weight {format_mass(dry, 'en')} is above wet weight {format_mass(wet, 'en')}"
        fr = f"le poids sec {format_mass(dry, 'fr')} dépasse le poids humide "
        return (Advice(Topic.DRY_ABOVE_WET, en, fr + format_mass(wet, "fr")),)
    if weighing.moisture > WETTEST:
        en = f"{format_share(weighing.moisture, 'en')} moisture is unusual"
        fr = f"{format_share(weighing.moisture, 'fr')} d'humidité est inhabituel"
        return (Advice(Topic.VERY_WET, en, fr),)
    return ()


def advise_assay(form: Form, assay: Assay) -> tuple[Advice, ...]:
    """Return advice on an assay of dry material; none where the form has no public figure."""
    figure = _figure(form, assay.element)
    if figure is None or figure.low_ppm <= assay.share <= figure.high_ppm:
        return ()
    low = assay.share < figure.low_ppm
    topic = Topic.ASSAY_LOW if low else Topic.ASSAY_HIGH
    return (
        Advice(topic, _compared(form, assay, figure, "en"), _compared(form, assay, figure, "fr")),
    )


def advise_contained(
    form: Form, dry: Milligrams, element: ElementSymbol, contained: Milligrams
) -> tuple[Advice, ...]:
    """Return advice on a contained mass against the dry weight that it is said to lie in."""
    if dry == 0:
        return (Advice(Topic.NOTHING_WEIGHED, "a weight is zero", "un poids est nul"),)
    if contained > dry:
        en = f"{format_mass(contained, 'en')} of {element} in {format_mass(dry, 'en')} dry"
        fr = f"{format_mass(contained, 'fr')} de {element} dans {format_mass(dry, 'fr')} secs"
        return (Advice(Topic.MORE_THAN_ALL, en, fr),)
    return advise_assay(form, Assay(element, Ppm(contained * PPM_ONE // dry)))


def _figure(form: Form, element: ElementSymbol) -> Content | None:
    for item in form.contents:
        if item.element == element:
            return item
    return None


def _compared(form: Form, assay: Assay, figure: Content, lang: Lang) -> str:
    share = format_share(assay.share, lang)
    typical = format_share(Ppm(figure.typical_ppm), lang)
    low, high = format_share(Ppm(figure.low_ppm), lang), format_share(Ppm(figure.high_ppm), lang)
    if lang == "en":
        title = form.title_en
        return f"{share} {assay.element} in {title}: expected {low} to {high}, typically {typical}"
    title = form.title_fr
    return f"{share} {assay.element} dans {title} : attendu de {low} à {high}, souvent {typical}"
