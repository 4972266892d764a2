"""Who takes part when faults are tried, and what they say: invented companies, real signatures.

Four members validate. A fifth, `works`, only uses the ledger: it signs entries that cost little,
which are the load, and it stores stock, which costs a proof. All keys are in this process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from msgspec import structs

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.signatures import SignatureContext, SigningKey, sign
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.recipes import Recipe
from lodeline.custody.strands import Strand
from lodeline.engine.consortium.sending import MemberSigner
from lodeline.holder.building import (
    BuiltTransform,
    OwnedLot,
    Plan,
    PlannedLot,
    ProcessNumbers,
    Tables,
    build_transform,
    claim_made,
)
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.signing import sign_members, sign_site, transform_entry
from lodeline.kernel.ids import (
    ChainId,
    FormName,
    Hash32,
    MemberId,
    RecipeName,
    Role,
    SignatureBytes,
    SiteId,
)
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import GramsCO2e, Milligrams
from lodeline.ledger.entries import (
    Act,
    Anchor,
    AnchorBody,
    Govern,
    GovernBody,
    MemberSignature,
    Recognise,
    RegisterSite,
    SiteRecord,
    Transform,
    decode_entry,
    encode_entry,
    entry_id,
)
from lodeline.ledger.state import State
from lodeline.ledger.submissions import MAX_SUBMISSION_ENTRIES
from lodeline.node.founding import MemberSpec
from lodeline.node.local_network import Founder
from lodeline.node.reference import shipped_recipes
from lodeline.proofs.body import SignerRef

__all__ = ["AUDITOR", "CHAIN", "VALIDATING", "WORKS", "Cast"]

CHAIN: Final = ChainId("fault-trial")
AUDITOR: Final = MemberId("auditor")
VALIDATING: Final = (AUDITOR, MemberId("mine"), MemberId("refinery"), MemberId("trader"))
WORKS: Final = MemberId("works")

_SITE: Final = SiteId("works-yard")
_ROLES: Final[Mapping[MemberId, tuple[Role, ...]]] = {AUDITOR: (Role("auditor"),)}
_BULK_NUMBERS: Final = 10**9
"""From here on entries of a bulk are numbered: far from those of a load."""
_LONG_NOTE: Final = 64
_LOTS: Final = 4
_LOT_MG: Final = Milligrams(20 * 10**9)
_LOT_G: Final = GramsCO2e(10**6)
_RECOGNISED_SECONDS: Final = 10**7
_GRANTED, _LICENCE, _COBALT = FormName("intake"), Strand.parse("Co.licence"), Strand.parse("Co")


class Cast:
    """The members with all their keys."""

    def __init__(self, entropy: Entropy) -> None:
        """Make everybody's keys."""
        self.entropy = entropy
        self.keys: dict[MemberId, HolderKeys] = {
            member: HolderKeys.generate([], entropy) for member in VALIDATING
        }
        self.keys[WORKS] = HolderKeys.generate([_SITE], entropy)
        self._recipes: dict[RecipeName, Recipe] = {item.name: item for item in shipped_recipes()}

    def signing(self, member: MemberId) -> SigningKey:
        """Return the key with which a member signs entries and submissions."""
        return self.keys[member].signing

    def founders(self) -> tuple[Founder, ...]:
        """Return everybody as a founder of the network."""
        return tuple(
            Founder(
                MemberSpec(member, member.capitalize(), "CD", _ROLES.get(member, ())),
                keys,
                validates=member in VALIDATING,
            )
            for member, keys in self.keys.items()
        )

    # ------------------------------------------------------------------ governance

    def vote(self, state: State, acts: Sequence[Act]) -> bytes:
        """Return a vote on acts that every founder has signed, the next one of the ledger."""
        vote = Govern(GovernBody(CHAIN, state.acts, tuple(acts)), ())
        identity = entry_id(vote)
        signatures = tuple(
            MemberSignature(member, sign(keys.signing, SignatureContext.VOTE, identity))
            for member, keys in sorted(self.keys.items())
        )
        return encode_entry(structs.replace(vote, signatures=signatures))

    def licence(self, state: State) -> bytes:
        """Return the vote that registers the yard and lets the auditor grant its intake."""
        facility = self.keys[WORKS].facility(_SITE).public
        until = BlockTime(state.time + _RECOGNISED_SECONDS)
        return self.vote(
            state,
            (
                RegisterSite(SiteRecord(_SITE, WORKS, "Yard", "CD", facility)),
                Recognise(AUDITOR, None, "intake", until),
            ),
        )

    # ------------------------------------------------------------------ entries with a signature

    def anchors(
        self, member: MemberId, first: int, count: int, note: str = "fault trial"
    ) -> list[bytes]:
        """Return entries that carry one signature and nothing to prove, numbered from some on."""
        return [self._anchor(member, number, note) for number in range(first, first + count)]

    def _anchor(self, member: MemberId, number: int, note: str) -> bytes:
        digest = Hash32(sha256(f"{member}/{number}".encode()).digest())
        anchor = Anchor(AnchorBody(CHAIN, member, digest, note), SignatureBytes(bytes(64)))
        signature = sign(self.signing(member), SignatureContext.ENTRY, entry_id(anchor))
        return encode_entry(structs.replace(anchor, signature=signature))

    def bulk(self, size: int) -> list[bytes]:
        """Return sound submissions of some bytes together, or a little more."""
        signer, made, total = MemberSigner(WORKS, self.signing(WORKS)), list[bytes](), 0
        while total < size:
            first = _BULK_NUMBERS + MAX_SUBMISSION_ENTRIES * len(made)
            entries = tuple(self.anchors(WORKS, first, MAX_SUBMISSION_ENTRIES, "x" * _LONG_NOTE))
            made.append(signer.signed(CHAIN, entries, None))
            total += len(made[-1])
        return made

    def submission(self, *entries: bytes) -> bytes:
        """Return entries in an envelope of the works."""
        return MemberSigner(WORKS, self.signing(WORKS)).signed(CHAIN, entries, None)

    # ------------------------------------------------------------------ entries with a proof

    def opening(self, state: State) -> tuple[list[bytes], list[OwnedLot]]:
        """Return the entries that bring stock onto the ledger, and the lots that it then holds.

        The vote of `licence` comes before them.
        """
        tables, address = self._tables(state), self.keys[WORKS].address
        assert state.constants is not None  # noqa: S101 - for the type checker: it is founded
        right = PlannedLot(
            _GRANTED,
            address,
            {_LICENCE: Milligrams(_LOT_MG * _LOTS)},
            expires=state.constants.right_expiry(state.time),
            site=_SITE,
        )
        grant = self._built(tables, "grant-intake", (), (right,), None)
        granted = tuple(claim_made(grant, self.keys[WORKS]).values())
        process = ProcessNumbers(GramsCO2e(_LOT_G * _LOTS), GramsCO2e(0))
        stock = self._built(tables, "open-stock", granted, (self._hydroxide(),) * _LOTS, process)
        lots = list(claim_made(stock, self.keys[WORKS]).values())
        return [self._signed(grant), self._signed(stock)], lots

    def stored(self, state: State, lots: Sequence[OwnedLot]) -> bytes:
        """Return a transform that moves two lots into two; each time another one."""
        outputs = (self._hydroxide(),) * 2
        built = self._built(self._tables(state), "store", (lots[0], lots[1]), outputs, None)
        return self._signed(built)

    def badly_proved(self, state: State, lots: Sequence[OwnedLot]) -> bytes:
        """Return such a transform with the proof of another one: well-formed, and it proves less.

        Co-signatures are over what it says, so they are right.
        """
        right, other = (decode_entry(self.stored(state, lots)) for _ in range(2))
        assert isinstance(right, Transform)  # noqa: S101 - for the type checker: they are
        assert isinstance(other, Transform)  # noqa: S101
        return encode_entry(structs.replace(right, proof=other.proof))

    def _tables(self, state: State) -> Tables:
        return Tables(CHAIN, state.tables.forms, state.tables.standards)

    def _hydroxide(self) -> PlannedLot:
        form, amounts = FormName("cobalt-hydroxide"), {_COBALT: _LOT_MG}
        address = self.keys[WORKS].address
        return PlannedLot(form, address, amounts, emissions=_LOT_G, primary=GramsCO2e(0))

    def _built(
        self,
        tables: Tables,
        name: str,
        inputs: tuple[OwnedLot, ...],
        outputs: tuple[PlannedLot, ...],
        process: ProcessNumbers | None,
    ) -> BuiltTransform:
        recipe = self._recipes[RecipeName(name)]
        signers = tuple(SignerRef(AUDITOR, role) for role in recipe.co_signers)
        site = None if name == "store" else _SITE
        plan = Plan(recipe, site, inputs, outputs, process, signers)
        return build_transform(plan, tables, self.entropy)

    def _signed(self, built: BuiltTransform) -> bytes:
        entry = sign_members(transform_entry(built), {AUDITOR: self.signing(AUDITOR)})
        if built.body.recipe == recipe_digest(self._recipes[RecipeName("open-stock")]):
            entry = sign_site(entry, _SITE, self.keys[WORKS].facility(_SITE))
        return encode_entry(entry)
