"""Acts of the members together: votes on tables, members, sites and recognitions.

Votes are collected from the voting members whose keys the workspace can open. Where these are too
few, the act becomes a request that goes from member to member as a file (`node.requests`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lodeline.crypto.signatures import SignatureContext, SigningKey, sign
from lodeline.custody.recipe_table import load_recipes
from lodeline.engine.interface import Receipt
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, MemberId, OneTimeKey, RecipeDigest, RecipeName, SiteId
from lodeline.ledger.entries import (
    Act,
    AdoptRecipe,
    Govern,
    GovernBody,
    RegisterSite,
    RetireRecipe,
    RotateKey,
    RotateKeyBody,
    SiteRecord,
    entry_id,
)
from lodeline.ledger.records import RecipeRecord
from lodeline.node.reference import shipped_recipes
from lodeline.node.requests import Request, completed, missing, with_signature
from lodeline.node.session import Session
from lodeline.node.workspace import read_file

__all__ = [
    "RecipeNotFound",
    "adopt_shipped_recipe",
    "adopt_written_recipes",
    "recipe_in_force",
    "recipe_named",
    "register_site",
    "retire_recipe",
    "rotate_keys",
    "vote",
]


class RecipeNotFound(LodelineError):
    """A name under which no recipe is known."""

    recipe: str

    code = "recipe-not-found"
    en = "there is no recipe named {recipe}"
    fr = "il n'y a pas de recette nommée {recipe}"
    advice_en = "see the recipes with `lodeline recipes`"
    advice_fr = "voyez les recettes avec « lodeline recipes »"


def vote(session: Session, acts: Sequence[Act]) -> Receipt | Request:
    """Put acts to the vote of the members whose keys are here.

    Returns where the entry stands in the log, or, with too few votes, the request that other
    members have still to sign.

    Raises:
        GovernanceRefused, …: the ledger refuses one of the acts, and none is done.
    """
    body = GovernBody(session.chain, session.state.acts, tuple(acts))
    request = Request(Govern(body, ()), (), (), ())
    for member in session.workspace.members():
        if member not in missing(session.state, request):
            continue
        keys = session.keyring.keys_if_opened_by_same(member)
        if keys is not None:
            request = with_signature(session.state, request, member, keys)
    if missing(session.state, request):
        return request
    return session.submit(completed(session.state, request))


# ------------------------------------------------------------------ sites


def register_site(
    session: Session, member: MemberId, site: SiteId, title: str, country: str
) -> Receipt | Request:
    """Make a facility's key, keep it with its member, and have the site registered.

    A key that the member has already is registered as it is: an earlier vote may have failed.

    Raises:
        SiteOfOther: the site is another member's.
    """
    keys = session.keys(member)
    if site not in keys.facilities:
        keys = keys.with_facility(site, SigningKey.generate(session.entropy))
        session.keyring.replace(member, keys)
    facility = keys.facility(site)
    record = SiteRecord(site, member, title=title, country=country, facility_key=facility.public)
    return vote(session, (RegisterSite(record),))


# ------------------------------------------------------------------ keys


def rotate_keys(session: Session, member: MemberId) -> Receipt:
    """Give a member a new signing key; address and facilities stay.

    The address stays so that lots already sent, and those under way, are still found.

    Raises:
        UnknownMember, MemberNotActive: the member may not act.
    """
    old = session.keys(member)
    fresh = SigningKey.generate(session.entropy)
    kept = HolderKeys(fresh, old.view, old.spend, old.vault, old.facilities)
    record = session.state.members.get(member)
    body = RotateKeyBody(
        session.chain,
        member,
        0 if record is None else record.rotations,
        fresh.public,
        OneTimeKey(old.spend.public),
        Hash32(old.view.public),
    )
    blank = sign(old.signing, SignatureContext.ENTRY, b"")
    identity = entry_id(RotateKey(body, blank, blank))
    entry = RotateKey(
        body,
        sign(old.signing, SignatureContext.ENTRY, identity),
        sign(fresh, SignatureContext.ENTRY, identity),
    )
    session.keyring.stage(member, kept)
    accepted = session.submit(entry)
    session.keyring.settle(member, kept)
    return accepted


# ------------------------------------------------------------------ recipes


def recipe_named(session: Session, name: RecipeName) -> tuple[RecipeDigest, RecipeRecord]:
    """Return the recipe of a name: of several versions the newest that is in force now.

    Raises:
        RecipeNotFound: none of this name was adopted.
    """
    found = [
        (digest, record)
        for digest, record in session.state.tables.recipes.items()
        if record.recipe.name == name
    ]
    if not found:
        raise RecipeNotFound(name)
    return max(found, key=lambda item: (_in_force(session, item[1]), item[1].recipe.version))


def recipe_in_force(session: Session, record: RecipeRecord) -> bool:
    """Return whether a recipe takes transforms now."""
    return _in_force(session, record)


def _in_force(session: Session, record: RecipeRecord) -> bool:
    now, until = session.now(), record.recipe.valid_to
    begun = record.recipe.valid_from <= now and (until is None or now <= until)
    return begun and not record.retired


def adopt_shipped_recipe(session: Session, name: RecipeName) -> Receipt | Request:
    """Adopt a recipe of the package, for a consortium that founded without it or retired it.

    Raises:
        RecipeNotFound: the package has none of this name.
        RecipeKnown, …: the ledger refuses it.
    """
    for recipe in shipped_recipes():
        if recipe.name == name:
            return vote(session, (AdoptRecipe(recipe),))
    raise RecipeNotFound(name)


def adopt_written_recipes(session: Session, path: Path) -> Receipt | Request:
    """Adopt the recipes of a YAML file in the form of the shipped table, all or none.

    Raises:
        FileUnreadable, TableRefused: the file.
        RecipeKnown, …: the ledger refuses one of them, with what would let it create mass.
    """
    text = read_file(path).decode("utf-8", errors="replace")
    return vote(session, tuple(AdoptRecipe(recipe) for recipe in load_recipes(text)))


def retire_recipe(session: Session, name: RecipeName) -> Receipt | Request:
    """Have a recipe accept no further transforms.

    Raises:
        RecipeNotFound: none of this name was adopted.
    """
    digest, _ = recipe_named(session, name)
    return vote(session, (RetireRecipe(digest),))
