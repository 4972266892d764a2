"""Capture: from the file that somebody wrote to an order that can be planned.

Names become members, sites, recipes and lots; documents are hashed with a salt that stays in the
vault; what is weighed becomes contained mass. What the trade would look at twice is said as advice,
which refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lodeline.custody.claims import Model
from lodeline.custody.forms import Form, FormClass
from lodeline.custody.plausibility import (
    Advice,
    Weighing,
    advise_assay,
    advise_weighing,
)
from lodeline.custody.recipes import Family, Recipe
from lodeline.custody.strands import Kind, Strand
from lodeline.exchange.transform_file import (
    ContainedMass,
    OutputPart,
    TransformFile,
    WeighedMass,
)
from lodeline.holder.building import ProcessNumbers
from lodeline.holder.records import AssayFact, Document, LotFacts, register_document
from lodeline.holder.wishes import ClaimWish, Wish
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    FormName,
    Hash32,
    MemberId,
    RecipeName,
    Role,
    SiteId,
    StandardName,
)
from lodeline.kernel.units import Milligrams
from lodeline.ledger.case import active_site, member_in_role
from lodeline.ledger.refusals_transforms import SignerInTwoRoles, SiteNeeded, SiteNotExpected
from lodeline.ledger.state import State
from lodeline.node.granting import RIGHT_KINDS, address_of
from lodeline.node.holding import Holding
from lodeline.node.workspace import read_file
from lodeline.proofs.body import SignerRef

__all__ = ["Captured", "CapturedOutput", "CoSignerNotNamed", "capture", "signers_for"]

_REMARK_CHARS = 500


class CoSignerNotNamed(LodelineError):
    """A role that several members have, or none, and nobody is named."""

    role: Role
    candidates: tuple[MemberId, ...]

    code = "co-signer-not-named"
    en = "it is not said who signs as {role}; members with this role: {candidates}"
    fr = "il n'est pas dit qui signe comme {role} ; membres ayant ce rôle : {candidates}"
    advice_en = "name one in the file: co_signers: {{{role}: MEMBER}}"
    advice_fr = "nommez-en un dans le fichier : co_signers : {{{role}: MEMBRE}}"


class CoSignerNotAsked(LodelineError):
    """A signer is named for a role that the recipe does not ask for."""

    role: Role
    asked: tuple[Role, ...]
    recipe: RecipeName

    code = "co-signer-not-asked"
    en = "{recipe} asks for no signature as {role}"
    fr = "{recipe} ne demande aucune signature comme {role}"
    advice_en = "leave it out; the recipe asks for: {asked}"
    advice_fr = "omettez-le ; la recette demande : {asked}"


@dataclass(frozen=True)
class CapturedOutput:
    """One lot that comes out: as a wish for the planner, and what the vault keeps about it."""

    wish: Wish
    facts: LotFacts | None
    to: MemberId
    advice: tuple[Advice, ...]


@dataclass(frozen=True)
class Captured:
    """What a transform file asks for, with every name looked up."""

    recipe: Recipe
    site: SiteId | None
    outputs: tuple[CapturedOutput, ...]
    process: ProcessNumbers | None
    signers: tuple[SignerRef, ...]


def capture(own: Holding, recipe: Recipe, file: TransformFile, folder: Path) -> Captured:
    """Return what a file asks for; ``folder`` is where its documents are looked for.

    Raises:
        CoSignerNotNamed, CoSignerNotAsked, RoleMissing, UnknownMember, MemberNotActive: names.
        SiteNeeded, SiteNotExpected, UnknownSite, FacilityKeyMissing: the site.
        UnknownForm: an output of a form that the consortium does not have.
        FileUnreadable: a document that is not there.
    """
    _check_site(own, recipe, file.site)
    process = file.process
    return Captured(
        recipe=recipe,
        site=file.site,
        outputs=tuple(_output(own, part, folder) for part in file.outputs),
        process=None if process is None else ProcessNumbers(process.emissions, process.primary),
        signers=signers_for(own.session.state, recipe, file.co_signers),
    )


def _check_site(own: Holding, recipe: Recipe, site: SiteId | None) -> None:
    """Refuse a step without its site, or at a site whose key is not with the holder."""
    if site is None:
        if recipe.needs_site:
            raise SiteNeeded(recipe.name)
        return
    active_site(own.session.state, site)
    if recipe.family is Family.GRANT:
        return
    if not recipe.needs_site:
        raise SiteNotExpected(recipe.name, site)
    own.keys.facility(site)


# ------------------------------------------------------------------ who signs


def signers_for(
    state: State, recipe: Recipe, named: Mapping[Role, MemberId]
) -> tuple[SignerRef, ...]:
    """Return who signs in each role of a recipe: the member named, else the only one there is.

    Raises:
        CoSignerNotNamed, CoSignerNotAsked: nobody to choose, or somebody too many.
        SignerInTwoRoles: one member named for two roles, which nobody may sign at once.
        UnknownMember, MemberNotActive, RoleMissing: the member named cannot sign so.
    """
    for role in named:
        if role not in recipe.co_signers:
            raise CoSignerNotAsked(role, recipe.co_signers, recipe.name)
    chosen: dict[MemberId, Role] = {}
    for role in recipe.co_signers:
        member = _signer(state, role, named.get(role), frozenset(chosen) | set(named.values()))
        if member in chosen:
            raise SignerInTwoRoles(member, (chosen[member], role))
        chosen[member] = role
    return tuple(SignerRef(member, role) for member, role in chosen.items())


def _signer(
    state: State, role: Role, named: MemberId | None, taken: frozenset[MemberId]
) -> MemberId:
    """Return the member named for a role, else the only one that is free to sign in it."""
    if named is not None:
        return member_in_role(state, named, role).member.member
    candidates = tuple(
        member
        for member, record in state.members.items()
        if record.is_active and record.has_role(role) and member not in taken
    )
    if len(candidates) != 1:
        raise CoSignerNotNamed(role, candidates)
    return candidates[0]


# ------------------------------------------------------------------ what comes out


def _output(own: Holding, part: OutputPart, folder: Path) -> CapturedOutput:
    state = own.session.state
    form = state.tables.forms[part.form]
    to = own.member if part.to is None else part.to
    documents = _documents(own, part.documents, folder)
    wish = Wish(
        form=FormName(part.form),
        recipient=own.address if to == own.member else address_of(own.session.member(to)),
        amounts=_amounts(form, part),
        claims=_claims(form, part),
        product=part.product,
        references=tuple(Hash32(item.hash) for item in documents),
        memo=_memo(part),
    )
    return CapturedOutput(wish, _facts(part, documents), to, tuple(_advice(form, part)))


def _amounts(form: Form, part: OutputPart) -> dict[Strand, Milligrams] | None:
    """Return the contained masses as strands: of the metal, or of the right that the form is."""
    if part.content is None:
        return None
    kind = RIGHT_KINDS.get(form.form_class, Kind.METAL)
    return {Strand(element, kind): mass for element, mass in part.content.contained().items()}


def _claims(form: Form, part: OutputPart) -> tuple[ClaimWish, ...] | None:
    """Return the claims asked for; none named means every claim that can be kept or drawn.

    An assurance bears its standards with the amounts that are given for it.
    """
    if not part.claims:
        return None
    if part.claims == ("none",):
        return ()
    if form.form_class is FormClass.ASSURANCE and part.content is not None:
        return tuple(
            ClaimWish(claim.standard, claim.model or Model.SEGREGATED, element, mass)
            for claim in map(_claim, part.claims)
            for element, mass in part.content.contained().items()
        )
    return tuple(_claim(text) for text in part.claims)


def _claim(text: str) -> ClaimWish:
    standard, slash, model = text.partition("/")
    return ClaimWish(StandardName(standard), Model.parse(model) if slash else None)


def _memo(part: OutputPart) -> str:
    """Return what the recipient reads: the remark, and the seals that he will find."""
    seals = f"seals: {', '.join(part.seals)}" if part.seals else ""
    return " · ".join(text for text in (part.memo, seals) if text)[:_REMARK_CHARS]


def _documents(own: Holding, names: tuple[str, ...], folder: Path) -> tuple[Document, ...]:
    return tuple(
        register_document(name, read_file(folder / name), own.session.entropy) for name in names
    )


def _facts(part: OutputPart, documents: tuple[Document, ...]) -> LotFacts | None:
    weighed = part.content if isinstance(part.content, WeighedMass) else None
    if weighed is None and not (part.seals or documents or part.memo):
        return None
    assays = () if weighed is None else weighed.assays
    return LotFacts(
        net=None if weighed is None else weighed.wet,
        moisture=None if weighed is None else weighed.moisture,
        assays=tuple(
            AssayFact(item.element, item.share, part.method, part.laboratory) for item in assays
        ),
        seals=part.seals,
        documents=documents,
        remark=part.memo,
    )


def _advice(form: Form, part: OutputPart) -> Iterator[Advice]:
    if isinstance(part.content, ContainedMass) or part.content is None:
        return
    weighed = part.content
    dry = Milligrams(weighed.wet * (PPM_ONE - weighed.moisture) // PPM_ONE)
    yield from advise_weighing(Weighing(weighed.wet, dry))
    for assay in weighed.assays:
        yield from advise_assay(form, assay)
