"""What each family of recipes may take and give, who signs it and where (protocol.md §4).

Rights come only from grants, products only from the market, and nothing but recycling takes a
product back: those are rules about the classes of forms, whatever the balances say.
"""

from __future__ import annotations

import itertools

from lodeline.custody.candidate import ANY_FORM_CLASSES, Candidate, RecipeRefused
from lodeline.custody.claims import Model
from lodeline.custody.forms import Form, FormClass
from lodeline.custody.recipes import ANY_FORM, Family, Port
from lodeline.custody.strands import Kind
from lodeline.kernel.bounds import MAX_INPUTS, MAX_INTENSITY, MAX_OUTPUTS, PPM_ONE
from lodeline.kernel.ids import ElementSymbol, FormName, Role, StrandName
from lodeline.kernel.units import Ppm

__all__ = [
    "CoSignerMissing",
    "CoSignerTwice",
    "CustodyUnknown",
    "EqualityRequired",
    "FloorWithoutProcess",
    "FormChanges",
    "FormDoesNotChange",
    "FormInTwoPorts",
    "FormNotInFamily",
    "InputsMissing",
    "OutputsMissing",
    "PortBoundsWrong",
    "ProcessNotAllowed",
    "RateOutOfRange",
    "RecoveryForElement",
    "SiteRequired",
    "ValidityEmpty",
    "check_custody",
    "check_floors",
    "check_ports",
]

_STOCK = ANY_FORM_CLASSES
_ASSURED = _STOCK | {FormClass.ASSURANCE}
_GRANTED = frozenset({FormClass.LICENCE, FormClass.INTAKE, FormClass.QUOTA, FormClass.ASSURANCE})

_TAKES: dict[Family, frozenset[FormClass]] = {
    Family.GRANT: _GRANTED,
    Family.MINE: frozenset({FormClass.LICENCE, FormClass.ASSURANCE}),
    Family.INTAKE: frozenset({FormClass.INTAKE}),
    Family.PROCESS: _ASSURED,
    Family.SETTLE: _STOCK,
    Family.HANDLE: _STOCK,
    Family.TRANSPORT: _STOCK,
    Family.EXPORT: _STOCK | {FormClass.QUOTA},
    Family.SALE: _STOCK,
    Family.DEPOSIT: _ASSURED,
    Family.TAKE_UP: _ASSURED | {FormClass.CREDIT},
    Family.CARRY: frozenset({FormClass.CREDIT}),
    Family.TRANSFER_CREDIT: _STOCK | {FormClass.CREDIT},
    Family.MARKET: frozenset({FormClass.MATERIAL}),
    Family.RECYCLE: _ASSURED | {FormClass.PRODUCT},
    Family.WRITE_OFF: _STOCK,
    Family.CORRECT: _STOCK,
}
_GIVES: dict[Family, frozenset[FormClass]] = {
    **_TAKES,
    Family.MINE: frozenset({FormClass.LICENCE, FormClass.ASSURANCE, FormClass.MATERIAL}),
    Family.INTAKE: _STOCK,
    Family.DEPOSIT: _ASSURED | {FormClass.CREDIT},
    Family.MARKET: frozenset({FormClass.PRODUCT}),
    Family.RECYCLE: _ASSURED,
    Family.WRITE_OFF: frozenset(),
}
_KEEPS_FORM = frozenset(
    {
        Family.SETTLE,
        Family.HANDLE,
        Family.TRANSPORT,
        Family.EXPORT,
        Family.SALE,
        Family.TRANSFER_CREDIT,
        Family.CORRECT,
    }
)
_CHANGES_FORM = frozenset({Family.DEPOSIT, Family.TAKE_UP})
_EXACT = frozenset({Family.EXPORT, Family.SALE, Family.TRANSFER_CREDIT, Family.MARKET})
_AT_A_SITE = frozenset(
    {
        Family.MINE,
        Family.INTAKE,
        Family.EXPORT,
        Family.DEPOSIT,
        Family.TAKE_UP,
        Family.CARRY,
    }
)
_EMITS = frozenset(
    {
        Family.MINE,
        Family.INTAKE,
        Family.PROCESS,
        Family.TRANSPORT,
        Family.DEPOSIT,
        Family.TAKE_UP,
        Family.RECYCLE,
        Family.CORRECT,
    }
)
_SIGNED_BY: dict[Family, Role] = {
    Family.WRITE_OFF: Role("auditor"),
    Family.CORRECT: Role("auditor"),
}


class PortBoundsWrong(RecipeRefused):
    """More lots than a transform can have, or a least above a most."""

    forms: tuple[FormName, ...]
    at_least: int
    at_most: int
    limit: int

    code = "recipe-port-bounds-wrong"
    en = "{recipe} cannot take or give {at_least} to {at_most} lots of: {forms} (limit {limit})"
    fr = (
        "{recipe} ne peut prendre ou donner {at_least} à {at_most} lots de : {forms} (max. {limit})"
    )
    advice_en = "state a least, a most of 1 to the limit, and least numbers that fit in together"
    advice_fr = "indiquez un minimum, un maximum de 1 à la limite, et des minima qui y tiennent"


class FormInTwoPorts(RecipeRefused):
    """One form in two ports of one side, so that nobody could say which one a lot uses."""

    form: FormName

    code = "recipe-form-in-two-ports"
    en = "{recipe} names {form} in two ports of one side"
    fr = "{recipe} nomme {form} dans deux ports du même côté"
    advice_en = "join the two ports"
    advice_fr = "réunissez les deux ports"


class FormNotInFamily(RecipeRefused):
    """A form of a class that recipes of the family never take or give."""

    form: FormName
    form_class: FormClass
    side: str
    family: Family

    code = "recipe-form-not-in-family"
    en = "{recipe} of the family {family} cannot have {form} ({form_class}) as {side}"
    fr = "{recipe}, de la famille {family}, ne peut avoir {form} ({form_class}) en {side}"
    advice_en = "choose another family, or another form"
    advice_fr = "choisissez une autre famille, ou une autre forme"


class InputsMissing(RecipeRefused):
    """A recipe that must take something and has no input port."""

    family: Family

    code = "recipe-inputs-missing"
    en = "{recipe} of the family {family} takes nothing"
    fr = "{recipe}, de la famille {family}, ne prend rien"
    advice_en = "only grants begin without inputs"
    advice_fr = "seuls les octrois commencent sans entrées"


class OutputsMissing(RecipeRefused):
    """A recipe that must give something and has no output port."""

    family: Family

    code = "recipe-outputs-missing"
    en = "{recipe} of the family {family} gives nothing"
    fr = "{recipe}, de la famille {family}, ne donne rien"
    advice_en = "only a write-off ends without outputs"
    advice_fr = "seul un passage en perte finit sans sorties"


class FormChanges(RecipeRefused):
    """A recipe that keeps the form by its family and names other forms on the other side."""

    taken: tuple[FormName, ...]
    given: tuple[FormName, ...]
    family: Family

    code = "recipe-form-changes"
    en = "{recipe} of the family {family} turns {taken} into {given}"
    fr = "{recipe}, de la famille {family}, change {taken} en {given}"
    advice_en = "name the same single form on both sides, or any form on both"
    advice_fr = "nommez la même forme unique des deux côtés, ou toute forme des deux côtés"


class FormDoesNotChange(RecipeRefused):
    """A mass-balance step through which a lot could pass as what it was."""

    form: FormName

    code = "recipe-form-does-not-change"
    en = "{recipe} goes through credit and could leave {form} as it is"
    fr = "{recipe} passe par un crédit et peut laisser {form} telle quelle"
    advice_en = "deposit and take up only where the material becomes another form"
    advice_fr = "déposez et reprenez seulement là où la matière change de forme"


class EqualityRequired(RecipeRefused):
    """A balance that must be exact by its family and may lose something."""

    balance: int
    min_recovery_ppm: Ppm
    family: Family

    code = "recipe-equality-required"
    en = "{recipe} of the family {family}: balance {balance} may lose ({min_recovery_ppm} ppm)"
    fr = (
        "{recipe}, de la famille {family} : le bilan {balance} peut perdre ({min_recovery_ppm} ppm)"
    )
    advice_en = "set its recovery to 1000000"
    advice_fr = "mettez sa récupération à 1000000"


class SiteRequired(RecipeRefused):
    """A step that must happen at a registered site."""

    family: Family

    code = "recipe-site-required"
    en = "{recipe} of the family {family} must happen at a registered site"
    fr = "{recipe}, de la famille {family}, doit avoir lieu sur un site enregistré"
    advice_en = "set needs_site; licences, assurances, quotas and mass-balance credits have a site"
    advice_fr = "mettez needs_site ; licences, attestations, quotas et crédits ont un site"


class ProcessNotAllowed(RecipeRefused):
    """Process emissions in a family that has none."""

    family: Family

    code = "recipe-process-not-allowed"
    en = "{recipe} of the family {family} has no process emissions of its own"
    fr = "{recipe}, de la famille {family}, n'a pas d'émissions de procédé propres"
    advice_en = "report them in the transport or process beside it"
    advice_fr = "déclarez-les dans le transport ou le procédé voisin"


class CoSignerMissing(RecipeRefused):
    """Nobody who vouches for what no proof can show."""

    family: Family
    role: Role | None

    code = "recipe-co-signer-missing"
    en = "{recipe} of the family {family} lacks a co-signer: {role}"
    fr = "{recipe}, de la famille {family}, manque d'un cosignataire : {role}"
    advice_en = "write-offs and corrections need an auditor, grants and process numbers somebody"
    advice_fr = "pertes et corrections exigent un auditeur, octrois et procédés quelqu'un"


class CoSignerTwice(RecipeRefused):
    """One role twice, which one member could sign alone."""

    role: Role

    code = "recipe-co-signer-twice"
    en = "{recipe} names the co-signer {role} twice"
    fr = "{recipe} nomme deux fois le cosignataire {role}"
    advice_en = "name each role once"
    advice_fr = "nommez chaque rôle une fois"


class FloorWithoutProcess(RecipeRefused):
    """A floor for emissions that are not reported, or on something that is not an output metal."""

    strand: StrandName

    code = "recipe-floor-without-process"
    en = "{recipe} sets a floor on {strand}, which no process of its makes"
    fr = "{recipe} met un plancher sur {strand}, qu'aucun procédé à lui ne produit"
    advice_en = "set has_process, and put floors on metals of the outputs"
    advice_fr = "mettez has_process, et des planchers sur des métaux des sorties"


class RateOutOfRange(RecipeRefused):
    """A recovery, floor or weight outside its range, or a recovery of another element."""

    what: str
    value: int
    greatest: int

    code = "recipe-rate-out-of-range"
    en = "{recipe}: {what} is {value}, it must be from 0 to {greatest}"
    fr = "{recipe} : {what} vaut {value}, il faut de 0 à {greatest}"
    advice_en = "shares are in ppm, floors in grams CO2e per kilogram"
    advice_fr = "les parts sont en ppm, les planchers en grammes de CO2e par kilogramme"


class RecoveryForElement(RecipeRefused):
    """A recovery for an element that the recipe is not about, or two for one."""

    element: ElementSymbol

    code = "recipe-recovery-for-element"
    en = "{recipe} cannot have this recovery for {element}"
    fr = "{recipe} ne peut avoir cette récupération pour {element}"
    advice_en = "name each of the recipe's elements at most once"
    advice_fr = "nommez chaque élément de la recette au plus une fois"


class CustodyUnknown(RecipeRefused):
    """A chain-of-custody model that is none of the five of ISO 22095."""

    custody: str

    code = "recipe-custody-unknown"
    en = "{recipe} names the chain-of-custody model “{custody}”"
    fr = "{recipe} nomme le modèle de chaîne de traçabilité « {custody} »"
    advice_en = "identity-preserved, segregated, controlled-blending, mass-balance, book-and-claim"
    advice_fr = "identity-preserved, segregated, controlled-blending, mass-balance, book-and-claim"


class ValidityEmpty(RecipeRefused):
    """A recipe that ends before it begins."""

    valid_from: int
    valid_to: int

    code = "recipe-validity-empty"
    en = "{recipe} is valid from {valid_from} to {valid_to}, which is never"
    fr = "{recipe} est valable de {valid_from} à {valid_to}, donc jamais"
    advice_en = "give a later end, or none"
    advice_fr = "donnez une fin plus tardive, ou aucune"


def check_custody(candidate: Candidate) -> None:
    """Check that the custody model is one of the five; everything else needs it.

    Raises:
        CustodyUnknown: it is none.
    """
    if candidate.recipe.custody not in {model.text for model in Model}:
        raise CustodyUnknown(candidate.name, candidate.recipe.custody)


def check_ports(candidate: Candidate) -> None:
    """Check ports, classes, form changes, sites, signers, process numbers and bounds.

    Raises:
        RecipeRefused: one of its reasons.
        UnknownForm: a port names a form that is not in the table.
    """
    recipe = candidate.recipe
    if recipe.valid_to is not None and recipe.valid_to < recipe.valid_from:
        raise ValidityEmpty(candidate.name, recipe.valid_from, recipe.valid_to)
    _check_bounds(candidate, recipe.inputs, MAX_INPUTS)
    _check_bounds(candidate, recipe.outputs, MAX_OUTPUTS)
    _check_classes(candidate)
    _check_form_kept(candidate)
    _check_form_changed(candidate)
    _check_rates(candidate)
    _check_exact(candidate)
    _check_site(candidate)
    _check_signers(candidate)
    _check_process(candidate)


def _check_bounds(candidate: Candidate, ports: tuple[Port, ...], limit: int) -> None:
    least = sum(port.at_least for port in ports)
    for port in ports:
        if (
            not 0 <= port.at_least <= port.at_most
            or not 1 <= port.at_most <= limit
            or least > limit
        ):
            raise PortBoundsWrong(candidate.name, port.forms, port.at_least, port.at_most, limit)
        if not port.forms or (ANY_FORM in port.forms and len(port.forms) > 1):
            raise PortBoundsWrong(candidate.name, port.forms, port.at_least, port.at_most, limit)
    seen: set[FormName] = set()
    for form in itertools.chain.from_iterable(port.forms for port in ports):
        if form in seen:
            raise FormInTwoPorts(candidate.name, form)
        seen.add(form)


def _check_classes(candidate: Candidate) -> None:
    recipe, family = candidate.recipe, candidate.recipe.family
    _check_side(candidate, "input", recipe.inputs, _TAKES[family])
    _check_side(candidate, "output", recipe.outputs, _GIVES[family])
    if not recipe.inputs and family is not Family.GRANT:
        raise InputsMissing(candidate.name, family)
    if not recipe.outputs and family is not Family.WRITE_OFF:
        raise OutputsMissing(candidate.name, family)


def _check_side(
    candidate: Candidate, side: str, ports: tuple[Port, ...], allowed: frozenset[FormClass]
) -> None:
    """A port for any form asks for every class that it could ever let through."""
    family = candidate.recipe.family
    for name in itertools.chain.from_iterable(port.forms for port in ports):
        classes = ANY_FORM_CLASSES if name == ANY_FORM else {candidate.forms[name].form_class}
        for form_class in sorted(classes - allowed, key=lambda item: item.value):
            raise FormNotInFamily(candidate.name, name, form_class, side, family)


def _material_names(candidate: Candidate, ports: tuple[Port, ...]) -> tuple[FormName, ...]:
    names = itertools.chain.from_iterable(port.forms for port in ports)
    return tuple(
        name for name in names if name == ANY_FORM or not candidate.forms[name].form_class.is_right
    )


def _check_form_kept(candidate: Candidate) -> None:
    """Rights pass into themselves: a quota stays a quota, a renewed licence a licence."""
    recipe = candidate.recipe
    if recipe.family is Family.GRANT and recipe.inputs:
        taken = tuple(form.name for form in candidate.inputs)
        given = tuple(form.name for form in candidate.outputs)
        if taken != given or len(taken) != 1:
            raise FormChanges(candidate.name, taken, given, recipe.family)
    if recipe.family not in _KEEPS_FORM:
        return
    taken = _material_names(candidate, recipe.inputs)
    given = _material_names(candidate, recipe.outputs)
    if taken != given or len(taken) > 1:
        raise FormChanges(candidate.name, taken, given, recipe.family)


def _check_form_changed(candidate: Candidate) -> None:
    if candidate.recipe.family not in _CHANGES_FORM:
        return
    taken = _material_names(candidate, candidate.recipe.inputs)
    given = _material_names(candidate, candidate.recipe.outputs)
    for name in (*taken, *given):
        if name == ANY_FORM or (name in taken and name in given):
            raise FormDoesNotChange(candidate.name, name)


def _check_rates(candidate: Candidate) -> None:
    recipe = candidate.recipe
    rates = [
        *(("min_recovery_ppm", item.min_recovery_ppm, PPM_ONE) for item in recipe.balances),
        *(("min_recovery_ppm", item.min_recovery_ppm, PPM_ONE) for item in recipe.recoveries),
        *(("tolerance_ppm", item.tolerance_ppm, PPM_ONE) for item in recipe.balances),
        *(("weight_ppm", item.weight_ppm, PPM_ONE) for item in recipe.allocation),
        *(("grams_per_kg", item.grams_per_kg, MAX_INTENSITY) for item in recipe.floor),
    ]
    for what, value, greatest in rates:
        if not 0 <= value <= greatest:
            raise RateOutOfRange(candidate.name, what, value, greatest)
    seen: set[ElementSymbol] = set()
    for item in recipe.recoveries:
        if item.element not in recipe.elements or item.element in seen:
            raise RecoveryForElement(candidate.name, item.element)
        seen.add(item.element)


def _check_exact(candidate: Candidate) -> None:
    """Sold, exported and marketed numbers are the same numbers."""
    family = candidate.recipe.family
    if family not in _EXACT:
        return
    for balance in candidate.expanded.balances:
        if balance.min_recovery_ppm != PPM_ONE:
            index, demanded = balance.written_index, balance.min_recovery_ppm
            raise EqualityRequired(candidate.name, index, demanded, family)


def _check_site(candidate: Candidate) -> None:
    family = candidate.recipe.family
    bound = any(_bound_to_site(form) for form in candidate.inputs) and family is not Family.GRANT
    if (family in _AT_A_SITE or bound) and not candidate.recipe.needs_site:
        raise SiteRequired(candidate.name, family)


def _bound_to_site(form: Form) -> bool:
    """Every right has a site, except a credit that is for book and claim alone."""
    booked = Model.parse(form.strongest) is Model.BOOK_AND_CLAIM
    return form.form_class.is_right and not (form.form_class is FormClass.CREDIT and booked)


def _check_signers(candidate: Candidate) -> None:
    recipe = candidate.recipe
    for role in recipe.co_signers:
        if recipe.co_signers.count(role) > 1:
            raise CoSignerTwice(candidate.name, role)
    role_needed = _SIGNED_BY.get(recipe.family)
    if role_needed is not None and role_needed not in recipe.co_signers:
        raise CoSignerMissing(candidate.name, recipe.family, role_needed)
    needs_somebody = recipe.has_process or recipe.family is Family.GRANT
    if needs_somebody and not recipe.co_signers:
        raise CoSignerMissing(candidate.name, recipe.family, None)


def _check_process(candidate: Candidate) -> None:
    recipe = candidate.recipe
    if recipe.has_process and recipe.family not in _EMITS:
        raise ProcessNotAllowed(candidate.name, recipe.family)


def check_floors(candidate: Candidate) -> None:
    """Check that floors are on metals that the recipe makes with emissions of its own.

    Raises:
        FloorWithoutProcess: one is not.
    """
    for strand, _ in candidate.expanded.floors:
        made = candidate.expanded.right_of(strand) is not None
        if not candidate.recipe.has_process or not made or strand.kind is not Kind.METAL:
            raise FloorWithoutProcess(candidate.name, strand.name)
