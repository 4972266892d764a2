"""Forms: what a lot can be, as dated data (protocol.md §§2–4).

A form names the strands that a lot of it may have with the width of each number in bits, its
emissions width, ratios between its metals and the least amounts that a product must contain.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, FormName, StrandName

__all__ = [
    "Content",
    "Form",
    "FormClass",
    "FormTable",
    "LeastAmount",
    "Ratio",
    "StrandWidth",
    "UnknownForm",
]


class UnknownForm(LodelineError):
    """A form that is not in the consortium's table."""

    form: str

    code = "unknown-form"
    en = "“{form}” is not a form of this consortium"
    fr = "« {form} » n'est pas une forme de ce consortium"
    advice_en = "See the forms with `lodeline recipes --forms`"
    advice_fr = "Voyez les formes avec `lodeline recipes --forms`"


class FormClass(Enum):
    """What sort of thing a form is; rules of adoption and grants speak of classes."""

    MATERIAL = "material"
    RESIDUE = "residue"
    SCRAP = "scrap"
    PRODUCT = "product"
    LICENCE = "licence"
    INTAKE = "intake"
    """A licence that an auditor gives for stock at the start or material from outside."""
    QUOTA = "quota"
    ASSURANCE = "assurance"
    CREDIT = "credit"

    @property
    def is_right(self) -> bool:
        """Return whether lots of this class come from a grant and carry no emissions."""
        return self in (
            FormClass.LICENCE,
            FormClass.INTAKE,
            FormClass.QUOTA,
            FormClass.ASSURANCE,
            FormClass.CREDIT,
        )


class StrandWidth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The range of one strand's numbers in lots of a form: 0 to 2**bits − 1 milligrams."""

    strand: StrandName
    bits: int


class Ratio(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of one metal in the sum of several, within a range (T10)."""

    element: ElementSymbol
    among: tuple[ElementSymbol, ...]
    low_ppm: int
    high_ppm: int


class LeastAmount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The least milligrams of a strand that a lot of the form must contain (products)."""

    strand: StrandName
    milligrams: int


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public figure for the content of one element, for plausibility only; proves nothing."""

    element: ElementSymbol
    typical_ppm: int
    low_ppm: int
    high_ppm: int
    source: str


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One form of lots."""

    name: FormName
    form_class: FormClass
    title_en: str
    title_fr: str
    strands: tuple[StrandWidth, ...]
    """The strands that a lot may have, ascending by name; a lot need not have all of them."""
    emission_bits: int
    """Width of emissions and primary emissions in grams CO2e; 0 for rights."""
    ratios: tuple[Ratio, ...]
    least: tuple[LeastAmount, ...]
    contents: tuple[Content, ...]
    strongest: str = "identity-preserved"
    """The strongest chain-of-custody model that a claim on a lot of the form may have (written
    name). A credit is not tied to its material any more, so what it bears is mass-balance or
    book-and-claim at most; without this, a claim would come back from a credit as strong as ever.
    """

    def width(self, strand: StrandName) -> int | None:
        """Return the width in bits of a strand, or nothing where the form has no such strand."""
        for item in self.strands:
            if item.strand == strand:
                return item.bits
        return None


class FormTable:
    """The consortium's forms by name."""

    def __init__(self, forms: tuple[Form, ...]) -> None:
        self._forms = {form.name: form for form in forms}

    def __getitem__(self, name: FormName) -> Form:
        """Return a form.

        Raises:
            UnknownForm: the table has none of this name.
        """
        try:
            return self._forms[name]
        except KeyError:
            raise UnknownForm(name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._forms

    def all(self) -> tuple[Form, ...]:
        """Return every form in the order of adoption."""
        return tuple(self._forms.values())
