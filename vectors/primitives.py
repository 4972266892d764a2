"""Vectors of the parts below a proof: encodings, transcript, weights, ranges, signatures."""

from __future__ import annotations

from vectors.describe import Json
from vectors.seeded import Seeded

from lodeline.crypto.accumulator import WeightSource
from lodeline.crypto.generators import BLINDING, OWNER_BASE, TAG_BASE, VALUE, bit_generators
from lodeline.crypto.group import (
    GROUP_ORDER,
    encode_point,
    encode_scalar,
    hash_to_point,
    random_scalar,
    scalar,
)
from lodeline.crypto.labels import SUITE, Domain, Label
from lodeline.crypto.owner_signature import sign_as_owner
from lodeline.crypto.range_prover import prove_ranges
from lodeline.crypto.range_verifier import replay_ranges
from lodeline.crypto.transcript import NonceSource, Transcript
from lodeline.kernel.ids import ChainId, OneTimeKey, SiteId
from lodeline.proofs.view import product_number, site_number

__all__ = ["encodings", "ranges", "signatures", "transcripts"]


def encodings() -> Json:
    """Return generators, points, scalars and the numbers of names."""
    on_g, on_h = bit_generators(4)
    named = {"g": VALUE, "h": BLINDING, "B_k": OWNER_BASE, "U": TAG_BASE}
    named |= {f"G_{index}": point for index, point in enumerate(on_g)}
    named |= {f"H_{index}": point for index, point in enumerate(on_h)}
    chain = ChainId("vectors-1")
    return {
        "suite": SUITE.decode(),
        "generators": {name: encode_point(point).hex() for name, point in named.items()},
        "hash_to_point": {
            label: encode_point(hash_to_point(label.encode())).hex() for label in ("", "value", "x")
        },
        "scalars": {
            str(value): encode_scalar(scalar(value)).hex()
            for value in (0, 1, -1, 2**64, GROUP_ORDER - 1, -(2**80))
        },
        "refused_points": _refused_points(),
        "refused_scalars": [GROUP_ORDER.to_bytes(32, "little").hex(), "ff" * 32, "00" * 31],
        "site_number": {"vectors-1 site-1": str(site_number(chain, SiteId("site-1")))},
        "product_number": {"vectors-1 pack-1": str(product_number(chain, "pack-1"))},
    }


def _refused_points() -> Json:
    good = encode_point(VALUE)
    return {
        "identity": "c0" + "00" * 47,
        "identity with another bit": "c0" + "00" * 46 + "01",
        "order three": "80" + "00" * 47,
        "not compressed": (bytes([good[0] & 0x7F]) + good[1:]).hex(),
        "x not below the prime": "9f" + "ff" * 47,
        "one byte short": good[:-1].hex(),
        "one byte long": good.hex() + "00",
    }


def transcripts() -> Json:
    """Return histories of absorbed items with the challenges that follow them."""
    cases = []
    histories: tuple[tuple[Domain, tuple[tuple[Label, bytes], ...]], ...] = (
        (Domain.TRANSFORM, ()),
        (Domain.CLAIM, ((Label.BODY, b"abc"),)),
        (Domain.TRANSFORM, ((Label.BODY, b""), (Label.INPUT_LOT, bytes(range(256))))),
        (Domain.RESTORATION, ((Label.OWNER, b"a"), (Label.OWNER, b"b"))),
    )
    for domain, history in histories:
        transcript = Transcript(domain)
        for label, data in history:
            transcript.absorb(label, data)
        cases.append(
            {
                "domain": domain.value.decode(),
                "absorbed": [[label.value.decode(), data.hex()] for label, data in history],
                "digest": transcript.digest().hex(),
                "challenge_sigma": encode_scalar(transcript.challenge(Label.SIGMA)).hex(),
                "then_challenge_y": encode_scalar(transcript.challenge(Label.RANGE_Y)).hex(),
            }
        )
    source = WeightSource(b"seed")
    weights = [encode_scalar(source.next()).hex() for _ in range(6)]
    return {
        "labels": {label.name: label.value.decode() for label in Label},
        "domains": {domain.name: domain.value.decode() for domain in Domain},
        "cases": cases,
        "batch_weights": {"seed": b"seed".hex(), "weights": weights},
    }


_RANGES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((1, 1),),
    ((8, 255),),
    ((3, 5), (1, 0), (7, 100)),
    ((64, 2**64 - 1), (65, 2**64)),
    ((160, 2**160 - 1),),
    ((100, 7), (100, 2**99), (57, 0)),
)


def ranges() -> Json:
    """Return aggregated range proofs of several widths, alone, under their own domain."""
    return {"cases": [_range_case(index, pairs) for index, pairs in enumerate(_RANGES)]}


def _range_case(index: int, pairs: tuple[tuple[int, int], ...]) -> Json:
    entropy = Seeded(f"range {index}")
    widths, values = [width for width, _ in pairs], [value for _, value in pairs]
    blindings = [random_scalar(entropy) for _ in pairs]
    commitments = [
        encode_point(VALUE * scalar(value) + BLINDING * blinding)
        for value, blinding in zip(values, blindings, strict=True)
    ]
    proving, verifying = Transcript(Domain.RANGE_ONLY), Transcript(Domain.RANGE_ONLY)
    for commitment in commitments:
        proving.absorb(Label.BODY, commitment)
        verifying.absorb(Label.BODY, commitment)
    nonces = NonceSource(proving, b"secret", entropy)
    parts = prove_ranges(proving, widths, values, blindings, nonces)
    challenges = replay_ranges(verifying, widths, parts)
    return {
        "widths": widths,
        "values": [str(value) for value in values],
        "blindings": [encode_scalar(blinding).hex() for blinding in blindings],
        "commitments": [commitment.hex() for commitment in commitments],
        "A": parts.a.hex(),
        "L": [point.hex() for point in parts.left],
        "R": [point.hex() for point in parts.right],
        "A1": parts.a1.hex(),
        "B": parts.b.hex(),
        "r": parts.r.hex(),
        "s": parts.s.hex(),
        "d": parts.d.hex(),
        "y": encode_scalar(challenges.y).hex(),
        "z": encode_scalar(challenges.z).hex(),
        "e": [encode_scalar(e).hex() for e in challenges.rounds],
        "e_last": encode_scalar(challenges.last).hex(),
        "digest": verifying.digest().hex(),
    }


def signatures() -> Json:
    """Return signatures with one-time keys."""
    cases = []
    for message in (b"", b"accept", bytes(300)):
        entropy = Seeded("signature " + message.hex()[:12])
        secret = random_scalar(entropy)
        owner = OneTimeKey(encode_point(OWNER_BASE * secret))
        announcement, response = sign_as_owner(secret, owner, message, entropy)
        cases.append(
            {
                "secret": encode_scalar(secret).hex(),
                "owner": owner.hex(),
                "message": message.hex(),
                "announcement": announcement.hex(),
                "response": response.hex(),
            }
        )
    return {"cases": cases}
