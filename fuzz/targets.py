"""What is fed with hostile bytes, and what must hold whatever comes in.

The rule for every target: a value or a `LodelineError` comes out, nothing else; and what was read
is written back as the same bytes. A proof is accepted only when it is byte for byte the one that
the vectors hold.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from lodeline.crypto.group import decode_point, decode_scalar, encode_point, encode_scalar
from lodeline.custody.claims import ClaimName
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.forms import Form, FormTable
from lodeline.custody.lots import LotPublic
from lodeline.custody.recipes import Recipe
from lodeline.custody.standards import Standard
from lodeline.custody.strands import Strand
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.proofs.batch import verify_batch, verify_subject
from lodeline.proofs.body import TransformBody
from lodeline.proofs.proof import Proof
from lodeline.proofs.questions import ClaimBody, claim_subject
from lodeline.proofs.task import TransformTask

__all__ = ["TARGETS", "Broken", "Target", "run"]

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


class Broken(AssertionError):
    """A target let something through that it must not."""


@dataclass(frozen=True)
class Target:
    """One thing to feed, with true inputs to start from."""

    name: str
    feed: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


class Presented(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transform as it is handed to a verifier, in one value."""

    recipe: Recipe
    body: TransformBody
    spent: tuple[LotPublic, ...]
    proof: Proof


class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A claim proof as it is handed to a verifier, in one value."""

    body: ClaimBody
    lots: tuple[LotPublic, ...]
    proof: Proof


# Any: JSON as it was read from the vectors, which have tests of their own.
@cache
def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return found


def _all(name: str, key: str) -> list[bytes]:
    """Return one encoded part of every case of a file."""
    return [bytes.fromhex(case[key]) for case in _read(name).values()]


def _lots(texts: list[str]) -> tuple[LotPublic, ...]:
    return tuple(cbor.decode_struct(bytes.fromhex(text), LotPublic) for text in texts)


def _table(name: str) -> list[bytes]:
    return [bytes.fromhex(row["cbor"]) for row in _read("tables.json")[name]]


@cache
def _forms() -> tuple[Form, ...]:
    return tuple(cbor.decode_struct(data, Form) for data in _table("forms"))


@cache
def _standards() -> tuple[Standard, ...]:
    return tuple(cbor.decode_struct(data, Standard) for data in _table("standards"))


# ------------------------------------------------------------------ decoders


def _round_trip(struct: type[msgspec.Struct]) -> Callable[[bytes], None]:
    def feed(data: bytes) -> None:
        if cbor.encode_struct(cbor.decode_struct(data, struct)) != data:
            raise Broken(struct.__name__, data.hex())

    return feed


def _points(data: bytes) -> None:
    if encode_point(decode_point(data)) != data:
        raise Broken("point", data.hex())


def _scalars(data: bytes) -> None:
    if encode_scalar(decode_scalar(data)) != data:
        raise Broken("scalar", data.hex())


def _names(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    if "/" in text:
        if ClaimName.parse(text).text != text:
            raise Broken("claim", text)
    elif Strand.parse(text).name != text:
        raise Broken("strand", text)


# ------------------------------------------------------------------ verifiers


def _transforms(data: bytes) -> None:
    given = cbor.decode_struct(data, Presented)
    if len(given.spent) != len(given.body.inputs):
        return  # the ledger looks up one lot for each input
    if recipe_digest(given.recipe) != given.body.recipe:
        return  # and the recipe by its digest
    key = Hash32(bytes(32))
    task = TransformTask(
        key, given.recipe, _forms(), _standards(), given.body, given.spent, given.proof
    )
    refusal = verify_batch([task])[0].refusal
    if refusal is None and data not in _presented():
        raise Broken("transform", data.hex())
    if refusal is not None:
        raise refusal


def _claims(data: bytes) -> None:
    given = cbor.decode_struct(data, Answered)
    subject = claim_subject(given.body, given.lots, FormTable(_forms()))
    verify_subject(subject, given.proof, "claim")
    if data not in _answered():
        raise Broken("claim proof", data.hex())


@cache
def _presented() -> frozenset[bytes]:
    return frozenset(
        cbor.encode_struct(
            Presented(
                cbor.decode_struct(bytes.fromhex(case["recipe_cbor"]), Recipe),
                cbor.decode_struct(bytes.fromhex(case["body"]), TransformBody),
                _lots(case["spent"]),
                cbor.decode_struct(bytes.fromhex(case["proof"]), Proof),
            )
        )
        for case in _read("transforms.json").values()
    )


@cache
def _answered() -> frozenset[bytes]:
    return frozenset(
        cbor.encode_struct(
            Answered(
                cbor.decode_struct(bytes.fromhex(case["body"]), ClaimBody),
                _lots(case["lots"]),
                cbor.decode_struct(bytes.fromhex(case["proof"]), Proof),
            )
        )
        for case in _read("claims.json").values()
    )


def _some_points() -> list[bytes]:
    texts = _read("encodings.json")["generators"].values()
    return [*(bytes.fromhex(text) for text in texts), bytes(48), b"\xc0" + bytes(47)]


def _some_lots() -> list[bytes]:
    cases = _read("transforms.json").values()
    return [bytes.fromhex(text) for case in cases for text in case["spent"]]


TARGETS: tuple[Target, ...] = (
    Target("body", _round_trip(TransformBody), lambda: _all("transforms.json", "body")),
    Target("proof", _round_trip(Proof), lambda: _all("transforms.json", "proof")),
    Target("lot", _round_trip(LotPublic), _some_lots),
    Target("recipe", _round_trip(Recipe), lambda: _all("transforms.json", "recipe_cbor")),
    Target("form", _round_trip(Form), lambda: _table("forms")),
    Target("question", _round_trip(ClaimBody), lambda: _all("claims.json", "body")),
    Target("point", _points, _some_points),
    Target("scalar", _scalars, lambda: [bytes(32), b"\x01" + bytes(31), b"\xff" * 32]),
    Target("name", _names, lambda: [b"Co", b"Co.licence", b"mine-a/segregated"]),
    Target("transform", _transforms, lambda: sorted(_presented())),
    Target("claim", _claims, lambda: sorted(_answered())),
)


def run(target: Target, data: bytes) -> bool:
    """Feed a target; return whether it took the data.

    Raises:
        Broken: it took what it must not, or wrote it back differently.
    """
    try:
        target.feed(data)
    except LodelineError:
        return False
    return True


if __name__ == "__main__":
    sys.stdout.write("\n".join(target.name for target in TARGETS) + "\n")
