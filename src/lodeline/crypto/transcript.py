"""The Fiat–Shamir transcript: the only caller of the hash that makes challenges.

Every item is framed as length of label, label, length of data, data, so that no two histories
of absorbed items give the same bytes. A challenge absorbs itself, so that what follows it depends
on it. The strong form is used throughout: the complete statement is absorbed before the first
challenge, every message of the prover before the challenge that answers it (Bernhard, Pereira,
Warinschi: "How not to prove yourself", ASIACRYPT 2012).
"""

from __future__ import annotations

import hashlib

from lodeline.crypto.group import Entropy, Scalar, scalar_from_wide
from lodeline.crypto.labels import SUITE, Domain, Label

__all__ = ["NonceSource", "Transcript"]

_WIDE = 64
_FRESH_BYTES = 32


class Transcript:
    """A growing hash of everything that prover and verifier have both seen."""

    def __init__(self, domain: Domain) -> None:
        self._hash = hashlib.blake2b(digest_size=_WIDE)
        self.absorb(Label.SUITE, SUITE)
        self.absorb(Label.DOMAIN, domain.value)

    def absorb(self, label: Label, data: bytes) -> None:
        """Add one framed item."""
        name = label.value
        self._hash.update(len(name).to_bytes(2, "big") + name + len(data).to_bytes(8, "big") + data)

    def challenge(self, label: Label) -> Scalar:
        """Return a non-zero scalar that depends on everything absorbed so far."""
        while True:
            self.absorb(label, b"")
            digest = self._hash.digest()
            self._hash.update(digest)
            value = scalar_from_wide(digest)
            if not value.is_zero():
                return value

    def digest(self) -> bytes:
        """Return the 64-byte state, to derive nonces from; it does not change the transcript."""
        return self._hash.digest()


class NonceSource:
    """Nonces and blinding from secret, transcript and fresh randomness together.

    A repeated or predictable random source alone then gives no two different challenges the same
    nonce (the hedging of RFC 6979 §3.6 and draft-irtf-cfrg-det-sigs-with-noise). One source serves
    one proof.
    """

    def __init__(self, transcript: Transcript, secret: bytes, entropy: Entropy) -> None:
        self._inner = Transcript(Domain.NONCE)
        self._inner.absorb(Label.BODY, transcript.digest())
        self._inner.absorb(Label.SECRET, secret)
        self._inner.absorb(Label.FRESH, entropy.bytes(_FRESH_BYTES))

    def next(self) -> Scalar:
        """Return the next secret uniform scalar."""
        return self._inner.challenge(Label.NONCE)
