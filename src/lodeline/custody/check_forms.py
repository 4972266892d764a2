"""What makes a form possible at all, before any recipe names it (protocol.md §§2–4).

Checked here: names and order of strands, their kinds, widths, ratios and least amounts. Not
checked: whether the figures are true, and whether its elements are in the consortium's table.
"""

from __future__ import annotations

import itertools
import re

from lodeline.custody.claims import Model
from lodeline.custody.forms import Form, FormClass
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel.bounds import AMOUNT_BITS, MAX_STRANDS, PPM_ONE
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import NAME_PATTERN, ElementSymbol, FormName, StrandName

__all__ = [
    "CreditTooStrong",
    "EmissionWidthWrong",
    "FormNameImpossible",
    "FormRefused",
    "FormTooWide",
    "LeastImpossible",
    "RatioImpossible",
    "StrandKindNotInClass",
    "StrandsNotAscending",
    "ToleranceWithoutMetal",
    "WidthOutOfRange",
    "check_form",
]

_KINDS = {
    FormClass.MATERIAL: (Kind.METAL, Kind.TOLERANCE),
    FormClass.RESIDUE: (Kind.METAL,),
    FormClass.SCRAP: (Kind.METAL,),
    FormClass.PRODUCT: (Kind.METAL,),
    FormClass.LICENCE: (Kind.LICENCE,),
    FormClass.INTAKE: (Kind.LICENCE,),
    FormClass.QUOTA: (Kind.QUOTA,),
    FormClass.ASSURANCE: (Kind.ASSURANCE,),
    FormClass.CREDIT: (Kind.CREDIT,),
}


class FormRefused(LodelineError):
    """A form that contradicts itself."""

    form: FormName


class FormNameImpossible(FormRefused):
    """A form whose name is no name, such as the `*` that stands for any form."""

    code = "form-name-impossible"
    en = "“{form}” cannot be the name of a form"
    fr = "« {form} » ne peut être le nom d'une forme"
    advice_en = "use letters, digits and hyphens, such as cobalt-hydroxide"
    advice_fr = "utilisez lettres, chiffres et tirets, par exemple cobalt-hydroxide"


class StrandsNotAscending(FormRefused):
    """Strands out of order or twice; their order is part of every lot's encoding."""

    first: StrandName
    then: StrandName

    code = "form-strands-not-ascending"
    en = "{form} lists {first} before {then}"
    fr = "{form} met {first} avant {then}"
    advice_en = "list strands in ascending order of their names, each once"
    advice_fr = "rangez les brins dans l'ordre croissant de leurs noms, chacun une fois"


class StrandKindNotInClass(FormRefused):
    """A strand that forms of the class cannot have, such as a quota in a material."""

    strand: StrandName
    form_class: FormClass

    code = "form-strand-not-in-class"
    en = "{form} is of the class {form_class}, which has no strand like {strand}"
    fr = "{form} est de la classe {form_class}, qui n'a pas de brin comme {strand}"
    advice_en = "materials have metal and tolerance, each right its own kind"
    advice_fr = "les matières ont métal et tolérance, chaque droit son propre genre"


class ToleranceWithoutMetal(FormRefused):
    """A tolerance over an element whose metal the form has not."""

    strand: StrandName

    code = "form-tolerance-without-metal"
    en = "{form} has {strand} but not its metal"
    fr = "{form} a {strand} mais pas son métal"
    advice_en = "add the metal, or drop the tolerance"
    advice_fr = "ajoutez le métal, ou enlevez la tolérance"


class FormTooWide(FormRefused):
    """More strands than a lot can have, or none."""

    strands: int
    at_most: int

    code = "form-too-wide"
    en = "{form} has {strands} strands, a lot has from 1 to {at_most}"
    fr = "{form} a {strands} brins, un lot en a de 1 à {at_most}"
    advice_en = "follow fewer elements, or split the form in two"
    advice_fr = "suivez moins d'éléments, ou divisez la forme en deux"


class WidthOutOfRange(FormRefused):
    """A strand's width that no range proof has."""

    strand: StrandName
    bits: int
    at_most: int

    code = "form-width-out-of-range"
    en = "{form} gives {strand} {bits} bits, it must be from 1 to {at_most}"
    fr = "{form} donne {bits} bits à {strand}, il en faut de 1 à {at_most}"
    advice_en = "state the width that the largest real lot needs"
    advice_fr = "indiquez la largeur qu'exige le plus grand lot réel"


class EmissionWidthWrong(FormRefused):
    """A right with emissions, a material without, or too many bits."""

    bits: int
    form_class: FormClass

    code = "form-emission-width-wrong"
    en = "{form} of the class {form_class} cannot have {bits} bits of emissions"
    fr = "{form}, de la classe {form_class}, ne peut avoir {bits} bits d'émissions"
    advice_en = "rights have none; every material inherits its emissions"
    advice_fr = "les droits n'en ont pas ; toute matière hérite de ses émissions"


class RatioImpossible(FormRefused):
    """A ratio that no lot of the form can keep."""

    element: ElementSymbol
    low_ppm: int
    high_ppm: int

    code = "form-ratio-impossible"
    en = "{form} asks {element} to be from {low_ppm} to {high_ppm} ppm of metals it has not"
    fr = "{form} veut {element} de {low_ppm} à {high_ppm} ppm de métaux qu'elle n'a pas"
    advice_en = "name several metals of the form, the element among them, and a range upwards"
    advice_fr = "nommez plusieurs métaux de la forme, dont l'élément, et un intervalle croissant"


class LeastImpossible(FormRefused):
    """A least amount that the strand cannot hold."""

    strand: StrandName
    milligrams: int

    code = "form-least-impossible"
    en = "{form} asks for {milligrams} mg of {strand}, which no lot of it can hold"
    fr = "{form} exige {milligrams} mg de {strand}, qu'aucun de ses lots ne peut contenir"
    advice_en = "name a metal of the form and an amount within its width, above zero"
    advice_fr = "nommez un métal de la forme et une quantité dans sa largeur, au-dessus de zéro"


class CreditTooStrong(FormRefused):
    """A credit that would bear claims stronger than mass balance."""

    strongest: str

    code = "form-credit-too-strong"
    en = "{form} is a credit and cannot bear claims up to {strongest}"
    fr = "{form} est un crédit et ne peut porter de déclarations jusqu'à {strongest}"
    advice_en = "a credit is not tied to its material: mass-balance or book-and-claim at most"
    advice_fr = "un crédit n'est pas lié à sa matière : bilan massique ou réservation au plus"


def check_form(form: Form) -> None:
    """Check that a form is consistent in itself.

    Raises:
        FormRefused: one of its reasons.
        UnknownStrand: a strand's name is none.
        UnknownClaim: the strongest model is none of the five.
    """
    if not re.match(NAME_PATTERN, form.name, re.ASCII):
        raise FormNameImpossible(form.name)
    names = [item.strand for item in form.strands]
    for first, then in itertools.pairwise(names):
        if first >= then:
            raise StrandsNotAscending(form.name, first, then)
    _check_strands(form, tuple(Strand.parse(name) for name in names))
    _check_widths(form)
    _check_ratios(form)
    _check_least(form)
    strongest = Model.parse(form.strongest)
    if form.form_class is FormClass.CREDIT and strongest > Model.MASS_BALANCE:
        raise CreditTooStrong(form.name, form.strongest)


def _check_strands(form: Form, strands: tuple[Strand, ...]) -> None:
    """A right may name many elements, of which one lot has a few; a material lot has them all."""
    at_most = len(strands) if form.form_class.is_right else MAX_STRANDS
    if not 1 <= len(strands) <= at_most:
        raise FormTooWide(form.name, len(strands), MAX_STRANDS)
    for strand in strands:
        if strand.kind not in _KINDS[form.form_class]:
            raise StrandKindNotInClass(form.name, strand.name, form.form_class)
        metal = Strand(strand.element, Kind.METAL)
        if strand.kind is Kind.TOLERANCE and metal not in strands:
            raise ToleranceWithoutMetal(form.name, strand.name)


def _check_widths(form: Form) -> None:
    for item in form.strands:
        if not 1 <= item.bits <= AMOUNT_BITS:
            raise WidthOutOfRange(form.name, item.strand, item.bits, AMOUNT_BITS)
    has_none = form.emission_bits == 0
    if has_none != form.form_class.is_right or not 0 <= form.emission_bits <= AMOUNT_BITS:
        raise EmissionWidthWrong(form.name, form.emission_bits, form.form_class)


def _check_ratios(form: Form) -> None:
    metals = {Strand.parse(item.strand).element for item in form.strands}
    for ratio in form.ratios:
        among = set(ratio.among)
        possible = (
            len(ratio.among) == len(among) > 1
            and ratio.element in among
            and among <= metals
            and 0 <= ratio.low_ppm <= ratio.high_ppm <= PPM_ONE
        )
        if not possible:
            raise RatioImpossible(form.name, ratio.element, ratio.low_ppm, ratio.high_ppm)


def _check_least(form: Form) -> None:
    for item in form.least:
        bits = form.width(item.strand) or 0
        is_metal = Strand.parse(item.strand).kind is Kind.METAL
        if not is_metal or not 0 < item.milligrams < 1 << bits:
            raise LeastImpossible(form.name, item.strand, item.milligrams)
