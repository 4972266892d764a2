"""The file in which somebody writes what happened to material, in the words of the trade.

    recipe: mine-copper-cobalt
    site: kolwezi-pit
    inputs: auto
    outputs:
      - form: copper-cobalt-ore
        wet: 24.60 t
        moisture: 12.4 %
        assay: [0.52 % Co, 2.1 % Cu]
        claims: [IRMA-75]
        seals: [A-1044]
    process: {emissions: 310 kg CO2e, primary: 310 kg CO2e}

Everything is typed with its unit; what is unclear is refused with its line. The contained mass of
each element follows from wet weight, moisture and assay, rounded down once. Not judged here:
whether the recipe is adopted, the lots are there, or the figures are plausible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from lodeline.exchange.marked import Field, FileRefused, Mapped, read_map
from lodeline.kernel.ids import (
    ELEMENT_PATTERN,
    ElementSymbol,
    FormName,
    MemberId,
    RecipeName,
    Role,
    SiteId,
    check_name,
)
from lodeline.kernel.unit_errors import ElementMissing
from lodeline.kernel.units import (
    Assay,
    GramsCO2e,
    Milligrams,
    Ppm,
    contained,
    parse_assay,
    parse_emissions,
    parse_mass,
    parse_percent,
)

__all__ = [
    "ContainedMass",
    "ElementAmount",
    "InputPart",
    "LotPart",
    "LotPrefix",
    "OutputPart",
    "ProcessPart",
    "TransformFile",
    "WeighedMass",
    "parse_element_amount",
    "read_transform_file",
]

_TOP = (
    "recipe",
    "site",
    "inputs",
    "outputs",
    "process",
    "co_signers",
    "seals",
    "documents",
    "laboratory",
    "method",
    "replaces",
)
_OUTPUT = (
    "form",
    "to",
    "wet",
    "moisture",
    "net",
    "assay",
    "contained",
    "claims",
    "product",
    "seals",
    "documents",
    "laboratory",
    "method",
    "memo",
)
_LEAST_PREFIX = 6
_ELEMENT = re.compile(ELEMENT_PATTERN)


class WeightTwice(FileRefused):
    """A lot whose content is given in two ways, which could disagree."""

    first: str
    second: str

    code = "file-weight-twice"
    en = "{file}, line {line}: “{first}” and “{second}” both say how much there is"
    fr = "{file}, ligne {line} : « {first} » et « {second} » disent tous deux la quantité"
    advice_en = "give wet, moisture and assay, or net and assay, or contained, and nothing else"
    advice_fr = "donnez wet, moisture et assay, ou net et assay, ou contained, rien d'autre"


class AssayTwice(FileRefused):
    """One element with two assays in one lot."""

    element: str

    code = "file-assay-twice"
    en = "{file}, line {line}: {element} is given twice for one lot"
    fr = "{file}, ligne {line} : {element} est donné deux fois pour un lot"
    advice_en = "give each element once; settle two differing assays with a settlement recipe"
    advice_fr = "donnez chaque élément une fois ; deux analyses qui diffèrent se règlent à part"


class PrefixTooShort(FileRefused):
    """A lot named by fewer characters than tell lots apart."""

    prefix: str
    least: int

    code = "file-prefix-too-short"
    en = "{file}, line {line}: “{prefix}” is too short to name a lot"
    fr = "{file}, ligne {line} : « {prefix} » est trop court pour désigner un lot"
    advice_en = "copy at least {least} characters of the lot's number"
    advice_fr = "recopiez au moins {least} caractères du numéro du lot"


@dataclass(frozen=True)
class ElementAmount:
    """A mass of one contained element."""

    element: ElementSymbol
    mass: Milligrams


@dataclass(frozen=True)
class LotPrefix:
    """How a lot is named: at least six characters of its number, or the form of a single one."""

    text: str
    line: int


@dataclass(frozen=True)
class LotPart:
    """So much of some lots that are named; the last of them is split for it."""

    lots: tuple[LotPrefix, ...]
    amount: ElementAmount


@dataclass(frozen=True)
class InputPart:
    """What goes in: lots by name, or an amount that the holder's own lots are chosen for.

    None of these: whatever suits, chosen by the planner.
    """

    lots: tuple[LotPrefix, ...] = ()
    amounts: tuple[ElementAmount, ...] = ()
    parts: tuple[LotPart, ...] = ()


@dataclass(frozen=True)
class WeighedMass:
    """Material as weighed: gross wet mass, its moisture, assays of the dry material."""

    wet: Milligrams
    moisture: Ppm
    assays: tuple[Assay, ...]

    def contained(self) -> Mapping[ElementSymbol, Milligrams]:
        """Return the contained milligrams of each element."""
        return {
            item.element: contained(self.wet, self.moisture, item.share) for item in self.assays
        }


@dataclass(frozen=True)
class ContainedMass:
    """Contained masses as such, for material that is not weighed wet (cells, packs)."""

    amounts: tuple[ElementAmount, ...]

    def contained(self) -> Mapping[ElementSymbol, Milligrams]:
        """Return the contained milligrams of each element."""
        return {item.element: item.mass for item in self.amounts}


@dataclass(frozen=True)
class OutputPart:
    """One lot that comes out."""

    line: int
    form: FormName
    content: WeighedMass | ContainedMass | None
    """Nothing: whatever is left of the inputs."""
    to: MemberId | None
    """Whom it belongs to; nothing: whoever writes the file."""
    claims: tuple[str, ...]
    """Standards, or standard and model; drawn or kept as the recipe allows."""
    product: str | None
    seals: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    laboratory: str = ""
    method: str = ""
    memo: str = ""


@dataclass(frozen=True)
class ProcessPart:
    """Emissions of the step itself and the part that rests on primary data."""

    emissions: GramsCO2e
    primary: GramsCO2e


@dataclass(frozen=True)
class TransformFile:
    """What happened, as somebody wrote it."""

    name: str
    recipe: RecipeName
    site: SiteId | None
    inputs: InputPart
    outputs: tuple[OutputPart, ...]
    process: ProcessPart | None
    co_signers: Mapping[Role, MemberId] = field(default_factory=dict)
    replaces: LotPrefix | None = None


def read_transform_file(name: str, text: str) -> TransformFile:
    """Return what a transform file says.

    Raises:
        FileRefused, TableRefused: one class for each reason, with the line.
    """
    top = read_map(name, text)
    top.known(*_TOP)
    shared = _shared(top)
    outputs = top.get("outputs")
    site, replaces = top.get("site"), top.get("replaces")
    return TransformFile(
        name=name,
        recipe=RecipeName(top.need("recipe").read(check_name)),
        site=None if site is None else SiteId(site.read(check_name)),
        inputs=_inputs(top.get("inputs")),
        outputs=() if outputs is None else tuple(_output(item, shared) for item in outputs.items()),
        process=_process(top.get("process")),
        co_signers=_co_signers(top.get("co_signers")),
        replaces=None if replaces is None else _prefix(replaces),
    )


def parse_element_amount(text: str) -> ElementAmount:
    """Read a mass of an element: `24.6 t Co`.

    Raises:
        ElementMissing: no symbol of an element at the end.
        QuantityError: the mass is refused.
    """
    mass, _, element = text.strip().rpartition(" ")
    if not _ELEMENT.match(element):
        raise ElementMissing(text=text)
    return ElementAmount(ElementSymbol(element), parse_mass(mass))


@dataclass(frozen=True)
class _Shared:
    """What is said once for all outputs."""

    seals: tuple[str, ...]
    documents: tuple[str, ...]
    laboratory: str
    method: str


def _shared(top: Mapped) -> _Shared:
    return _Shared(
        top.texts("seals"), top.texts("documents"), _word(top, "laboratory"), _word(top, "method")
    )


def _word(part: Mapped, key: str, default: str = "") -> str:
    found = part.get(key)
    return default if found is None else found.text()


def _inputs(found: Field | None) -> InputPart:
    if found is None:
        return InputPart()
    lots: list[LotPrefix] = []
    amounts: list[ElementAmount] = []
    parts: list[LotPart] = []
    for item in found.items():
        if item.is_map():
            part = item.mapped()
            part.known("auto", "lot", "take")
            if part.get("lot") is None:
                amounts.append(part.need("auto").read(parse_element_amount))
            else:
                taken = part.need("take").read(parse_element_amount)
                parts.append(LotPart((_prefix(part.need("lot")),), taken))
        elif item.text() != "auto":
            lots.append(_prefix(item))
    return InputPart(tuple(lots), tuple(amounts), tuple(parts))


def _prefix(item: Field) -> LotPrefix:
    """Return how a lot is named: by the beginning of its number, or by its form."""
    text = item.read(check_name)
    if all(char in "0123456789abcdef" for char in text) and len(text) < _LEAST_PREFIX:
        raise PrefixTooShort(item.file, item.line, text, _LEAST_PREFIX)
    return LotPrefix(text, item.line)


def _output(item: Field, shared: _Shared) -> OutputPart:
    part = item.mapped()
    part.known(*_OUTPUT)
    to, product = part.get("to"), part.get("product")
    return OutputPart(
        line=item.line,
        form=FormName(part.need("form").read(check_name)),
        content=_content(item.file, part),
        to=None if to is None else MemberId(to.read(check_name)),
        claims=part.texts("claims"),
        product=None if product is None else product.text(),
        seals=part.texts("seals") or shared.seals,
        documents=part.texts("documents") or shared.documents,
        laboratory=_word(part, "laboratory", shared.laboratory),
        method=_word(part, "method", shared.method),
        memo=_word(part, "memo"),
    )


def _content(file: str, part: Mapped) -> WeighedMass | ContainedMass | None:
    given = [key for key in ("wet", "net", "contained") if part.get(key) is not None]
    if len(given) > 1:
        raise WeightTwice(file, part.need(given[1]).line, given[0], given[1])
    if not given:
        _refuse_alone(part, "moisture", "assay")
        return None
    if given[0] == "contained":
        _refuse_with(file, part, "contained", "moisture", "assay")
        return ContainedMass(_each(part.need("contained"), parse_element_amount))
    assays = _each(part.need("assay"), parse_assay)
    if given[0] == "net":
        _refuse_with(file, part, "net", "moisture")
        return WeighedMass(part.need("net").read(parse_mass), Ppm(0), assays)
    moisture = part.need("moisture").read(parse_percent)
    return WeighedMass(part.need("wet").read(parse_mass), moisture, assays)


T = TypeVar("T", Assay, ElementAmount)


def _each(found: Field, parse: Callable[[str], T]) -> tuple[T, ...]:
    """Return the items of a list, each element once."""
    read: dict[ElementSymbol, T] = {}
    for item in found.items():
        one = item.read(parse)
        if one.element in read:
            raise AssayTwice(item.file, item.line, one.element)
        read[one.element] = one
    return tuple(read.values())


def _refuse_alone(part: Mapped, *keys: str) -> None:
    for key in keys:
        found = part.get(key)
        if found is not None:
            part.need("wet")


def _refuse_with(file: str, part: Mapped, first: str, *others: str) -> None:
    for other in others:
        found = part.get(other)
        if found is not None:
            raise WeightTwice(file, found.line, first, other)


def _process(found: Field | None) -> ProcessPart | None:
    if found is None:
        return None
    part = found.mapped()
    part.known("emissions", "primary")
    emissions = part.need("emissions").read(parse_emissions)
    primary = part.get("primary")
    return ProcessPart(
        emissions, GramsCO2e(0) if primary is None else primary.read(parse_emissions)
    )


def _co_signers(found: Field | None) -> Mapping[Role, MemberId]:
    if found is None:
        return {}
    return {
        Role(role): MemberId(member.read(check_name)) for role, member in found.mapped().entries()
    }
