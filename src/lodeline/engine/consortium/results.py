"""What a block came to, as the consensus engine takes it: the same bytes on every validator.

Code and data of each transaction are part of what validators agree on. The data is the list of the
codes of its entries' refusals, empty where an entry was accepted. What a refusal says in words and
numbers stands beside it and is agreed on by nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import msgspec

from lodeline.engine.abci.abci_pb2 import (
    Event,
    EventAttribute,
    ExecTxResult,
    Misbehavior,
    ResponseCheckTx,
)
from lodeline.engine.consortium.attempt import Answers, first_refusal
from lodeline.engine.consortium.relay import pack_refusal
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.merkle import TreeSize

__all__ = ["CODESPACE", "Code", "block_events", "check_result", "executed"]

CODESPACE = "lodeline"


class Code(IntEnum):
    """What became of a submission."""

    ACCEPTED = 0
    """Every entry of it."""
    NOT_A_SUBMISSION = 1
    """It is malformed, or its envelope is not allowed; no entry was decided."""
    REFUSED = 2
    """At least one entry was refused."""


def _code(answers: Answers | LodelineError) -> Code:
    if isinstance(answers, LodelineError):
        return Code.NOT_A_SUBMISSION
    return Code.ACCEPTED if first_refusal(answers) is None else Code.REFUSED


def _data(answers: Answers | LodelineError) -> bytes:
    if isinstance(answers, LodelineError):
        return cbor.encode([answers.code])
    refused = [answer.code if isinstance(answer, LodelineError) else "" for answer in answers]
    return cbor.encode(refused)


def _log(answers: Answers | LodelineError) -> str:
    """Return the refusals in JSON, with null for an accepted entry; empty where all are."""
    each = [answers] if isinstance(answers, LodelineError) else answers
    if not any(isinstance(answer, LodelineError) for answer in each):
        return ""
    packed = [pack_refusal(a) if isinstance(a, LodelineError) else None for a in each]
    return msgspec.json.encode(packed).decode()


def check_result(answers: Answers | LodelineError) -> ResponseCheckTx:
    """Return what a check came to."""
    return ResponseCheckTx(
        code=_code(answers), data=_data(answers), log=_log(answers), codespace=CODESPACE
    )


def executed(answers: Answers | LodelineError) -> ExecTxResult:
    """Return what a transaction of a block came to."""
    return ExecTxResult(
        code=_code(answers), data=_data(answers), log=_log(answers), codespace=CODESPACE
    )


def block_events(size: TreeSize, root: Hash32, misbehaviour: Sequence[Misbehavior]) -> list[Event]:
    """Return what whoever follows the blocks is told: where the log ends, and who cheated."""
    told = [_event("log", size=str(size), hash=root.hex())]
    told += [
        _event(
            "misbehaviour",
            validator=found.validator.address.hex(),
            height=str(found.height),
            kind=str(found.type),
        )
        for found in misbehaviour
    ]
    return told


def _event(name: str, /, **attributes: str) -> Event:
    listed = [EventAttribute(key=key, value=value) for key, value in sorted(attributes.items())]
    return Event(type=f"{CODESPACE}.{name}", attributes=listed)
