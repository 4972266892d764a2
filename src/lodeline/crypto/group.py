"""The one boundary to the curve library: BLS12-381 G1 and its scalar field.

Nothing else in the project imports the library, so that a faster backend with the same bytes can
take its place. Points travel as 48 compressed bytes (the encoding of the ZCash/IETF serialisation,
draft-irtf-cfrg-pairing-friendly-curves appendix C), scalars as 32 little-endian bytes below the
group order.

What this module guarantees to its callers:

* ``decode_point`` returns only points that are on the curve, in the prime-order subgroup, not the
  identity, and whose encoding is the one canonical encoding of that point;
* ``multi_scalar_mul`` refuses lists of unequal length, which the library would silently cut to
  the shorter one.

The library is not constant-time. Provers run on the holder's own machine; see the threat model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from py_arkworks_bls12381 import G1Point as Point
from py_arkworks_bls12381 import Scalar

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import PointBytes, ScalarBytes

__all__ = [
    "GROUP_ORDER",
    "IDENTITY",
    "ONE",
    "POINT_BYTES",
    "SCALAR_BYTES",
    "ZERO",
    "BadPoint",
    "BadScalar",
    "Entropy",
    "Point",
    "PointBytes",
    "Scalar",
    "ScalarBytes",
    "UnequalLengths",
    "decode_point",
    "decode_scalar",
    "encode_point",
    "encode_scalar",
    "hash_to_point",
    "multi_scalar_mul",
    "random_scalar",
    "scalar",
    "scalar_from_wide",
    "sum_scalars",
]

GROUP_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""Prime order of G1, 255 bits (draft-irtf-cfrg-pairing-friendly-curves §4.2.1)."""

POINT_BYTES = 48
SCALAR_BYTES = 32
WIDE_BYTES = 64
"""Bytes reduced to one scalar: the bias is below 2**-256."""

ZERO = Scalar(0)
ONE = Scalar(1)
IDENTITY = Point.identity()
_IDENTITY_BYTES = bytes([0xC0]) + bytes(POINT_BYTES - 1)
_HASH_TO_CURVE_DOMAIN = b"LODELINE-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_"


class BadPoint(LodelineError):
    """Bytes that are not the canonical encoding of a usable group element."""

    encoding: bytes
    reason: str

    code = "bad-point"
    en = "The bytes {encoding} are not a valid group element: {reason}"
    fr = "Les octets {encoding} ne sont pas un élément de groupe valide : {reason}"
    advice_en = "Ask the sender for the entry again; it was damaged or forged"
    advice_fr = "Redemandez l'écriture à l'expéditeur ; elle est abîmée ou falsifiée"


class BadScalar(LodelineError):
    """Bytes that are not the canonical encoding of a scalar."""

    encoding: bytes

    code = "bad-scalar"
    en = "The bytes {encoding} are not a canonical scalar (32 bytes below the group order)"
    fr = "Les octets {encoding} ne sont pas un scalaire canonique (32 octets sous l'ordre)"
    advice_en = "Ask the sender for the entry again; it was damaged or forged"
    advice_fr = "Redemandez l'écriture à l'expéditeur ; elle est abîmée ou falsifiée"


class UnequalLengths(LodelineError):
    """A multi-scalar multiplication was asked for with lists of unequal length."""

    points: int
    scalars: int

    code = "unequal-lengths"
    en = "{points} points cannot be combined with {scalars} scalars"
    fr = "{points} points ne peuvent pas être combinés avec {scalars} scalaires"
    advice_en = "This is a defect of the program; report it with the entry that caused it"
    advice_fr = "C'est un défaut du programme ; signalez-le avec l'écriture en cause"


class Entropy(Protocol):
    """A source of secret random bytes; the only one in the product asks the operating system."""

    def bytes(self, count: int) -> bytes:
        """Return ``count`` fresh random bytes."""
        ...


def encode_point(point: Point) -> PointBytes:
    """Return the 48-byte compressed encoding of ``point``."""
    return PointBytes(bytes(point.to_compressed_bytes()))


def decode_point(encoding: bytes) -> Point:
    """Return the point that 48 canonical bytes encode; about 80 microseconds.

    Raises:
        BadPoint: wrong length, identity, not on the curve, not in the prime-order subgroup,
            or not the canonical encoding.
    """
    if len(encoding) != POINT_BYTES:
        raise BadPoint(encoding, f"{len(encoding)} bytes instead of {POINT_BYTES}")
    if encoding == _IDENTITY_BYTES:
        raise BadPoint(encoding, "it is the identity")
    try:
        point = Point.from_compressed_bytes(encoding)
    except ValueError as refused:
        raise BadPoint(encoding, "not on the curve or not in the subgroup") from refused
    if point == IDENTITY:
        raise BadPoint(encoding, "it is the identity")
    if point.to_compressed_bytes() != encoding:
        raise BadPoint(encoding, "not the canonical encoding")
    return point


def encode_scalar(value: Scalar) -> ScalarBytes:
    """Return the 32-byte little-endian encoding of ``value``."""
    return ScalarBytes(bytes(value.to_le_bytes()))


def decode_scalar(encoding: bytes) -> Scalar:
    """Return the scalar that 32 canonical little-endian bytes encode.

    Raises:
        BadScalar: wrong length or not below the group order.
    """
    if len(encoding) != SCALAR_BYTES or int.from_bytes(encoding, "little") >= GROUP_ORDER:
        raise BadScalar(encoding)
    return Scalar.from_le_bytes(encoding)


def scalar(value: int) -> Scalar:
    """Return an integer of any sign and size as a scalar (reduced modulo the group order)."""
    if 0 <= value < 1 << 64:
        return Scalar(value)
    return Scalar.from_le_bytes((value % GROUP_ORDER).to_bytes(SCALAR_BYTES, "little"))


def scalar_from_wide(digest: bytes) -> Scalar:
    """Reduce at least 64 uniform bytes to a scalar with a bias below 2**-256.

    Raises:
        BadScalar: fewer than 64 bytes were given.
    """
    if len(digest) < WIDE_BYTES:
        raise BadScalar(digest)
    return Scalar.from_le_bytes_mod_order(digest)


def random_scalar(entropy: Entropy) -> Scalar:
    """Return a uniform scalar from a source of secret randomness."""
    return scalar_from_wide(entropy.bytes(WIDE_BYTES))


def sum_scalars(values: Iterable[Scalar]) -> Scalar:
    """Return the sum of scalars; zero when there are none."""
    total = ZERO
    for value in values:
        total = total + value
    return total


def hash_to_point(label: bytes) -> Point:
    """Return a generator to which nobody knows a discrete logarithm.

    Uses hash_to_curve of RFC 9380 (suite BLS12381G1_XMD:SHA-256_SSWU_RO_) under the one domain
    tag of the project.
    """
    return Point.hash_to_curve(label, _HASH_TO_CURVE_DOMAIN)


def multi_scalar_mul(points: Sequence[Point], scalars: Sequence[Scalar]) -> Point:
    """Return the sum of ``scalars[i] * points[i]``; the identity when both lists are empty.

    Raises:
        UnequalLengths: the lists differ in length.
    """
    if len(points) != len(scalars):
        raise UnequalLengths(len(points), len(scalars))
    if not points:
        return IDENTITY
    return Point.multiexp_unchecked(list(points), list(scalars))
