"""Why a policy is refused: one class for each reason."""

from __future__ import annotations

from typing import ClassVar

from lodeline.node.events.exceptions import (
    ImplementationException,
    NoSuchResourceException,
    ValidationException,
)

__all__ = [
    "PolicyEmpty",
    "PolicyKindUnknown",
    "PolicyMalformed",
    "PolicyOver",
    "PolicyPatternTooWide",
    "PolicyUnknown",
    "ReaderMalformed",
]


class PolicyEmpty(ValidationException):
    """A policy that says both everything and something, or neither, or a time without length."""

    code: ClassVar[str] = "access-policy-empty"
    en: ClassVar[str] = "the policy does not say which events it shares"
    fr: ClassVar[str] = "la règle de partage ne dit pas quels événements elle partage"
    advice_en: ClassVar[str] = (
        "name kinds, steps, sites, lots, parties or times, or share everything on purpose"
    )
    advice_fr: ClassVar[str] = (
        "nommez types, étapes, sites, lots, parties ou dates, ou partagez tout expressément"
    )


class PolicyKindUnknown(ValidationException):
    """A policy is about a type of event that there is not."""

    code: ClassVar[str] = "access-policy-kind-unknown"
    en: ClassVar[str] = "“{kind}” is not a type of event"
    fr: ClassVar[str] = "« {kind} » n'est pas un type d'événement"
    advice_en: ClassVar[str] = "take one of: {known}"
    advice_fr: ClassVar[str] = "prenez l'un de : {known}"

    kind: str
    known: tuple[str, ...]


class PolicyPatternTooWide(ValidationException):
    """A policy names a pattern that is no single product, place or thing."""

    code: ClassVar[str] = "access-policy-pattern-too-wide"
    en: ClassVar[str] = "the pattern {pattern} leaves open more than serial numbers"
    fr: ClassVar[str] = "le motif {pattern} laisse ouvert plus que des numéros de série"
    advice_en: ClassVar[str] = "name each product by itself, such as https://id.gs1.org/01/…"
    advice_fr: ClassVar[str] = "nommez chaque produit, par exemple https://id.gs1.org/01/…"

    pattern: str


class PolicyOver(ValidationException):
    """A policy is to expire before it begins."""

    code: ClassVar[str] = "access-policy-over"
    en: ClassVar[str] = "the policy would expire before it begins"
    fr: ClassVar[str] = "la règle de partage expirerait avant de commencer"
    advice_en: ClassVar[str] = "name a later day"
    advice_fr: ClassVar[str] = "nommez un jour plus tardif"

    expires: int
    """Microseconds since 1970."""


class ReaderMalformed(ValidationException):
    """A policy does not say whom it shares with."""

    code: ClassVar[str] = "access-reader-malformed"
    en: ClassVar[str] = "“{reader}” is neither a partner nor an account"
    fr: ClassVar[str] = "« {reader} » n'est ni un partenaire ni un compte"
    advice_en: ClassVar[str] = "write partner:NAME or account:NAME"
    advice_fr: ClassVar[str] = "écrivez partner:NOM ou account:NOM"

    reader: str


class PolicyUnknown(NoSuchResourceException):
    """No policy has that id, for the tenant that asks."""

    code: ClassVar[str] = "access-policy-unknown"
    en: ClassVar[str] = "there is no policy {policy}"
    fr: ClassVar[str] = "il n'y a pas de règle de partage {policy}"
    advice_en: ClassVar[str] = "see `lodeline share list`"
    advice_fr: ClassVar[str] = "voyez « lodeline share list »"

    policy: str


class PolicyMalformed(ImplementationException):
    """A stored policy cannot be read; until it is seen to, its reader sees nothing at all."""

    code: ClassVar[str] = "access-policy-malformed"
    en: ClassVar[str] = "the policy {policy} cannot be read"
    fr: ClassVar[str] = "la règle de partage {policy} est illisible"
    advice_en: ClassVar[str] = "use the version that wrote it, or a later one"
    advice_fr: ClassVar[str] = "prenez la version qui l'a écrite, ou une plus récente"

    policy: str
