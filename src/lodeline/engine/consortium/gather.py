"""Signatures of the other validators, gathered beside one's own under each checkpoint.

Each validator signs a block by itself. So that any of them can show a checkpoint which enough have
signed, each asks the others for theirs and keeps what fits. A peer is believed nothing: a note that
says something else than the own log, or has a signature that does not fit, is dropped and named.

Asked are those whom the settings name, and whoever validates by the ledger itself, at the address
that the members voted on: a newcomer's signatures count from its first block on, and nobody changes
a file for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

from lodeline.engine.consortium.client import Patience, ValidatorClient
from lodeline.engine.consortium.following import policy_now
from lodeline.engine.consortium.published import Published
from lodeline.engine.consortium.refusals_validators import ValidatorForks, ValidatorNoteRefused
from lodeline.engine.reader import LedgerFile
from lodeline.engine.refusals import CheckpointMissing, EngineRefused
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId
from lodeline.ledger.checkpoint import CheckpointPolicy, parse_checkpoint_text
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.signednote import Note, parse_note, verified_signers

__all__ = ["BRIEF", "Gatherer", "Gathering", "is_address"]

BRIEF: Final = Patience(connect=1.0, read=2.0, whole=4.0)
"""A peer that is slow now is asked again soon."""
_INTERVAL: Final = 0.25
_ADDRESS: Final = re.compile(r"https?://[^\s/@?#]+/?")
"""Scheme, host and port: whatever else an address says is none of an interface."""


@dataclass
class Gatherer:
    """Keeps the newest checkpoint of a ledger company by its signatures."""

    ledger: LedgerFile
    published: Published
    peers: Sequence[ValidatorClient]
    """Those whom the settings name."""
    member: MemberId | None = None
    """Whose validator this is: not asked."""
    call: Callable[[str], ValidatorClient] | None = None
    """Reaches an address of the ledger; without it, only `peers` are asked."""
    found: dict[str, ValidatorClient] = field(default_factory=dict)
    """Whom the ledger has named besides, by address."""
    faults: dict[str, EngineRefused] = field(default_factory=dict)
    """Why a peer's answer was not used the last time, by its address."""

    def gather(self) -> bool:
        """Ask for what is missing under the newest checkpoint; return whether enough have signed.

        Raises:
            LedgerReadOnly, LedgerNotWritten, …: what was gathered could not be kept.
        """
        with self.ledger.turn:
            state = self.ledger.state()
            policy, places = policy_now(state), dict(state.validators.items())
        asked = self._asked(
            record.address for member, record in sorted(places.items()) if member != self.member
        )
        try:
            size, data = self.published.newest()
        except CheckpointMissing:
            return False
        note = parse_note(data)
        for peer in asked if policy is not None else ():
            if policy is None or len(verified_signers(note, policy.members)) == len(policy.members):
                break
            note = self._with(peer, policy, size, note)
        return policy is not None and _signed(note, policy)

    def _asked(self, addresses: Iterable[str]) -> list[ValidatorClient]:
        """Return the peers of the settings, then who validates now at addresses besides."""
        if self.call is None:
            return list(self.peers)
        known, now = {peer.url for peer in self.peers}, []
        for address in addresses:
            url = address.rstrip("/")
            if url in known or not is_address(url):
                continue
            try:
                client = self.found.get(url) or self.call(url)
            except EngineRefused as fault:
                self.faults[url] = fault  # members may vote on what is no address
                continue
            self.found[url] = client
            now.append(client)
        return [*self.peers, *now]

    def close(self) -> None:
        """Close all connections."""
        for peer in (*self.peers, *self.found.values()):
            peer.close()

    def _with(
        self, peer: ValidatorClient, policy: CheckpointPolicy, size: TreeSize, own: Note
    ) -> Note:
        """Return the own note with what a peer has of it, kept."""
        try:
            theirs = checked_note(peer.url, peer.checkpoint(size=size), policy, own)
        except EngineRefused as fault:
            self.faults[peer.url] = fault
            return own
        self.faults.pop(peer.url, None)
        if set(theirs.signatures) <= set(own.signatures):
            return own
        return parse_note(self.ledger.keep_checkpoint(theirs.encode()))


def is_address(text: str) -> bool:
    """Return whether a text from the ledger is the URL of a validator's interface."""
    return _ADDRESS.fullmatch(text) is not None


def checked_note(url: str, data: bytes, policy: CheckpointPolicy, own: Note) -> Note:
    """Return a peer's note of the same checkpoint, with the lines of validators alone.

    Raises:
        ValidatorNoteRefused: it is no note, or has a signature that does not fit.
        ValidatorForks: the peer has another log at this size.
    """
    try:
        note = parse_note(data)
        signers = {(key.name, key.key_id) for key in verified_signers(note, policy.members)}
        shown, kept = parse_checkpoint_text(note.text), parse_checkpoint_text(own.text)
    except LodelineError as refused:
        raise ValidatorNoteRefused(url, refused.code, refused.message("en")) from refused
    if note.text != own.text:
        raise ValidatorForks(url, kept.size, kept.root, shown.root)
    lines = tuple(line for line in note.signatures if (line.name, line.key_id) in signers)
    return Note(note.text, lines)


def _signed(note: Note, policy: CheckpointPolicy) -> bool:
    return len(verified_signers(note, policy.members)) >= policy.threshold


class Gathering:
    """A thread that gathers for as long as the validator runs."""

    def __init__(self, gatherer: Gatherer, interval: float = _INTERVAL) -> None:
        self._gatherer = gatherer
        self._interval = interval
        self._end = Event()
        self._thread = Thread(target=self._run, name="validator-gather", daemon=True)
        self.failure: LodelineError | None = None
        """Why gathering ended before it was stopped."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and close the connections."""
        self._end.set()
        self._thread.join()
        self._gatherer.close()

    def _run(self) -> None:
        """Ask again and again; a checkpoint that all have signed costs no request."""
        while not self._end.wait(self._interval):
            try:
                self._gatherer.gather()
            except LodelineError as failed:
                self.failure = failed
                return
