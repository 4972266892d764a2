"""Which claims every output bears, by the custody model of each (ISO 22095; T4, T7, T8).

* identity preserved and segregated: all material of the balance bears the claim, and so does every
  milligram of the output;
* controlled blending, and whatever is kept under a weaker model: the output bears its share,
  rounded down, which is what T8 allows (in a deposit it may keep less);
* drawn from assurance: every milligram of the output, taken from the assurance;
* taken up from credits: as wished; from what the inputs bear first, then from the credits;
* deposited: the material loses the claim, and a credit bears what the metal that comes out had.

What is left of assurances and credits goes back to their holder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.expansion import PlainBalance
from lodeline.custody.forms import FormClass
from lodeline.custody.recipes import ClaimMode, Family
from lodeline.custody.strands import Kind, Strand
from lodeline.holder.contents import ClaimKey
from lodeline.holder.plan_refusals import (
    AssuranceTooSmall,
    ClaimAmountWrong,
    ClaimNotAvailable,
    ClaimNotWhole,
    ClaimsNotCovered,
    GrantClaimUnclear,
    NothingToCredit,
)
from lodeline.holder.wishes import ClaimWish, Desk, Draft, Order
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import ElementSymbol, FormName, StandardName
from lodeline.kernel.units import Milligrams
from lodeline.proofs.shape_errors import ClaimTooStrong

__all__ = ["Pool", "assign_claims", "assured", "check_claims", "drawn_standards"]


# ------------------------------------------------------------------ what the inputs bear


def _borne(order: Order, kinds: Collection[Kind]) -> dict[ClaimKey, int]:
    """Return what the inputs bear on strands of some kinds, summed over lots."""
    found: dict[ClaimKey, int] = {}
    for supply in order.inputs:
        for key, amount in supply.contents.claims.items():
            if key[0].kind in kinds:
                found[key] = found.get(key, 0) + amount
    return found


def _at_least(
    borne: Mapping[ClaimKey, int],
    strands: Collection[Strand],
    standard: StandardName,
    model: Model,
) -> tuple[int, bool]:
    """Return how much bears a standard under a model or a stronger one, and whether any lot does.

    A lot may bear a claim of zero, so that the number of its claims says nothing.
    """
    found = [
        amount
        for (strand, claim), amount in borne.items()
        if strand in strands and claim.standard == standard and claim.model >= model
    ]
    return sum(found), bool(found)


def assured(order: Order, element: ElementSymbol, standard: StandardName) -> int:
    """Return how many milligrams the assurances among the inputs cover."""
    strand = Strand(element, Kind.ASSURANCE)
    lowest = min(Model)
    return _at_least(_borne(order, {Kind.ASSURANCE}), {strand}, standard, lowest)[0]


def drawn_standards(
    order: Order, draft: Draft, balance: PlainBalance, element: ElementSymbol
) -> frozenset[StandardName]:
    """Return the standards that an output draws from assurance for one element."""
    return frozenset(
        wish.standard
        for wish in _wishes(order, draft, balance, element)
        if order.expanded.rule_for(wish.standard, balance.index) is ClaimMode.DRAW
        and _can_draw(order, wish, element)
    )


def _can_draw(order: Order, wish: ClaimWish, element: ElementSymbol) -> bool:
    """Return whether an element draws a claim: it is named, or an assurance covers it."""
    strand = Strand(element, Kind.ASSURANCE)
    borne = _borne(order, {Kind.ASSURANCE})
    return wish.element == element or _at_least(borne, {strand}, wish.standard, min(Model))[1]


def _wishes(
    order: Order, draft: Draft, balance: PlainBalance, element: ElementSymbol
) -> tuple[ClaimWish, ...]:
    """Return the claims wished for one element of an output; unless told, all that can be."""
    if draft.wish.claims is not None:
        return tuple(w for w in draft.wish.claims if w.element in (None, element))
    kept = {
        claim.standard
        for strand, claim in _borne(order, {Kind.METAL, Kind.TOLERANCE})
        if strand in balance.left
        and order.expanded.rule_for(claim.standard, balance.index) is ClaimMode.KEEP
    }
    drawn = {
        claim.standard
        for strand, claim in _borne(order, {Kind.ASSURANCE})
        if strand.element == element
        and not draft.is_residue
        and order.expanded.rule_for(claim.standard, balance.index) is ClaimMode.DRAW
    }
    return tuple(ClaimWish(standard) for standard in sorted(kept | drawn))


# ------------------------------------------------------------------ assurances and credits


class Pool:
    """The claims of the assurances and credits that go into a step, while they are used up."""

    def __init__(self, order: Order) -> None:
        self._left: dict[tuple[FormName, Strand, ClaimName], int] = {}
        for supply in order.inputs:
            for (strand, claim), amount in supply.contents.claims.items():
                if not strand.has_amount:
                    key = (supply.contents.form, strand, claim)
                    self._left[key] = self._left.get(key, 0) + amount

    def covers(self, strand: Strand, standard: StandardName, model: Model) -> int:
        """Return how much is left under a model or a stronger one."""
        return sum(self._left[key] for key in self._usable(strand, standard, model))

    def take(self, strand: Strand, claim: ClaimName, amount: int) -> int:
        """Use an amount up, the weakest models that do first; return what was not there."""
        for key in self._usable(strand, claim.standard, claim.model):
            used = min(amount, self._left[key])
            self._left[key] -= used
            amount -= used
        return amount

    def _usable(
        self, strand: Strand, standard: StandardName, model: Model
    ) -> list[tuple[FormName, Strand, ClaimName]]:
        found = [
            key
            for key in self._left
            if key[1] == strand and key[2].standard == standard and key[2].model >= model
        ]
        return sorted(found, key=lambda key: (key[2].model, key[0]))

    def left(self) -> dict[FormName, dict[ClaimKey, Milligrams]]:
        """Return what is left, by form; nothing of a claim that is used up."""
        found: dict[FormName, dict[ClaimKey, Milligrams]] = {}
        for (form, strand, claim), amount in sorted(self._left.items(), key=lambda i: repr(i[0])):
            if amount:
                found.setdefault(form, {})[strand, claim] = Milligrams(amount)
        return found


# ------------------------------------------------------------------ assigning


def assign_claims(desk: Desk, order: Order, drafts: Sequence[Draft]) -> Pool:
    """Give every output its claims; return what is left of assurances and credits.

    Raises:
        PlanRefused, ClaimTooStrong: a wish that the inputs or the recipe do not allow.
    """
    pool = Pool(order)
    if order.recipe.family is Family.GRANT:
        for draft in drafts:
            _grant(draft)
        return pool
    _Assignment(desk, order, pool).run(drafts)
    return pool


def _grant(draft: Draft) -> None:
    for wish in draft.wish.claims or ():
        if wish.element is None or wish.model is None or wish.amount is None:
            raise GrantClaimUnclear(wish.standard)
        strand = Strand(wish.element, Kind.ASSURANCE)
        draft.claims[strand, ClaimName(wish.standard, wish.model)] = wish.amount


@dataclass
class _Wanted:
    """One claim that one strand of one output should bear."""

    draft: Draft
    strand: Strand
    balance: PlainBalance
    wish: ClaimWish

    @property
    def amount(self) -> int:
        return self.draft.amounts[self.strand]


class _Assignment:
    """One pass over a step's outputs."""

    def __init__(self, desk: Desk, order: Order, pool: Pool) -> None:
        self._desk, self._order, self._pool = desk, order, pool
        self._material = _borne(order, {Kind.METAL, Kind.TOLERANCE})
        self._custody = Model.parse(order.recipe.custody)

    def run(self, drafts: Sequence[Draft]) -> None:
        """Assign material claims by their modes, then what explicit credits bear."""
        drawn: dict[tuple[ElementSymbol, StandardName], list[_Wanted]] = {}
        taken_up: dict[tuple[ElementSymbol, StandardName], list[_Wanted]] = {}
        for wanted in self._wanted(drafts):
            mode = self._mode(wanted)
            key = (wanted.strand.element, wanted.wish.standard)
            if mode is ClaimMode.DRAW:
                if _can_draw(self._order, wanted.wish, wanted.strand.element):
                    drawn.setdefault(key, []).append(wanted)
            elif mode is ClaimMode.TAKE_UP:
                taken_up.setdefault(key, []).append(wanted)
            elif mode is not None:
                self._keep(wanted)
        for (element, standard), wishes in drawn.items():
            self._draw(element, standard, wishes)
        for wishes in taken_up.values():
            self._take_up(wishes)
        for draft in drafts:
            if draft.form.form_class is FormClass.CREDIT:
                self._credit(draft, drafts)
        for draft in drafts:
            self._check_heard(draft)

    def _wanted(self, drafts: Sequence[Draft]) -> Iterator[_Wanted]:
        for draft in drafts:
            for strand in sorted(draft.amounts, key=lambda strand: strand.name):
                balance = self._order.expanded.right_of(strand)
                if balance is None or not strand.is_material:
                    continue
                for wish in _wishes(self._order, draft, balance, strand.element):
                    if self._speaks_of(wish.standard, strand.element):
                        yield _Wanted(draft, strand, balance, wish)

    def _speaks_of(self, standard: StandardName, element: ElementSymbol) -> bool:
        elements = self._desk.tables.standards[standard].elements
        return not elements or element in elements

    def _mode(self, wanted: _Wanted) -> ClaimMode | None:
        return self._order.expanded.rule_for(wanted.wish.standard, wanted.balance.index)

    def _models(self, wanted: _Wanted, strongest: Model) -> list[Model]:
        """Return the models to try, the strongest first; exactly one where it was wished."""
        cap = min(strongest, self._custody, Model.parse(wanted.draft.form.strongest))
        if wanted.wish.model is None:
            return sorted((model for model in Model if model <= cap), reverse=True)
        if wanted.wish.model > cap:
            name = ClaimName(wanted.wish.standard, wanted.wish.model).text
            raise ClaimTooStrong(self._order.recipe.name, name, cap.text)
        return [wanted.wish.model]

    # -------------------------------------------------------------- kept

    def _keep(self, wanted: _Wanted) -> None:
        left = [strand for strand in wanted.balance.left if strand.is_material]
        whole = sum(s.contents.amount(strand) for s in self._order.inputs for strand in left)
        bearing: tuple[ClaimName, int] | None = None
        for model in self._models(wanted, max(Model)):
            part, any_lot = _at_least(self._material, left, wanted.wish.standard, model)
            if not any_lot:
                continue
            claim = ClaimName(wanted.wish.standard, model)
            bearing = bearing or (claim, part)
            if self._holds(wanted, model, part, whole):
                self._bear(wanted, claim, part, whole)
                return
        self._refuse_kept(wanted, bearing, whole)

    def _holds(self, wanted: _Wanted, model: Model, part: int, whole: int) -> bool:
        if model is Model.IDENTITY_PRESERVED and self._sources(wanted.strand.element) != 1:
            return False
        return part == whole if model >= Model.SEGREGATED else True

    def _sources(self, element: ElementSymbol) -> int:
        wanted = {Strand(element, kind) for kind in (Kind.METAL, Kind.TOLERANCE)}
        lots = (supply.contents.amounts for supply in self._order.inputs)
        return sum(not wanted.isdisjoint(amounts) for amounts in lots)

    def _bear(self, wanted: _Wanted, claim: ClaimName, part: int, whole: int) -> None:
        share = wanted.amount * part // whole if whole else 0
        allowed = wanted.amount if claim.model >= Model.SEGREGATED else share
        amount = allowed
        if wanted.wish.amount is not None and wanted.strand.kind is Kind.METAL:
            amount = wanted.wish.amount
            less = self._order.recipe.family is Family.DEPOSIT and amount <= allowed
            if amount != allowed and not less:
                raise ClaimAmountWrong(
                    claim.text, wanted.strand.name, Milligrams(amount), Milligrams(allowed)
                )
        wanted.draft.claims[wanted.strand, claim] = Milligrams(amount)

    def _refuse_kept(
        self, wanted: _Wanted, bearing: tuple[ClaimName, int] | None, whole: int
    ) -> None:
        """Refuse a wish that was spoken; one that was only assumed, or of tolerance, is let go."""
        if wanted.draft.wish.claims is None or wanted.strand.kind is Kind.TOLERANCE:
            return
        if bearing is None and wanted.wish.element is None:
            return  # another element may bear it; that none does is refused at the end
        if bearing is None:
            raise ClaimNotAvailable(
                wanted.wish.standard, wanted.strand.name, self._order.recipe.name
            )
        claim, part = bearing
        raise ClaimNotWhole(claim.text, wanted.strand.name, Milligrams(part), Milligrams(whole))

    # -------------------------------------------------------------- drawn

    def _draw(
        self, element: ElementSymbol, standard: StandardName, wishes: Sequence[_Wanted]
    ) -> None:
        strand = Strand(element, Kind.ASSURANCE)
        needed = sum(wanted.amount for wanted in wishes)
        models = self._models(_firmest(wishes), max(Model))
        for model in models:
            if any(
                key[0] == strand and key[1].standard == standard and key[1].model >= model
                for key in _borne(self._order, {Kind.ASSURANCE})
            ) and needed <= self._pool.covers(strand, standard, model):
                self._draw_at(strand, ClaimName(standard, model), wishes)
                return
        held = self._pool.covers(strand, standard, models[-1])
        raise AssuranceTooSmall(standard, element, Milligrams(held), Milligrams(needed))

    def _draw_at(self, strand: Strand, claim: ClaimName, wishes: Sequence[_Wanted]) -> None:
        for wanted in wishes:
            if wanted.wish.amount not in (None, wanted.amount) and wanted.strand.kind is Kind.METAL:
                raise ClaimAmountWrong(
                    claim.text,
                    wanted.strand.name,
                    Milligrams(wanted.wish.amount or 0),
                    Milligrams(wanted.amount),
                )
            self._pool.take(strand, claim, wanted.amount)
            wanted.draft.claims[wanted.strand, claim] = Milligrams(wanted.amount)

    # -------------------------------------------------------------- taken up

    def _take_up(self, wishes: Sequence[_Wanted]) -> None:
        first = _firmest(wishes)
        standard, element = first.wish.standard, first.strand.element
        strand = Strand(element, Kind.CREDIT)
        left = {s for wanted in wishes for s in wanted.balance.left if s.is_material}
        needed = sum(_wished_amount(wanted) for wanted in wishes)
        models = self._models(first, Model.MASS_BALANCE)
        covered = 0
        for model in models:
            own, _ = _at_least(self._material, left, standard, model)
            covered = own + self._pool.covers(strand, standard, model)
            if needed <= covered:
                claim = ClaimName(standard, model)
                self._pool.take(strand, claim, max(0, needed - own))
                for wanted in wishes:
                    amount = Milligrams(_wished_amount(wanted))
                    wanted.draft.claims[wanted.strand, claim] = amount
                return
        name = ClaimName(standard, models[-1]).text
        raise ClaimsNotCovered(name, element, Milligrams(needed), Milligrams(covered))

    # -------------------------------------------------------------- credits

    def _credit(self, draft: Draft, drafts: Sequence[Draft]) -> None:
        if self._order.recipe.family is Family.CARRY:
            self._carry(draft)
        elif draft.wish.claims is None:
            self._deposit(draft, drafts)
        else:
            for wish in draft.wish.claims:
                self._credit_wish(draft, drafts, wish)
        if not draft.claims:
            raise NothingToCredit(self._order.recipe.name, draft.form.name)

    def _carry(self, draft: Draft) -> None:
        """Carry the scheme's share of every credit, rounded down (T4 of a carrying step)."""
        for (strand, claim), amount in _borne(self._order, {Kind.CREDIT}).items():
            share = self._desk.tables.standards[claim.standard].carry_share_ppm
            carried = amount * share // PPM_ONE
            if carried:
                draft.claims[strand, claim] = Milligrams(carried)
            self._pool.take(strand, claim, amount)

    def _deposit(self, draft: Draft, drafts: Sequence[Draft]) -> None:
        """Credit everything that the metal which comes out bore and does not bear any more."""
        model = min(Model.MASS_BALANCE, self._custody, Model.parse(draft.form.strongest))
        borne = {(strand.name, strand, claim.standard) for strand, claim in self._material}
        for _, strand, standard in sorted(borne, key=lambda item: (item[0], item[2])):
            balance = self._order.expanded.right_of(strand)
            if balance is None or strand.kind is not Kind.METAL:
                continue
            if self._order.expanded.rule_for(standard, balance.index) is not ClaimMode.DEPOSIT:
                continue
            amount = self._depositable(drafts, strand, standard)
            if amount > 0:
                credit = Strand(strand.element, Kind.CREDIT)
                draft.claims[credit, ClaimName(standard, model)] = Milligrams(amount)

    def _depositable(self, drafts: Sequence[Draft], strand: Strand, standard: StandardName) -> int:
        whole = sum(supply.contents.amount(strand) for supply in self._order.inputs)
        part, _ = _at_least(self._material, {strand}, standard, Model.MASS_BALANCE)
        made = sum(d.amounts.get(strand, 0) for d in drafts if not d.is_residue)
        kept = sum(
            amount
            for other in drafts
            for (on, claim), amount in other.claims.items()
            if claim.standard == standard and on.element == strand.element
        )
        return (made * part // whole if whole else 0) - kept

    def _credit_wish(self, draft: Draft, drafts: Sequence[Draft], wish: ClaimWish) -> None:
        """Take a wished credit from the credits that go in, or else from the material."""
        model = wish.model or min(Model.parse(draft.form.strongest), self._custody)
        claim = ClaimName(wish.standard, model)
        for strand, amount in self._credit_amounts(drafts, wish, model):
            self._pool.take(strand, claim, amount)
            draft.claims[strand, claim] = Milligrams(amount)

    def _credit_amounts(
        self, drafts: Sequence[Draft], wish: ClaimWish, model: Model
    ) -> list[tuple[Strand, int]]:
        borne = {s.element for s, c in self._material if c.standard == wish.standard}
        pooled = _borne(self._order, {Kind.CREDIT})
        borne |= {s.element for s, c in pooled if c.standard == wish.standard}
        elements = sorted(borne) if wish.element is None else [wish.element]
        found = []
        for element in elements:
            strand, metal = Strand(element, Kind.CREDIT), Strand(element, Kind.METAL)
            amount: int | None = wish.amount
            if amount is None:
                amount = self._pool.covers(strand, wish.standard, model)
                amount = amount or max(0, self._depositable(drafts, metal, wish.standard))
            found.append((strand, amount))
        return found

    # -------------------------------------------------------------- nothing overheard

    def _check_heard(self, draft: Draft) -> None:
        """Check that every claim that was wished is borne by some strand of the output."""
        given = {(strand.element, claim.standard) for strand, claim in draft.claims}
        for wish in draft.wish.claims or ():
            heard = any(
                standard == wish.standard and wish.element in (None, element)
                for element, standard in given
            )
            if not heard:
                strand = next(iter(draft.amounts), Strand.parse(draft.form.strands[0].strand))
                named = Strand(wish.element or strand.element, strand.kind)
                raise ClaimNotAvailable(wish.standard, named.name, self._order.recipe.name)


def _firmest(wishes: Sequence[_Wanted]) -> _Wanted:
    """Return a wish that names its model, or the first one."""
    return next((wanted for wanted in wishes if wanted.wish.model is not None), wishes[0])


def _wished_amount(wanted: _Wanted) -> int:
    whole = wanted.amount
    if wanted.wish.amount is None or wanted.strand.kind is Kind.TOLERANCE:
        return whole if wanted.wish.amount is None else 0
    if wanted.wish.amount > whole:
        name = f"{wanted.wish.standard}"
        raise ClaimAmountWrong(name, wanted.strand.name, wanted.wish.amount, Milligrams(whole))
    return wanted.wish.amount


# ------------------------------------------------------------------ checking


def check_claims(order: Order, borne: Sequence[Mapping[ClaimKey, Milligrams]]) -> None:
    """Check T4 of a finished step: for each model, no more claimed than came in.

    ``borne`` are the claims of all outputs, remainders included.

    Raises:
        ClaimsNotCovered: more is claimed.
    """
    if order.recipe.family is Family.GRANT:
        return
    came = _borne(order, frozenset(Kind))
    goes: dict[ClaimKey, int] = {}
    for claims in borne:
        for key, amount in claims.items():
            goes[key] = goes.get(key, 0) + amount
    levels = sorted({(s.element, c.standard, c.model) for s, c in goes})
    for element, standard, model in levels:
        strands = [Strand(element, kind) for kind in Kind]
        available, _ = _at_least(came, strands, standard, model)
        claimed, _ = _at_least(goes, strands, standard, model)
        if claimed > available:
            name = ClaimName(standard, model).text
            raise ClaimsNotCovered(name, element, Milligrams(claimed), Milligrams(available))
