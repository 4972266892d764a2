"""A member's own copy of a consortium's ledger, advanced only to what the validators have signed.

The copy is a ledger file like any other, with the state in memory. It moves from one checkpoint to
a later one, and only when

1.  more than two thirds of the validators that the copy itself knows have signed the later one –
    at first those that the trust file pins, then those that the ledger says;
2.  the leaves in between, from any validator, continue this very log to the signed root;
3.  deciding every one of them again gives the signed state and time.

So no single validator is believed, and all of them together cannot pass an entry that the rules do
not allow: `StateNotAsSigned` or `EntryNotAllowed` says so. What they can do, more than two
thirds together, is leave entries out and choose their order.

Entries are handed to one validator in an envelope that a member signs, to the next one with the
same bytes where that fails. A receipt is given when the copy has the entry under a signed
checkpoint. A refusal that the copy's own state does not confirm is asked of another validator.

Where ``verify`` is `proofs.batch.believe_signers`, 3. takes the signers' word for proofs, and for
nothing else: signatures, rules and state are still decided here, but more than two thirds of the
validators, dishonest together, could then pass a transform whose hidden quantities do not balance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Final

from lodeline.engine.consortium.delivery import Delivery
from lodeline.engine.consortium.failover import Agreed, Validators
from lodeline.engine.consortium.following import (
    Laid,
    Stretch,
    check_genesis,
    fetched,
    laid_over,
    policy_now,
)
from lodeline.engine.consortium.refusals_validators import (
    EntryNotConfirmed,
    NoValidatorAnswers,
    SignerMissing,
    TooFewValidatorsSigned,
)
from lodeline.engine.consortium.sending import SubmissionSigner
from lodeline.engine.interface import Answer, Clock
from lodeline.engine.memory import PART_ENTRIES, Memory
from lodeline.engine.reader import LedgerFile
from lodeline.engine.refusals import EngineRefused
from lodeline.engine.store import Height, Store
from lodeline.engine.trial import check_program
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import CheckpointPolicy
from lodeline.ledger.log import Verify
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.trust import TrustFile
from lodeline.proofs.batch import verify_batch

__all__ = ["ConsortiumLedger", "Following"]

STRETCH: Final = 4_096
"""Entries that are fetched and decided together, where the checkpoints allow it."""

Pause = Callable[[float], object]


def _pause(seconds: float) -> None:
    Event().wait(seconds)


@dataclass(frozen=True)
class Following:
    """How a copy follows; it changes nothing about what is believed, but for ``verify``."""

    verify: Verify = verify_batch
    story: bool = False
    """Whether the consortium's time is the story's of a demonstration."""
    stretch: int = STRETCH
    part_entries: int = PART_ENTRIES
    confirm_seconds: float = 45.0
    """How long an accepted entry may take to be under a checkpoint that enough have signed."""
    pause: Pause = _pause
    now: Callable[[], float] = monotonic


USUAL: Final = Following()


class ConsortiumLedger(LedgerFile):
    """A copy of a consortium's ledger in one file; see the module for what it believes.

    Submissions from several threads follow one another. The state is read by the thread that
    submits or refreshes, or while nobody does.
    """

    def __init__(
        self,
        path: Path,
        validators: Validators,
        trust: TrustFile,
        clock: Clock,
        signer: Callable[[], SubmissionSigner] | None = None,
        following: Following = USUAL,
    ) -> None:
        """Open a copy, or make an empty one; nothing is asked of a validator yet.

        ``signer`` says which member signs submissions, when there is one to sign.

        Raises:
            LedgerHasWriter, LedgerVersionUnknown, …: as `Store`.
            LedgerIncomplete, LedgerDamaged: what is stored does not add up to its roots.
            NotThisConsortium: the file is a copy of another ledger.
            VerifierKeyMalformed, …: the trust file makes no policy.
        """
        pinned = trust.policy().signers_only()
        store = Store(path, writable=True)
        try:
            memory = Memory(store, following.verify, following.part_entries)
            check_genesis(memory.state, trust.genesis_id)
        except LodelineError:
            store.close()
            raise
        super().__init__(store, memory, following.verify)
        self.validators = validators
        self._trust = trust
        self._pinned = pinned
        self._clock = clock
        self._signer = signer
        self._following = following

    @property
    def policy(self) -> CheckpointPolicy:
        """Return whose signatures count for what follows the copy as it is."""
        return policy_now(self._memory.state) or self._pinned

    # ------------------------------------------------------------------ following

    def refresh(self) -> None:
        """Follow the consortium as far as enough validators have signed.

        Raises:
            NoValidatorAnswers: nobody answers, or nobody gives what was signed.
            TooFewValidatorsSigned: there is more, but not enough have signed it.
            CheckpointsFork, StateNotAsSigned, EntryNotAllowed, NotThisConsortium: the validators
                together have signed what must not be; nothing of it was kept.
            LedgerClosed, LedgerReadOnly, LedgerNotWritten, …: the file.
        """
        with self._turn:
            self._check_usable(to_write=True)
            while (agreed := self._next()) is not None:
                self._advance(agreed)

    def _next(self) -> Agreed | None:
        """Return the checkpoint to go to next, or nothing where the copy is up to date."""
        size, step = self.size, self._following.stretch
        try:
            newest = self.validators.newest(self.policy, self._memory.log)
        except TooFewValidatorsSigned as refused:
            # Whoever signs now may not be known here yet: go there by what was signed before.
            between = self.validators.between(self.policy, size, refused.size)
            if between is None:
                raise
            return between
        if newest is None or newest.checkpoint.size - size <= step:
            return newest
        nearer = self.validators.upto(self.policy, size, TreeSize(size + step))
        return nearer if isinstance(nearer, Agreed) else newest

    def _advance(self, agreed: Agreed) -> None:
        """Fetch what leads to a checkpoint from whoever gives it, and keep it when it is right."""
        base = self._memory.log.frontier()
        stretch = self.validators.ask(
            lambda client: fetched(client, base, agreed.checkpoint),
        )
        laid = Laid(self._memory.state.draft(), base, self._height)
        laid_over(laid, stretch, agreed.checkpoint, self._verify)
        check_genesis(laid.draft, self._trust.genesis_id)
        self._keep_stretch(stretch, laid, agreed.note)

    def _keep_stretch(self, stretch: Stretch, laid: Laid, note: bytes) -> None:
        """Write a stretch with its signed checkpoint, then let memory follow."""
        memory, parts = self._memory, self._memory.sealed()
        *earlier, last = laid.blocks
        with self._write():
            self._store.append(last, stretch.pairs, parts, note, earlier=earlier)
            memory.note_stored(parts)
            memory.grow(stretch.hashes, laid.draft, laid.changes)
            self._height = Height(last.height)

    # ------------------------------------------------------------------ handing in

    def submit(self, entries: Sequence[bytes]) -> list[Answer]:
        """Offer entries; one answer for each, in order.

        An entry that is in the log already gets its receipt. Where no validator can be reached, or
        too few sign, that is the answer (`EngineRefused`): the entry can be sent again as it is.

        Raises:
            LedgerClosed, LedgerReadOnly, LedgerMustReopen: the copy is of no more use.
        """
        with self._turn:
            self._check_usable(to_write=True)
            delivery = Delivery(self, entries, self._signed)
            try:
                with suppress(TooFewValidatorsSigned):
                    self.refresh()  # what others wait for does not keep this from being handed in
                check_program(self._memory.state, self.now())
                delivery.run()
            except EngineRefused as refusal:
                return delivery.answers(refusal)
            return delivery.answers(EntryNotConfirmed(round(self._following.confirm_seconds)))

    def _signed(self, entries: tuple[bytes, ...]) -> bytes:
        if self._signer is None:
            raise SignerMissing
        return self._signer().signed(self._trust.chain, entries, self._day())

    def _day(self) -> BlockTime | None:
        return max(self._clock.now(), self._memory.state.time) if self._following.story else None

    # ------------------------------------------------------------------ what a delivery asks

    @property
    def verify(self) -> Verify:
        """Return what verifies proofs."""
        return self._verify

    def now(self) -> BlockTime:
        """Return the time that a block would have now."""
        return max(self._clock.now(), self._memory.state.time)

    def confirm(self, has: Callable[[], bool], beyond: TreeSize) -> bool:
        """Follow until the copy has something or has passed a size; return whether it has it.

        Raises:
            EntryNotConfirmed: neither, within the time that it may take.
            EngineRefused: as `refresh`, where waiting does not help.
        """
        following, wait = self._following, 0.02
        until = following.now() + following.confirm_seconds
        while not has() and self.size <= beyond:
            try:
                self.refresh()
            except (NoValidatorAnswers, TooFewValidatorsSigned):
                # The signatures of the others are on their way.
                if following.now() >= until:
                    raise
            if following.now() >= until:
                raise EntryNotConfirmed(round(following.confirm_seconds))
            if not has() and self.size <= beyond:
                following.pause(wait)
                wait = min(2 * wait, 0.5)
        return has()

    def close(self) -> None:
        """Close the connections and release the file."""
        self.validators.close()
        super().close()
