"""The encrypted keystore on a disk: never half written, never readable by others.

Writing goes to a new file in the same folder (mode 0600), which is flushed to the disk before it
takes the name of the keystore; then the folder is flushed. Whenever the machine stops, the name
holds the whole old keystore or the whole new one. What may be left besides is a file with the
ending ``.new``, encrypted like the keystore itself; the next write removes nothing but its own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from lodeline.holder.keystore import MAX_KEYSTORE_BYTES, KeystoreTooLarge
from lodeline.kernel.errors import LodelineError

__all__ = [
    "KeystoreExists",
    "KeystoreExposed",
    "KeystoreMissing",
    "KeystoreUnreadable",
    "KeystoreUnwritable",
    "create_keystore_file",
    "read_keystore_file",
    "replace_keystore_file",
]

_OWNER_ONLY: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeystoreMissing(LodelineError):
    """A keystore that is not where it should be."""

    path: Path

    code = "keystore-missing"
    en = "there is no keystore at {path}"
    fr = "il n'y a pas de trousseau à {path}"
    advice_en = "check the path in the settings, or create a keystore"
    advice_fr = "vérifiez le chemin dans les réglages, ou créez un trousseau"
    status = 404


class KeystoreExists(LodelineError):
    """A new keystore where one already is; its keys would be lost."""

    path: Path

    code = "keystore-exists"
    en = "there already is a keystore at {path}"
    fr = "il y a déjà un trousseau à {path}"
    advice_en = "choose another path; to change the passphrase, replace the keystore instead"
    advice_fr = "choisissez un autre chemin ; pour changer de phrase, remplacez le trousseau"
    status = 409


class KeystoreExposed(LodelineError):
    """A keystore that other accounts of the machine may read or change."""

    path: Path
    mode: str

    code = "keystore-exposed"
    en = "other accounts may read or change the keystore {path} (mode {mode})"
    fr = "d'autres comptes peuvent lire ou modifier le trousseau {path} (mode {mode})"
    advice_en = "set its mode to 0600, and ask who may have copied it"
    advice_fr = "donnez-lui le mode 0600, et demandez qui a pu le copier"


class KeystoreUnreadable(LodelineError):
    """A keystore that the operating system does not let this process read."""

    path: Path
    reason: str

    code = "keystore-unreadable"
    en = "the keystore {path} cannot be read: {reason}"
    fr = "le trousseau {path} ne peut être lu : {reason}"
    advice_en = "check who owns the file, and that it is a file"
    advice_fr = "vérifiez à qui appartient le fichier, et que c'en est un"


class KeystoreUnwritable(LodelineError):
    """A keystore that could not be written for certain.

    What is found at the path afterwards is whole: the old keystore, or the new one if only the
    last flush of its folder failed.
    """

    path: Path
    reason: str

    code = "keystore-unwritable"
    en = "the keystore {path} was not written for certain: {reason}"
    fr = "l'écriture du trousseau {path} n'est pas sûre : {reason}"
    advice_en = "check room and rights in its folder, then try again; nothing was lost"
    advice_fr = "vérifiez la place et les droits du dossier, puis recommencez ; rien n'est perdu"


def create_keystore_file(path: Path, sealed: bytes) -> None:
    """Write a new keystore where none is.

    Raises:
        KeystoreTooLarge: more than a reader would take.
        KeystoreExists: there is something at ``path``, which stays as it is.
        KeystoreUnwritable: the operating system refused.
    """
    try:
        # A link, unlike a rename, never takes the place of a file that came meanwhile.
        _write(path, sealed, lambda new: os.link(new, path))
    except FileExistsError as refused:
        raise KeystoreExists(path) from refused
    except OSError as refused:
        raise KeystoreUnwritable(path, refused.strerror or type(refused).__name__) from refused


def replace_keystore_file(path: Path, sealed: bytes) -> None:
    """Put a keystore in the place of the one at ``path``, in one step.

    Raises:
        KeystoreTooLarge: more than a reader would take.
        KeystoreMissing: there is none to replace.
        KeystoreUnwritable: the operating system refused; what is there is whole, old or new.
    """
    if not path.exists():
        raise KeystoreMissing(path)
    # A link that leads elsewhere stays; what it leads to is replaced.
    target = path.resolve()
    try:
        _write(target, sealed, lambda new: new.replace(target))
    except OSError as refused:
        raise KeystoreUnwritable(path, refused.strerror or type(refused).__name__) from refused


def read_keystore_file(path: Path) -> bytes:
    """Return the encrypted bytes of a keystore that only its owner may read.

    Raises:
        KeystoreMissing: there is none.
        KeystoreExposed: group or others have any right to it.
        KeystoreTooLarge: more than ``MAX_KEYSTORE_BYTES``.
        KeystoreUnreadable: the operating system refused, or it is not a file.
    """
    try:
        with _opened(path) as descriptor:
            _check_state(path, os.fstat(descriptor).st_mode)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                sealed = file.read(MAX_KEYSTORE_BYTES + 1)
    except FileNotFoundError as refused:
        raise KeystoreMissing(path) from refused
    except OSError as refused:
        raise KeystoreUnreadable(path, refused.strerror or type(refused).__name__) from refused
    _check_size(sealed)
    return sealed


def _check_size(sealed: bytes) -> None:
    if len(sealed) > MAX_KEYSTORE_BYTES:
        raise KeystoreTooLarge(len(sealed), MAX_KEYSTORE_BYTES)


def _check_state(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise KeystoreUnreadable(path, os.strerror(errno.EINVAL))
    if mode & _OTHERS:
        raise KeystoreExposed(path, f"{stat.S_IMODE(mode):04o}")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open for reading without waiting: a pipe under this name would wait for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(path: Path, sealed: bytes, take_name: Callable[[Path], object]) -> None:
    """Write beside ``path``, flush, let ``take_name`` publish it, flush the folder."""
    _check_size(sealed)
    with _temporary(path) as new:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        take_name(new)
        _flush_folder(path.parent)


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Give a free name in the same folder and leave nothing there, whatever happens."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    with _opened(folder) as descriptor:
        os.fsync(descriptor)
