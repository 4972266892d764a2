"""The quick verifier of signatures accepts nothing that the exact one refuses.

Validators may run different processors and, for a while, different releases; a signature that one
of them accepts and another refuses would split them. So the quick verifier's yes is taken only
because it is a part of the exact one's yes: tried here with honest signatures, with components of
small order in key and R (where verifiers are known to differ: Chalkias, Garillot, Nikolaenko,
"Taming the many EdDSAs", SSR 2020), with S beyond the order, and with bytes changed at random.
"""

from __future__ import annotations

import hashlib
import random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lodeline.crypto import signatures
from lodeline.crypto.signatures import SignatureContext, SigningKey, sign, verify
from lodeline.kernel.ids import MemberKey, SignatureBytes

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
Point = tuple[int, int]
_IDENTITY: Point = (0, 1)


def _add(a: Point, b: Point) -> Point:
    product = _D * a[0] * b[0] * a[1] * b[1] % _P
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, _P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, _P)
    return x % _P, y % _P


def _times(number: int, point: Point) -> Point:
    total = _IDENTITY
    while number:
        if number & 1:
            total = _add(total, point)
        point, number = _add(point, point), number >> 1
    return total


def _encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def _with_y(y: int) -> Point:
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    assert x * x % _P == square
    return (x if x % 2 == 0 else _P - x), y


_BASE = _with_y(4 * pow(5, -1, _P) % _P)


def _order_eight() -> Point:
    """A point whose multiples are all eight of small order."""
    for y in range(2, 100):
        try:
            point = _times(_L, _with_y(y))
        except AssertionError:
            continue
        if _times(4, point) != _IDENTITY:
            return point
    raise AssertionError("no point of order eight among the first")


_TORSION = [_times(count, _order_eight()) for count in range(8)]


_SMALL = [_IDENTITY] * 8 + _TORSION


def _exact(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _crafted(rng: random.Random) -> tuple[bytes, bytes, bytes]:
    """A key, a message and a signature, perhaps with small components or S too large."""
    secret, nonce, message = rng.randrange(1, _L), rng.randrange(_L), rng.randbytes(40)
    key = _encode(_add(_times(secret, _BASE), rng.choice(_SMALL)))
    commitment = _encode(_add(_times(nonce, _BASE), rng.choice(_SMALL)))
    digest = hashlib.sha512(commitment + key + message).digest()
    challenge = int.from_bytes(digest, "little") % _L
    answer = (nonce + challenge * secret) % _L + rng.choice((0, 0, 0, _L))
    signature = bytearray(commitment + answer.to_bytes(32, "little"))
    if rng.random() < 0.2:
        signature[rng.randrange(64)] ^= 1 << rng.randrange(8)
    return key, message, bytes(signature)


def test_the_quick_verifier_is_in_use() -> None:
    assert signatures._QUICK_IS_STRICT


def test_it_accepts_nothing_that_the_exact_one_refuses() -> None:
    rng, both, exact_only = random.Random(2020), 0, 0
    for _ in range(100):
        key, message, signature = _crafted(rng)
        quick = signatures._quickly_accepted(key, message, signature)
        exact = _exact(key, message, signature)
        assert exact or not quick
        both, exact_only = both + quick, exact_only + (exact and not quick)
    assert both > 10, "no crafted signature was good"


@pytest.mark.parametrize("quick", [True, False])
def test_what_is_accepted_does_not_depend_on_it(
    quick: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signatures, "_QUICK_IS_STRICT", quick)
    key = SigningKey(bytes(range(32)))
    signature = sign(key, SignatureContext.ENTRY, b"a message")
    verify(key.public, SignatureContext.ENTRY, b"a message", signature)
    with pytest.raises(signatures.SignatureInvalid):
        verify(key.public, SignatureContext.ENTRY, b"another message", signature)


def test_a_verifier_with_cofactor_would_be_found_out() -> None:
    key, signature = signatures._WITH_COFACTOR_ONLY
    assert not _exact(key, b"lodeline", signature)
    point = _with_y(int.from_bytes(key, "little") & (2**255 - 1))
    if (point[0] & 1) != key[31] >> 7:
        point = (_P - point[0], point[1])
    digest = hashlib.sha512(signature[:32] + key + b"lodeline").digest()
    challenge = int.from_bytes(digest, "little") % _L
    commitment = _with_y(int.from_bytes(signature[:32], "little") & (2**255 - 1))
    if (commitment[0] & 1) != signature[31] >> 7:
        commitment = (_P - commitment[0], commitment[1])
    left = _times(8 * int.from_bytes(signature[32:], "little"), _BASE)
    assert left == _add(_times(8, commitment), _times(8 * challenge, point))


def test_the_key_must_be_usable_all_the_same() -> None:
    with pytest.raises(signatures.MemberKeyLength):
        verify(MemberKey(b"short"), SignatureContext.ENTRY, b"", SignatureBytes(b"\0" * 64))
