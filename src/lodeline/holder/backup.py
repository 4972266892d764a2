"""A vault in one encrypted file, and back.

The file opens with the keystore of the vault, so keystore and backup are kept apart and both are
needed. It is one canonical CBOR structure: header, and all rows sealed with ChaCha20-Poly1305
(RFC 8439) under a key of its own; the header is associated data. A vault that comes back stands at
the position of the log that it had; following the log brings it up to date.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from lodeline.crypto.entropy import Entropy
from lodeline.holder.keystore import VaultKey
from lodeline.holder.sealed_rows import VaultExists
from lodeline.holder.vault import Vault
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import HASH_BYTES, KEY_BYTES

__all__ = ["MAX_BACKUP_BYTES", "BackupNotOpened", "backup", "restore_backup"]

MAX_BACKUP_BYTES: Final = 1 << 30
_NONCE_BYTES: Final = 12


class BackupNotOpened(LodelineError):
    """A backup of another keystore's vault, or an altered one."""

    length: int

    code = "backup-not-opened"
    en = "the backup ({length} bytes) does not open with this keystore"
    fr = "la sauvegarde ({length} octets) ne s'ouvre pas avec ce trousseau"
    advice_en = "use the keystore of the vault that was backed up; if it is, the file was altered"
    advice_fr = "prenez le trousseau du coffre sauvegardé ; si c'est lui, le fichier est altéré"


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lodeline-backup-v1"):
    nonce: Annotated[bytes, msgspec.Meta(min_length=_NONCE_BYTES, max_length=_NONCE_BYTES)]


class _Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    header: _Header
    ciphertext: bytes


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
    shelf: Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
    value: bytes


class _Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rows: tuple[_Row, ...]


def backup(vault: Vault, key: VaultKey, entropy: Entropy) -> bytes:
    """Return the whole vault as one encrypted file."""
    header = _Header(entropy.bytes(_NONCE_BYTES))
    rows = _Rows(tuple(_Row(*row) for row in vault.rows.dump()))
    plain = cbor.encode_struct(rows)
    sealed = _cipher(key).encrypt(header.nonce, plain, cbor.encode_struct(header))
    return cbor.encode_struct(_Sealed(header, sealed))


def restore_backup(path: Path, data: bytes, key: VaultKey, entropy: Entropy) -> Vault:
    """Return a new vault at a path with everything that a backup holds.

    Raises:
        BackupNotOpened: another keystore's, or altered; nothing was written.
        VaultExists: there is a file at the path.
        LodelineError: any reason of ``kernel.cbor`` for bytes that are no backup.
    """
    parsed = cbor.decode_struct(data, _Sealed, max_bytes=MAX_BACKUP_BYTES)
    try:
        plain = _cipher(key).decrypt(
            parsed.header.nonce, parsed.ciphertext, cbor.encode_struct(parsed.header)
        )
    except InvalidTag as refused:
        raise BackupNotOpened(len(data)) from refused
    rows = cbor.decode_struct(plain, _Rows, max_bytes=MAX_BACKUP_BYTES)
    if path.exists():
        raise VaultExists(str(path))
    # Written beside its place and moved there: an interrupted restoration leaves no empty vault.
    beside = path.with_name(path.name + ".part")
    beside.unlink(missing_ok=True)
    with Vault.create(beside, key, entropy) as vault:
        vault.rows.load([(row.name, row.shelf, row.value) for row in rows.rows])
    beside.replace(path)
    return Vault.open(path, key, entropy)


def _cipher(key: VaultKey) -> ChaCha20Poly1305:
    derived = HKDFExpand(SHA256(), KEY_BYTES, b"lodeline/v1/vault/backup").derive(key.reveal())
    return ChaCha20Poly1305(derived)
