"""Whether a mapping can work: names that exist, forms that fit the recipes, signers who may sign.

What is found here would otherwise be found event by event. Told are all faults, in the order of the
file, and none of them needs an event: planning judges amounts, claims and rights later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lodeline.custody.recipes import ANY_FORM, Port, Recipe
from lodeline.exchange.marked import FileRefused
from lodeline.kernel.ids import FormName, MemberId, RecipeName, Role, SiteId
from lodeline.ledger.state import State
from lodeline.node.events.mapping import CompanyMapping, Doing, StepRule

__all__ = [
    "MappingFormNotGiven",
    "MappingFormNotTaken",
    "MappingFormUnclassed",
    "MappingSignerNotNamed",
    "MappingSignerUnfit",
    "MappingSiteMissing",
    "MappingSiteOfAnother",
    "MappingStepHidden",
    "misfits_of",
]


class MappingFormNotTaken(FileRefused):
    """A step with goods that its recipe does not take in."""

    recipe: RecipeName
    form: FormName
    takes: tuple[FormName, ...]

    code = "mapping-form-not-taken"
    en = "{file}, line {line}: {recipe} takes in no {form}"
    fr = "{file}, ligne {line} : {recipe} ne prend pas de {form}"
    advice_en = "it takes: {takes}; see `lodeline recipe show {recipe}`"
    advice_fr = "elle prend : {takes} ; voyez « lodeline recipe show {recipe} »"


class MappingFormNotGiven(FileRefused):
    """A step with goods that its recipe does not make."""

    recipe: RecipeName
    form: FormName
    gives: tuple[FormName, ...]

    code = "mapping-form-not-given"
    en = "{file}, line {line}: no {form} comes out of {recipe}"
    fr = "{file}, ligne {line} : aucun {form} ne sort de {recipe}"
    advice_en = "what comes out: {gives}; see `lodeline recipe show {recipe}`"
    advice_fr = "il en sort : {gives} ; voyez « lodeline recipe show {recipe} »"


class MappingFormUnclassed(FileRefused):
    """A step that waits for goods of which the mapping has no class: it never comes to it."""

    form: FormName

    code = "mapping-form-unclassed"
    en = "{file}, line {line}: the step waits for {form}, and no class of goods is that"
    fr = "{file}, ligne {line} : l'étape attend {form}, dont aucune classe n'est sous goods"
    advice_en = "add the class under goods, with its pattern"
    advice_fr = "ajoutez la classe sous goods, avec son motif"


class MappingSignerNotNamed(FileRefused):
    """A recipe that is signed in a role that several members have, or none."""

    recipe: RecipeName
    role: Role
    candidates: tuple[MemberId, ...]

    code = "mapping-signer-not-named"
    en = "{file}, line {line}: it is not said who signs {recipe} as {role}"
    fr = "{file}, ligne {line} : il n'est pas dit qui signe {recipe} comme {role}"
    advice_en = "name one under co_signers; members with this role: {candidates}"
    advice_fr = "nommez-en un sous co_signers ; membres ayant ce rôle : {candidates}"


class MappingSignerUnfit(FileRefused):
    """A signer who may not sign so, or in a role that the recipe does not ask for."""

    recipe: RecipeName
    role: Role
    member: MemberId
    asked: tuple[Role, ...]

    code = "mapping-signer-unfit"
    en = "{file}, line {line}: {member} cannot sign {recipe} as {role}"
    fr = "{file}, ligne {line} : {member} ne peut signer {recipe} comme {role}"
    advice_en = "the recipe asks for: {asked}; see `lodeline members` for who may"
    advice_fr = "la recette demande : {asked} ; voyez « lodeline members » pour qui le peut"


class MappingSiteOfAnother(FileRefused):
    """A place that is mapped to a site of another member, with whose key nobody here can sign."""

    site: SiteId
    member: MemberId

    code = "mapping-site-of-another"
    en = "{file}, line {line}: {site} is a site of {member}"
    fr = "{file}, ligne {line} : {site} est un site de {member}"
    advice_en = "name a site of the company's own, or leave the place out"
    advice_fr = "nommez un site de l'entreprise, ou omettez le lieu"


class MappingSiteMissing(FileRefused):
    """A recipe that happens at a site, in a mapping that has none."""

    recipe: RecipeName

    code = "mapping-site-missing"
    en = "{file}, line {line}: {recipe} happens at a site, and the mapping has none"
    fr = "{file}, ligne {line} : {recipe} a lieu sur un site, et la correspondance n'en a pas"
    advice_en = "add the read point under sites"
    advice_fr = "ajoutez le point de lecture sous sites"


class MappingStepHidden(FileRefused):
    """A step to which it never comes, since an earlier one takes everything that it would."""

    before: int
    """Line of that step."""

    code = "mapping-step-hidden"
    en = "{file}, line {line}: it never comes to this step; the one of line {before} comes first"
    fr = "{file}, ligne {line} : étape jamais atteinte ; celle de la ligne {before} passe avant"
    advice_en = "put the one with more conditions first"
    advice_fr = "mettez d'abord celle qui a plus de conditions"


def misfits_of(state: State, mapping: CompanyMapping) -> Iterator[FileRefused]:
    """Yield what cannot work in a mapping whose names all exist, step by step.

    Names that the consortium does not have are passed over here; `working.faults_of` tells them.
    """
    for site in dict.fromkeys(mapping.sites.values()):
        record = state.sites.get(site)
        if record is not None and record.member != mapping.company:
            yield MappingSiteOfAnother(mapping.file, 1, site, MemberId(record.member))
    recipes = {record.recipe.name: record.recipe for record in state.tables.recipes.values()}
    for index, step in enumerate(mapping.steps):
        yield from _hidden(mapping, step, mapping.steps[:index])
        yield from _unclassed(state, mapping, step)
        recipe = None if step.recipe is None else recipes.get(step.recipe)
        if step.do is Doing.MAKE and recipe is not None:
            yield from _made(state, mapping, step, recipe)


def _hidden(
    mapping: CompanyMapping, step: StepRule, before: Sequence[StepRule]
) -> Iterator[FileRefused]:
    for earlier in before:
        if earlier.when.covers(step.when):
            yield MappingStepHidden(mapping.file, step.line, earlier.line)
            return


def _unclassed(state: State, mapping: CompanyMapping, step: StepRule) -> Iterator[FileRefused]:
    known = {goods.form for goods in mapping.goods}
    for form in dict.fromkeys((*step.when.used, *step.when.made, *step.when.goods)):
        if form not in known and form in state.tables.forms:
            yield MappingFormUnclassed(mapping.file, step.line, form)


def _made(
    state: State, mapping: CompanyMapping, step: StepRule, recipe: Recipe
) -> Iterator[FileRefused]:
    file, line = mapping.file, step.line
    takes, gives, forms = _forms(recipe.inputs), _forms(recipe.outputs), state.tables.forms
    for form in step.when.used:
        if form in forms and not _fits(form, takes):
            yield MappingFormNotTaken(file, line, recipe.name, form, takes)
    for form in (*step.when.made, *step.yields):
        if form in forms and not _fits(form, gives):
            yield MappingFormNotGiven(file, line, recipe.name, form, gives)
    if recipe.needs_site and not mapping.sites:
        yield MappingSiteMissing(file, line, recipe.name)
    yield from _signers(state, mapping, step, recipe)


def _forms(ports: Sequence[Port]) -> tuple[FormName, ...]:
    return tuple(dict.fromkeys(form for port in ports for form in port.forms))


def _fits(form: FormName, forms: Sequence[FormName]) -> bool:
    return form in forms or ANY_FORM in forms


def _signers(
    state: State, mapping: CompanyMapping, step: StepRule, recipe: Recipe
) -> Iterator[FileRefused]:
    """Yield signers who cannot sign, and roles for which nobody is named and not one is there."""
    named = step.co_signers or {}
    for role, member in named.items():
        record = state.members.get(member)
        fits = record is None or (role in recipe.co_signers and record.has_role(role))
        if not fits:
            asked = recipe.co_signers
            yield MappingSignerUnfit(mapping.file, step.line, recipe.name, role, member, asked)
    chosen = set(named.values())
    for role in recipe.co_signers:
        candidates = tuple(
            member
            for member, record in state.members.items()
            if record.is_active and record.has_role(role) and member not in chosen
        )
        if role not in named and len(candidates) != 1:
            yield MappingSignerNotNamed(mapping.file, step.line, recipe.name, role, candidates)
        elif role not in named:
            chosen.update(candidates)
