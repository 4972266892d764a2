"""Rules 7 and 8 of adoption, and what binds credits (protocol.md §4).

A claim keeps or weakens its chain-of-custody model. There are three ways in which a recipe could
strengthen one all the same, and each is refused here: drawing it from assurance onto material that
the standard does not speak of; passing it through a credit and taking it back as if it had never
left its material; and moving it round through credits for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lodeline.custody.candidate import Candidate, RecipeRefused, strands_of
from lodeline.custody.claims import Model
from lodeline.custody.expansion import EVERY_STANDARD
from lodeline.custody.forms import Form, FormClass
from lodeline.custody.recipes import ANY_FORM, ClaimMode, ClaimRule, Family, Recipe
from lodeline.custody.standards import Standard
from lodeline.custody.strands import Strand
from lodeline.kernel.ids import FormName, RecipeName, StandardName

__all__ = [
    "AssuranceUnused",
    "ClaimAssignedTwice",
    "ClaimFromWrongForm",
    "ClaimModeNotInFamily",
    "ClaimOnNothing",
    "ClaimRuleEmpty",
    "ClaimSourceMissing",
    "ClaimStrengthened",
    "ClaimsNotAllowed",
    "CreditChangesForm",
    "CreditUnused",
    "CreditWrongKind",
    "DrawOfEveryStandard",
    "FormsInCircle",
    "check_claims",
    "check_cycles",
]

_MODES: dict[Family, frozenset[ClaimMode]] = {
    Family.GRANT: frozenset(),
    Family.INTAKE: frozenset(),
    Family.WRITE_OFF: frozenset(),
    Family.CARRY: frozenset(),
    Family.MINE: frozenset({ClaimMode.DRAW}),
    Family.PROCESS: frozenset({ClaimMode.KEEP, ClaimMode.DRAW}),
    Family.RECYCLE: frozenset({ClaimMode.KEEP, ClaimMode.DRAW}),
    Family.DEPOSIT: frozenset({ClaimMode.KEEP, ClaimMode.DRAW, ClaimMode.DEPOSIT}),
    Family.TAKE_UP: frozenset({ClaimMode.KEEP, ClaimMode.DRAW, ClaimMode.TAKE_UP}),
    Family.TRANSFER_CREDIT: frozenset({ClaimMode.KEEP, ClaimMode.DEPOSIT, ClaimMode.TAKE_UP}),
}
_KEEP_ONLY = frozenset({ClaimMode.KEEP})
_STRONGEST: dict[Family, Model] = {
    Family.DEPOSIT: Model.MASS_BALANCE,
    Family.TAKE_UP: Model.MASS_BALANCE,
    Family.CARRY: Model.MASS_BALANCE,
    Family.TRANSFER_CREDIT: Model.BOOK_AND_CLAIM,
}
_CREDIT_MODEL = _STRONGEST
"""Families with credits deal in credits of exactly this model."""


class ClaimRuleEmpty(RecipeRefused):
    """A rule about no standard, or about every standard and one of them besides."""

    rule: int

    code = "recipe-claim-rule-empty"
    en = "{recipe}, claim rule {rule} names no standard, or every standard and another"
    fr = "{recipe}, règle de déclaration {rule} : aucune norme, ou toutes et une autre"
    advice_en = "name standards, or * alone"
    advice_fr = "nommez des normes, ou * seul"


class ClaimOnNothing(RecipeRefused):
    """A rule on a balance that is not there or that gives nothing to bear a claim."""

    rule: int
    balance: int

    code = "recipe-claim-on-nothing"
    en = "{recipe}, claim rule {rule} is about balance {balance}, which gives no material"
    fr = "{recipe}, règle de déclaration {rule} : le bilan {balance} ne donne pas de matière"
    advice_en = "name a balance whose right is metal or tolerance, counting from 0"
    advice_fr = "nommez un bilan dont la droite est métal ou tolérance, en comptant de 0"


class ClaimAssignedTwice(RecipeRefused):
    """Rule 7: two rules for one standard in one balance."""

    standard: StandardName
    balance: int

    code = "recipe-claim-assigned-twice"
    en = "{recipe} says twice how {standard} passes through balance {balance}"
    fr = "{recipe} dit deux fois comment {standard} traverse le bilan {balance}"
    advice_en = "keep one of the rules"
    advice_fr = "gardez une seule des règles"


class ClaimsNotAllowed(RecipeRefused):
    """Claim rules in a family through which no claim passes."""

    family: Family

    code = "recipe-claims-not-allowed"
    en = "{recipe} of the family {family} has no claim rules"
    fr = "{recipe}, de la famille {family}, n'a pas de règles de déclaration"
    advice_en = "remove them: stock and outside material bear nothing, grants are what they say"
    advice_fr = "enlevez-les : un stock extérieur ne porte rien, un octroi est ce qu'il dit"


class ClaimModeNotInFamily(RecipeRefused):
    """A mode that the family does not know."""

    mode: ClaimMode
    family: Family

    code = "recipe-claim-mode-not-in-family"
    en = "{recipe} of the family {family} cannot {mode} claims"
    fr = "{recipe}, de la famille {family}, n'admet pas le mode {mode} pour les déclarations"
    advice_en = "draw at mines and in processes; deposit and take up in their own families"
    advice_fr = "tirez à la mine et dans les procédés ; déposez et reprenez dans leurs familles"


class ClaimFromWrongForm(RecipeRefused):
    """Rule 8: drawn on material that the standard does not speak of."""

    standard: StandardName
    form: FormName
    balance: int

    code = "recipe-claim-from-wrong-form"
    en = "{recipe} draws {standard} in balance {balance}, into which {form} enters"
    fr = "{recipe} tire {standard} dans le bilan {balance}, où entre {form}"
    advice_en = "let only the forms that the standard names enter that balance"
    advice_fr = "ne laissez entrer dans ce bilan que les formes nommées par la norme"


class DrawOfEveryStandard(RecipeRefused):
    """Rule 8: a rule that draws whatever standard there is, now or later."""

    balance: int

    code = "recipe-draw-of-every-standard"
    en = "{recipe} draws every standard in balance {balance}"
    fr = "{recipe} tire toutes les normes dans le bilan {balance}"
    advice_en = "name the standards that speak of what enters there"
    advice_fr = "nommez les normes qui parlent de ce qui y entre"


class ClaimSourceMissing(RecipeRefused):
    """A claim that is to come from, or go to, a lot that no port lets through."""

    mode: ClaimMode
    missing: FormClass

    code = "recipe-claim-source-missing"
    en = "{recipe} has claims to {mode}, but no port for {missing}"
    fr = "{recipe} a des déclarations en mode {mode}, mais pas de port pour {missing}"
    advice_en = "add the port, or the rule that is meant"
    advice_fr = "ajoutez le port, ou la règle voulue"


class AssuranceUnused(RecipeRefused):
    """Assurance that enters and that no rule draws on."""

    form: FormName

    code = "recipe-assurance-unused"
    en = "{recipe} takes {form} and draws no claim from it"
    fr = "{recipe} prend {form} et n'en tire aucune déclaration"
    advice_en = "add a rule that draws, or remove the port"
    advice_fr = "ajoutez une règle qui tire, ou enlevez le port"


class CreditUnused(RecipeRefused):
    """Credit that enters or leaves and that no rule speaks of."""

    form: FormName

    code = "recipe-credit-unused"
    en = "{recipe} takes or gives {form} and no rule moves a claim by it"
    fr = "{recipe} prend ou donne {form} et aucune règle n'y déplace de déclaration"
    advice_en = "add a rule that deposits or takes up, or remove the port"
    advice_fr = "ajoutez une règle qui dépose ou reprend, ou enlevez le port"


class ClaimStrengthened(RecipeRefused):
    """Rule 7: a recipe with credit whose outputs could bear a stronger model than credit has."""

    custody: str
    at_most: str

    code = "recipe-claim-strengthened"
    en = "{recipe} allows {custody} claims beside credit; it is {at_most} at most"
    fr = "{recipe} admet des déclarations {custody} à côté d'un crédit ; au plus {at_most}"
    advice_en = "what went through a credit is not tied to its material any more"
    advice_fr = "ce qui est passé par un crédit n'est plus lié à sa matière"


class CreditWrongKind(RecipeRefused):
    """Mass-balance credit where book and claim belongs, or the other way round."""

    form: FormName
    strongest: str
    wanted: str

    code = "recipe-credit-wrong-kind"
    en = "{recipe} deals in {form}, which is {strongest}; it needs {wanted}"
    fr = "{recipe} manie {form}, de modèle {strongest} ; il faut {wanted}"
    advice_en = "keep mass balance at its site and book and claim apart"
    advice_fr = "gardez le bilan massique sur son site et la réservation à part"


class CreditChangesForm(RecipeRefused):
    """Credit that would leave as another credit, or be carried without changing."""

    taken: tuple[FormName, ...]
    given: tuple[FormName, ...]

    code = "recipe-credit-changes-form"
    en = "{recipe} takes the credits {taken} and gives {given}"
    fr = "{recipe} prend les crédits {taken} et donne {given}"
    advice_en = "what is left of a credit keeps its form; only carrying gives another, once"
    advice_fr = "le reste d'un crédit garde sa forme ; seul le report en donne une autre, une fois"


class FormsInCircle(RecipeRefused):
    """Mass-balance steps, or carrying, that lead back to a form they began with."""

    forms: tuple[FormName, ...]
    beside: tuple[RecipeName, ...]

    code = "recipe-forms-in-circle"
    en = "{recipe} together with {beside} leads back to where it began: {forms}"
    fr = "{recipe}, avec {beside}, ramène au point de départ : {forms}"
    advice_en = "deposit and take-up go forward only, and a credit is carried once"
    advice_fr = "dépôt et reprise ne vont que vers l'avant, et un crédit n'est reporté qu'une fois"


def check_claims(candidate: Candidate) -> None:
    """Check rules 7 and 8 and the credits.

    Raises:
        RecipeRefused: one of its reasons.
        UnknownForm: a port names a form that is not in the table.
        UnknownStandard: a rule names a standard that is not in the table.
    """
    _check_rules(candidate)
    _check_modes(candidate)
    for rule in candidate.recipe.claims:
        if rule.mode is ClaimMode.DRAW:
            _check_draw(candidate, rule)
    _check_used(candidate)
    _check_credits(candidate)


def _check_rules(candidate: Candidate) -> None:
    seen: set[tuple[StandardName, int]] = set()
    for index, rule in enumerate(candidate.recipe.claims):
        every = EVERY_STANDARD in rule.standards
        if not rule.standards or (every and len(rule.standards) > 1):
            raise ClaimRuleEmpty(candidate.name, index)
        if not _gives_material(candidate, rule.balance):
            raise ClaimOnNothing(candidate.name, index, rule.balance)
        for standard in rule.standards:
            if (standard, rule.balance) in seen:
                raise ClaimAssignedTwice(candidate.name, standard, rule.balance)
            seen.add((standard, rule.balance))
            if standard != EVERY_STANDARD:
                candidate.standards[standard]


def _gives_material(candidate: Candidate, written_index: int) -> bool:
    return any(
        strand.is_material
        for balance in candidate.expanded.balances
        if balance.written_index == written_index
        for strand in balance.right
    )


def _check_modes(candidate: Candidate) -> None:
    family = candidate.recipe.family
    allowed = _MODES.get(family, _KEEP_ONLY)
    for rule in candidate.recipe.claims:
        if not allowed:
            raise ClaimsNotAllowed(candidate.name, family)
        if rule.mode not in allowed:
            raise ClaimModeNotInFamily(candidate.name, rule.mode, family)


def _check_draw(candidate: Candidate, rule: ClaimRule) -> None:
    """Rule 8: everything that can enter the balance is of the forms that the standard names.

    A port for any form never does: the table of forms grows after the recipe is adopted.
    """
    for name in rule.standards:
        if name == EVERY_STANDARD:
            raise DrawOfEveryStandard(candidate.name, rule.balance)
        if any(ANY_FORM in port.forms for port in candidate.recipe.inputs):
            raise ClaimFromWrongForm(candidate.name, name, ANY_FORM, rule.balance)
        for form in _entering(candidate, rule.balance):
            if not _speaks_of(candidate.standards[name], form):
                raise ClaimFromWrongForm(candidate.name, name, form.name, rule.balance)


def _entering(candidate: Candidate, written_index: int) -> Iterator[Form]:
    left: set[Strand] = set()
    for balance in candidate.expanded.balances:
        if balance.written_index == written_index:
            left.update(balance.left)
    for form in candidate.inputs:
        if not left.isdisjoint(strands_of(form)):
            yield form


def _speaks_of(standard: Standard, form: Form) -> bool:
    return form.form_class in standard.draws_from or form.name in standard.draws_from_forms


def _check_used(candidate: Candidate) -> None:
    """Assurance and credit come with rules that use them, and rules with ports for them."""
    recipe = candidate.recipe
    modes = {rule.mode for rule in recipe.claims}
    sources = (
        (ClaimMode.DRAW, FormClass.ASSURANCE, candidate.inputs),
        (ClaimMode.TAKE_UP, FormClass.CREDIT, candidate.inputs),
        (ClaimMode.DEPOSIT, FormClass.CREDIT, candidate.outputs),
    )
    for mode, wanted, forms in sources:
        if mode in modes and all(form.form_class is not wanted for form in forms):
            raise ClaimSourceMissing(candidate.name, mode, wanted)
    for form in (*candidate.inputs, *candidate.outputs):
        unused = ClaimMode.DRAW not in modes and recipe.family is not Family.GRANT
        if form.form_class is FormClass.ASSURANCE and unused:
            raise AssuranceUnused(candidate.name, form.name)
    _check_credit_used(candidate, modes)


def _check_credit_used(candidate: Candidate, modes: set[ClaimMode]) -> None:
    """A step that only passes credit on, to the next period or owner, has no rule and no metal."""
    if not candidate.recipe.balances:
        return
    for form in candidate.inputs:
        if form.form_class is FormClass.CREDIT and ClaimMode.TAKE_UP not in modes:
            raise CreditUnused(candidate.name, form.name)
    for form in candidate.outputs:
        if form.form_class is FormClass.CREDIT and modes.isdisjoint(
            {ClaimMode.DEPOSIT, ClaimMode.TAKE_UP}
        ):
            raise CreditUnused(candidate.name, form.name)


def _check_credits(candidate: Candidate) -> None:
    family = candidate.recipe.family
    wanted = _CREDIT_MODEL.get(family)
    if wanted is None:
        return
    if candidate.expanded.custody > wanted:
        raise ClaimStrengthened(candidate.name, candidate.recipe.custody, wanted.text)
    taken, given = _credits(candidate.inputs), _credits(candidate.outputs)
    for form in (*taken, *given):
        if Model.parse(form.strongest) is not wanted:
            raise CreditWrongKind(candidate.name, form.name, form.strongest, wanted.text)
    names_in = tuple(form.name for form in taken)
    names_out = tuple(form.name for form in given)
    if family is Family.CARRY:
        kept = len(names_in) == len(names_out) == 1 and names_in != names_out
    else:
        kept = len(names_in) <= 1 and len(names_out) <= 1 and _remainder(names_in, names_out)
    if not kept:
        raise CreditChangesForm(candidate.name, names_in, names_out)


def _remainder(taken: tuple[FormName, ...], given: tuple[FormName, ...]) -> bool:
    """Without this, what was carried once would leave as fresh credit and be carried again."""
    return not taken or not given or taken == given


def _credits(forms: tuple[Form, ...]) -> list[Form]:
    return [form for form in forms if form.form_class is FormClass.CREDIT]


def check_cycles(candidate: Candidate) -> None:
    """Check that mass-balance steps never lead back, and that a credit is carried once.

    Looked at together with the adopted recipes: one harmless step back and one forth would be a
    circle in which claims are swapped between lots for ever.

    Raises:
        FormsInCircle: they do.
    """
    family = candidate.recipe.family
    if family is Family.CARRY:
        _check_carried_once(candidate)
    if family not in (Family.DEPOSIT, Family.TAKE_UP):
        return
    beside = [
        item for item in candidate.others() if item.family in (Family.DEPOSIT, Family.TAKE_UP)
    ]
    steps = {item.name: _steps(candidate, item) for item in (candidate.recipe, *beside)}
    edges: dict[FormName, set[FormName]] = {}
    for taken, given in steps.values():
        for form in taken:
            edges.setdefault(form, set()).update(given)
    taken, given = steps[candidate.name]
    reached = _reachable(edges, given)
    back = tuple(sorted(reached & taken))
    if back:
        names = tuple(sorted(item.name for item in beside))
        raise FormsInCircle(candidate.name, back, names)


def _check_carried_once(candidate: Candidate) -> None:
    carried = [item for item in candidate.others() if item.family is Family.CARRY]
    taken = {form.name for form in candidate.inputs}
    given = {form.name for form in candidate.outputs}
    for other in carried:
        before = {name for port in other.inputs for name in port.forms}
        after = {name for port in other.outputs for name in port.forms}
        met = (given & before) | (taken & after)
        if met:
            raise FormsInCircle(candidate.name, tuple(sorted(met)), (other.name,))


def _steps(candidate: Candidate, recipe: Recipe) -> tuple[set[FormName], set[FormName]]:
    return (
        _material(candidate, (name for port in recipe.inputs for name in port.forms)),
        _material(candidate, (name for port in recipe.outputs for name in port.forms)),
    )


def _material(candidate: Candidate, names: Iterable[FormName]) -> set[FormName]:
    """Return the forms among some names that are material; a right has no way back."""
    return {
        name
        for name in names
        if name != ANY_FORM
        and name in candidate.forms
        and not candidate.forms[name].form_class.is_right
    }


def _reachable(edges: dict[FormName, set[FormName]], start: set[FormName]) -> set[FormName]:
    reached: set[FormName] = set()
    waiting = list(start)
    while waiting:
        form = waiting.pop()
        if form not in reached:
            reached.add(form)
            waiting.extend(edges.get(form, ()))
    return reached
