"""A consortium for tests: members, sites, the packaged tables, and lots whose numbers are paper.

The state never reads a number, so most tests need no proof: `World.apply` forges the verdict that
verification would give, through the seam of `proofs.batch`, and lots carry dummy commitments. What
verification itself does is tested with real proofs in `test_proved.py`.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TypeVar

import pytest
from msgspec import structs

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.generators import OWNER_BASE
from lodeline.crypto.group import Scalar, encode_point, random_scalar
from lodeline.crypto.onetime import SpendKey, tag
from lodeline.crypto.owner_signature import sign_as_owner
from lodeline.crypto.sealing import ViewPrivateKey
from lodeline.crypto.signatures import SignatureContext, SigningKey, sign
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.lots import ClaimCommitment, LotPublic, StrandPublic
from lodeline.custody.recipe_table import load_recipes
from lodeline.custody.recipes import Recipe
from lodeline.custody.strands import Strand
from lodeline.custody.tables import load_allocation, load_forms, load_standards
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ChainId,
    Commitment,
    ElementSymbol,
    FormName,
    Hash32,
    LotId,
    MemberId,
    NoteHash,
    OneTimeKey,
    Role,
    SignatureBytes,
    SiteId,
    StandardName,
    StrandName,
    Tag,
    TransformId,
)
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.ledger.apply import Applied, apply
from lodeline.ledger.entries import (
    Accept,
    AcceptBody,
    Act,
    AdoptAllocation,
    AdoptForm,
    AdoptRecipe,
    AdoptStandard,
    Decline,
    DeclineBody,
    Entry,
    EntryId,
    Genesis,
    Govern,
    GovernBody,
    Member,
    MemberSignature,
    Offer,
    OfferBody,
    Recall,
    RecallBody,
    Recognise,
    RegisterSite,
    SiteRecord,
    SiteSignature,
    Transform,
    Withdraw,
    WithdrawBody,
    encode_entry,
    entry_id,
)
from lodeline.ledger.state import State
from lodeline.ledger.tasks import proof_key
from lodeline.proofs import batch
from lodeline.proofs.batch import Verdict, Verdicts
from lodeline.proofs.body import (
    PROTOCOL_VERSION,
    InputRef,
    ProcessCommitments,
    SignerRef,
    TransformBody,
    lot_id,
    transform_id,
)
from lodeline.proofs.proof import OwnerSignature, Proof

E = TypeVar("E", bound=LodelineError)

ENTROPY = SystemEntropy()
CHAIN = ChainId("test.example/chain")
START = parse_time("2026-03-10T08:00:00Z")
MINE = SiteId("mine-1")
OTHER_MINE = SiteId("mine-2")
REFINERY = SiteId("refinery-1")
NO_PROOF = Proof((), None, (), (), None)
ELEMENTS = tuple(map(ElementSymbol, ("C", "Co", "Cu", "Fe", "Li", "Mn", "Ni", "Sn", "Ta", "W")))
DUMMY = Commitment(b"\x99" * 48)
DUMMY_SIGNATURE = SignatureBytes(bytes(64))

ROLES: Mapping[str, tuple[str, ...]] = {
    "authority": ("authority",),
    "audit-a": ("auditor",),
    "audit-b": ("auditor",),
    "certifier": ("certifier",),
    "meters": ("energy-auditor",),
    "miner": ("counterparty",),
    "other-miner": (),
    "refiner": ("counterparty",),
    "works": ("carrier", "customs", "laboratory", "umpire", "weighbridge"),
}
VOTERS = ("authority", "audit-a", "miner", "refiner")
THRESHOLD = 3


class Party:
    """A member with its secrets."""

    def __init__(self, name: str, roles: Sequence[str], *, votes: bool) -> None:
        self.key = SigningKey.generate(ENTROPY)
        self.spend = SpendKey.generate(ENTROPY)
        self.view = ViewPrivateKey.generate(ENTROPY)
        self.member = Member(
            MemberId(name),
            title=name.title(),
            country="CD",
            key=self.key.public,
            spend=OneTimeKey(self.spend.public),
            view=Hash32(self.view.public),
            roles=tuple(Role(role) for role in roles),
            votes=votes,
        )

    @property
    def id(self) -> MemberId:
        return self.member.member

    def sign(self, context: SignatureContext, identity: EntryId) -> MemberSignature:
        return MemberSignature(self.id, sign(self.key, context, identity))


def packaged(name: str) -> str:
    """Return one of the packaged tables."""
    return resources.files("lodeline.custody").joinpath("data", name).read_text(encoding="utf-8")


FORMS = load_forms(packaged("forms.yaml"))
STANDARDS = load_standards(packaged("standards.yaml"))
ALLOCATIONS = load_allocation(packaged("allocation.yaml"))
RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe for recipe in load_recipes(packaged("recipes.yaml"))
}


def chunks(acts: Sequence[Act], size: int) -> list[Sequence[Act]]:
    return [acts[start : start + size] for start in range(0, len(acts), size)]


def fingerprint(state: State) -> tuple[object, ...]:
    """Return everything that a refused entry must leave as it was."""
    shelves = [dict(getattr(state, field.name).items()) for field in dataclasses.fields(state)]
    return (
        state.root,
        state.time,
        state.size,
        state.acts,
        state.tables.digest,
        state.constants,
        *shelves,
    )


class World:
    """A state with everybody's secrets."""

    def __init__(self, *recipes: str) -> None:
        self.state = State()
        self.now = START
        self.log: list[tuple[bytes, BlockTime]] = []
        self.parties = {
            name: Party(name, roles, votes=name in VOTERS) for name, roles in ROLES.items()
        }
        self.facilities = {
            site: SigningKey.generate(ENTROPY) for site in (MINE, OTHER_MINE, REFINERY)
        }
        self.secrets: dict[OneTimeKey, Scalar] = {}
        self.apply(self.genesis())
        self.adopt(recipes)
        self.register()

    # ---------------------------------------------------------------- applying

    def verdicts(self, *entries: Entry, refusal: LodelineError | None = None) -> Verdicts:
        """Forge what verification would say of these entries under the present tables."""
        found = {}
        for entry in entries:
            key = proof_key(entry, self.state.tables)
            found[key] = Verdict(key, refusal, seal=batch._SEAL)
        return found

    def apply(self, entry: Entry, at: BlockTime | None = None) -> Applied:
        """Accept an entry, or fail the test."""
        self.now = at or self.now
        applied = apply(self.state, entry, self.now, self.verdicts(entry))
        self.log.append((encode_entry(entry), self.now))
        return applied

    def refused(
        self, entry: Entry, error: type[E], at: BlockTime | None = None, **fields: object
    ) -> E:
        """Expect a refusal of exactly this class and these fields, and a state left as it was."""
        before = fingerprint(self.state)
        with pytest.raises(error) as caught:
            apply(self.state, entry, at or self.now, self.verdicts(entry))
        assert type(caught.value) is error
        known = caught.value.fields()
        assert {name: known[name] for name in fields} == fields
        assert fingerprint(self.state) == before
        return caught.value

    # ---------------------------------------------------------------- founding

    def genesis(self, **changes: object) -> Genesis:
        members = tuple(party.member for party in self.parties.values())
        values: dict[str, object] = {
            "chain": CHAIN,
            "version": PROTOCOL_VERSION,
            "title": "Test",
            "synthetic": True,
            "members": members,
            "threshold": THRESHOLD,
            "grace_seconds": 15 * 86_400,
            "credit_period": "quarter",
            "elements": ELEMENTS,
            "signatures": (),
        }
        return self.signed_genesis(Genesis(**{**values, **changes}))  # type: ignore[arg-type]  # fields by name

    def signed_genesis(self, genesis: Genesis) -> Genesis:
        identity = entry_id(genesis)
        signatures = tuple(
            self.parties[member.member].sign(SignatureContext.VOTE, identity)
            for member in genesis.members
        )
        return structs.replace(genesis, signatures=signatures)

    def govern(self, *acts: Act, voters: Sequence[str] = VOTERS, **changes: object) -> Govern:
        body = structs.replace(GovernBody(CHAIN, self.state.acts, acts), **changes)
        identity = entry_id(Govern(body, ()))
        context = SignatureContext.VOTE
        return Govern(body, tuple(self.parties[name].sign(context, identity) for name in voters))

    def adopt(self, recipes: Sequence[str]) -> None:
        acts: list[Act] = [AdoptForm(form) for form in FORMS.all()]
        acts += [AdoptStandard(standard) for standard in STANDARDS.all()]
        acts += [AdoptAllocation(table) for table in ALLOCATIONS.all()]
        acts += [AdoptRecipe(RECIPES[name]) for name in recipes]
        for part in chunks(acts, 16):
            self.apply(self.govern(*part))

    def register(self) -> None:
        owners = {MINE: "miner", OTHER_MINE: "other-miner", REFINERY: "refiner"}
        acts: list[Act] = [
            RegisterSite(self.site_record(site, owner)) for site, owner in owners.items()
        ]
        until = parse_time("2026-12-31T23:59:59Z")
        granters = {"licence": "authority", "quota": "authority", "intake": "audit-a"}
        acts += [Recognise(MemberId(name), None, right, until) for right, name in granters.items()]
        acts += [
            Recognise(MemberId("certifier"), StandardName(standard), None, until)
            for standard in ("IRMA-75", "RMAP-refiner")
        ]
        self.apply(self.govern(*acts))

    def site_record(self, site: SiteId, owner: str) -> SiteRecord:
        public = self.facilities[site].public
        return SiteRecord(site, MemberId(owner), title=site, country="CD", facility_key=public)

    # ---------------------------------------------------------------- lots and transforms

    def paper(
        self,
        form: str,
        strands: Mapping[str, Sequence[str]],
        *,
        expires: int | None = None,
        site: bool = False,
    ) -> LotPublic:
        """Return a lot under a fresh key, with dummy commitments; strands with their claims."""
        is_right = FORMS[FormName(form)].form_class.is_right
        secret = random_scalar(ENTROPY)
        owner = OneTimeKey(encode_point(OWNER_BASE * secret))
        self.secrets[owner] = secret
        return LotPublic(
            FormName(form),
            owner,
            expires,
            tuple(_strand(name, claims) for name, claims in sorted(strands.items())),
            None if is_right else DUMMY,
            None if is_right else DUMMY,
            DUMMY if is_right or site else None,
            None,
        )

    def ore(self, *claims: str) -> LotPublic:
        return self.paper("copper-cobalt-ore", {"Co": claims, "Cu": ()})

    def licence(self, expires: int | None = None, *elements: str) -> LotPublic:
        strands = {f"{element}.licence": () for element in elements or ("Co", "Cu")}
        return self.paper("licence", strands, expires=self.right_expiry(expires))

    def assurance(self, expires: int | None = None, standard: str = "IRMA-75") -> LotPublic:
        strands = {"Co.assurance": (f"{standard}/segregated",)}
        return self.paper("assurance", strands, expires=self.right_expiry(expires))

    def right_expiry(self, expires: int | None = None) -> int:
        constants = self.state.constants
        assert constants is not None
        return constants.right_expiry(self.now) if expires is None else expires

    def tag(self, lot: LotId) -> Tag:
        return tag(self.secrets[self.public(lot).owner])

    def public(self, lot: LotId) -> LotPublic:
        found = self.state.lot(lot)
        assert found is not None
        return found

    def signer(self, role: str) -> str:
        return next(name for name, roles in ROLES.items() if role in roles)

    def body(
        self,
        recipe: str,
        inputs: Sequence[LotId] = (),
        outputs: Sequence[LotPublic] = (),
        /,
        **changes: object,
    ) -> TransformBody:
        """Return a body with whatever the recipe asks for; ``changes`` are fields by name."""
        used = RECIPES[recipe]
        body = TransformBody(
            CHAIN,
            PROTOCOL_VERSION,
            recipe_digest(used),
            MINE if used.needs_site or used.family.value == "grant" else None,
            tuple(InputRef(lot, self.tag(lot)) for lot in inputs),
            tuple(outputs),
            ProcessCommitments(DUMMY, DUMMY) if used.has_process else None,
            Hash32(ENTROPY.bytes(32)),
            tuple(b"\x00\x01" for _ in outputs),
            tuple(_note_hash(index) for index, _ in enumerate(outputs)),
            tuple(SignerRef(MemberId(self.signer(role)), role) for role in used.co_signers),
            None,
        )
        return structs.replace(body, **changes)

    def transform(self, body: TransformBody) -> Transform:
        """Return a transform with exactly the signatures that its body needs."""
        bare = Transform(body, _notes(len(body.outputs)), NO_PROOF, (), None)
        identity = entry_id(bare)
        context = SignatureContext.CO_SIGNATURE
        signatures = tuple(
            self.parties[signer.member].sign(context, identity) for signer in body.signers
        )
        site = None
        if body.site is not None and not self._is_grant(body):
            site = self.site_signature(body.site, identity)
        return structs.replace(bare, signatures=signatures, site_signature=site)

    def _is_grant(self, body: TransformBody) -> bool:
        recipe = self.state.recipe(body.recipe)
        return recipe is not None and recipe.family.value == "grant"

    def site_signature(self, site: SiteId, identity: EntryId) -> SiteSignature:
        context = SignatureContext.SITE_OPERATION
        return SiteSignature(site, sign(self.facilities[site], context, identity))

    def make(
        self,
        recipe: str,
        inputs: Sequence[LotId] = (),
        outputs: Sequence[LotPublic] = (),
        /,
        **changes: object,
    ) -> Transform:
        return self.transform(self.body(recipe, inputs, outputs, **changes))

    def does(
        self,
        recipe: str,
        inputs: Sequence[LotId] = (),
        outputs: Sequence[LotPublic] = (),
        /,
        **changes: object,
    ) -> tuple[LotId, ...]:
        """Have a transform accepted, and return the ids of what it made."""
        entry = self.make(recipe, inputs, outputs, **changes)
        self.apply(entry)
        return made_by(entry)

    def granted(self, **changes: object) -> LotId:
        (lot,) = self.does("grant-licence", (), [self.licence()], **changes)
        return lot

    def mined(self, **changes: object) -> tuple[LotId, LotId]:
        """Return an ore lot and the licence that is left, from a fresh licence."""
        licence = self.granted()
        outputs = [self.ore(), self.licence()]
        ore, left = self.does("mine-copper-cobalt", [licence], outputs, **changes)
        return ore, left

    # ---------------------------------------------------------------- trade

    def owner_signatures(
        self, keys: Sequence[OneTimeKey], identity: EntryId
    ) -> tuple[OwnerSignature, ...]:
        made = (sign_as_owner(self.secrets[key], key, identity, ENTROPY) for key in keys)
        return tuple(OwnerSignature(*signature) for signature in made)

    def sale(self, *lots: LotId) -> Transform:
        outputs = [structs.replace(self.public(lot), owner=self.fresh()) for lot in lots]
        return self.make("sale", lots, outputs)

    def fresh(self) -> OneTimeKey:
        return self.ore().owner

    def offer(self, sale: Transform, deadline: int, /, **changes: object) -> Offer:
        body = structs.replace(
            OfferBody(CHAIN, transform_id(sale.body), BlockTime(deadline)), **changes
        )
        bare = Offer(body, sale, ())
        keys = [self.public(spent.lot).owner for spent in sale.body.inputs]
        return structs.replace(bare, signatures=self.owner_signatures(keys, entry_id(bare)))

    def accept(self, offer: Offer) -> Accept:
        bare = Accept(AcceptBody(CHAIN, Hash32(entry_id(offer))), ())
        keys = [lot.owner for lot in offer.sale.body.outputs]
        return structs.replace(bare, signatures=self.owner_signatures(keys, entry_id(bare)))

    def decline(self, offer: Offer) -> Decline:
        bare = Decline(DeclineBody(CHAIN, Hash32(entry_id(offer)), Hash32(bytes(32))), ())
        keys = [lot.owner for lot in offer.sale.body.outputs]
        return structs.replace(bare, signatures=self.owner_signatures(keys, entry_id(bare)))

    def withdraw(self, offer: Offer) -> Withdraw:
        bare = Withdraw(WithdrawBody(CHAIN, Hash32(entry_id(offer))), ())
        keys = [self.public(spent.lot).owner for spent in offer.sale.body.inputs]
        return structs.replace(bare, signatures=self.owner_signatures(keys, entry_id(bare)))

    def recall(self, member: str, lot: LotId, reason: int = 0) -> Recall:
        body = RecallBody(CHAIN, MemberId(member), lot, Hash32(bytes([reason]) * 32))
        identity = entry_id(Recall(body, DUMMY_SIGNATURE))
        return Recall(body, self.parties[member].sign(SignatureContext.ENTRY, identity).signature)


def made_by(entry: Transform) -> tuple[LotId, ...]:
    identity = TransformId(transform_id(entry.body))
    return tuple(lot_id(identity, index) for index in range(len(entry.body.outputs)))


def _strand(name: str, claims: Sequence[str]) -> StrandPublic:
    amount = DUMMY if Strand.parse(name).has_amount else None
    borne = tuple(ClaimCommitment(claim, DUMMY) for claim in sorted(claims))
    return StrandPublic(StrandName(name), amount, borne)


def _notes(count: int) -> tuple[bytes, ...]:
    return tuple(b"note %d" % index for index in range(count))


def _note_hash(index: int) -> NoteHash:
    return NoteHash(hashlib.sha256(_notes(index + 1)[index]).digest())
