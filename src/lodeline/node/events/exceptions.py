"""The exceptions of the standard as families of refusals (EPCIS 2.0, sections 8.2 and 12).

A refusal of the event store, of a query or of a subscription belongs to one of these families; the
family says which exception of the standard an answer names, and which HTTP status it has.
"""

from __future__ import annotations

from typing import ClassVar

from lodeline.kernel.errors import LodelineError

__all__ = [
    "CaptureLimitExceededException",
    "DuplicateNameException",
    "EpcisException",
    "ImplementationException",
    "NoSuchNameException",
    "NoSuchResourceException",
    "QueryTooComplexException",
    "QueryTooLargeException",
    "QueryValidationException",
    "ResourceAlreadyExistsException",
    "SecurityException",
    "SubscriptionControlsException",
    "ValidationException",
]


class EpcisException(LodelineError):
    """Family: a refusal for which the standard has a name."""

    exception: ClassVar[str]
    """The standard's name of it, as in ``epcisException:ValidationException``."""


class ValidationException(EpcisException):
    """Family: an event or a document is not as the standard wants it."""

    exception: ClassVar[str] = "ValidationException"
    status: ClassVar[int] = 400


class CaptureLimitExceededException(EpcisException):
    """Family: more is captured at once than is taken."""

    exception: ClassVar[str] = "CaptureLimitExceededException"
    status: ClassVar[int] = 413


class ResourceAlreadyExistsException(EpcisException):
    """Family: something else has the name or id already."""

    exception: ClassVar[str] = "ResourceAlreadyExistsException"
    status: ClassVar[int] = 409


class DuplicateNameException(ResourceAlreadyExistsException):
    """Family: a named query of that name is there already; over HTTP, a resource that exists."""


class NoSuchResourceException(EpcisException):
    """Family: what was asked for is not there, or not for the one who asks."""

    exception: ClassVar[str] = "NoSuchResourceException"
    status: ClassVar[int] = 404


class NoSuchNameException(EpcisException):
    """Family: no query has that name."""

    exception: ClassVar[str] = "NoSuchNameException"
    status: ClassVar[int] = 404


class QueryValidationException(EpcisException):
    """Family: a query says something that no query can say."""

    exception: ClassVar[str] = "QueryValidationException"
    status: ClassVar[int] = 400


class QueryTooLargeException(EpcisException):
    """Family: a query finds more than may be answered."""

    exception: ClassVar[str] = "QueryTooLargeException"
    status: ClassVar[int] = 413


class QueryTooComplexException(EpcisException):
    """Family: a query would cost more work than may be spent."""

    exception: ClassVar[str] = "QueryTooComplexException"
    status: ClassVar[int] = 413


class SubscriptionControlsException(EpcisException):
    """Family: a subscription's schedule or trigger cannot be."""

    exception: ClassVar[str] = "SubscriptionControlsException"
    status: ClassVar[int] = 400


class SecurityException(EpcisException):
    """Family: whoever asks may not."""

    exception: ClassVar[str] = "SecurityException"
    status: ClassVar[int] = 403


class ImplementationException(EpcisException):
    """Family: this node failed, not the caller."""

    exception: ClassVar[str] = "ImplementationException"
    status: ClassVar[int] = 500
