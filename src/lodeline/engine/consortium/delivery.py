"""One delivery of entries to the validators: handed in, contradicted or confirmed, entry by entry.

What a validator answers is a claim. *Accepted* counts when the own copy has the entry under a
signed checkpoint. *Refused* counts when the own copy's state refuses the entry too, or when no
other validator is left to ask: else one of them could talk a member out of what it reports. A
refusal of the whole envelope counts when more of them give it than may lie.
Anything that says nothing about an entry leads to the next validator.

Several submissions travel at once, more of them as long as all are accepted: a block takes the time
of one whatever is in it. They may arrive in another order than they were sent in, and an entry may
build on one of an earlier submission. So a refusal counts only in the first of those that travel
together; in the others it means that the entry is sent again, behind what it may have waited for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, Protocol

import msgspec

from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.failover import Validators
from lodeline.engine.consortium.refusals import RefusedWithOthers
from lodeline.engine.consortium.refusals_validators import (
    AnswerMalformed,
    EntryNotConfirmed,
    NoValidatorAnswers,
    ReceiptFalse,
    TooFewValidatorsSigned,
    ValidatorFault,
    ValidatorRefuses,
    ValidatorTooSlow,
)
from lodeline.engine.consortium.relay import PackedRefusal, unpack_refusal
from lodeline.engine.consortium.sending import packs
from lodeline.engine.consortium.wire_http import AnswerW, Refused, Taken
from lodeline.engine.interface import Answer, Receipt
from lodeline.engine.refusals import EngineRefused
from lodeline.engine.trial import Trial
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId, decode_entry, entry_id
from lodeline.ledger.log import Verify
from lodeline.ledger.merkle import LeafIndex, TreeSize, leaf_hash
from lodeline.ledger.state import State

__all__ = ["MOST_TOGETHER", "Copy", "Delivery"]

_LONGEST_REFUSAL: Final = 64_000
MOST_TOGETHER: Final = 4
"""Submissions that travel at once; as many of the largest are within a member's quota."""


class Copy(Protocol):
    """The own copy of the ledger, as far as a delivery needs it."""

    @property
    def validators(self) -> Validators:
        """Return who may be asked."""
        ...

    @property
    def size(self) -> TreeSize:
        """Return how many entries the copy has."""
        ...

    @property
    def verify(self) -> Verify:
        """Return what verifies proofs."""
        ...

    def state(self) -> State:
        """Return the state after the last entry of the copy."""
        ...

    def leaf(self, index: LeafIndex) -> bytes:
        """Return a leaf of the copy."""
        ...

    def now(self) -> BlockTime:
        """Return the time that a block would have now."""
        ...

    def refresh(self) -> None:
        """Follow the consortium as far as enough validators have signed."""
        ...

    def confirm(self, has: Callable[[], bool], beyond: TreeSize) -> bool:
        """Follow until the copy has something or has passed a size."""
        ...


class Delivery:
    """Brings some entries in, and remembers what is known of each."""

    def __init__(
        self, copy: Copy, entries: Sequence[bytes], sign: Callable[[tuple[bytes, ...]], bytes]
    ) -> None:
        self._copy = copy
        self._entries = entries
        self._sign = sign
        self._answers: dict[int, Answer] = {}
        self._ids = [self._read(place) for place in range(len(entries))]
        self._objections: dict[int, LodelineError] = {}
        """Refusals that the copy does not confirm."""
        self._objectors: defaultdict[int, set[str]] = defaultdict(set)
        """Validators that did not take an entry in."""
        self._excuse: EngineRefused | None = None

    def _read(self, place: int) -> EntryId | None:
        try:
            return entry_id(decode_entry(self._entries[place]))
        except LodelineError as refusal:
            self._answers[place] = refusal
            return None

    def answers(self, otherwise: EngineRefused) -> list[Answer]:
        """Return one answer for each entry; ``otherwise`` for those of which nothing is known."""
        self._take_known()
        rest = self._excuse or otherwise
        return [self._answers.get(place, rest) for place in range(len(self._entries))]

    def run(self) -> None:
        """Hand in until every entry is accepted or refused, or nothing more comes of it.

        Raises:
            EngineRefused: nobody takes them in, or the copy cannot follow.
        """
        self._take_known()
        while waiting := self._waiting():
            before = self._progress()
            found = packs([self._entries[place] for place in waiting])
            self._hand_in_all([[waiting[at] for at in pack] for pack in found])
            self._take_known()
            if self._progress() == before:
                return

    def _waiting(self) -> list[int]:
        return [place for place in range(len(self._entries)) if place not in self._answers]

    def _progress(self) -> tuple[int, int, int]:
        objectors = sum(map(len, self._objectors.values()))
        return len(self._answers), objectors, len(self._copy.validators.aside)

    # ------------------------------------------------------------------ what the copy has

    def _take_known(self) -> None:
        """Give receipts for what the copy has."""
        for place in self._waiting():
            receipt = self._receipt(place)
            if receipt is not None:
                self._answers[place] = receipt

    def _receipt(self, place: int) -> Receipt | None:
        identity = self._ids[place]
        record = None if identity is None else self._copy.state().entries.get(identity)
        if identity is None or record is None:
            return None
        index = LeafIndex(record.index)
        return Receipt(index, identity, leaf_hash(self._copy.leaf(index)), record.time)

    def _has_all(self, places: Sequence[int]) -> bool:
        return all(self._receipt(place) is not None for place in places)

    # ------------------------------------------------------------------ what validators say

    def _hand_in_all(self, plan: Sequence[list[int]]) -> None:
        """Hand submissions in: one alone, then twice as many at a time while all goes well."""
        at, together = 0, 1
        while at < len(plan):
            wave = plan[at : at + together]
            at += len(wave)
            well = self._hand_in(wave[0]) if len(wave) == 1 else self._hand_in_together(wave)
            together = min(2 * together, MOST_TOGETHER) if well else 1

    def _hand_in_together(self, wave: Sequence[list[int]]) -> bool:
        """Hand several submissions in to one validator; return whether it took all of them."""
        line = self._copy.validators.line()
        fit = (it for it in line if not any(self._objected(it, places) for places in wave))
        client = next(fit, None)
        if client is None:
            each = [self._hand_in(places) for places in wave]
            return all(each)
        well = True
        for number, (places, told) in enumerate(
            zip(wave, self._told_all(client, wave), strict=True)
        ):
            if isinstance(told, ValidatorFault):
                # Alone and in its turn, it finds the next validator, or says that there is none.
                well = self._hand_in(places) and well
                continue
            refused = self._heard(client, places, told)
            well = well and not refused
            if refused and number == 0:
                self._contradict(client, places, refused)
        return well

    def _told_all(
        self, client: ValidatorClient, wave: Sequence[list[int]]
    ) -> list[list[AnswerW] | ValidatorFault]:
        """Return what a validator says of each submission, all of which it has at once."""
        signed = [self._signed(places) for places in wave]

        def told(places: list[int], data: bytes) -> list[AnswerW] | ValidatorFault:
            try:
                return _answers(client, data, places)
            except ValidatorFault as fault:
                return fault

        with ThreadPoolExecutor(len(wave)) as threads:
            return list(threads.map(told, wave, signed))

    def _signed(self, places: Sequence[int]) -> bytes:
        return self._sign(tuple(self._entries[place] for place in places))

    def _hand_in(self, places: list[int]) -> bool:
        """Hand one submission in, to the first validator that says something of it.

        Returns whether all of it was accepted.
        """
        found = self._told(self._signed(places), places)
        if found is None:
            self._settle(places)
            return False
        client, told = found
        refused = self._heard(client, places, told)
        if refused:
            self._contradict(client, places, refused)
        return not refused

    def _heard(
        self, client: ValidatorClient, places: Sequence[int], told: Sequence[AnswerW]
    ) -> dict[int, LodelineError]:
        """Hold what a validator accepted to the copy; return what it refused, by place."""
        both = list(zip(places, told, strict=True))
        taken = [(place, claim) for place, claim in both if isinstance(claim, Taken)]
        if taken:
            self._confirm(client, taken)
        return {
            place: unpack_refusal(claim.refusal)
            for place, claim in both
            if isinstance(claim, Refused)
        }

    def _told(
        self, data: bytes, places: Sequence[int]
    ) -> tuple[ValidatorClient, list[AnswerW]] | None:
        """Return what the first validator says that takes the submission in; nothing: none is left.

        Raises:
            NoValidatorAnswers: none could be reached, or so few refuse that they may all lie.
        """
        validators, refusals = self._copy.validators, list[LodelineError]()
        asked = [client for client in validators.line() if not self._objected(client, places)]
        for client in asked:
            try:
                told = _answers(client, data, places)
            except ValidatorFault as fault:
                validators.note_trouble(client, fault)
                if isinstance(fault, ValidatorRefuses):
                    refusals.append(_rebuilt(fault))
                continue
            validators.troubles.pop(client.url, None)
            return client, told
        refusal = _given_by(refusals, validators.dishonest + 1)
        if refusal is not None:
            self._refuse_all(places, refusal)
        elif asked or not validators.line():
            raise validators.nobody()
        return None

    def _objected(self, client: ValidatorClient, places: Sequence[int]) -> bool:
        return any(client.url in self._objectors[place] for place in places)

    def _refuse_all(self, places: Sequence[int], refusal: LodelineError) -> None:
        """Take a refusal of the whole envelope, in which so many agree that one is honest."""
        if isinstance(refusal, EngineRefused):
            raise refusal
        self._answers |= dict.fromkeys(places, refusal)

    def _settle(self, places: Sequence[int]) -> None:
        """Take a refusal that the copy does not confirm, when nobody else is left to ask."""
        for place in places:
            if place in self._objections and place not in self._answers:
                self._answers[place] = self._objections[place]

    def _confirm(self, client: ValidatorClient, taken: Sequence[tuple[int, Taken]]) -> None:
        """Follow until the copy has what a validator says it accepted.

        Raises:
            EntryNotConfirmed: it did not get there in time.
        """
        places = [place for place, _ in taken]
        beyond = TreeSize(max(claim.index for _, claim in taken))
        try:
            confirmed = self._copy.confirm(lambda: self._has_all(places), beyond)
        except EntryNotConfirmed as late:
            fault = ValidatorTooSlow(client.url, late.seconds)
            self._copy.validators.note_trouble(client, fault)
            raise
        if confirmed:
            return
        for place, claim in taken:
            if self._receipt(place) is None:
                lie = ReceiptFalse(client.url, claim.entry, claim.index)
                self._copy.validators.note_trouble(client, lie)
                return

    def _contradict(
        self, client: ValidatorClient, places: Sequence[int], refused: dict[int, LodelineError]
    ) -> None:
        """Hold refusals to what the own copy says of the same entries."""
        decided = self._own_answers(places)
        companions = [isinstance(refusal, RefusedWithOthers) for refusal in refused.values()]
        for place, refusal in refused.items():
            if isinstance(refusal, RefusedWithOthers) and not all(companions):
                continue
            own = decided[place]
            if isinstance(refusal, EngineRefused):
                self._excuse = refusal
                self._objectors[place].add(client.url)
            elif isinstance(own, LodelineError):
                # For another reason than the copy has, it is the validator's word alone.
                self._answers[place] = refusal if refusal.code == own.code else own
            else:
                self._objections[place] = refusal
                self._objectors[place].add(client.url)

    def _own_answers(self, places: Sequence[int]) -> dict[int, Answer]:
        """Decide entries over a draft of the newest state that the copy can have, as a block would.

        Where the copy cannot be brought up to date just now, its last state has to do: what it does
        not confirm is asked elsewhere.
        """
        copy = self._copy
        with suppress(NoValidatorAnswers, TooFewValidatorsSigned):
            copy.refresh()
        trial = Trial(copy.state().draft(), LeafIndex(copy.size), copy.now(), copy.verify)
        answers = trial.offer([self._entries[place] for place in places])
        return dict(zip(places, answers, strict=True))


def _answers(client: ValidatorClient, data: bytes, places: Sequence[int]) -> list[AnswerW]:
    """Return what a validator says of each entry of a submission.

    Raises:
        ValidatorFault: nothing that can be used.
    """
    told = client.submit(data)
    if len(told) != len(places):
        reason = f"{len(told)} answers for {len(places)} entries"
        raise AnswerMalformed(client.url, "answers", reason)
    return told


def _given_by(refusals: Sequence[LodelineError], least: int) -> LodelineError | None:
    """Return the first refusal that enough have given, or nothing."""
    codes = [refusal.code for refusal in refusals]
    return next((found for found in refusals if codes.count(found.code) >= least), None)


def _rebuilt(fault: ValidatorRefuses) -> LodelineError:
    """Return the refusal that a validator answered with; where there is none, that it refuses."""
    try:
        packed = msgspec.json.decode(fault.packed[:_LONGEST_REFUSAL], type=PackedRefusal)
    except msgspec.DecodeError:
        return fault
    return unpack_refusal(packed)
