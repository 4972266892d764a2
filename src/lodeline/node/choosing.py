"""Choosing lots: the rights that a step needs, and material by the amount that is wanted.

The choice is the same whenever the vault is the same: rights that end first are used first, and no
more of them than are needed, because what is left of several ends with the first of them; material
is taken from as few lots as will do, the oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lodeline.custody.forms import FormClass
from lodeline.custody.recipes import ANY_FORM, Port, Recipe
from lodeline.custody.strands import Kind, Strand
from lodeline.exchange.transform_file import ElementAmount
from lodeline.holder.contents import Contents
from lodeline.holder.plan_refusals import NotEnoughHeld
from lodeline.holder.records import HeldLot
from lodeline.holder.selection import choose_lots
from lodeline.holder.wishes import Desk, Supply, Wish
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, FormName, RecipeName, SiteId, StandardName
from lodeline.kernel.units import Milligrams
from lodeline.node.granting import RIGHT_KINDS
from lodeline.node.holding import Holding

__all__ = ["InputsNotNamed", "Need", "choose_material", "choose_rights", "enters"]


class InputsNotNamed(LodelineError):
    """A step that uses material up, and no lot of it is named."""

    recipe: RecipeName
    forms: tuple[FormName, ...]

    code = "inputs-not-named"
    en = "{recipe} uses up lots of {forms}, and none is named"
    fr = "{recipe} consomme des lots de {forms}, et aucun n'est nommé"
    advice_en = "name lots under inputs, or an amount: [{{auto: 24.6 t Co}}]"
    advice_fr = "nommez des lots sous inputs, ou une quantité : [{{auto: 24,6 t Co}}]"


@dataclass(frozen=True)
class Need:
    """What a step is known to need: metal that comes out, and standards that it should bear."""

    amounts: Mapping[ElementSymbol, Milligrams]
    standards: frozenset[StandardName] | None
    """Nothing: every standard that can be had."""

    @classmethod
    def of(cls, wishes: Iterable[Wish]) -> Need:
        """Return what outputs as wished need."""
        amounts: dict[ElementSymbol, Milligrams] = {}
        standards: set[StandardName] = set()
        every = False
        for wish in wishes:
            for strand, mass in (wish.amounts or {}).items():
                before = amounts.get(strand.element, Milligrams(0))
                amounts[strand.element] = Milligrams(before + mass)
            every = every or wish.claims is None
            standards.update(claim.standard for claim in wish.claims or ())
        return cls(amounts, None if every else frozenset(standards))


def choose_rights(
    own: Holding,
    recipe: Recipe,
    site: SiteId | None,
    named: Sequence[HeldLot],
    need: Need,
) -> tuple[HeldLot, ...]:
    """Return the rights that a step needs, for ports that none of the lots named enters.

    Raises:
        InputsNotNamed: a port for material must be entered, and no lot is named for it.
    """
    chosen: list[HeldLot] = []
    for port in recipe.inputs:
        if any(_enters(own, lot.public.form, port) for lot in named):
            continue
        classes = _classes(own, port)
        if classes and all(found.is_right for found in classes):
            chosen += _rights(own, port, site, need, taken=chosen)
        elif port.at_least:
            raise InputsNotNamed(recipe.name, port.forms)
    return tuple(chosen)


def enters(own: Holding, supplies: Sequence[Supply], port: Port) -> bool:
    """Return whether any of some supplies may enter a port."""
    return any(_enters(own, one.contents.form, port) for one in supplies)


def _classes(own: Holding, port: Port) -> set[FormClass]:
    forms = own.session.state.tables.forms
    return {forms[name].form_class for name in port.forms if name in forms}


def _enters(own: Holding, form: FormName, port: Port) -> bool:
    if form in port.forms:
        return True
    return ANY_FORM in port.forms and not own.session.state.tables.forms[form].form_class.is_right


# ------------------------------------------------------------------ rights


def _rights(
    own: Holding, port: Port, site: SiteId | None, need: Need, *, taken: Sequence[HeldLot]
) -> list[HeldLot]:
    """Return rights of a site until every need is covered, those that end first before others."""
    missing = dict(_missing(own, port, need))
    found: list[HeldLot] = []
    for lot in sorted(_candidates(own, port, site), key=_ends):
        if lot in taken or len(found) == port.at_most:
            continue
        useful = [key for key, left in missing.items() if left > 0 and _covers(lot.contents, key)]
        if useful:
            found.append(lot)
            for key in useful:
                missing[key] -= _covers(lot.contents, key)
    return found


_Key = tuple[Strand, StandardName | None]


def _missing(own: Holding, port: Port, need: Need) -> Iterator[tuple[_Key, int]]:
    """Yield what the rights of a port should cover: each strand, for claims each standard."""
    for form_class in _classes(own, port):
        kind = RIGHT_KINDS.get(form_class, Kind.CREDIT)
        for element, mass in need.amounts.items():
            strand = Strand(element, kind)
            if strand.has_amount:
                yield (strand, None), mass
            else:
                for standard in _standards(own, need):
                    yield (strand, standard), mass


def _standards(own: Holding, need: Need) -> Iterable[StandardName]:
    if need.standards is not None:
        return sorted(need.standards)
    return [standard.name for standard in own.session.state.tables.standards.all()]


def _covers(contents: Contents, key: _Key) -> int:
    strand, standard = key
    if standard is None:
        return contents.amount(strand)
    return sum(
        mass
        for (on, claim), mass in contents.claims.items()
        if on == strand and claim.standard == standard
    )


def _candidates(own: Holding, port: Port, site: SiteId | None) -> Iterator[HeldLot]:
    now = own.session.now()
    for lot in own.unspent():
        expiry = lot.public.expiry
        alive = expiry is None or now <= expiry
        if lot.public.form in port.forms and alive and (site is None or lot.site == site):
            yield lot


def _ends(lot: HeldLot) -> tuple[int, int, bytes, int]:
    return (lot.public.expires or 0, lot.leaf, lot.maker, lot.output)


# ------------------------------------------------------------------ material


def choose_material(
    own: Holding, desk: Desk, recipe: Recipe, amount: ElementAmount, taken: Sequence[HeldLot]
) -> tuple[HeldLot, ...]:
    """Return the fewest, oldest lots of one form that hold at least an amount of a metal.

    Where the recipe takes several forms, the first form of which enough is held.

    Raises:
        NotEnoughHeld: of no form enough is held.
    """
    strand = Strand(amount.element, Kind.METAL)
    free = [lot for lot in own.unspent() if lot not in taken]
    refusal = NotEnoughHeld(strand.name, Milligrams(0), amount.mass)
    for form in _forms_held(own, recipe, free):
        try:
            return tuple(choose_lots(desk, free, form, strand, amount.mass))
        except NotEnoughHeld as refused:
            refusal = refused if refused.held > refusal.held else refusal
    raise refusal


def _forms_held(own: Holding, recipe: Recipe, lots: Sequence[HeldLot]) -> tuple[FormName, ...]:
    """Return the forms of some lots that may enter a recipe as material, in their order."""
    fitting = (
        FormName(lot.public.form)
        for lot in lots
        if any(_enters(own, lot.public.form, port) for port in recipe.inputs)
    )
    return tuple(dict.fromkeys(fitting))
