"""Passwords, kept as Argon2id (RFC 9106) in PHC form, and compared without telling by time.

Costs are those of RFC 9106, section 4, second choice: three passes over 64 MiB. One password is
worked on at a time, which Argon2id needs here (`keystore.DERIVING`), and which bounds the memory
that strangers use; not more than `MAX_WAITING` wait, so that they cannot use up the threads.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from functools import cache
from threading import BoundedSemaphore
from typing import Final, NewType

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from lodeline.holder.keystore import DERIVING
from lodeline.node.access.refusals import PasswordsBusy, PasswordTooLong, PasswordTooShort

__all__ = [
    "MAX_PASSWORD_BYTES",
    "MAX_WAITING",
    "MIN_PASSWORD_CHARS",
    "Cost",
    "Password",
    "PasswordHash",
    "hash_password",
    "is_password",
    "new_password",
]

MIN_PASSWORD_CHARS: Final = 12
MAX_PASSWORD_BYTES: Final = 1_024
MAX_WAITING: Final = 3
"""Passwords that wait while one is worked on."""
_BUSY_SECONDS: Final = 1
_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32

Password = NewType("Password", str)
"""What somebody typed, in normal form NFKC; never printed, never kept."""
PasswordHash = NewType("PasswordHash", str)
"""Argon2id in PHC form: algorithm, costs, salt and key."""

_asking = BoundedSemaphore(1 + MAX_WAITING)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess costs."""

    passes: int = 3
    lanes: int = 4
    kibibytes: int = 64 * 1024


def new_password(typed: str) -> Password:
    """Return a password to be set.

    Raises:
        PasswordTooShort: fewer than `MIN_PASSWORD_CHARS` characters.
        PasswordTooLong: more than `MAX_PASSWORD_BYTES` bytes.
    """
    password = _normal(typed)
    if len(password) < MIN_PASSWORD_CHARS:
        raise PasswordTooShort(MIN_PASSWORD_CHARS)
    if len(password.encode("utf-8", errors="replace")) > MAX_PASSWORD_BYTES:
        raise PasswordTooLong(MAX_PASSWORD_BYTES)
    return password


def hash_password(password: Password, cost: Cost) -> PasswordHash:
    """Return what is kept of a password; two hashes of one password differ."""
    salt = secrets.token_bytes(_SALT_BYTES)
    with DERIVING:
        encoded = _argon2id(salt, cost).derive_phc_encoded(password.encode())
    return PasswordHash(encoded)


def is_password(typed: str, kept: PasswordHash | None, cost: Cost) -> bool:
    """Return whether a typed password is the one that was hashed.

    Takes as long where there is no hash as where there is one, so that nobody learns from the time
    which accounts exist.

    Raises:
        PasswordsBusy: too many wait already; nothing was compared.
    """
    if not _asking.acquire(blocking=False):
        raise PasswordsBusy(_BUSY_SECONDS)
    try:
        return _is_password(_normal(typed), kept, cost)
    finally:
        _asking.release()


def _is_password(typed: Password, kept: PasswordHash | None, cost: Cost) -> bool:
    compared = kept if kept is not None else _of_nobody(cost)
    data = typed.encode("utf-8", errors="replace")
    is_right = len(data) <= MAX_PASSWORD_BYTES
    with DERIVING:
        try:
            Argon2id.verify_phc_encoded(data[:MAX_PASSWORD_BYTES], compared)
        except InvalidKey:
            is_right = False
    return is_right and kept is not None


@cache
def _of_nobody(cost: Cost) -> PasswordHash:
    return hash_password(Password(secrets.token_urlsafe(32)), cost)


def _normal(typed: str) -> Password:
    return Password(unicodedata.normalize("NFKC", typed[: MAX_PASSWORD_BYTES + 1]))


def _argon2id(salt: bytes, cost: Cost) -> Argon2id:
    return Argon2id(
        salt=salt,
        length=_KEY_BYTES,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.kibibytes,
    )
