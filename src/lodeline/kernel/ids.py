"""Names of things: hashes, points, keys and words, each its own type.

Bytes ids are what the ledger carries; `short` shows one to a reader. The `…W` aliases are the same
lengths and patterns as `msgspec` constraints, for the fields of wire structures:

    class Lot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        form: NameW
        key: Point48W

Lengths are checked here and at decoding; whether 48 bytes are a point of the group is checked by
`lodeline.crypto` alone.
"""

import re
from typing import Annotated, ClassVar, NewType

from msgspec import Meta

from lodeline.kernel.errors import SHORT_HEX, LodelineError

HASH_BYTES = 32
POINT_BYTES = 48
SCALAR_BYTES = 32
KEY_BYTES = 32
SIGNATURE_BYTES = 64
NAME_CHARS = 64
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._/@:-]*\Z"
ELEMENT_PATTERN = r"^[A-Z][a-z]?\Z"

_HEX_HASH = re.compile(r"[0-9a-f]{64}")
_NAME_RE = re.compile(NAME_PATTERN)

# ------------------------------------------------------------------ 32-byte hashes (SHA-256)

Hash32 = NewType("Hash32", bytes)
"""Any SHA-256 value that has no name of its own."""
LotId = NewType("LotId", bytes)
"""Hash of transform id and output index."""
TransformId = NewType("TransformId", bytes)
"""Hash of a transform's body; never taken from proof bytes."""
EntryHash = NewType("EntryHash", bytes)
"""Leaf hash of an accepted entry in the log (RFC 9162 §2.1)."""
RecipeDigest = NewType("RecipeDigest", bytes)
"""Hash of one version of a recipe."""
NoteHash = NewType("NoteHash", bytes)
"""Hash of a sealed note."""

# ------------------------------------------------------------------ 48-byte compressed points

PointBytes = NewType("PointBytes", bytes)
"""A compressed point of BLS12-381 G1, not yet decoded."""
Tag = NewType("Tag", bytes)
"""What spending a lot publishes, so that it cannot be spent twice."""
OneTimeKey = NewType("OneTimeKey", bytes)
"""The owner's key of one lot."""
Commitment = NewType("Commitment", bytes)
"""A Pedersen commitment to one number of a lot."""

# ------------------------------------------------------------------ other bytes

ScalarBytes = NewType("ScalarBytes", bytes)
"""A canonical scalar, 32 bytes, little or big endian as `lodeline.crypto` says."""
MemberKey = NewType("MemberKey", bytes)
"""A member's or facility's public Ed25519 key (RFC 8032), 32 bytes."""
SignatureBytes = NewType("SignatureBytes", bytes)
"""An Ed25519 signature (RFC 8032), 64 bytes."""

# ------------------------------------------------------------------ words

MemberId = NewType("MemberId", str)
"""A company, authority, auditor or laboratory of the consortium."""
SiteId = NewType("SiteId", str)
"""A mine, refinery or plant."""
RecipeName = NewType("RecipeName", str)
FormName = NewType("FormName", str)
"""What a lot is: `cobalt-hydroxide`, `licence`, `product`."""
StrandName = NewType("StrandName", str)
"""One column of a lot: `Co`, `Co.licence`, `Co.tolerance`."""
StandardName = NewType("StandardName", str)
"""What a claim refers to: `IRMA-75`, `recycled-post`."""
Role = NewType("Role", str)
"""In which capacity somebody signs: `auditor`, `laboratory`."""
ChainId = NewType("ChainId", str)
"""Which ledger an entry is meant for."""
ElementSymbol = NewType("ElementSymbol", str)
"""A chemical element by its IUPAC symbol: `Co`, `Ni`, `Li`."""

# ------------------------------------------------------------------ constraints for wire structures

Hash32W = Annotated[Hash32, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
LotIdW = Annotated[LotId, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
TransformIdW = Annotated[TransformId, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
EntryHashW = Annotated[EntryHash, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
RecipeDigestW = Annotated[RecipeDigest, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
NoteHashW = Annotated[NoteHash, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
Point48W = Annotated[PointBytes, Meta(min_length=POINT_BYTES, max_length=POINT_BYTES)]
TagW = Annotated[Tag, Meta(min_length=POINT_BYTES, max_length=POINT_BYTES)]
OneTimeKeyW = Annotated[OneTimeKey, Meta(min_length=POINT_BYTES, max_length=POINT_BYTES)]
CommitmentW = Annotated[Commitment, Meta(min_length=POINT_BYTES, max_length=POINT_BYTES)]
Scalar32W = Annotated[ScalarBytes, Meta(min_length=SCALAR_BYTES, max_length=SCALAR_BYTES)]
MemberKeyW = Annotated[MemberKey, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
SignatureW = Annotated[SignatureBytes, Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]
_NAME = Meta(min_length=1, max_length=NAME_CHARS, pattern=NAME_PATTERN)
NameW = Annotated[str, _NAME]
"""Any name on the wire: ASCII, 1 to 64 characters, starting with a letter or digit."""
MemberIdW = Annotated[MemberId, _NAME]
SiteIdW = Annotated[SiteId, _NAME]
RecipeNameW = Annotated[RecipeName, _NAME]
FormNameW = Annotated[FormName, _NAME]
StrandNameW = Annotated[StrandName, _NAME]
StandardNameW = Annotated[StandardName, _NAME]
RoleW = Annotated[Role, _NAME]
ChainIdW = Annotated[ChainId, _NAME]
ElementW = Annotated[ElementSymbol, Meta(max_length=2, pattern=ELEMENT_PATTERN)]


class MalformedHash(LodelineError):
    """A text that should be 64 hexadecimal digits is not."""

    code: ClassVar[str] = "malformed-hash"
    en: ClassVar[str] = "{text!r} is not a 32-byte id in hexadecimal"
    fr: ClassVar[str] = "{text!r} n'est pas un identifiant de 32 octets en hexadécimal"
    advice_en: ClassVar[str] = "copy the whole id: 64 characters, digits and a to f in lower case"
    advice_fr: ClassVar[str] = (
        "copiez l'identifiant entier : 64 caractères, chiffres et lettres a à f minuscules"
    )

    text: str


class MalformedName(LodelineError):
    """A name has characters or a length that no id of the ledger has."""

    code: ClassVar[str] = "malformed-name"
    en: ClassVar[str] = "{text!r} is not a name of the ledger"
    fr: ClassVar[str] = "{text!r} n'est pas un nom du registre"
    advice_en: ClassVar[str] = (
        "use 1 to 64 unaccented letters, digits and . _ / @ : -, starting with a letter or digit"
    )
    advice_fr: ClassVar[str] = (
        "prenez 1 à 64 lettres sans accent, chiffres et . _ / @ : -, "
        "en commençant par une lettre ou un chiffre"
    )

    text: str


def short(value: bytes) -> str:
    """The first 12 hexadecimal characters of an id, to show; never to look something up."""
    return value.hex()[:SHORT_HEX]


def parse_hash32(text: str) -> Hash32:
    """Read a 32-byte id as written by `bytes.hex`; wrap the result in the id's own type.

    Raises:
        MalformedHash: anything but 64 lower-case hexadecimal digits.
    """
    if not _HEX_HASH.fullmatch(text):
        raise MalformedHash(text=text)
    return Hash32(bytes.fromhex(text))


def check_name(text: str) -> str:
    """Return the text when it can be a name on the ledger; wrap the result in the name's type.

    Raises:
        MalformedName: not 1 to 64 characters of `NAME_PATTERN`.
    """
    if len(text) > NAME_CHARS or not _NAME_RE.match(text):
        raise MalformedName(text=text)
    return text
