"""A company's mapping: which of its events are which step, in its own identifiers (YAML).

    company: pit
    sites: {"urn:epc:id:sgln:4012345.00001.0": kolwezi-pit}
    parties: {"urn:epc:id:pgln:4099999.00000": trader}
    goods:
      - {class: "urn:epc:idpat:lgtin:4012345.011111.*", form: copper-cobalt-ore, claims: [IRMA-75]}
    seals: ["https://id.gs1.org/8004/4012345SEAL"]
    steps:
      - when: {type: ObjectEvent, action: ADD, step: commissioning, out: [copper-cobalt-ore]}
        do: make
        recipe: mine-copper-cobalt
        process: {intensity: 0.5 kg CO2e/kg, of: [Co]}
      - {when: {step: shipping}, do: offer, days: 14}
      - {when: {step: receiving}, do: accept, tolerance: 0.6 %}

The first step whose conditions all hold is taken; an event for which there is none is kept and
linked, and nothing of it goes to the ledger. What the keys mean is told in ``docs/mapping.md``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lodeline.exchange.epcis.document import Event, EventKind
from lodeline.exchange.marked import Field, FileRefused, Mapped, read_map
from lodeline.exchange.substances import SUBSTANCES
from lodeline.exchange.transform_file import ElementAmount, parse_element_amount
from lodeline.kernel.ids import (
    ElementSymbol,
    FormName,
    MemberId,
    RecipeName,
    Role,
    SiteId,
    check_name,
)
from lodeline.kernel.units import (
    Assay,
    GramsCO2e,
    GramsPerKg,
    Ppm,
    parse_assay,
    parse_emissions,
    parse_intensity,
    parse_percent,
)
from lodeline.node.events.patterns import EpcPattern, is_pattern, read_pattern
from lodeline.node.events.terms import TermValue, term_value

__all__ = [
    "ClassOfGoods",
    "CompanyMapping",
    "Doing",
    "MappingValueWrong",
    "ProcessRule",
    "StepRule",
    "When",
    "read_mapping",
]

_ACTIONS: Final = ("ADD", "OBSERVE", "DELETE")
_MOST_DAYS: Final = 366
_WHOLE: Final = parse_percent("100 %")
_NOTHING: Final = Ppm(0)
_DAYS: Final = 30
_SETTLEMENT: Final = RecipeName("settle")


class MappingValueWrong(FileRefused):
    """A value of a mapping that is none of those that can stand there."""

    key: str
    found: str
    allowed: tuple[str, ...]

    code = "mapping-value-wrong"
    en = "{file}, line {line}: “{key}” cannot be “{found}”"
    fr = "{file}, ligne {line} : « {key} » ne peut être « {found} »"
    advice_en = "write one of: {allowed}"
    advice_fr = "écrivez l'un de : {allowed}"


class Doing(StrEnum):
    """What is done with an event."""

    MAKE = "make"
    """A transform: goods are made, used up, or both."""
    OFFER = "offer"
    ACCEPT = "accept"
    ASSAY = "assay"
    """Kept; what it measures counts for events that weigh the same lots and bring no assay."""
    KEEP = "keep"


@dataclass(frozen=True)
class When:
    """Conditions on an event; an empty one always holds."""

    types: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    dispositions: tuple[str, ...] = ()
    sites: tuple[SiteId, ...] = ()
    used: tuple[FormName, ...] = ()
    """Every one of these is among the goods that go in."""
    made: tuple[FormName, ...] = ()
    """Every one of these is among the goods that come out."""
    goods: tuple[FormName, ...] = ()
    """Every one of these is among the goods that are named, or lies in what is named."""

    def holds(self, event: Event, site: SiteId | None) -> bool:
        """Whether everything but the goods is as wanted."""
        return (
            _allows(self.types, event.type)
            and _allows(self.actions, event.action)
            and _allows(self.steps, event.biz_step)
            and _allows(self.dispositions, event.disposition)
            and _allows(self.sites, site)
        )

    def is_of_kind(self, event: Event) -> bool:
        """Whether events of this type, action and business step are meant, wherever they are."""
        return (
            bool(self.steps)
            and _allows(self.types, event.type)
            and _allows(self.actions, event.action)
            and _allows(self.steps, event.biz_step)
        )

    def covers(self, other: When) -> bool:
        """Whether everything that meets the other conditions meets these too."""
        alternatives = (
            (self.types, other.types),
            (self.actions, other.actions),
            (self.steps, other.steps),
            (self.dispositions, other.dispositions),
            (self.sites, other.sites),
        )
        needed = ((self.used, other.used), (self.made, other.made), (self.goods, other.goods))
        return all(
            not own or (theirs and set(theirs) <= set(own)) for own, theirs in alternatives
        ) and all(set(own) <= set(theirs) for own, theirs in needed)


def _allows(wanted: Collection[str], found: str | None) -> bool:
    return not wanted or found in wanted


@dataclass(frozen=True)
class ProcessRule:
    """Emissions of a step where its event does not report them."""

    fixed: GramsCO2e | None = None
    intensity: GramsPerKg | None = None
    """For each kilogram of the elements in what comes out."""
    of: tuple[ElementSymbol, ...] = ()
    primary: Ppm = _WHOLE
    """Part of the emissions that rests on primary data."""


@dataclass(frozen=True)
class StepRule:
    """One step of the mapping."""

    line: int
    when: When
    do: Doing
    recipe: RecipeName | None = None
    process: ProcessRule | None = None
    co_signers: Mapping[Role, MemberId] | None = None
    yields: tuple[FormName, ...] = ()
    """Outputs that no event names: whatever is left of what goes in."""
    days: int = _DAYS
    """Until when an offer can be accepted."""
    tolerance: Ppm = _NOTHING
    """How far sender and receiver may be apart before it is a dispute."""
    settle: Ppm = _NOTHING
    """From what difference on the mean is settled; below it the sender's figures stand."""
    settlement: RecipeName = _SETTLEMENT
    waits: bool = False
    """Whether goods that are accepted wait for their assay."""


@dataclass(frozen=True)
class ClassOfGoods:
    """What things or lots of a class are."""

    line: int
    named: str
    """The class as the mapping has it."""
    pattern: EpcPattern | None
    form: FormName
    assays: tuple[Assay, ...] = ()
    """Of the dry material, where an event brings none."""
    moisture: Ppm = _NOTHING
    contained: tuple[ElementAmount, ...] = ()
    """Of one piece."""
    is_rest: bool = False
    """Whether it is what is left of what went in, and never weighed."""
    claims: tuple[str, ...] = ()
    is_product: bool = False
    """Whether each piece goes by its own number on the ledger."""
    is_counted: bool = False
    """Whether lots of it are so many pieces; other lots are weighed."""

    def matches(self, goods: str) -> bool:
        """Whether an identifier is of this class."""
        if self.pattern is not None:
            return self.pattern.matches(goods)
        found, wanted = term_value(goods), term_value(self.named)
        return found == wanted or found.startswith(f"{wanted}/")


@dataclass(frozen=True)
class CompanyMapping:
    """Everything that tells what a company's events mean."""

    file: str
    company: MemberId
    sites: Mapping[TermValue, SiteId]
    parties: Mapping[TermValue, MemberId]
    goods: tuple[ClassOfGoods, ...]
    seals: tuple[str, ...]
    """How the identifiers of seals begin, in canonical spelling."""
    substances: Mapping[str, str]
    steps: tuple[StepRule, ...]

    def goods_of(self, identifier: str) -> ClassOfGoods | None:
        """Return the first class that an identifier is of."""
        return next((each for each in self.goods if each.matches(identifier)), None)

    def is_seal(self, identifier: str) -> bool:
        """Whether an identifier is a seal's."""
        return term_value(identifier).startswith(self.seals) if self.seals else False

    @property
    def has_laboratory(self) -> bool:
        """Whether assays come by events of their own."""
        return any(rule.do is Doing.ASSAY for rule in self.steps)

    def steps_for(self, do: Doing) -> frozenset[str]:
        """Return the business steps by which something is done, as far as the mapping names any."""
        return frozenset(step for rule in self.steps if rule.do is do for step in rule.when.steps)

    def site_of(self, event: Event) -> SiteId | None:
        """Return the site of an event: that of its read point, else of its location."""
        for place in (event.read_point, event.biz_location):
            if place is not None and term_value(place) in self.sites:
                return self.sites[term_value(place)]
        return None


def read_mapping(file: str, text: str) -> CompanyMapping:
    """Return what a mapping says.

    Not checked: whether recipes, forms, sites and members are in the consortium and fit each other;
    whoever has a ledger at hand does that (`working.faults_of`).

    Raises:
        FileRefused, TableRefused: one class for each reason, with the line.
    """
    top = read_map(file, text)
    top.known("company", "sites", "parties", "goods", "seals", "substances", "steps")
    return CompanyMapping(
        file=file,
        company=MemberId(top.need("company").read(check_name)),
        sites={term_value(key): SiteId(name) for key, name in _names(top, "sites")},
        parties={term_value(key): MemberId(name) for key, name in _names(top, "parties")},
        goods=tuple(_goods(item.mapped()) for item in _list(top.get("goods"))),
        seals=tuple(term_value(text) for text in top.texts("seals")),
        substances={**SUBSTANCES, **dict(_names(top, "substances"))},
        steps=tuple(_step(item.mapped()) for item in top.need("steps").items()),
    )


def _names(top: Mapped, key: str) -> list[tuple[str, str]]:
    found = top.get(key)
    if found is None:
        return []
    return [(name, value.read(_name)) for name, value in found.mapped().entries()]


def _name(text: str) -> str:
    """A name; symbols of elements are names as they are."""
    return text if text.isalnum() else check_name(text)


def _list(found: Field | None) -> tuple[Field, ...]:
    return () if found is None else found.items()


def _goods(part: Mapped) -> ClassOfGoods:
    part.known(
        "class", "form", "assay", "moisture", "contained", "rest", "claims", "product", "counted"
    )
    named = part.need("class")
    moisture = part.get("moisture")
    contained = tuple(item.read(parse_element_amount) for item in _list(part.get("contained")))
    return ClassOfGoods(
        line=part.line,
        named=named.text(),
        pattern=named.read(lambda text: read_pattern("class", text))
        if is_pattern(named.text())
        else None,
        form=FormName(part.need("form").read(check_name)),
        assays=tuple(item.read(parse_assay) for item in _list(part.get("assay"))),
        moisture=_NOTHING if moisture is None else moisture.read(parse_percent),
        contained=contained,
        is_rest=_flag(part, "rest"),
        claims=part.texts("claims"),
        is_product=_flag(part, "product"),
        is_counted=bool(contained) or _flag(part, "counted"),
    )


def _flag(part: Mapped, key: str) -> bool:
    found = part.get(key)
    return found is not None and _one_of(found, ("true", "false")) == "true"


def _one_of(found: Field, allowed: tuple[str, ...]) -> str:
    text = found.text()
    if text not in allowed:
        raise MappingValueWrong(found.file, found.line, found.key, text, allowed)
    return text


# ------------------------------------------------------------------ steps


def _step(part: Mapped) -> StepRule:
    part.known(
        "when", "do", "recipe", "process", "co_signers", "yields", "days",
        "tolerance", "settle", "settlement", "wait_for_assay",
    )  # fmt: skip
    do = Doing(_one_of(part.need("do"), tuple(Doing)))
    recipe = part.need("recipe") if do is Doing.MAKE else part.get("recipe")
    process, days = part.get("process"), part.get("days")
    signers, settlement = part.get("co_signers"), part.get("settlement")
    return StepRule(
        line=part.line,
        when=_when(part.need("when").mapped()),
        do=do,
        recipe=None if recipe is None else RecipeName(recipe.read(check_name)),
        process=None if process is None else _process(process.mapped()),
        co_signers=None
        if signers is None
        else {
            Role(role): MemberId(member.read(check_name))
            for role, member in signers.mapped().entries()
        },
        yields=_forms(part, "yields"),
        days=_DAYS if days is None else _days(days),
        tolerance=_share(part, "tolerance"),
        settle=_share(part, "settle"),
        settlement=_SETTLEMENT if settlement is None else RecipeName(settlement.read(check_name)),
        waits=_flag(part, "wait_for_assay"),
    )


def _when(part: Mapped) -> When:
    part.known("type", "action", "step", "disposition", "site", "in", "out", "goods")
    kinds = tuple(EventKind)
    return When(
        types=tuple(_one_of(item, kinds) for item in _list(part.get("type"))),
        actions=tuple(_one_of(item, _ACTIONS) for item in _list(part.get("action"))),
        steps=part.texts("step"),
        dispositions=part.texts("disposition"),
        sites=tuple(SiteId(item.read(check_name)) for item in _list(part.get("site"))),
        used=_forms(part, "in"),
        made=_forms(part, "out"),
        goods=_forms(part, "goods"),
    )


def _forms(part: Mapped, key: str) -> tuple[FormName, ...]:
    return tuple(FormName(item.read(check_name)) for item in _list(part.get(key)))


def _share(part: Mapped, key: str) -> Ppm:
    found = part.get(key)
    return _NOTHING if found is None else found.read(parse_percent)


def _days(found: Field) -> int:
    text = found.text()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_DAYS):
        raise MappingValueWrong(found.file, found.line, "days", text, (f"1…{_MOST_DAYS}",))
    return int(text)


def _process(part: Mapped) -> ProcessRule:
    part.known("emissions", "intensity", "of", "primary")
    fixed, intensity, primary = part.get("emissions"), part.get("intensity"), part.get("primary")
    return ProcessRule(
        fixed=None if fixed is None else fixed.read(parse_emissions),
        intensity=None if intensity is None else intensity.read(parse_intensity),
        of=tuple(ElementSymbol(text) for text in part.texts("of")),
        primary=_WHOLE if primary is None else primary.read(parse_percent),
    )
