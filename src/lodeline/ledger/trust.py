"""What a stranger must know of a consortium beforehand: its trust file.

It names the log, its genesis, and the members whose signatures count. It comes from the consortium
by another way than the bundle or claim that it is used to check, never from inside it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from lodeline.kernel.ids import ChainIdW, Hash32, parse_hash32
from lodeline.ledger.checkpoint import CheckpointPolicy, Origin
from lodeline.ledger.entries import EntryId
from lodeline.ledger.signednote import VerifierKey, parse_verifier_key

__all__ = ["TrustFile"]

MAX_MEMBERS = 64
_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class TrustFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consortium as a stranger pins it; every field is text or a number, ready for JSON."""

    chain: ChainIdW
    genesis: Annotated[str, msgspec.Meta(min_length=64, max_length=64)]
    """Id of the genesis in hexadecimal; with it nobody can found a second consortium unseen."""
    origin: _Line
    """First line of the log's checkpoints."""
    members: Annotated[tuple[_Line, ...], msgspec.Meta(min_length=1, max_length=MAX_MEMBERS)]
    """Verifier keys as the signed-note format writes them: ``name+id+key``."""
    threshold: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)]
    """How many of the members must have signed a checkpoint."""

    @property
    def genesis_id(self) -> EntryId:
        """Return the id of the genesis.

        Raises:
            MalformedHash: it is not 64 hexadecimal digits.
        """
        return EntryId(parse_hash32(self.genesis))

    def policy(self) -> CheckpointPolicy:
        """Return whose signatures under a checkpoint count.

        Raises:
            VerifierKeyMalformed, …: a key that is none.
            PolicyRepeatsMember, ThresholdOutOfRange, KeyNameMalformed: keys that make no policy.
        """
        keys: tuple[VerifierKey, ...] = tuple(parse_verifier_key(text) for text in self.members)
        return CheckpointPolicy(Origin(self.origin), keys, self.threshold)

    @classmethod
    def of(cls, chain: ChainIdW, genesis: EntryId, policy: CheckpointPolicy) -> TrustFile:
        """Return the trust file of a log with a policy."""
        keys = tuple(str(key) for key in policy.members)
        return cls(chain, Hash32(genesis).hex(), policy.origin, keys, policy.threshold)
