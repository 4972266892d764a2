"""Statements, openings and proofs as JSON that a second implementation can follow step by step."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lodeline.crypto.group import Scalar, encode_scalar
from lodeline.kernel import cbor
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import Witness
from lodeline.proofs.relations import LinearForm, Ref, Statement
from lodeline.proofs.subject import Subject
from lodeline.proofs.verifier import replay

__all__ = ["Json", "described", "hexed", "plain", "proved"]

Json = Mapping[str, object]


def hexed(struct: msgspec.Struct) -> str:
    """Return the canonical CBOR of a structure in hexadecimal."""
    return cbor.encode_struct(struct).hex()


def plain(struct: msgspec.Struct) -> object:
    """Return a structure as JSON values, bytes in hexadecimal."""
    return _plain(msgspec.to_builtins(struct, builtin_types=(bytes,)))


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _form(form: LinearForm) -> str:
    """Return a form as text: sorted terms, then the constant where there is one."""
    terms = sorted(f"{factor}·[{ref}]" for ref, factor in form.terms)
    return " + ".join([*terms, *([str(form.constant)] if form.constant or not terms else [])])


def described(statement: Statement) -> Json:
    """Return what a proof shows, relation by relation, in the order in which it is proved."""
    return {
        "owners": statement.spent,
        "zeros": [f"{item.rule}: {_form(item.form)} = 0" for item in statement.zeros],
        "totals": [_form(form) for form in statement.totals],
        "products": [
            f"{item.rule}: total {item.x} · ({_form(item.y)}) − total {item.z} · ({_form(item.w)})"
            for item in statement.products
        ],
        "ranges": [f"{item.rule}: {_form(item.form)}" for item in statement.ranges],
        "widths": [item.bits for item in statement.ranges],
    }


def openings(witness: Witness) -> Json:
    """Return value and blinding factor of every commitment: nothing here is a secret."""
    return {
        str(ref): [value, encode_scalar(blinding).hex()]
        for ref, (value, blinding) in _ordered(witness)
    }


def _ordered(witness: Witness) -> list[tuple[Ref, tuple[int, Scalar]]]:
    return sorted(witness.numbers.items(), key=lambda item: str(item[0]))


def proved(subject: Subject, witness: Witness, proof: Proof) -> Json:
    """Return everything about one proof that verifying it computes on the way."""
    found = replay(subject, proof)
    ranges = found.ranges
    return {
        "bound": [[label.value.decode(), data.hex()] for label, data in subject.binding],
        "statement": described(subject.statement),
        "transcript_before_proof": subject.transcript().digest().hex(),
        "challenge_fold": encode_scalar(found.fold).hex(),
        "challenge_sigma": encode_scalar(found.challenge).hex(),
        "challenge_y": None if ranges is None else encode_scalar(ranges.y).hex(),
        "challenge_z": None if ranges is None else encode_scalar(ranges.z).hex(),
        "challenge_last": None if ranges is None else encode_scalar(ranges.last).hex(),
        "transcript_after_proof": found.digest.hex(),
        "proof": hexed(proof),
        "secrets": [encode_scalar(secret).hex() for secret in witness.secrets],
        "openings": openings(witness),
    }
