"""Where secret bytes come from, and how they are kept from showing.

Every function of the project that needs randomness is handed an ``Entropy``. The product has one
implementation, ``SystemEntropy``; a seeded one exists only beside the frozen vectors, outside the
package, so that no setting can ever reach it.
"""

from __future__ import annotations

import hmac
import secrets
from typing import NoReturn

from lodeline.crypto.group import Entropy

__all__ = ["Entropy", "Secret", "SystemEntropy"]


class SystemEntropy:
    """The operating system's generator, as ``secrets`` gives it; it has no state and no seed."""

    def bytes(self, count: int) -> bytes:
        """Return ``count`` fresh random bytes, fit for keys and nonces."""
        return secrets.token_bytes(count)


class Secret:
    """Bytes that must not show: not in a message, a log, a traceback, a pickle or a set.

    Comparison takes the same time wherever two values of one length differ; there is no hash, so
    no set or dictionary holds one. Memory is not wiped:
    Python copies bytes as it likes, so this guards against disclosure by accident, not against
    somebody who reads the process.
    """

    __slots__ = ("_hidden",)

    def __init__(self, hidden: bytes) -> None:
        self._hidden = hidden

    def reveal(self) -> bytes:
        """Return the secret itself, to be stored sealed or used at once."""
        return self._hidden

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._hidden, other._hidden)

    def __hash__(self) -> NoReturn:
        message = f"{type(self).__name__} is secret and has no hash"
        raise TypeError(message)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied; a secret moves only sealed."""
        message = f"{type(self).__name__} is secret and is never pickled"
        raise TypeError(message)
