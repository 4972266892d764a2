"""A consortium of two in memory, whose lots can be stored and blended for ever: what is measured.

The operator holds one site, the auditor grants the intake and signs. Everything is proved and
signed for real; only keys are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from hashlib import sha256
from typing import Final

from msgspec import structs

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.recipes import Recipe
from lodeline.custody.strands import Strand
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
    OneTimeKey,
    RecipeName,
    Role,
    SignatureBytes,
    SiteId,
)
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.kernel.units import GramsCO2e, Milligrams
from lodeline.ledger.entries import (
    Act,
    Anchor,
    AnchorBody,
    Entry,
    Genesis,
    Govern,
    GovernBody,
    Member,
    MemberSignature,
    Recognise,
    RegisterSite,
    SiteRecord,
    encode_entry,
    entry_id,
)
from lodeline.ledger.records import Constants
from lodeline.ledger.state import State
from lodeline.node.founding import MemberSpec
from lodeline.node.reference import (
    in_parts,
    reference_acts,
    shipped_elements,
    shipped_recipes,
)
from lodeline.proofs.body import PROTOCOL_VERSION, SignerRef

__all__ = ["BENCH_CHAIN", "NOW", "World"]

NOW: BlockTime = parse_time("2026-10-12T08:00:00Z")
BENCH_CHAIN: Final = ChainId("bench")
_OPERATOR, _AUDITOR = MemberId("operator"), MemberId("auditor")
_SITE = SiteId("works")
_LOTS = 8
_LOT_MG = Milligrams(20 * 10**9)
_LOT_G = GramsCO2e(10**6)
_COBALT = Strand.parse("Co")


class World:
    """Keys and entries of the consortium; the ledger itself belongs to the caller."""

    def __init__(self) -> None:
        entropy = SystemEntropy()
        self._entropy = entropy
        self._operator = HolderKeys.generate([_SITE], entropy)
        self._auditor = HolderKeys.generate([], entropy)
        self._recipes: dict[RecipeName, Recipe] = {item.name: item for item in shipped_recipes()}

    # ------------------------------------------------------------------ governance

    def founding(self) -> Iterator[Entry]:
        """Yield the genesis and the votes that adopt tables, site and recognition."""
        genesis = Genesis(
            chain=BENCH_CHAIN,
            version=PROTOCOL_VERSION,
            title="bench",
            synthetic=True,
            members=(
                self._member(_AUDITOR, self._auditor, "auditor", votes=True),
                self._member(_OPERATOR, self._operator, votes=False),
            ),
            threshold=1,
            grace_seconds=0,
            credit_period="quarter",
            elements=tuple(sorted(item.symbol for item in shipped_elements().all())),
            signatures=(),
        )
        signed = tuple(
            MemberSignature(name, sign(keys.signing, SignatureContext.VOTE, entry_id(genesis)))
            for name, keys in ((_AUDITOR, self._auditor), (_OPERATOR, self._operator))
        )
        yield structs.replace(genesis, signatures=signed)
        for sequence, acts in enumerate([*in_parts(reference_acts()), self.own_acts()]):
            yield self._vote(sequence, acts)

    def founders(self) -> tuple[tuple[MemberSpec, HolderKeys], ...]:
        """Return the two members for a founding that is not this one's."""
        return (
            (MemberSpec(_AUDITOR, _AUDITOR, "CD", (Role("auditor"),)), self._auditor),
            (MemberSpec(_OPERATOR, _OPERATOR, "CD", ()), self._operator),
        )

    def own_acts(self) -> tuple[Act, ...]:
        """Return the acts that register the site and recognise the auditor."""
        site = SiteRecord(_SITE, _OPERATOR, "works", "CD", self._operator.facility(_SITE).public)
        return (
            RegisterSite(site),
            Recognise(_AUDITOR, None, "intake", BlockTime(NOW + 10**7)),
        )

    def _member(self, name: MemberId, keys: HolderKeys, *roles: str, votes: bool) -> Member:
        return Member(
            name,
            title=name,
            country="CD",
            key=keys.signing.public,
            spend=OneTimeKey(keys.spend.public),
            view=Hash32(keys.view.public),
            roles=tuple(Role(role) for role in roles),
            votes=votes,
        )

    def _vote(self, sequence: int, acts: Sequence[Act]) -> Govern:
        vote = Govern(GovernBody(BENCH_CHAIN, sequence, tuple(acts)), ())
        signature = sign(self._auditor.signing, SignatureContext.VOTE, entry_id(vote))
        return structs.replace(vote, signatures=(MemberSignature(_AUDITOR, signature),))

    # ------------------------------------------------------------------ entries with a signature

    def anchors(self, count: int, first: int = 0) -> list[bytes]:
        """Return entries that carry one signature and nothing to prove, no two alike."""
        return [self._anchor(number) for number in range(first, first + count)]

    def _anchor(self, number: int) -> bytes:
        digest = Hash32(sha256(number.to_bytes(8, "big")).digest())
        anchor = Anchor(
            AnchorBody(BENCH_CHAIN, _OPERATOR, digest, "bench"), SignatureBytes(bytes(64))
        )
        signature = sign(self._operator.signing, SignatureContext.ENTRY, entry_id(anchor))
        return encode_entry(structs.replace(anchor, signature=signature))

    # ------------------------------------------------------------------ entries with a proof

    def opening(self, state: State, constants: Constants) -> tuple[list[bytes], list[OwnedLot]]:
        """Return the entries that bring stock onto the ledger, and the lots that it then holds."""
        tables = Tables(BENCH_CHAIN, state.tables.forms, state.tables.standards)
        total = Milligrams(_LOT_MG * _LOTS)
        right = PlannedLot(
            FormName("intake"),
            self._operator.address,
            {Strand.parse("Co.licence"): total},
            expires=constants.right_expiry(NOW),
            site=_SITE,
        )
        grant = self._built("grant-intake", tables, (), (right,), None)
        granted = tuple(claim_made(grant, self._operator).values())
        process = ProcessNumbers(GramsCO2e(_LOT_G * _LOTS), GramsCO2e(0))
        stock = self._built("open-stock", tables, granted, (self._hydroxide(),) * _LOTS, process)
        lots = list(claim_made(stock, self._operator).values())
        return [self._signed(grant), self._signed(stock)], lots

    def stored(self, state: State, lots: list[OwnedLot], waves: int, pool: Executor) -> list[bytes]:
        """Return transforms of two lots into two, each wave over the lots of the one before.

        An even number of lots; those of other calls do not depend on these.
        """
        tables = Tables(BENCH_CHAIN, state.tables.forms, state.tables.standards)
        entries: list[bytes] = []
        for _ in range(waves):
            plans = [
                self._plan("store", (lots[at], lots[at + 1]), (self._hydroxide(),) * 2, None)
                for at in range(0, len(lots), 2)
            ]
            built = list(pool.map(_build, plans, [tables] * len(plans)))
            entries.extend(self._signed(item) for item in built)
            made = [list(claim_made(item, self._operator).values()) for item in built]
            lots = [lot for pair in zip(*made, strict=True) for lot in pair]
        return entries

    def _hydroxide(self) -> PlannedLot:
        form, amounts = FormName("cobalt-hydroxide"), {_COBALT: _LOT_MG}
        return PlannedLot(
            form, self._operator.address, amounts, emissions=_LOT_G, primary=GramsCO2e(0)
        )

    def _plan(
        self,
        name: str,
        inputs: tuple[OwnedLot, ...],
        outputs: tuple[PlannedLot, ...],
        process: ProcessNumbers | None,
    ) -> Plan:
        recipe = self._recipes[RecipeName(name)]
        signers = tuple(SignerRef(_AUDITOR, role) for role in recipe.co_signers)
        site = None if name == "store" else _SITE
        return Plan(recipe, site, inputs, outputs, process, signers)

    def _built(
        self,
        name: str,
        tables: Tables,
        inputs: tuple[OwnedLot, ...],
        outputs: tuple[PlannedLot, ...],
        process: ProcessNumbers | None,
    ) -> BuiltTransform:
        return build_transform(self._plan(name, inputs, outputs, process), tables, self._entropy)

    def _signed(self, built: BuiltTransform) -> bytes:
        entry = sign_members(transform_entry(built), {_AUDITOR: self._auditor.signing})
        if built.body.recipe == recipe_digest(self._recipes[RecipeName("open-stock")]):
            entry = sign_site(entry, _SITE, self._operator.facility(_SITE))
        return encode_entry(entry)


def _build(plan: Plan, tables: Tables) -> BuiltTransform:
    return build_transform(plan, tables, SystemEntropy())
