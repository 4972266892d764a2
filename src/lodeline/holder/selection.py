"""Which lots to take for a wanted amount: the fewest that do, and among those the oldest.

Deterministic: the same vault and the same wish choose the same lots. Lots that are promised,
spent, expired or of another form never count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from lodeline.custody.forms import FormClass
from lodeline.custody.strands import Kind, Strand
from lodeline.holder.contents import Contents
from lodeline.holder.plan_refusals import AssuranceTooSmall, NotEnoughHeld
from lodeline.holder.records import HeldLot, LotStatus
from lodeline.holder.wishes import Desk
from lodeline.kernel.ids import ElementSymbol, FormName, SiteId, StandardName
from lodeline.kernel.units import Milligrams
from lodeline.proofs.view import site_number

__all__ = [
    "choose_assurances",
    "choose_lots",
    "choose_rights",
    "fewest_oldest",
    "usable",
]

T = TypeVar("T")


def fewest_oldest(items: Sequence[T], amount: Callable[[T], int], wanted: int) -> list[T] | None:
    """Return the fewest items whose amounts reach what is wanted, or nothing if all do not.

    ``items`` stand oldest first. Among all choices of the least number, the one whose oldest item
    is oldest is taken, then the next oldest, and so on.
    """
    largest = sorted((amount(item) for item in items), reverse=True)
    count = _fewest(largest, wanted)
    if count is None:
        return None
    chosen: list[T] = []
    missing = wanted
    for index, item in enumerate(items):
        left = count - len(chosen)
        if not left:
            break
        later = sorted((amount(other) for other in items[index + 1 :]), reverse=True)
        if amount(item) + sum(later[: left - 1]) >= missing and len(later) >= left - 1:
            chosen.append(item)
            missing -= amount(item)
    return chosen


def _fewest(largest: Sequence[int], wanted: int) -> int | None:
    total = 0
    for count, amount in enumerate(largest, start=1):
        total += amount
        if total >= wanted:
            return count
    return None


def usable(desk: Desk, lots: Iterable[HeldLot], forms: Iterable[FormName]) -> list[HeldLot]:
    """Return the lots of some forms that can be spent now, oldest first."""
    wanted = frozenset(forms)
    return [
        lot
        for lot in lots
        if lot.status is LotStatus.UNSPENT
        and lot.public.form in wanted
        and (lot.public.expires is None or desk.now <= lot.public.expires)
    ]


def choose_lots(
    desk: Desk,
    lots: Iterable[HeldLot],
    form: FormName,
    strand: Strand,
    wanted: Milligrams,
    keep: Callable[[Contents], bool] = lambda _: True,
) -> list[HeldLot]:
    """Return the fewest, oldest lots of a form that hold at least an amount of a strand.

    ``keep`` says which lots may be taken, for instance those that bear a claim.

    Raises:
        NotEnoughHeld: all of them together hold less.
    """
    having = [
        lot
        for lot in usable(desk, lots, (form,))
        if strand in lot.contents.amounts and keep(lot.contents)
    ]
    chosen = fewest_oldest(having, lambda lot: lot.contents.amount(strand), wanted)
    if chosen is None:
        held = sum(lot.contents.amount(strand) for lot in having)
        raise NotEnoughHeld(strand.name, Milligrams(held), wanted)
    return chosen


def choose_rights(
    desk: Desk,
    lots: Iterable[HeldLot],
    site: SiteId,
    form_class: FormClass,
    needs: Mapping[Strand, Milligrams],
) -> list[HeldLot]:
    """Return the licences or quotas of a site that cover what is needed, soonest to expire first.

    Raises:
        NotEnoughHeld: of one strand all of them together hold less.
    """
    held = _of_site(desk, lots, site, form_class)
    chosen: list[HeldLot] = []
    for strand, wanted in sorted(needs.items(), key=lambda item: item[0].name):
        covered = sum(lot.contents.amount(strand) for lot in chosen)
        if covered >= wanted:
            continue
        rest = [lot for lot in held if lot not in chosen and strand in lot.contents.amounts]
        more = fewest_oldest(rest, lambda lot: _amount(lot, strand), wanted - covered)  # noqa: B023  # used at once
        if more is None:
            whole = covered + sum(lot.contents.amount(strand) for lot in rest)
            raise NotEnoughHeld(strand.name, Milligrams(whole), wanted)
        chosen += more
    return chosen


def _amount(lot: HeldLot, strand: Strand) -> int:
    return lot.contents.amount(strand)


def _of_site(
    desk: Desk, lots: Iterable[HeldLot], site: SiteId, form_class: FormClass
) -> list[HeldLot]:
    forms = [form.name for form in desk.tables.forms.all() if form.form_class is form_class]
    number = site_number(desk.tables.chain, site)
    held = [lot for lot in usable(desk, lots, forms) if lot.contents.site_number == number]
    return sorted(held, key=lambda lot: lot.public.expires or 0)


def choose_assurances(
    desk: Desk,
    lots: Iterable[HeldLot],
    site: SiteId,
    needs: Mapping[tuple[ElementSymbol, StandardName], Milligrams],
) -> list[HeldLot]:
    """Return the assurances of a site that cover what should bear each standard.

    Raises:
        AssuranceTooSmall: of one standard all of them together cover less.
    """
    held = _of_site(desk, lots, site, FormClass.ASSURANCE)
    chosen: list[HeldLot] = []
    for (element, standard), wanted in sorted(needs.items()):
        covered = sum(_covers(lot, element, standard) for lot in chosen)
        if covered >= wanted:
            continue
        rest = [lot for lot in held if lot not in chosen and _covers(lot, element, standard)]
        more = fewest_oldest(rest, lambda lot: _covers(lot, element, standard), wanted - covered)  # noqa: B023  # used at once
        if more is None:
            whole = covered + sum(_covers(lot, element, standard) for lot in rest)
            raise AssuranceTooSmall(standard, element, Milligrams(whole), wanted)
        chosen += more
    return chosen


def _covers(lot: HeldLot, element: ElementSymbol, standard: StandardName) -> int:
    strand = Strand(element, Kind.ASSURANCE)
    return sum(
        amount
        for (on, claim), amount in lot.contents.claims.items()
        if on == strand and claim.standard == standard
    )
