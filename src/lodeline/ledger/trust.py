"""What a stranger must know of a consortium beforehand: its trust file.

It names the log, its genesis, the members whose signatures count, and outside witnesses if any. It
comes from the consortium by another way than the bundle or claim that it is used to check, never
from inside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from lodeline.kernel.ids import ChainIdW, Hash32, parse_hash32
from lodeline.ledger.checkpoint import CheckpointPolicy, Origin
from lodeline.ledger.cosignature import WitnessKey, parse_witness_key
from lodeline.ledger.entries import EntryId
from lodeline.ledger.signednote import parse_verifier_key

__all__ = ["Signers", "TrustFile"]

Signers = Literal["operator", "members", "validators"]
"""Who it is that signs checkpoints, in the words of a report; what counts are the keys."""

MAX_MEMBERS = 64
_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class TrustFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A consortium as a stranger pins it; every field is text or a number, ready for JSON.

    Fields that have their usual value are not written: a file without witnesses reads as it did
    before there were any.
    """

    chain: ChainIdW
    genesis: Annotated[str, msgspec.Meta(min_length=64, max_length=64)]
    """Id of the genesis in hexadecimal; with it nobody can found a second consortium unseen."""
    origin: _Line
    """First line of the log's checkpoints."""
    members: Annotated[tuple[_Line, ...], msgspec.Meta(min_length=1, max_length=MAX_MEMBERS)]
    """Verifier keys as the signed-note format writes them: ``name+id+key``."""
    threshold: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)]
    """How many of the members must have signed a checkpoint."""
    signers: Signers = "members"
    """Who those are that sign: voting members, the validators of members, or one operator."""
    witnesses: Annotated[tuple[_Line, ...], msgspec.Meta(max_length=MAX_MEMBERS)] = ()
    """Keys of outside witnesses, ``name+id+key``; their signature type is 4."""
    witness_threshold: Annotated[int, msgspec.Meta(ge=0, le=MAX_MEMBERS)] = 0
    """How many of the witnesses must have cosigned a checkpoint; 0 only where none is named."""

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
            PolicyRepeatsMember, PolicyRepeatsWitness, ThresholdOutOfRange,
            WitnessThresholdOutOfRange, KeyNameMalformed: keys that make no policy.
        """
        return CheckpointPolicy(
            Origin(self.origin),
            tuple(parse_verifier_key(text) for text in self.members),
            self.threshold,
            tuple(parse_witness_key(text) for text in self.witnesses),
            self.witness_threshold,
        )

    def witnessed_by(self, witnesses: Iterable[WitnessKey], threshold: int) -> TrustFile:
        """Return the same trust with other witnesses, of whom so many must have cosigned.

        Raises:
            PolicyRepeatsWitness, WitnessThresholdOutOfRange: as `policy`.
        """
        names = tuple(str(key) for key in witnesses)
        changed = replace(self, witnesses=names, witness_threshold=threshold)
        changed.policy()
        return changed

    @classmethod
    def of(cls, chain: ChainIdW, genesis: EntryId, policy: CheckpointPolicy) -> TrustFile:
        """Return the trust file of a log with a policy."""
        return cls(
            chain,
            Hash32(genesis).hex(),
            policy.origin,
            tuple(str(key) for key in policy.members),
            policy.threshold,
            witnesses=tuple(str(key) for key in policy.witnesses),
            witness_threshold=policy.witness_threshold,
        )
