"""A holder's keys, and the encrypted form in which they rest.

The file is one canonical CBOR structure: a header that says how to derive the key, and a
ciphertext of the secrets. The passphrase goes through Argon2id (RFC 9106) with a fresh salt, the
secrets through ChaCha20-Poly1305 (RFC 8439) with a fresh nonce and the header as associated data,
so a header that was altered opens nothing. Every sealing draws both anew.

The cost of the derivation is read from the file before anything is known to be genuine, so it is
held between two limits: a file cannot make the reader spend gigabytes, nor pass with a cost that a
guesser would like. The cheap limits of a test are an explicit argument, never a setting.

This module works on bytes; ``keyfile`` puts them on a disk.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from lodeline.crypto.entropy import Entropy, Secret
from lodeline.crypto.onetime import Address, SpendKey
from lodeline.crypto.sealing import ViewPrivateKey
from lodeline.crypto.signatures import SigningKey
from lodeline.kernel.cbor import decode_struct, encode_struct
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import KEY_BYTES, Scalar32W, ScalarBytes, SiteId, SiteIdW, check_name

__all__ = [
    "DERIVING",
    "LEAST_PASSPHRASE_CHARS",
    "MAX_KEYSTORE_BYTES",
    "STANDARD_COST",
    "STANDARD_LIMITS",
    "FacilityKeyMissing",
    "FacilityKeyPresent",
    "HolderKeys",
    "KdfCost",
    "KdfCostOutside",
    "KdfLimits",
    "KdfOutOfMemory",
    "KeystoreNotOpened",
    "KeystoreTooLarge",
    "Passphrase",
    "PassphraseTooShort",
    "PassphraseUnusable",
    "VaultKey",
    "VaultKeyLength",
    "change_passphrase",
    "open_keystore",
    "seal_keystore",
]

DERIVING: Final = Lock()
"""Held by whoever uses Argon2id in this process: with several lanes, two derivations at a time wait
for each other's threads in OpenSSL (seen in 4.0.3) and never end."""
MAX_KEYSTORE_BYTES: Final = 1 << 20
"""Room for thousands of facilities; more is not a keystore."""
LEAST_PASSPHRASE_CHARS: Final = 12
"""Asked of a new passphrase; an old one is only right or wrong."""

_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_SEAL_TAG_BYTES: Final = 16
_KIB_PER_LANE: Final = 8


class PassphraseTooShort(LodelineError):
    """A new passphrase that a guesser would find."""

    length: int
    least: int

    code = "passphrase-too-short"
    en = "the passphrase has {length} characters, a keystore asks for at least {least}"
    fr = "la phrase secrète a {length} caractères, le trousseau en demande au moins {least}"
    advice_en = "take several words that nobody would put together"
    advice_fr = "prenez plusieurs mots que personne n'assemblerait"


class PassphraseUnusable(LodelineError):
    """A passphrase with a character that has no encoding, or a control character."""

    position: int

    code = "passphrase-unusable"
    en = "character {position} of the passphrase cannot be typed the same way everywhere"
    fr = "le caractère {position} de la phrase secrète ne se saisit pas partout de même"
    advice_en = "leave out line ends and control characters"
    advice_fr = "évitez les fins de ligne et les caractères de commande"


class VaultKeyLength(LodelineError):
    """A vault key that is not 32 bytes long."""

    length: int

    code = "vault-key-length"
    en = "a vault key has 32 bytes, not {length}"
    fr = "une clé de coffre a 32 octets, et non {length}"
    advice_en = "restore the keystore from its backup"
    advice_fr = "restaurez le trousseau depuis sa sauvegarde"


class KdfOutOfMemory(LodelineError):
    """An allowed derivation for which this machine has no memory."""

    memory_kib: int

    code = "kdf-out-of-memory"
    en = "deriving the keystore's key needs {memory_kib} KiB of memory, which are not free"
    fr = "dériver la clé du trousseau demande {memory_kib} Kio de mémoire, qui manquent"
    advice_en = "end other programs and try again"
    advice_fr = "fermez d'autres programmes et recommencez"


class KdfCostOutside(LodelineError):
    """A key derivation that is too cheap to protect, or dear enough to be an attack."""

    parameter: str
    found: int
    least: int
    most: int

    code = "kdf-cost-outside"
    en = "the keystore asks for {parameter} = {found}, allowed is {least} to {most}"
    fr = "le trousseau demande {parameter} = {found}, permis de {least} à {most}"
    advice_en = "do not open it; restore the keystore from its backup"
    advice_fr = "ne l'ouvrez pas ; restaurez le trousseau depuis sa sauvegarde"


class KeystoreTooLarge(LodelineError):
    """Something far too large to be a keystore."""

    length: int
    most: int

    code = "keystore-too-large"
    en = "the keystore would have {length} bytes, at most {most} are allowed"
    fr = "le trousseau aurait {length} octets, {most} au plus sont permis"
    advice_en = "check that this is the right file"
    advice_fr = "vérifiez que c'est le bon fichier"


class KeystoreNotOpened(LodelineError):
    """A wrong passphrase, or an altered file.

    One class for the two: authenticated encryption cannot tell them apart.
    """

    length: int

    code = "keystore-not-opened"
    en = "the keystore ({length} bytes) does not open with this passphrase"
    fr = "le trousseau ({length} octets) ne s'ouvre pas avec cette phrase secrète"
    advice_en = "type it again; if it is certainly right, the file was altered: restore a backup"
    advice_fr = "ressaisissez-la ; si elle est sûre, le fichier est altéré : restaurez une copie"


class FacilityKeyMissing(LodelineError):
    """An operation at a site whose key is not in this keystore."""

    site: SiteId

    code = "facility-key-missing"
    en = "the keystore holds no key for site {site}"
    fr = "le trousseau ne contient pas de clé pour le site {site}"
    advice_en = "add a key for the site and have it registered"
    advice_fr = "ajoutez une clé pour le site et faites-la enregistrer"


class FacilityKeyPresent(LodelineError):
    """A second key for a site, which would replace one that is in use."""

    site: SiteId

    code = "facility-key-present"
    en = "the keystore already holds a key for site {site}"
    fr = "le trousseau contient déjà une clé pour le site {site}"
    advice_en = "remove the old key first, once its replacement is registered"
    advice_fr = "retirez d'abord l'ancienne clé, une fois sa remplaçante enregistrée"


class Passphrase(Secret):
    """A passphrase as bytes: Unicode NFC, UTF-8 (the OpaqueString profile of RFC 8265 §4.2)."""

    __slots__ = ()

    @classmethod
    def typed(cls, text: str) -> Passphrase:
        """Return the passphrase that somebody typed, however their keyboard composes accents.

        Raises:
            PassphraseUnusable: a control character or a lone surrogate.
        """
        for position, char in enumerate(text, start=1):
            if unicodedata.category(char) in {"Cc", "Cs"}:
                raise PassphraseUnusable(position)
        return cls(unicodedata.normalize("NFC", text).encode("utf-8"))

    def check_strength(self) -> None:
        """Return only if the passphrase is long enough to be a new one.

        Length is all that is judged: no rule on characters makes a bad passphrase good.

        Raises:
            PassphraseTooShort: fewer than ``LEAST_PASSPHRASE_CHARS`` characters.
        """
        length = len(self.reveal().decode("utf-8"))
        if length < LEAST_PASSPHRASE_CHARS:
            raise PassphraseTooShort(length, LEAST_PASSPHRASE_CHARS)


class VaultKey(Secret):
    """The 32 bytes that encrypt the vault's data."""

    __slots__ = ()

    def __init__(self, hidden: bytes) -> None:
        """Take the key.

        Raises:
            VaultKeyLength: shorter or longer.
        """
        if len(hidden) != KEY_BYTES:
            raise VaultKeyLength(len(hidden))
        super().__init__(hidden)

    @classmethod
    def generate(cls, entropy: Entropy) -> VaultKey:
        """Return a fresh key."""
        return cls(entropy.bytes(KEY_BYTES))


class KdfCost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one derivation costs: Argon2id's memory in KiB, passes and lanes (RFC 9106 §3.1)."""

    memory_kib: int
    passes: int
    lanes: int


STANDARD_COST: Final = KdfCost(memory_kib=64 * 1024, passes=3, lanes=4)
"""The second recommended option of RFC 9106 §4: about a tenth of a second, 64 MiB."""


@dataclass(frozen=True)
class KdfLimits:
    """Between which costs a keystore is opened, each parameter on its own."""

    least: KdfCost
    most: KdfCost

    def check(self, cost: KdfCost) -> None:
        """Return only if every parameter lies within the limits.

        Raises:
            KdfCostOutside: one does not, or the memory is too small for the lanes.
        """
        for name in KdfCost.__struct_fields__:
            found: int = getattr(cost, name)
            least: int = getattr(self.least, name)
            most: int = getattr(self.most, name)
            if not least <= found <= most:
                raise KdfCostOutside(name, found, least, most)
        floor = _KIB_PER_LANE * cost.lanes
        if cost.memory_kib < floor:
            raise KdfCostOutside("memory_kib", cost.memory_kib, floor, self.most.memory_kib)


STANDARD_LIMITS: Final = KdfLimits(
    least=STANDARD_COST, most=KdfCost(memory_kib=1024 * 1024, passes=8, lanes=16)
)
"""Never cheaper than the standard, never more than a gigabyte."""


@dataclass(frozen=True)
class HolderKeys:
    """Everything secret that one member of the consortium keeps."""

    signing: SigningKey
    view: ViewPrivateKey
    spend: SpendKey
    vault: VaultKey
    facilities: Mapping[SiteId, SigningKey]

    def __post_init__(self) -> None:
        """Take a copy nobody else can change, and refuse a site that could not be read back.

        Raises:
            MalformedName: a site's name is not one of the ledger.
        """
        for site in self.facilities:
            check_name(site)
        object.__setattr__(self, "facilities", MappingProxyType(dict(self.facilities)))

    @classmethod
    def generate(cls, sites: Iterable[SiteId], entropy: Entropy) -> HolderKeys:
        """Return fresh keys, one facility key for each site."""
        return cls(
            signing=SigningKey.generate(entropy),
            view=ViewPrivateKey.generate(entropy),
            spend=SpendKey.generate(entropy),
            vault=VaultKey.generate(entropy),
            facilities={site: SigningKey.generate(entropy) for site in sites},
        )

    @property
    def address(self) -> Address:
        """What senders need to make a lot this holder's."""
        return Address(spend=self.spend.public, view=self.view.public)

    def facility(self, site: SiteId) -> SigningKey:
        """Return the key that signs the operations of one site.

        Raises:
            FacilityKeyMissing: there is none.
        """
        if site not in self.facilities:
            raise FacilityKeyMissing(site)
        return self.facilities[site]

    def with_facility(self, site: SiteId, key: SigningKey) -> HolderKeys:
        """Return the same keys and one more.

        Raises:
            FacilityKeyPresent: the site has a key.
        """
        if site in self.facilities:
            raise FacilityKeyPresent(site)
        return replace(self, facilities={**self.facilities, site: key})

    def without_facility(self, site: SiteId) -> HolderKeys:
        """Return the same keys without one site's.

        Raises:
            FacilityKeyMissing: there is none.
        """
        self.facility(site)
        others = {name: key for name, key in self.facilities.items() if name != site}
        return replace(self, facilities=others)


_Key = Annotated[bytes, msgspec.Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lodeline-keystore-v1"):
    """How to derive the key; its bytes are the associated data of the ciphertext."""

    cost: KdfCost
    salt: Annotated[bytes, msgspec.Meta(min_length=_SALT_BYTES, max_length=_SALT_BYTES)]
    nonce: Annotated[bytes, msgspec.Meta(min_length=_NONCE_BYTES, max_length=_NONCE_BYTES)]


class _Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    header: _Header
    ciphertext: Annotated[bytes, msgspec.Meta(min_length=_SEAL_TAG_BYTES)]


class _Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="holder-keys-v1"):
    signing: _Key
    view: _Key
    spend: Scalar32W
    vault: _Key
    facilities: dict[SiteIdW, _Key]

    def __repr__(self) -> str:
        return "_Secrets(hidden)"


def seal_keystore(
    keys: HolderKeys,
    passphrase: Passphrase,
    entropy: Entropy,
    *,
    cost: KdfCost = STANDARD_COST,
    limits: KdfLimits = STANDARD_LIMITS,
) -> bytes:
    """Return the encrypted keystore, with a fresh salt and nonce.

    Raises:
        PassphraseTooShort: no passphrase for a new keystore.
        KdfCostOutside: the cost is not one that ``limits`` would open again.
        KdfOutOfMemory: the machine has not the memory for it.
        KeystoreTooLarge: more facilities than a keystore holds.
    """
    passphrase.check_strength()
    limits.check(cost)
    header = _Header(cost, entropy.bytes(_SALT_BYTES), entropy.bytes(_NONCE_BYTES))
    cipher = ChaCha20Poly1305(_derive(passphrase, header))
    plaintext = encode_struct(_to_wire(keys))
    ciphertext = cipher.encrypt(header.nonce, plaintext, encode_struct(header))
    sealed = encode_struct(_Sealed(header, ciphertext))
    if len(sealed) > MAX_KEYSTORE_BYTES:
        raise KeystoreTooLarge(len(sealed), MAX_KEYSTORE_BYTES)
    return sealed


def open_keystore(
    sealed: bytes, passphrase: Passphrase, *, limits: KdfLimits = STANDARD_LIMITS
) -> HolderKeys:
    """Return the keys of an encrypted keystore.

    Raises:
        KeystoreTooLarge: more than ``MAX_KEYSTORE_BYTES``; nothing was parsed.
        KdfCostOutside: the file asks for too little or too much; nothing was derived.
        KdfOutOfMemory: the machine has not the memory for it.
        KeystoreNotOpened: wrong passphrase or altered file.
        LodelineError: any reason of ``kernel.cbor`` for bytes that are not a keystore, and, for
            secrets that only a holder of the passphrase can have put there, those of the key types.
    """
    if len(sealed) > MAX_KEYSTORE_BYTES:
        raise KeystoreTooLarge(len(sealed), MAX_KEYSTORE_BYTES)
    parsed = decode_struct(sealed, _Sealed, max_bytes=MAX_KEYSTORE_BYTES)
    limits.check(parsed.header.cost)
    cipher = ChaCha20Poly1305(_derive(passphrase, parsed.header))
    try:
        plaintext = cipher.decrypt(
            parsed.header.nonce, parsed.ciphertext, encode_struct(parsed.header)
        )
    except InvalidTag as refused:
        raise KeystoreNotOpened(len(sealed)) from refused
    return _from_wire(decode_struct(plaintext, _Secrets, max_bytes=MAX_KEYSTORE_BYTES))


def change_passphrase(
    sealed: bytes,
    old: Passphrase,
    new: Passphrase,
    entropy: Entropy,
    *,
    limits: KdfLimits = STANDARD_LIMITS,
) -> bytes:
    """Return the same keys sealed with another passphrase, at the same cost.

    The old file still opens with the old passphrase: whoever has a copy and learned that
    passphrase has the keys. Against a leak, keys are replaced, not passphrases.

    Raises:
        LodelineError: what ``open_keystore`` says of the old, ``seal_keystore`` of the new.
    """
    keys = open_keystore(sealed, old, limits=limits)
    cost = decode_struct(sealed, _Sealed, max_bytes=MAX_KEYSTORE_BYTES).header.cost
    return seal_keystore(keys, new, entropy, cost=cost, limits=limits)


def _derive(passphrase: Passphrase, header: _Header) -> bytes:
    cost = header.cost
    try:
        kdf = Argon2id(
            salt=header.salt,
            length=KEY_BYTES,
            iterations=cost.passes,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        )
        with DERIVING:
            return kdf.derive(passphrase.reveal())
    except MemoryError as refused:
        raise KdfOutOfMemory(cost.memory_kib) from refused


def _to_wire(keys: HolderKeys) -> _Secrets:
    return _Secrets(
        signing=keys.signing.reveal(),
        view=keys.view.reveal(),
        spend=ScalarBytes(keys.spend.reveal()),
        vault=keys.vault.reveal(),
        facilities={site: key.reveal() for site, key in keys.facilities.items()},
    )


def _from_wire(secrets: _Secrets) -> HolderKeys:
    return HolderKeys(
        signing=SigningKey(secrets.signing),
        view=ViewPrivateKey(secrets.view),
        spend=SpendKey(secrets.spend),
        vault=VaultKey(secrets.vault),
        facilities={site: SigningKey(seed) for site, seed in secrets.facilities.items()},
    )
