"""Rules 1 to 6 of adoption: no recipe creates metal or rights (protocol.md §4).

Each rule is checked on the plain balances, with wildcards replaced. The argument why they suffice:
every amount of an input is counted in one `left` and every amount of an output in one `right`
(rule 1), a balance never mixes elements (2), and within a balance what may stand in `right` is
bounded by what stands in `left` (3, 4, 5). So for each element the sum of metal, tolerance and
licence, and apart from it the quota, cannot grow outside grants (6), which others sign.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from lodeline.custody.candidate import Candidate, RecipeRefused, strands_of
from lodeline.custody.expansion import PlainBalance
from lodeline.custody.forms import Form, FormClass
from lodeline.custody.recipes import ANY_FORM, WILDCARD, Family, Port
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import ElementSymbol, FormName, StrandName
from lodeline.kernel.units import Ppm

__all__ = [
    "BalanceEmpty",
    "CountsMisplaced",
    "ElementsMixed",
    "ElementsWrong",
    "InputInNoBalance",
    "InputInTwoBalances",
    "IntakeNotMetal",
    "LossNotAllowed",
    "LossWithoutResidue",
    "MadeFromNothing",
    "MetalFromElsewhere",
    "OutputInNoBalance",
    "OutputInTwoBalances",
    "RecoveryOfNothing",
    "RightFromElsewhere",
    "StrandWithoutAmount",
    "ToleranceBoundWrong",
    "ToleranceNotAlone",
    "check_balances",
]

_PROCESSING = frozenset({Family.PROCESS, Family.DEPOSIT, Family.TAKE_UP, Family.RECYCLE})
_GRANTED = frozenset({Kind.LICENCE, Kind.QUOTA})


class ElementsWrong(RecipeRefused):
    """No element, one twice, or the wildcard among those that it stands for."""

    elements: tuple[ElementSymbol, ...]

    code = "recipe-elements-wrong"
    en = "{recipe} cannot be about the elements: {elements}"
    fr = "{recipe} ne peut porter sur les éléments : {elements}"
    advice_en = "name each element once; X stands for them and is none of them"
    advice_fr = "nommez chaque élément une fois ; X les représente et n'en est pas un"


class StrandWithoutAmount(RecipeRefused):
    """Assurance or credit in a balance, which have no amount to balance."""

    strand: StrandName

    code = "recipe-strand-without-amount"
    en = "{recipe} balances {strand}, which has no amount"
    fr = "{recipe} met en bilan {strand}, qui n'a pas de quantité"
    advice_en = "claims pass by claim rules; leave it out of the balances"
    advice_fr = "les déclarations passent par leurs règles ; retirez-le des bilans"


class InputInTwoBalances(RecipeRefused):
    """Rule 1: what comes in would be counted twice."""

    strand: StrandName
    first: int
    second: int

    code = "recipe-input-in-two-balances"
    en = "{recipe} uses {strand} up in balance {first} and again in balance {second}"
    fr = "{recipe} consomme {strand} dans le bilan {first} et encore dans le bilan {second}"
    advice_en = "let each input stand on the left of exactly one balance"
    advice_fr = "placez chaque entrée à gauche d'un seul bilan"


class OutputInTwoBalances(RecipeRefused):
    """Rule 1: what goes out would be covered twice, and one of its sources be free."""

    strand: StrandName
    first: int
    second: int

    code = "recipe-output-in-two-balances"
    en = "{recipe} makes {strand} in balance {first} and again in balance {second}"
    fr = "{recipe} produit {strand} dans le bilan {first} et encore dans le bilan {second}"
    advice_en = "let each output stand on the right of exactly one balance"
    advice_fr = "placez chaque sortie à droite d'un seul bilan"


class InputInNoBalance(RecipeRefused):
    """Rule 1: an input whose amount nobody asks about."""

    form: FormName
    strand: StrandName

    code = "recipe-input-in-no-balance"
    en = "{recipe} takes {form}, whose {strand} stands on the left of no balance"
    fr = "{recipe} prend {form}, dont {strand} n'est à gauche d'aucun bilan"
    advice_en = "add it to a balance, with an empty right if it is lost"
    advice_fr = "ajoutez-le à un bilan, avec une droite vide s'il est perdu"


class OutputInNoBalance(RecipeRefused):
    """Rule 1: an output that comes from nowhere."""

    form: FormName
    strand: StrandName

    code = "recipe-output-in-no-balance"
    en = "{recipe} gives {form}, whose {strand} stands on the right of no balance"
    fr = "{recipe} donne {form}, dont {strand} n'est à droite d'aucun bilan"
    advice_en = "add it to the balance of its metal"
    advice_fr = "ajoutez-le au bilan de son métal"


class ElementsMixed(RecipeRefused):
    """Rule 2: a balance over more than one element."""

    balance: int
    elements: tuple[ElementSymbol, ...]

    code = "recipe-elements-mixed"
    en = "{recipe}, balance {balance} speaks of several elements: {elements}"
    fr = "{recipe}, bilan {balance} parle de plusieurs éléments : {elements}"
    advice_en = "write one balance for each element"
    advice_fr = "écrivez un bilan par élément"


class MetalFromElsewhere(RecipeRefused):
    """Rule 3: metal or tolerance from something other than its metal, tolerance or licence."""

    balance: int
    strand: StrandName
    left: tuple[StrandName, ...]

    code = "recipe-metal-from-elsewhere"
    en = "{recipe}, balance {balance} makes {strand} from: {left}"
    fr = "{recipe}, bilan {balance} produit {strand} à partir de : {left}"
    advice_en = "metal comes from the same metal, its tolerance or its licence"
    advice_fr = "le métal vient du même métal, de sa tolérance ou de sa licence"


class ToleranceNotAlone(RecipeRefused):
    """Rule 3: measurement tolerance used up together with something else, outside settlement."""

    balance: int
    left: tuple[StrandName, ...]
    right: tuple[StrandName, ...]

    code = "recipe-tolerance-not-alone"
    en = "{recipe}, balance {balance} turns tolerance into something else: {left} into {right}"
    fr = "{recipe}, bilan {balance} change la tolérance en autre chose : {left} en {right}"
    advice_en = "tolerance stays itself or is lost; only settlement sets it off against its metal"
    advice_fr = "la tolérance reste ou se perd ; seul un règlement la compense avec son métal"


class RightFromElsewhere(RecipeRefused):
    """Rule 4: a licence or quota, outside grants, from something other than itself."""

    balance: int
    strand: StrandName
    left: tuple[StrandName, ...]

    code = "recipe-right-from-elsewhere"
    en = "{recipe}, balance {balance} makes the right {strand} from: {left}"
    fr = "{recipe}, bilan {balance} produit le droit {strand} à partir de : {left}"
    advice_en = "what is left of a right comes from that same right alone"
    advice_fr = "ce qui reste d'un droit ne vient que de ce même droit"


class CountsMisplaced(RecipeRefused):
    """Rule 5: something counted that is no output of the quota's metal, or not against a quota."""

    balance: int
    counts: tuple[StrandName, ...]

    code = "recipe-counts-misplaced"
    en = "{recipe}, balance {balance} cannot count: {counts}"
    fr = "{recipe}, bilan {balance} ne peut compter : {counts}"
    advice_en = "count a metal and its tolerance, both, where one quota passes into itself"
    advice_fr = "comptez un métal et sa tolérance, les deux, là où un quota passe en lui-même"


class BalanceEmpty(RecipeRefused):
    """A balance that says nothing."""

    balance: int

    code = "recipe-balance-empty"
    en = "{recipe}, balance {balance} has nothing on either side"
    fr = "{recipe}, bilan {balance} n'a rien d'aucun côté"
    advice_en = "remove it"
    advice_fr = "enlevez-le"


class MadeFromNothing(RecipeRefused):
    """Rule 6: an empty left outside grants of licence or quota."""

    balance: int
    right: tuple[StrandName, ...]

    code = "recipe-made-from-nothing"
    en = "{recipe}, balance {balance} makes {right} from nothing"
    fr = "{recipe}, bilan {balance} produit {right} à partir de rien"
    advice_en = "only grants give licences and quotas; everything else needs a source"
    advice_fr = "seuls les octrois donnent licences et quotas ; tout le reste exige une source"


class LossNotAllowed(RecipeRefused):
    """Rule 6: a metal lost whole outside a write-off, or a right lost outside its renewal."""

    balance: int
    left: tuple[StrandName, ...]

    code = "recipe-loss-not-allowed"
    en = "{recipe}, balance {balance} loses {left} whole"
    fr = "{recipe}, bilan {balance} perd entièrement {left}"
    advice_en = "let metal go to a residue, or write it off with an auditor"
    advice_fr = "dirigez le métal vers un résidu, ou passez-le en perte avec un auditeur"


class RecoveryOfNothing(RecipeRefused):
    """A recovery demanded from a balance with an empty right, which no transform could keep."""

    balance: int
    min_recovery_ppm: Ppm

    code = "recipe-recovery-of-nothing"
    en = "{recipe}, balance {balance} recovers nothing and asks for {min_recovery_ppm} ppm"
    fr = "{recipe}, bilan {balance} ne récupère rien et exige {min_recovery_ppm} ppm"
    advice_en = "set its recovery to 0"
    advice_fr = "mettez sa récupération à 0"


class LossWithoutResidue(RecipeRefused):
    """A process that may lose metal and names nothing that the loss could be found in."""

    balance: int
    element: ElementSymbol
    min_recovery_ppm: Ppm

    code = "recipe-loss-without-residue"
    en = "{recipe}, balance {balance} may lose {element} unseen ({min_recovery_ppm} ppm recovered)"
    fr = "{recipe}, bilan {balance} peut perdre {element} sans trace ({min_recovery_ppm} ppm)"
    advice_en = "add an output for residue or scrap with this element, or ask for all of it"
    advice_fr = "ajoutez une sortie de résidu ou de rebut avec cet élément, ou exigez le tout"


class ToleranceBoundWrong(RecipeRefused):
    """A bound on tolerance anywhere but where mining makes tolerance, or none there."""

    balance: int
    tolerance_ppm: Ppm

    code = "recipe-tolerance-bound-wrong"
    en = "{recipe}, balance {balance} cannot bound tolerance at {tolerance_ppm} ppm"
    fr = "{recipe}, bilan {balance} ne peut borner la tolérance à {tolerance_ppm} ppm"
    advice_en = "state it, above 0, exactly where a licence becomes tolerance"
    advice_fr = "indiquez-la, au-dessus de 0, là précisément où une licence devient tolérance"


class IntakeNotMetal(RecipeRefused):
    """Stock or outside material that would bring a measurement reserve, or a remainder."""

    balance: int
    right: tuple[StrandName, ...]

    code = "recipe-intake-not-metal"
    en = "{recipe}, balance {balance} takes in something other than metal: {right}"
    fr = "{recipe}, bilan {balance} fait entrer autre chose que du métal : {right}"
    advice_en = "an intake licence becomes metal only; tolerance begins at a mine"
    advice_fr = "une licence d'entrée ne devient que métal ; la tolérance commence à la mine"


def check_balances(candidate: Candidate) -> None:
    """Check rules 1 to 6.

    Raises:
        RecipeRefused: one of its reasons.
        UnknownForm: a port names a form that is not in the table.
        UnknownStrand: a strand's name is none.
    """
    elements = candidate.recipe.elements
    if not elements or len(set(elements)) != len(elements) or WILDCARD in elements:
        raise ElementsWrong(candidate.name, elements)
    for balance in candidate.expanded.balances:
        _check_one_element(candidate, balance)
        _check_amounts(candidate, balance)
        _check_sides(candidate, balance)
        _check_intake(candidate, balance)
        _check_metal(candidate, balance)
        _check_tolerance(candidate, balance)
        _check_rights(candidate, balance)
        _check_counts(candidate, balance)
        _check_losses(candidate, balance)
    _check_none_twice(candidate)
    _check_all_balanced(candidate)


def _names(strands: tuple[Strand, ...]) -> tuple[StrandName, ...]:
    return tuple(strand.name for strand in strands)


def _check_one_element(candidate: Candidate, balance: PlainBalance) -> None:
    """Rule 2."""
    found = tuple(dict.fromkeys(strand.element for strand in balance.strands))
    if len(found) > 1 or WILDCARD in found:
        raise ElementsMixed(candidate.name, balance.written_index, found)


def _check_amounts(candidate: Candidate, balance: PlainBalance) -> None:
    for strand in balance.strands:
        if not strand.has_amount:
            raise StrandWithoutAmount(candidate.name, strand.name)


def _check_sides(candidate: Candidate, balance: PlainBalance) -> None:
    """Rule 6: what an empty side may mean."""
    if not balance.left and not balance.right:
        raise BalanceEmpty(candidate.name, balance.written_index)
    if not balance.left:
        grants = candidate.recipe.family is Family.GRANT
        if not grants or any(strand.kind not in _GRANTED for strand in balance.right):
            raise MadeFromNothing(candidate.name, balance.written_index, _names(balance.right))
    if not balance.right:
        if balance.min_recovery_ppm:
            index, demanded = balance.written_index, balance.min_recovery_ppm
            raise RecoveryOfNothing(candidate.name, index, demanded)
        _check_total_loss(candidate, balance)


def _check_total_loss(candidate: Candidate, balance: PlainBalance) -> None:
    allowed = {Kind.TOLERANCE}
    if candidate.recipe.family is Family.WRITE_OFF:
        allowed.add(Kind.METAL)
    if candidate.recipe.family is Family.GRANT:
        allowed |= _GRANTED
    if any(strand.kind not in allowed for strand in balance.left):
        raise LossNotAllowed(candidate.name, balance.written_index, _names(balance.left))


def _check_intake(candidate: Candidate, balance: PlainBalance) -> None:
    metal_only = all(strand.kind is Kind.METAL for strand in balance.right)
    if candidate.recipe.family is Family.INTAKE and not metal_only:
        raise IntakeNotMetal(candidate.name, balance.written_index, _names(balance.right))


def _check_metal(candidate: Candidate, balance: PlainBalance) -> None:
    """Rule 3, first half."""
    for strand in balance.right:
        if not strand.is_material:
            continue
        kinds = (Kind.METAL, Kind.TOLERANCE, Kind.LICENCE)
        sources = {Strand(strand.element, kind) for kind in kinds}
        if not balance.left or not set(balance.left) <= sources:
            left = _names(balance.left)
            raise MetalFromElsewhere(candidate.name, balance.written_index, strand.name, left)


def _check_tolerance(candidate: Candidate, balance: PlainBalance) -> None:
    """Rule 3, second half, and the bound at mining."""
    left, right = set(balance.left), set(balance.right)
    for tolerance in {strand for strand in left if strand.kind is Kind.TOLERANCE}:
        metal = Strand(tolerance.element, Kind.METAL)
        alone = left == {tolerance} and right <= {tolerance}
        settled = candidate.recipe.family is Family.SETTLE and left == {metal, tolerance}
        if not alone and not settled:
            names = _names(balance.left), _names(balance.right)
            raise ToleranceNotAlone(candidate.name, balance.written_index, *names)
    makes_tolerance = any(strand.kind is Kind.LICENCE for strand in left) and any(
        strand.kind is Kind.TOLERANCE for strand in right
    )
    if makes_tolerance != (balance.tolerance_ppm > 0) or balance.tolerance_ppm > PPM_ONE:
        index, bound = balance.written_index, balance.tolerance_ppm
        raise ToleranceBoundWrong(candidate.name, index, bound)


def _check_rights(candidate: Candidate, balance: PlainBalance) -> None:
    """Rule 4; a grant gives from nothing or passes a right on to itself."""
    granted = candidate.recipe.family is Family.GRANT and not balance.left
    for strand in balance.right:
        if strand.kind in _GRANTED and not granted and set(balance.left) != {strand}:
            left = _names(balance.left)
            raise RightFromElsewhere(candidate.name, balance.written_index, strand.name, left)


def _check_counts(candidate: Candidate, balance: PlainBalance) -> None:
    """Rule 5; both strands, or ore could leave the country as tolerance and be settled there."""
    if not balance.counts:
        return
    quota = [strand for strand in balance.left if strand.kind is Kind.QUOTA]
    wanted: set[Strand] = set()
    if balance.left == balance.right == tuple(quota) and len(quota) == 1:
        element = quota[0].element
        wanted = {Strand(element, Kind.METAL), Strand(element, Kind.TOLERANCE)}
    if len(balance.counts) != len(wanted) or set(balance.counts) != wanted:
        raise CountsMisplaced(candidate.name, balance.written_index, _names(balance.counts))


def _check_losses(candidate: Candidate, balance: PlainBalance) -> None:
    """A process that may lose metal has an output where the loss can be found."""
    metals = [strand for strand in balance.right if strand.kind is Kind.METAL]
    loses = balance.min_recovery_ppm < PPM_ONE
    if candidate.recipe.family not in _PROCESSING or not loses:
        return
    for metal in metals:
        if not any(_can_hold_loss(form, metal) for form in candidate.outputs):
            index, demanded = balance.written_index, balance.min_recovery_ppm
            raise LossWithoutResidue(candidate.name, index, metal.element, demanded)


def _can_hold_loss(form: Form, metal: Strand) -> bool:
    return form.form_class in (FormClass.RESIDUE, FormClass.SCRAP) and metal in strands_of(form)


def _check_none_twice(candidate: Candidate) -> None:
    """Rule 1: none twice, within one balance or over all of them."""
    taken: dict[Strand, int] = {}
    given: dict[Strand, int] = {}
    for balance in candidate.expanded.balances:
        index = balance.written_index
        for strand in balance.left:
            if strand in taken:
                raise InputInTwoBalances(candidate.name, strand.name, taken[strand], index)
            taken[strand] = index
        for strand in balance.right:
            if strand in given:
                raise OutputInTwoBalances(candidate.name, strand.name, given[strand], index)
            given[strand] = index


def _check_all_balanced(candidate: Candidate) -> None:
    """Rule 1: every kind that may enter or leave is in a balance."""
    taken = {strand for item in candidate.expanded.balances for strand in item.left}
    given = {strand for item in candidate.expanded.balances for strand in item.right}
    intake = candidate.recipe.family is Family.INTAKE
    for form, strand in _kinds(candidate, candidate.recipe.inputs, taken | given):
        if strand not in taken:
            raise InputInNoBalance(candidate.name, form, strand.name)
    for form, strand in _kinds(candidate, candidate.recipe.outputs, taken | given):
        if strand not in given and not (intake and strand.kind is Kind.TOLERANCE):
            raise OutputInNoBalance(candidate.name, form, strand.name)


def _kinds(
    candidate: Candidate, ports: tuple[Port, ...], spoken: set[Strand]
) -> Iterator[tuple[FormName, Strand]]:
    """Yield each strand with an amount that lots of the ports can have.

    Any form means metal and tolerance of each of the recipe's elements, whatever forms there are:
    the table grows, and a recipe must not become unsound by it. Forms of rights name every element,
    so that one form serves all recipes; of them only the strands that the balances speak of are
    asked for, or all if they speak of none. Whoever checks a transform refuses a lot with a strand
    that stands in no balance.
    """
    for name in itertools.chain.from_iterable(port.forms for port in ports):
        if name == ANY_FORM:
            for element in candidate.recipe.elements:
                yield name, Strand(element, Kind.METAL)
                yield name, Strand(element, Kind.TOLERANCE)
            continue
        form = candidate.forms[name]
        strands = strands_of(form)
        known = [strand for strand in strands if strand in spoken]
        for strand in known if form.form_class.is_right and known else strands:
            yield name, strand
