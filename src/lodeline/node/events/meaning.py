"""What an event means to a company: the step that its mapping makes of it, with every number.

Nothing is looked up on the ledger here. What goes in is what a transformation consumes or an
observation with DELETE ends; what comes out is what a transformation produces or an observation
with ADD begins. What is shipped or received is everything that the event names, and what lies in
the containers that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NewType, cast

from lodeline.exchange.epcis.document import EpcisUri, Event, EventKind, Quantity
from lodeline.exchange.epcis.value import JsonObject, number_text
from lodeline.exchange.transform_file import (
    ContainedMass,
    ElementAmount,
    ProcessPart,
    WeighedMass,
)
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import FormName, MemberId, SiteId
from lodeline.kernel.units import GramsCO2e, Milligrams, grams_co2e, milligrams
from lodeline.node.events.mapping import ClassOfGoods, CompanyMapping, Doing, ProcessRule, StepRule
from lodeline.node.events.measures import Found, found_in, mass_of
from lodeline.node.events.missed_refusals import (
    PlaceNotMapped,
    StepMissed,
    StepNotMapped,
    ThingNotMapped,
)
from lodeline.node.events.terms import TermValue, term_value
from lodeline.node.events.trade_refusals import (
    AssayAwaited,
    AssayMissing,
    GoodsNamedTwice,
    GoodsUnknown,
    MeasureTooFine,
    PartyMissing,
    PartyUnknown,
    SiteNotMapped,
    TradeRefused,
    UnitMissing,
    UnitNotExpected,
)

__all__ = [
    "Counted",
    "Goods",
    "Keeping",
    "Making",
    "Meaning",
    "Measured",
    "Place",
    "Receiving",
    "Shipping",
    "SpokenOf",
    "goods_named",
    "meaning_of",
    "named_things",
    "rule_of",
]

_MILLIGRAMS_PER_KG: Final = 10**6
_INPUTS: Final = {"inputEPCList", "inputQuantityList"}
_OUTPUTS: Final = {"outputEPCList", "outputQuantityList"}
_PARTIES: Final = ("owning_party", "possessing_party")
Counted = NewType("Counted", int)
"""Milligrams of goods that are weighed, pieces of goods that are counted."""
Unpacked = Callable[[EpcisUri], Sequence[Quantity]]
"""What lies in a container, as far as the events before say."""
SpokenOf = Callable[[EpcisUri], Sequence[Event]]
"""Events about a lot, in the order of time."""


@dataclass(frozen=True)
class Goods:
    """A lot or a thing that an event names."""

    key: TermValue
    named: EpcisUri
    kind: ClassOfGoods
    mass: Milligrams | None
    """As weighed; nothing: all of it, or things that are counted."""
    pieces: int
    is_alone: bool
    """Whether it is one thing with a number of its own, which is there whole or not at all."""

    @property
    def amount(self) -> Counted | None:
        """How much of it there is: milligrams or pieces; nothing: all of it."""
        if self.mass is not None:
            return Counted(self.mass)
        return None if self.is_alone else Counted(self.pieces)


@dataclass(frozen=True)
class Measured:
    """Goods, and what is in them."""

    goods: Goods
    content: WeighedMass | ContainedMass | None
    """Nothing: whatever is left."""
    found: Found


@dataclass(frozen=True)
class Place:
    """Where a step happened: as the event has it, and which site that is."""

    named: str
    site: SiteId | None
    mapping: str
    """The file that should know."""

    def needed(self) -> SiteId:
        """Return the site of a step that needs one.

        Raises:
            SiteNotMapped: the mapping does not have the place.
        """
        if self.site is None:
            raise SiteNotMapped(self.named, self.mapping)
        return self.site


@dataclass(frozen=True)
class Making:
    """A step that changes lots."""

    rule: StepRule
    place: Place
    used: tuple[Goods, ...]
    made: tuple[Measured, ...]
    process: ProcessPart | None
    is_passing: bool = False
    """Whether what goes in comes out as it was, under the same number: moved, stored, exported."""


@dataclass(frozen=True)
class Shipping:
    """Goods that go to another member."""

    rule: StepRule
    used: tuple[Goods, ...]
    to: MemberId


@dataclass(frozen=True)
class Receiving:
    """Goods that came from another member, as the receiver found them."""

    rule: StepRule
    got: tuple[Measured, ...]
    sender: MemberId | None


@dataclass(frozen=True)
class Keeping:
    """An event of which nothing goes to the ledger."""

    why: StepMissed | None = None
    """What it lacks of a step of its kind; nothing where no step is of its kind."""


Meaning = Making | Shipping | Receiving | Keeping


@dataclass(frozen=True)
class _Lookup:
    """An event, and what other events are asked for."""

    mapping: CompanyMapping
    event: Event
    unpacked: Unpacked
    spoken_of: SpokenOf


def _nothing(lot: EpcisUri) -> Sequence[Event]:
    del lot
    return ()


def meaning_of(
    mapping: CompanyMapping, event: Event, unpacked: Unpacked, spoken_of: SpokenOf = _nothing
) -> Meaning:
    """Return what an event means.

    Args:
        mapping: of the company.
        event: that happened to it.
        unpacked: what lies in a container.
        spoken_of: other events about a lot; of those, the mapping says which assay it.

    Raises:
        AssayAwaited: it waits for such an event.
        GoodsUnknown, PartyUnknown, PartyMissing: an identifier that the mapping does not have.
        AssayMissing, AssayAmbiguous, UnitNotUnderstood, MeasureTooFine: a number.
    """
    rule = rule_of(mapping, event, unpacked)
    look = _Lookup(mapping, event, unpacked, spoken_of)
    return Keeping(_missed(mapping, event)) if rule is None else _meant(look, rule)


def _missed(mapping: CompanyMapping, event: Event) -> StepMissed | None:
    """Return why no step takes an event, where a step takes events of its type and business step.

    A place or goods that the mapping does not know are what is most often mistyped.
    """
    if not any(rule.when.is_of_kind(event) for rule in mapping.steps if rule.do is not Doing.KEEP):
        return None
    place = event.read_point or event.biz_location
    if place is not None and mapping.site_of(event) is None:
        return PlaceNotMapped(str(place))
    for quantity in named_things(event):
        if mapping.goods_of(quantity.epc_class) is None:
            return ThingNotMapped(str(quantity.epc_class))
    return StepNotMapped(str(event.biz_step))


def rule_of(mapping: CompanyMapping, event: Event, unpacked: Unpacked) -> StepRule | None:
    """Return the first step of a mapping whose conditions an event meets.

    Raises:
        UnitNotUnderstood, MeasureTooFine, GoodsNamedTwice: a quantity.
    """
    site = mapping.site_of(event)
    used, made = goods_named(mapping, event)
    ins, outs = {each.kind.form for each in used}, {each.kind.form for each in made}
    for rule in mapping.steps:
        when = rule.when
        if not (when.holds(event, site) and ins >= set(when.used) and outs >= set(when.made)):
            continue
        if not when.goods or set(when.goods) <= _forms_within(mapping, event, unpacked):
            return rule
    return None


def _forms_within(mapping: CompanyMapping, event: Event, unpacked: Unpacked) -> set[FormName]:
    """Return the forms that an event names, or that lie in what it names."""
    found: set[FormName] = set()
    for quantity in named_things(event):
        kind = mapping.goods_of(quantity.epc_class)
        inside = unpacked(quantity.epc_class) if kind is None else (quantity,)
        kinds = (mapping.goods_of(each.epc_class) for each in inside)
        found.update(each.form for each in kinds if each is not None)
    return found


def _meant(look: _Lookup, rule: StepRule) -> Meaning:
    mapping, event = look.mapping, look.event
    match rule.do:
        case Doing.MAKE:
            return _making(look, rule)
        case Doing.OFFER:
            to = _party(mapping, event, "destinationList", "destination")
            if to is None:
                raise PartyMissing
            goods = _once(_moved(mapping, event, look.unpacked))
            return Keeping() if to == mapping.company else Shipping(rule, goods, to)
        case Doing.ACCEPT:
            sender = _party(mapping, event, "sourceList", "source")
            if sender == mapping.company:
                return Keeping()
            got = _once(_moved(mapping, event, look.unpacked))
            measured = tuple(_measured(look, each, len(got), must=rule.waits) for each in got)
            return Receiving(rule, measured, sender)
        case Doing.ASSAY | Doing.KEEP:
            return Keeping()


def _making(look: _Lookup, rule: StepRule) -> Making:
    mapping, event = look.mapping, look.event
    named = event.read_point or event.biz_location or "–"
    place = Place(named, mapping.site_of(event), mapping.file)
    used, made = goods_named(mapping, event)
    _refuse_unknown(mapping, event)
    if event.action == "OBSERVE":
        used = _once(
            _goods(kind, each)
            for _, each in _all(event)
            if (kind := mapping.goods_of(each.epc_class)) is not None
        )
        return Making(rule, place, used, (), _process(mapping, event, rule, ()), is_passing=True)
    measured = tuple(_measured(look, each, len(made), must=True) for each in made)
    return Making(rule, place, used, measured, _process(mapping, event, rule, measured))


def _refuse_unknown(mapping: CompanyMapping, event: Event) -> None:
    """Refuse goods that the mapping does not have: a step without them would be half a step."""
    for _, quantity in _all(event):
        if mapping.goods_of(quantity.epc_class) is None and not mapping.is_seal(quantity.epc_class):
            raise GoodsUnknown(quantity.epc_class, mapping.file)


# ------------------------------------------------------------------ goods


def goods_named(
    mapping: CompanyMapping, event: Event
) -> tuple[tuple[Goods, ...], tuple[Goods, ...]]:
    """Return the goods of an event that go in, and those that come out; seals are neither.

    Raises:
        UnitNotUnderstood, MeasureTooFine, GoodsNamedTwice: a quantity.
    """
    used: list[Goods] = []
    made: list[Goods] = []
    for place, quantity in _all(event):
        kind = mapping.goods_of(quantity.epc_class)
        if kind is None:
            continue
        goods = _goods(kind, quantity)
        if place in _OUTPUTS or (place not in _INPUTS and event.action == "ADD"):
            made.append(goods)
        elif place in _INPUTS or event.action == "DELETE":
            used.append(goods)
    return _once(used), _once(made)


def _once(goods: Iterable[Goods]) -> tuple[Goods, ...]:
    """Return goods each of which is named once.

    Raises:
        GoodsNamedTwice: one is named again.
    """
    found: dict[TermValue, Goods] = {}
    for each in goods:
        if each.key in found:
            raise GoodsNamedTwice(each.named)
        found[each.key] = each
    return tuple(found.values())


def _all(event: Event) -> Iterator[tuple[str, Quantity]]:
    """Yield everything that an event names, things as one piece of themselves."""
    for place, epc in event.epcs():
        yield place, Quantity(epc, None, None)
    yield from event.quantities()


def _goods(kind: ClassOfGoods, quantity: Quantity) -> Goods:
    """Return goods of a class; no quantity, or one thing of a number, is all of it.

    Raises:
        UnitMissing, UnitNotExpected: a weight without its unit, or pieces with one.
        UnitNotUnderstood, MeasureTooFine: a quantity.
    """
    key, named = term_value(quantity.epc_class), quantity.epc_class
    mass = mass_of(quantity)
    if quantity.quantity is not None and (mass is None) != kind.is_counted and not kind.is_rest:
        text = number_text(quantity.quantity)
        if mass is None:
            raise UnitMissing(named, text, kind.form)
        raise UnitNotExpected(named, text, quantity.uom or "")
    if mass is not None or quantity.quantity is None:
        return Goods(key, named, kind, mass, 1, is_alone=True)
    pieces = quantity.quantity
    if not isinstance(pieces, int) or pieces < 1:
        raise MeasureTooFine(named, number_text(pieces), "1")
    return Goods(key, named, kind, None, pieces, is_alone=False)


def _moved(mapping: CompanyMapping, event: Event, unpacked: Unpacked) -> Iterator[Goods]:
    """Yield what is shipped or received: goods as they are, and what lies in containers.

    Raises:
        GoodsUnknown: a container of which no event says what is in it.
    """
    for quantity in named_things(event):
        kind = mapping.goods_of(quantity.epc_class)
        if kind is not None:
            yield _goods(kind, quantity)
        elif not mapping.is_seal(quantity.epc_class):
            yield from _within(mapping, quantity.epc_class, unpacked)


def named_things(event: Event) -> Sequence[Quantity]:
    """Return everything that an event names; a parent, where nothing is named beside it."""
    named = [quantity for _, quantity in _all(event)]
    grouping = event.type in {EventKind.AGGREGATION, EventKind.TRANSACTION}
    if grouping and event.parent_id and not named:
        return [Quantity(event.parent_id, None, None)]
    return named


def _within(mapping: CompanyMapping, container: EpcisUri, unpacked: Unpacked) -> Iterator[Goods]:
    inside = unpacked(container)
    if not inside:
        raise GoodsUnknown(container, mapping.file)
    for quantity in inside:
        kind = mapping.goods_of(quantity.epc_class)
        if kind is None and not mapping.is_seal(quantity.epc_class):
            raise GoodsUnknown(quantity.epc_class, mapping.file)
        if kind is not None:
            yield _goods(kind, quantity)


def _measured(look: _Lookup, goods: Goods, lots: int, *, must: bool) -> Measured:
    """Return what is in goods: as an event says, else as the mapping says of their class."""
    found = _found(look, goods, lots)
    kind = goods.kind
    if kind.is_rest:
        return Measured(goods, None, found)
    if goods.mass is not None:
        assays = found.assays or kind.assays
        if not assays:
            if must and look.mapping.has_laboratory:
                raise AssayAwaited(goods.named, kind.form)
            if must:
                raise AssayMissing(goods.named, kind.form)
            return Measured(goods, None, found)
        moisture = kind.moisture if found.moisture is None else found.moisture
        return Measured(goods, WeighedMass(goods.mass, moisture, assays), found)
    if not kind.contained and must and not kind.is_product:
        raise AssayMissing(goods.named, kind.form)
    if not kind.contained:
        return Measured(goods, None, found)
    amounts = tuple(
        ElementAmount(each.element, milligrams(each.mass * goods.pieces)) for each in kind.contained
    )
    return Measured(goods, ContainedMass(amounts), found)


def _found(look: _Lookup, goods: Goods, lots: int) -> Found:
    """Return what the event says of goods, or the last assay of them where it says nothing."""
    mapping = look.mapping
    found = found_in(look.event, goods.key, lots, mapping.substances)
    if found.assays or goods.mass is None or not mapping.has_laboratory:
        return found
    for other in reversed(look.spoken_of(goods.named)):
        if _is_assay(look, other):
            named = len(named_things(other))
            assayed = found_in(other, goods.key, named, mapping.substances)
            if assayed.assays:
                return replace(assayed, emissions=found.emissions)
    return found


def _is_assay(look: _Lookup, other: Event) -> bool:
    try:
        rule = rule_of(look.mapping, other, look.unpacked)
    except TradeRefused:  # the other event's own fault, which it is told itself
        return False
    return rule is not None and rule.do is Doing.ASSAY


# ------------------------------------------------------------------ parties, emissions


def _party(mapping: CompanyMapping, event: Event, place: str, value: str) -> MemberId | None:
    """Return who gives or gets the goods: the owner where one is named, else who has them.

    Raises:
        PartyUnknown: somebody is named whom the mapping does not have.
    """
    named = {
        str(each.get("type")): str(each[value])
        for each in cast(Sequence[JsonObject], event.value.get(place, ()))
    }
    for kind in _PARTIES:
        if kind in named:
            found = mapping.parties.get(term_value(named[kind]))
            if found is None:
                raise PartyUnknown(named[kind], mapping.file)
            return found
    return None


def _process(
    mapping: CompanyMapping, event: Event, rule: StepRule, made: Sequence[Measured]
) -> ProcessPart | None:
    """Return the emissions that the event reports, else those that the mapping reckons."""
    how = rule.process
    measured = found_in(event, None, 1, mapping.substances).emissions
    if measured is None and how is None:
        return None
    how = ProcessRule() if how is None else how
    whole = _reckoned(how, made) if measured is None else measured
    return ProcessPart(whole, GramsCO2e(whole * how.primary // PPM_ONE))


def _reckoned(how: ProcessRule, made: Sequence[Measured]) -> GramsCO2e:
    if how.intensity is None:
        return GramsCO2e(0) if how.fixed is None else how.fixed
    mass = sum(
        amount
        for each in made
        if each.content is not None
        for element, amount in each.content.contained().items()
        if not how.of or element in how.of
    )
    grams = -(-mass * how.intensity // _MILLIGRAMS_PER_KG)
    return grams_co2e(grams + (how.fixed or 0))
