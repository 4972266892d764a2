"""What a log sends to a witness: from which size, the proof, and the checkpoint.

The body of ``POST /add-checkpoint`` in C2SP tlog-witness:

    old <size that the witness last cosigned, decimal>
    <hashes of the consistency proof, base64, one a line; none from size 0>
    <blank line>
    <signed note of the checkpoint>
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from lodeline.engine.witnesses.refusals import WitnessRequestMalformed, WitnessRequestTooLong
from lodeline.kernel.ids import HASH_BYTES, Hash32
from lodeline.ledger.merkle import PathW, TreeSize, TreeSizeW, check_hashes, check_size
from lodeline.ledger.signednote import MAX_NOTE_BYTES, read_base64, write_base64

__all__ = ["MAX_PROOF_LINES", "MAX_REQUEST_BYTES", "AddCheckpoint", "parse_request"]

MAX_PROOF_LINES: Final = 63
"""Most hashes of a proof; no tree needs more."""
MAX_REQUEST_BYTES: Final = MAX_NOTE_BYTES + 64 * 48
"""Longest body of a request."""
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


class AddCheckpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """A checkpoint for a witness to cosign; nothing is verified yet.

    Raises:
        TreeSizeOutOfRange, HashLengthDiffers: a field is out of its range.
    """

    old: TreeSizeW
    path: PathW
    note: bytes

    def __post_init__(self) -> None:
        check_size(self.old)
        check_hashes(self.path)

    def encode(self) -> bytes:
        """Return the body of the request; `parse_request` gives the same request back."""
        lines = [f"old {self.old}", *(write_base64(hashed) for hashed in self.path), ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.note


def parse_request(data: bytes) -> AddCheckpoint:
    """Read the body of a request.

    Raises:
        WitnessRequestTooLong: more than `MAX_REQUEST_BYTES`.
        WitnessRequestMalformed: not the form, or not its one canonical writing.
        TreeSizeOutOfRange: no tree has the old size.
    """
    if len(data) > MAX_REQUEST_BYTES:
        raise WitnessRequestTooLong(MAX_REQUEST_BYTES)
    head, blank, note = data.partition(b"\n\n")
    if not blank:
        raise WitnessRequestMalformed(1, "no blank line before the checkpoint")
    first, *lines = head.decode("ascii", errors="replace").split("\n")
    match = _OLD.fullmatch(first)
    if match is None:
        raise WitnessRequestMalformed(1, "not 'old <decimal>'")
    if len(lines) > MAX_PROOF_LINES:
        raise WitnessRequestMalformed(MAX_PROOF_LINES + 2, "more hashes than any proof has")
    path = tuple(_hash(number, line) for number, line in enumerate(lines, start=2))
    return AddCheckpoint(TreeSize(int(match.group(1))), path, note)


def _hash(number: int, line: str) -> Hash32:
    value = read_base64(line) if line.isascii() else None
    if value is None or len(value) != HASH_BYTES:
        raise WitnessRequestMalformed(number, "not the base64 of a hash")
    return Hash32(value)
