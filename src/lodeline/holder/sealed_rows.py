"""Encrypted rows in one SQLite file: what the vault is made of.

A row has a kind, a name and a value. On the disk stand a keyed hash of kind and name, a keyed hash
of kind and shelf (so that rows can be listed by status), and the value sealed with
ChaCha20-Poly1305 (RFC 8439) under a fresh nonce; the two hashes are its associated data, so a
sealed value put in another row does not open. Keys come from the keystore's vault key by HKDF
(RFC 5869): a file opened with another holder's key shows nothing at all.

Whoever has the file and not the key learns how many rows there are, their sizes, which share a
shelf, and their order. Not guaranteed: that a row is the newest. Somebody who may write the file
can put an older copy of it back.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from lodeline.crypto.entropy import Entropy
from lodeline.holder.keystore import VaultKey
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import KEY_BYTES

__all__ = [
    "MIGRATIONS",
    "Migration",
    "NotAVault",
    "RowBroken",
    "SealedRow",
    "SealedRows",
    "VaultBusy",
    "VaultExists",
    "VaultMissing",
    "VaultNewer",
    "VaultNotYours",
]

_APPLICATION: Final = 0x4C4F4445
"""SQLite's application id of a vault, so that another database is not taken for one."""
_BUSY_SECONDS: Final = 10
_NONCE_BYTES: Final = 12
_IDENTITY: Final = ("vault", b"identity")


class VaultMissing(LodelineError):
    """No vault at a path."""

    path: str

    code = "vault-missing"
    en = "there is no vault at {path}"
    fr = "il n'y a pas de coffre à {path}"
    advice_en = "restore one with `lodeline vault restore`, from the keystore and the log"
    advice_fr = "restaurez-en un avec `lodeline vault restore`, du trousseau et du journal"


class VaultExists(LodelineError):
    """A new vault where a file is already."""

    path: str

    code = "vault-exists"
    en = "there is a file at {path} already; it was left as it is"
    fr = "il y a déjà un fichier à {path} ; il a été laissé tel quel"
    advice_en = "move it away first, or open it"
    advice_fr = "déplacez-le d'abord, ou ouvrez-le"


class NotAVault(LodelineError):
    """A file that is no vault, or a damaged one."""

    path: str
    reason: str

    code = "not-a-vault"
    en = "{path} is no vault, or is damaged: {reason}"
    fr = "{path} n'est pas un coffre, ou est abîmé : {reason}"
    advice_en = "restore the vault from its backup, or from the keystore and the log"
    advice_fr = "restaurez le coffre depuis sa sauvegarde, ou depuis le trousseau et le journal"


class VaultNewer(LodelineError):
    """A vault that a later version of the program wrote."""

    found: int
    known: int

    code = "vault-newer"
    en = "the vault has format {found}, this program knows formats up to {known}"
    fr = "le coffre a le format {found}, ce programme connaît les formats jusqu'à {known}"
    advice_en = "use the newer program; an older one could lose what it does not know"
    advice_fr = "utilisez le programme récent ; un ancien pourrait perdre ce qu'il ignore"


class VaultNotYours(LodelineError):
    """A vault opened with another holder's keystore."""

    path: str

    code = "vault-not-yours"
    en = "the keystore does not open the vault at {path}: it belongs to somebody else"
    fr = "le trousseau n'ouvre pas le coffre à {path} : il appartient à quelqu'un d'autre"
    advice_en = "name the member whose vault it is, or that member's keystore"
    advice_fr = "nommez le membre dont c'est le coffre, ou son trousseau"


class VaultBusy(LodelineError):
    """A vault that another program is writing."""

    path: str
    seconds: int

    code = "vault-busy"
    en = "another program has been writing the vault at {path} for {seconds} seconds"
    fr = "un autre programme écrit dans le coffre à {path} depuis {seconds} secondes"
    advice_en = "wait until it has finished, then try again"
    advice_fr = "attendez qu'il ait fini, puis recommencez"


class RowBroken(LodelineError):
    """A row that does not open: altered, or moved from another place."""

    place: int

    code = "vault-row-broken"
    en = "row {place} of the vault was altered and does not open"
    fr = "la ligne {place} du coffre a été altérée et ne s'ouvre pas"
    advice_en = "restore the vault from its backup"
    advice_fr = "restaurez le coffre depuis sa sauvegarde"


@dataclass(frozen=True)
class Migration:
    """One step of the file's format; it and the record of it are one transaction."""

    version: int
    title: str
    statements: tuple[str, ...]


MIGRATIONS: Final = (
    Migration(
        1,
        "sealed rows",
        (
            (
                "CREATE TABLE rows ("
                " place INTEGER PRIMARY KEY AUTOINCREMENT,"
                " name BLOB NOT NULL UNIQUE CHECK (length(name) = 32),"
                " shelf BLOB NOT NULL CHECK (length(shelf) = 32),"
                " sealed BLOB NOT NULL"
                ") STRICT"
            ),
            "CREATE INDEX rows_by_shelf ON rows (shelf, place)",
        ),
    ),
)


@dataclass(frozen=True)
class SealedRow:
    """One row, opened."""

    place: int
    """Order in which rows were first written."""
    value: bytes

    def __repr__(self) -> str:
        return f"SealedRow({self.place}, secret)"


class SealedRows:
    """An open file of sealed rows. Not for several threads at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection, key: VaultKey, entropy: Entropy):
        self._path, self._connection, self._entropy = path, connection, entropy
        self._cipher = ChaCha20Poly1305(_derived(key, b"lodeline/v1/vault/seal"))
        self._index_key = _derived(key, b"lodeline/v1/vault/index")
        self._depth = 0

    @classmethod
    def create(
        cls,
        path: Path,
        key: VaultKey,
        entropy: Entropy,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> SealedRows:
        """Return a new file, readable by its owner alone.

        Raises:
            VaultExists: there is a file.
        """
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError as refused:
            raise VaultExists(str(path)) from refused
        rows = cls(path, _connect(path), key, entropy)
        rows._prepare()
        rows._migrate(migrations)
        rows.put(_IDENTITY[0], _IDENTITY[1], b"", b"1")
        return rows

    @classmethod
    def open(
        cls,
        path: Path,
        key: VaultKey,
        entropy: Entropy,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> SealedRows:
        """Return an existing file, brought to the present format.

        Raises:
            VaultMissing: there is none.
            NotAVault: it is another kind of file, or damaged.
            VaultNewer: a later program wrote it.
            VaultNotYours: the key is not the one that it was made with.
        """
        if not path.is_file():
            raise VaultMissing(str(path))
        rows = cls(path, _connect(path), key, entropy)
        try:
            rows._check_kind()
            rows._prepare()
            rows._migrate(migrations)
            if rows.get(*_IDENTITY) is None:
                raise VaultNotYours(str(path))
        except BaseException:
            rows.close()
            raise
        return rows

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Make every write inside one transaction: all of them are kept or none.

        Raises:
            VaultBusy: another program is writing.
        """
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        self._begin()
        self._depth = 1
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        else:
            self._connection.execute("COMMIT")
        finally:
            self._depth = 0

    def _begin(self) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as refused:
            raise VaultBusy(str(self._path), _BUSY_SECONDS) from refused

    # ------------------------------------------------------------------ rows

    def put(self, kind: str, name: bytes, shelf: bytes, value: bytes) -> int:
        """Write a row, over an older one of its kind and name; return its place."""
        hashed, on = self._hashed(kind, b"name", name), self._hashed(kind, b"shelf", shelf)
        sealed = self._seal(hashed + on, value)
        with self.change():
            found = self._connection.execute(
                "INSERT INTO rows (name, shelf, sealed) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET shelf = excluded.shelf, sealed = excluded.sealed"
                " RETURNING place",
                (hashed, on, sealed),
            ).fetchone()
        place: int = found[0]
        return place

    def get(self, kind: str, name: bytes) -> SealedRow | None:
        """Return a row, or nothing.

        Raises:
            RowBroken: it was altered.
        """
        found = self._connection.execute(
            "SELECT place, name, shelf, sealed FROM rows WHERE name = ?",
            (self._hashed(kind, b"name", name),),
        ).fetchone()
        return None if found is None else self._opened(found)

    def on_shelf(self, kind: str, shelf: bytes) -> Iterator[SealedRow]:
        """Yield the rows of a kind on a shelf, in the order in which they were first written.

        Raises:
            RowBroken: one was altered.
        """
        found = self._connection.execute(
            "SELECT place, name, shelf, sealed FROM rows WHERE shelf = ? ORDER BY place",
            (self._hashed(kind, b"shelf", shelf),),
        ).fetchall()
        return map(self._opened, found)

    def remove(self, kind: str, name: bytes) -> bool:
        """Take a row away; return whether there was one."""
        with self.change():
            gone = self._connection.execute(
                "DELETE FROM rows WHERE name = ?", (self._hashed(kind, b"name", name),)
            )
        return gone.rowcount > 0

    # ------------------------------------------------------------------ the whole file

    def dump(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield every row but the identity, opened, in order: hashed name, hashed shelf, value."""
        identity = self._hashed(_IDENTITY[0], b"name", _IDENTITY[1])
        found = self._connection.execute(
            "SELECT place, name, shelf, sealed FROM rows WHERE name <> ? ORDER BY place",
            (identity,),
        )
        for row in found:
            yield bytes(row[1]), bytes(row[2]), self._opened(row).value

    def load(self, rows: Sequence[tuple[bytes, bytes, bytes]]) -> None:
        """Write rows that ``dump`` gave under the same key, in order."""
        with self.change():
            self._connection.executemany(
                "INSERT INTO rows (name, shelf, sealed) VALUES (?, ?, ?)",
                ((name, on, self._seal(name + on, value)) for name, on, value in rows),
            )

    # ------------------------------------------------------------------ inside

    def _hashed(self, kind: str, what: bytes, text: bytes) -> bytes:
        framed = b"".join(
            len(part).to_bytes(4, "big") + part for part in (kind.encode(), what, text)
        )
        return hmac.digest(self._index_key, framed, "sha256")

    def _seal(self, place: bytes, value: bytes) -> bytes:
        nonce = self._entropy.bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, place)

    def _opened(self, row: tuple[int, bytes, bytes, bytes]) -> SealedRow:
        place, name, shelf, sealed = row
        try:
            value = self._cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bytes(name) + bytes(shelf)
            )
        except (InvalidTag, ValueError) as refused:
            raise RowBroken(place) from refused
        return SealedRow(place, value)

    def _check_kind(self) -> None:
        try:
            found = self._connection.execute("PRAGMA application_id").fetchone()
        except sqlite3.DatabaseError as refused:
            raise NotAVault(str(self._path), str(refused)) from refused
        if found[0] != _APPLICATION:
            raise NotAVault(str(self._path), "application id")

    def _prepare(self) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (version INTEGER PRIMARY KEY, title TEXT NOT NULL) STRICT"
        )
        done = self._connection.execute("SELECT max(version) FROM migrations").fetchone()[0] or 0
        known = max(step.version for step in migrations)
        if done > known:
            raise VaultNewer(done, known)
        for step in migrations:
            if step.version > done:
                self._apply(step)

    def _apply(self, step: Migration) -> None:
        with self.change():
            for statement in step.statements:
                self._connection.execute(statement)
            self._connection.execute(
                "INSERT INTO migrations (version, title) VALUES (?, ?)", (step.version, step.title)
            )
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")


def _derived(key: VaultKey, label: bytes) -> bytes:
    return HKDFExpand(SHA256(), KEY_BYTES, label).derive(key.reveal())


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)
