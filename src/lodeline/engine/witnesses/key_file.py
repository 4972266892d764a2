"""The private key of a witness in a file of its own, for its owner alone (mode 0600).

One line, ``PRIVATE+KEY+name+id+base64 of 0x04 and the seed`` (RFC 8032 §5.1.5), as tools of signed
notes write theirs. The key serves one witness: a second one with it could sign a second history.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.signatures import SigningKey
from lodeline.engine.durable_file import put_durably, take_if_there
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import KEY_BYTES
from lodeline.ledger.cosignature import COSIGNATURE_V1, WitnessKey
from lodeline.ledger.signednote import KeyName, read_base64, write_base64

__all__ = [
    "WitnessKeyExists",
    "WitnessKeyExposed",
    "WitnessKeyMalformed",
    "WitnessKeyMissing",
    "WitnessSigner",
    "create_witness_key",
    "read_witness_key",
]

_HEAD: Final = "PRIVATE+KEY"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class WitnessKeyError(LodelineError):
    """The private key of a witness cannot be used."""


class WitnessKeyMissing(WitnessKeyError):
    """There is no key."""

    path: str

    code = "witness-key-missing"
    en = "there is no key of a witness at {path}"
    fr = "il n'y a pas de clé de témoin à {path}"
    advice_en = "make one with `lodeline witness key`"
    advice_fr = "créez-en une avec « lodeline witness key »"
    status = 404


class WitnessKeyExists(WitnessKeyError):
    """A new key where one already is; whoever relies on the old one would be left alone."""

    path: str

    code = "witness-key-exists"
    en = "there already is a key of a witness at {path}"
    fr = "il y a déjà une clé de témoin à {path}"
    advice_en = "use it, or choose another folder for another witness"
    advice_fr = "utilisez-la, ou choisissez un autre dossier pour un autre témoin"
    status = 409


class WitnessKeyExposed(WitnessKeyError):
    """A key that other accounts of the machine may read or change."""

    path: str
    mode: str

    code = "witness-key-exposed"
    en = "other accounts may read or change {path} (mode {mode})"
    fr = "d'autres comptes peuvent lire ou modifier {path} (mode {mode})"
    advice_en = "set its mode to 0600, and make a new key if somebody may have copied it"
    advice_fr = "donnez-lui le mode 0600, et refaites une clé si quelqu'un a pu la copier"


class WitnessKeyMalformed(WitnessKeyError):
    """A file that is no key of a witness."""

    path: str

    code = "witness-key-malformed"
    en = "{path} is no key of a witness"
    fr = "{path} n'est pas une clé de témoin"
    advice_en = "restore it from a copy that you keep apart"
    advice_fr = "restaurez-la depuis une copie gardée à part"


@dataclass(frozen=True)
class WitnessSigner:
    """The key of a witness, with what signs."""

    key: WitnessKey
    signing: SigningKey


def create_witness_key(path: Path, name: KeyName, entropy: Entropy) -> WitnessKey:
    """Make the key of a witness, write it for its owner alone, and return the public half.

    Raises:
        WitnessKeyExists: there is one.
        KeyNameMalformed: the name cannot stand in a note.
        DurableFileFailed: it cannot be written.
    """
    if path.exists():
        raise WitnessKeyExists(str(path))
    seed = entropy.bytes(KEY_BYTES)
    key = WitnessKey(name, SigningKey(seed).public)
    body = write_base64(bytes([COSIGNATURE_V1]) + seed)
    put_durably(path, f"{_HEAD}+{name}+{key.key_id.hex()}+{body}\n".encode(), mode=0o600)
    return key


def read_witness_key(path: Path) -> WitnessSigner:
    """Read the key of a witness.

    Raises:
        WitnessKeyMissing, WitnessKeyExposed, WitnessKeyMalformed: there is none to use.
        DurableFileFailed: the file cannot be read.
    """
    data = take_if_there(path)
    if data is None:
        raise WitnessKeyMissing(str(path))
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        raise WitnessKeyExposed(str(path), oct(mode))
    signer = _parsed(data)
    if signer is None:
        raise WitnessKeyMalformed(str(path))
    return signer


def _parsed(data: bytes) -> WitnessSigner | None:
    line = data.decode("utf-8", errors="replace").removesuffix("\n")
    parts = line.removeprefix(f"{_HEAD}+").split("+", 2)
    body = read_base64(parts[-1])
    if len(parts) != 3 or body is None or len(body) != 1 + KEY_BYTES:
        return None
    signing = SigningKey(body[1:])
    try:
        key = WitnessKey(KeyName(parts[0]), signing.public)
    except LodelineError:
        return None
    written = f"{_HEAD}+{parts[0]}+{key.key_id.hex()}+{write_base64(body)}"
    return WitnessSigner(key, signing) if line == written and body[0] == COSIGNATURE_V1 else None
