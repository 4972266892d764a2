"""Which checkpoint is exported: the newest that enough validators have signed."""

from collections.abc import Mapping
from typing import cast

import pytest

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SigningKey
from lodeline.engine.consortium.published import Published
from lodeline.engine.consortium.refusals_http import CheckpointNotHere
from lodeline.kernel.ids import ChainId, Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import (
    Checkpoint,
    CheckpointPolicy,
    TooFewSignatures,
    assemble,
    sign_checkpoint,
)
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.signednote import NoteSignatureInvalid
from lodeline.node.exporting import newest_agreed
from lodeline.node.trust import origin_of, verifier_key

CHAIN = ChainId("trial")
KEYS = {
    MemberId(name): SigningKey.generate(SystemEntropy()) for name in ("mine", "refinery", "smelter")
}
PUBLIC = {name: verifier_key(CHAIN, name, key.public) for name, key in KEYS.items()}
POLICY = CheckpointPolicy(origin_of(CHAIN), tuple(PUBLIC.values()), 3)


def note(size: int, signers: int) -> bytes:
    root = Hash32(bytes([size]) * 32)
    checkpoint = Checkpoint(origin_of(CHAIN), TreeSize(size), root, root, BlockTime(size))
    return assemble(
        checkpoint,
        [
            sign_checkpoint(checkpoint, PUBLIC[name], KEYS[name].sign_frame)
            for name in list(KEYS)[:signers]
        ],
    )


class Shelf:
    """Checkpoints as a validator's file has them."""

    def __init__(self, notes: Mapping[int, bytes]) -> None:
        self.notes = notes

    def newest(self) -> tuple[TreeSize, bytes]:
        size = max(self.notes)
        return TreeSize(size), self.notes[size]

    def note_upto(self, size: TreeSize) -> bytes:
        older = [known for known in self.notes if known <= size]
        if not older:
            raise CheckpointNotHere(size)
        return self.notes[max(older)]


def newest(notes: Mapping[int, bytes]) -> bytes:
    return newest_agreed(cast(Published, Shelf(notes)), POLICY)


def test_the_newest_that_all_signed_is_taken() -> None:
    notes = {4: note(4, 3), 7: note(7, 3)}
    assert newest(notes) == notes[7]


def test_what_too_few_have_signed_is_left_out() -> None:
    notes = {4: note(4, 3), 7: note(7, 2), 9: note(9, 1)}
    assert newest(notes) == notes[4]


def test_without_an_agreed_checkpoint_nothing_is_exported() -> None:
    with pytest.raises(TooFewSignatures) as refused:
        newest({4: note(4, 1), 7: note(7, 2)})
    assert (refused.value.needed, len(refused.value.signers)) == (3, 2)


def test_a_forged_signature_ends_the_search() -> None:
    forged = note(7, 3).replace(b"\n7\n", b"\n8\n")
    with pytest.raises(NoteSignatureInvalid):
        newest({4: note(4, 3), 7: forged})
