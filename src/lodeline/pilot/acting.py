"""How each step of the story becomes an entry: with whose keys, over which lots.

Everything that a company does here it could do at its own desk with its own keys; the stage only
stands for all of them, and knows lots a little before the ledger has them.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from lodeline.crypto.onetime import EntryMarks, OutputMark, owner_secret, recognise_all
from lodeline.crypto.sealing import OutputIndex, ScanKey, ViewTag
from lodeline.custody.recipes import Family
from lodeline.holder.building import BuiltTransform, OwnedLot, OwnerKey, Plan, Tables, claim_made
from lodeline.holder.notes import NoteScope
from lodeline.holder.signing import (
    accept_entry,
    decline_entry,
    hashed_reason,
    offer_entry,
    owner_signatures,
    sign_members,
    sign_site,
    transform_entry,
    withdraw_entry,
)
from lodeline.holder.undoing import GivenBack, reversal_body, reversal_entry, tags_of
from lodeline.kernel.ids import MemberId, TransformId
from lodeline.ledger.entries import Entry, EntryId, Reversal, Transform, entry_id
from lodeline.node.session import Session
from lodeline.pilot.steps import (
    Answer,
    LotName,
    Offered,
    Outcome,
    Reversed,
    Step,
    Work,
)
from lodeline.proofs.body import lot_id

__all__ = ["Stage"]

_SALT_BYTES = 16


class Stage:
    """All companies at work: their lots by name, and what was proved so far."""

    def __init__(self, session: Session, tables: Tables) -> None:
        """Begin with nothing."""
        self._session = session
        self._tables = tables
        self.owned: dict[LotName, OwnedLot] = {}
        self._built: dict[int, BuiltTransform] = {}
        self._undone: dict[int, Reversal] = {}
        self._offers: dict[int, EntryId] = {}

    def plan(self, step: Work | Offered) -> Plan:
        """Return what a worker proves; every input of the step is known."""
        planned = step.planned
        return Plan(
            recipe=planned.recipe,
            site=planned.site,
            inputs=tuple(self.owned[name] for name in step.inputs),
            outputs=planned.outputs,
            process=planned.process,
            signers=planned.signers,
            replaces=planned.replaces,
        )

    def take(self, step: Work | Offered, built: BuiltTransform) -> tuple[LotName, ...]:
        """Take a proof in; return the lots that are known from now on."""
        self._built[id(step)] = built
        for holder in {lot.holder for lot in step.outputs}:
            found = claim_made(built, self._session.keys(holder))
            for index, owned in found.items():
                self.owned[step.outputs[index].name] = owned
        return tuple(lot.name for lot in step.outputs)

    # ------------------------------------------------------------------ entries

    def entry(self, step: Step) -> Entry:
        """Return a step as a signed entry.

        Raises:
            SignerKeyMissing, FacilityKeyMissing, MemberNotHere: a key that is not there.
        """
        match step:
            case Work():
                return self._transform(step)
            case Offered():
                return self._offer(step)
            case Answer():
                return self._answer(step)
            case Reversed():
                return self._undone[id(step)]

    def _transform(self, step: Work) -> Transform:
        entry = transform_entry(self._built[id(step)])
        planned = step.planned
        if planned.site is not None and planned.recipe.family is not Family.GRANT:
            owner = self._session.keys(step.actor)
            entry = sign_site(entry, planned.site, owner.facility(planned.site))
        signers = {signer.member for signer in planned.signers}
        keys = {member: self._session.keys(member).signing for member in signers}
        return sign_members(entry, keys)

    def _offer(self, step: Offered) -> Entry:
        sale = transform_entry(self._built[id(step)])
        keys = self._keys(step.inputs)
        offer = offer_entry(sale, keys, step.deadline, self._session.entropy)
        self._offers[id(step)] = entry_id(offer)
        return offer

    def _answer(self, step: Answer) -> Entry:
        chain, entropy = self._tables.chain, self._session.entropy
        offer = self._offers[id(step.offer)]
        bought = self._keys([lot.name for lot in step.offer.outputs])
        if step.outcome is Outcome.ACCEPTED:
            return accept_entry(chain, offer, bought, entropy)
        if step.outcome is Outcome.WITHDRAWN:
            return withdraw_entry(chain, offer, self._keys(step.offer.inputs), entropy)
        reason = hashed_reason(step.reason, entropy.bytes(_SALT_BYTES))
        return decline_entry(chain, offer, reason, bought, entropy)

    def _lots(self, names: Sequence[LotName]) -> list[OwnedLot]:
        return [self.owned[name] for name in names]

    def _keys(self, names: Sequence[LotName]) -> list[OwnerKey]:
        return [self.owned[name].key for name in names]

    # ------------------------------------------------------------------ undoing

    def undo(self, step: Reversed) -> tuple[LotName, ...]:
        """Prove and sign a reversal; return the lots that are known again."""
        session, chain = self._session, self._tables.chain
        before = self._lots(step.work.inputs)
        made = self._lots([lot.name for lot in step.work.outputs])
        transform = self._built[id(step.work)].transform_id
        given = [
            GivenBack(old.public, old.opening, session.keys(lot.holder).address)
            for old, lot in zip(before, step.outputs, strict=True)
        ]
        body = reversal_body(
            chain, transform, given, tags_of([lot.key for lot in made]), session.entropy
        )
        entry = reversal_entry(
            body,
            [lot.public for lot in before],
            [(lot.public, lot.secret) for lot in made],
            session.entropy,
        )
        consents = owner_signatures([lot.key for lot in before], entry_id(entry), session.entropy)
        self._undone[id(step)] = structs.replace(entry, consents=consents)
        for index, (old, lot) in enumerate(zip(before, step.outputs, strict=True)):
            self.owned[lot.name] = self._restored(entry, transform, index, old, lot.holder)
        return tuple(lot.name for lot in step.outputs)

    def _restored(
        self,
        entry: Reversal,
        transform: TransformId,
        index: int,
        old: OwnedLot,
        holder: MemberId,
    ) -> OwnedLot:
        """Return a lot that came back, under the key that its holder finds by scanning."""
        keys, item = self._session.keys(holder), entry.body.restored[index]
        scope = NoteScope.reversal(self._tables.chain, transform, index)
        mark = OutputMark(OutputIndex(index), ViewTag(item.view_tag), item.lot.owner)
        marks = EntryMarks(ScanKey(entry.body.scan_key), scope.context, (mark,))
        (found,) = recognise_all(keys.view, keys.spend.public, marks)
        identity = lot_id(TransformId(entry_id(entry)), index)
        return OwnedLot(identity, item.lot, old.opening, owner_secret(keys.spend, found.offset))
