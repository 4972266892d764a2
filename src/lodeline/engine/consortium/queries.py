"""Questions to a validator's application, each answered with what proves the answer.

    /checkpoint             the last signed checkpoint
    /entry    index (8)     a leaf of the log, and the proof that the present log holds it
    /state    key (32)      the digest under a key of the state map, or nothing; and the proof

Indexes are big-endian. Proofs are the ledger's own (`ledger.merkle`, `ledger.statemap`), in
canonical CBOR: whoever asks compares them with the roots of a checkpoint that enough members
signed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lodeline.engine.abci.abci_pb2 import ProofOp, ProofOps, RequestQuery, ResponseQuery
from lodeline.engine.consortium.replica import Replica
from lodeline.engine.consortium.results import CODESPACE
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.merkle import LeafIndex

__all__ = ["answer_query"]

_HASH_BYTES: Final = 32
_INDEX_BYTES: Final = 8
_REFUSED: Final = 1
_UNKNOWN: Final = 2


def answer_query(replica: Replica, request: RequestQuery) -> ResponseQuery:
    """Answer a question; the log and the state stand still meanwhile."""
    answering = _PATHS.get(request.path)
    if answering is None:
        return ResponseQuery(code=_UNKNOWN, log="no such path", codespace=CODESPACE)
    with replica.turn:
        try:
            answer = answering(replica, request.data)
        except LodelineError as refused:
            return ResponseQuery(code=_REFUSED, log=str(refused), codespace=CODESPACE)
        answer.height = replica.position.height
    return answer


def _checkpoint(replica: Replica, _: bytes) -> ResponseQuery:
    return ResponseQuery(value=replica.signed_checkpoint())


def _entry(replica: Replica, data: bytes) -> ResponseQuery:
    if len(data) != _INDEX_BYTES:
        return ResponseQuery(code=_UNKNOWN, log="an index has 8 bytes", codespace=CODESPACE)
    index = LeafIndex(int.from_bytes(data, "big"))
    leaf = replica.leaf(index)
    proof = replica.prove_inclusion(index, replica.size)
    return _proved(data, leaf, "inclusion", cbor.encode_struct(proof))


def _state(replica: Replica, data: bytes) -> ResponseQuery:
    if len(data) != _HASH_BYTES:
        return ResponseQuery(code=_UNKNOWN, log="a key has 32 bytes", codespace=CODESPACE)
    key, known = Hash32(data), replica.state().map
    value = known.get(key)
    if value is None:
        return _proved(data, b"", "absence", cbor.encode_struct(known.prove_absence(key)))
    return _proved(data, value, "presence", cbor.encode_struct(known.prove_presence(key)))


def _proved(key: bytes, value: bytes, kind: str, proof: bytes) -> ResponseQuery:
    ops = ProofOps(ops=[ProofOp(type=f"{CODESPACE}:{kind}", key=key, data=proof)])
    return ResponseQuery(key=key, value=value, proof_ops=ops)


_PATHS: Final[Mapping[str, Callable[[Replica, bytes], ResponseQuery]]] = {
    "/checkpoint": _checkpoint,
    "/entry": _entry,
    "/state": _state,
}
