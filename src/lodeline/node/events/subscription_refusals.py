"""Why a subscription, or a delivery to its destination, is refused: one class for each reason."""

from __future__ import annotations

from typing import ClassVar

from lodeline.node.events.exceptions import (
    EpcisException,
    NoSuchResourceException,
    SubscriptionControlsException,
    ValidationException,
)

__all__ = [
    "DeadLetterUnknown",
    "DeliveryRefusal",
    "DestinationAnswered",
    "DestinationForbidden",
    "DestinationMalformed",
    "DestinationPlain",
    "DestinationTooSlow",
    "DestinationUnknown",
    "DestinationUnreachable",
    "ReportingEmptyStream",
    "ScheduleFieldUnknown",
    "ScheduleFieldWrong",
    "ScheduleNever",
    "SignatureTokenWrong",
    "SubscriptionFieldWrong",
    "SubscriptionQueryUnfit",
    "SubscriptionTriggerWrong",
    "SubscriptionUnknown",
    "SubscriptionsTooMany",
]


class SubscriptionFieldWrong(ValidationException):
    """What a subscription says is not of the form that the standard gives it."""

    code: ClassVar[str] = "subscription-field-wrong"
    en: ClassVar[str] = "a subscription cannot say this of {field}"
    fr: ClassVar[str] = "un abonnement ne peut dire cela de {field}"
    advice_en: ClassVar[str] = (
        "give dest, and stream or schedule; signatureToken, reportIfEmpty and initialRecordTime "
        "may be added"
    )
    advice_fr: ClassVar[str] = (
        "donnez dest, et stream ou schedule ; signatureToken, reportIfEmpty et initialRecordTime "
        "peuvent s'ajouter"
    )

    field: str


class SubscriptionTriggerWrong(SubscriptionControlsException):
    """A subscription is to report at both kinds of moments, or at none."""

    code: ClassVar[str] = "subscription-trigger-wrong"
    en: ClassVar[str] = "a subscription reports at once (stream) or by a schedule: here {found}"
    fr: ClassVar[str] = "un abonnement rapporte de suite (stream) ou selon un horaire : ici {found}"
    advice_en: ClassVar[str] = "say stream: true, or give a schedule, and not both"
    advice_fr: ClassVar[str] = "dites stream: true, ou donnez un schedule, et non les deux"

    found: str
    """``both`` or ``neither``."""


class ReportingEmptyStream(SubscriptionControlsException):
    """A stream reports when there is something, and is asked to report when there is nothing."""

    code: ClassVar[str] = "subscription-stream-empty"
    en: ClassVar[str] = "a stream has no moment at which to report that there is nothing"
    fr: ClassVar[str] = "un flux n'a pas de moment où rapporter qu'il n'y a rien"
    advice_en: ClassVar[str] = "leave reportIfEmpty out, or give a schedule"
    advice_fr: ClassVar[str] = "omettez reportIfEmpty, ou donnez un schedule"


class SignatureTokenWrong(ValidationException):
    """The secret for signatures is too short or too long, or no printable text."""

    code: ClassVar[str] = "subscription-token-wrong"
    en: ClassVar[str] = "a signatureToken has {least} to {most} printable ASCII characters"
    fr: ClassVar[str] = "un signatureToken a de {least} à {most} caractères ASCII imprimables"
    advice_en: ClassVar[str] = "make a random one, for example 40 hexadecimal digits"
    advice_fr: ClassVar[str] = "tirez-en un au hasard, par exemple 40 chiffres hexadécimaux"

    least: int
    most: int


class ScheduleFieldUnknown(SubscriptionControlsException):
    """A schedule has a part that the standard does not know."""

    code: ClassVar[str] = "schedule-field-unknown"
    en: ClassVar[str] = "a schedule has no {field}"
    fr: ClassVar[str] = "un horaire n'a pas de {field}"
    advice_en: ClassVar[str] = "use second, minute, hour, dayOfMonth, month, dayOfWeek"
    advice_fr: ClassVar[str] = "utilisez second, minute, hour, dayOfMonth, month, dayOfWeek"

    field: str


class ScheduleFieldWrong(SubscriptionControlsException):
    """A part of a schedule is none of the values that it can have."""

    code: ClassVar[str] = "schedule-field-wrong"
    en: ClassVar[str] = "{field} of a schedule cannot be “{found}”; it lies from {least} to {most}"
    fr: ClassVar[str] = "{field} d'un horaire ne peut être « {found} », de {least} à {most}"
    advice_en: ClassVar[str] = "write numbers, ranges [1-5], or steps 0/15, separated by commas"
    advice_fr: ClassVar[str] = (
        "écrivez des nombres, des plages [1-5] ou des pas 0/15, séparés par des virgules"
    )

    field: str
    found: str
    least: int
    most: int


class ScheduleNever(SubscriptionControlsException):
    """No moment ever fits a schedule, such as 30 February."""

    code: ClassVar[str] = "schedule-never"
    en: ClassVar[str] = "no moment of the years to come fits the schedule"
    fr: ClassVar[str] = "aucun moment des années à venir ne convient à l'horaire"
    advice_en: ClassVar[str] = "every part that is given must fit: look at the day and the month"
    advice_fr: ClassVar[str] = "chaque partie donnée doit convenir : voyez le jour et le mois"


class SubscriptionQueryUnfit(SubscriptionControlsException):
    """A query that bounds or sorts its answer cannot be answered bit by bit."""

    code: ClassVar[str] = "subscription-query-unfit"
    en: ClassVar[str] = "the query {name} bounds or sorts its answer and cannot be subscribed to"
    fr: ClassVar[str] = "la requête {name} borne ou trie sa réponse ; on ne peut s'y abonner"
    advice_en: ClassVar[str] = (
        "name a query without orderBy, eventCountLimit and maxEventCount: reports come in the "
        "order of capture, and whole"
    )
    advice_fr: ClassVar[str] = (
        "nommez une requête sans orderBy, eventCountLimit ni maxEventCount : les rapports suivent "
        "l'ordre de capture et sont entiers"
    )

    name: str


class SubscriptionsTooMany(SubscriptionControlsException):
    """A company has as many subscriptions as a node keeps for it."""

    code: ClassVar[str] = "subscriptions-too-many"
    en: ClassVar[str] = "there are {most} subscriptions already, no more are kept"
    fr: ClassVar[str] = "il y a déjà {most} abonnements, pas un de plus n'est tenu"
    advice_en: ClassVar[str] = "delete those that nobody needs"
    advice_fr: ClassVar[str] = "supprimez ceux dont personne n'a besoin"

    most: int


class SubscriptionUnknown(NoSuchResourceException):
    """No subscription to that query has that id, for whoever asks."""

    code: ClassVar[str] = "subscription-unknown"
    en: ClassVar[str] = "there is no subscription {subscription}"
    fr: ClassVar[str] = "il n'y a pas d'abonnement {subscription}"
    advice_en: ClassVar[str] = "list the subscriptions of the query; it may have been deleted"
    advice_fr: ClassVar[str] = "listez les abonnements de la requête ; il a pu être supprimé"

    subscription: str


class DeadLetterUnknown(NoSuchResourceException):
    """No report of that number is kept for a subscription."""

    code: ClassVar[str] = "dead-letter-unknown"
    en: ClassVar[str] = "the subscription has no report {number} that was not taken"
    fr: ClassVar[str] = "l'abonnement n'a pas de rapport {number} qui n'ait été pris"
    advice_en: ClassVar[str] = "list its reports that were not taken; this one may be gone"
    advice_fr: ClassVar[str] = "listez ses rapports non pris ; celui-ci a pu disparaître"

    number: int


class DestinationMalformed(ValidationException):
    """A destination is no URL of the kind that reports are sent to."""

    code: ClassVar[str] = "destination-malformed"
    en: ClassVar[str] = "reports cannot be sent to “{dest}”: {part} is not as it has to be"
    fr: ClassVar[str] = "impossible d'envoyer à « {dest} » : {part} n'est pas comme il faut"
    advice_en: ClassVar[str] = "give https://host/path, without user, password and fragment"
    advice_fr: ClassVar[str] = "donnez https://hôte/chemin, sans utilisateur, secret ni fragment"

    dest: str
    part: str
    """``length``, ``characters``, ``scheme``, ``user``, ``fragment``, ``host`` or ``port``."""


class DeliveryRefusal(EpcisException):
    """Family: a report did not arrive, or was not sent."""

    exception: ClassVar[str] = "SubscriptionControlsException"
    status: ClassVar[int] = 400
    is_lasting: ClassVar[bool] = False
    """Whether trying again soon is of little use."""


class DestinationPlain(DeliveryRefusal):
    """A destination without TLS, where the node does not allow that."""

    code: ClassVar[str] = "destination-plain"
    en: ClassVar[str] = "reports are not sent over http to {host}"
    fr: ClassVar[str] = "les rapports ne sont pas envoyés par http à {host}"
    advice_en: ClassVar[str] = "give an https address, or allow the network in serve.toml"
    advice_fr: ClassVar[str] = "donnez une adresse https, ou permettez le réseau dans serve.toml"
    is_lasting: ClassVar[bool] = True

    host: str


class DestinationForbidden(DeliveryRefusal):
    """A destination lies in a network that outsiders must not reach through this node."""

    code: ClassVar[str] = "destination-forbidden"
    en: ClassVar[str] = "reports are not sent to {host}: {address} is not a public address"
    fr: ClassVar[str] = "rien n'est envoyé à {host} : {address} n'est pas une adresse publique"
    advice_en: ClassVar[str] = "name a public host, or allow its network in serve.toml"
    advice_fr: ClassVar[str] = "nommez un hôte public, ou permettez son réseau dans serve.toml"
    is_lasting: ClassVar[bool] = True

    host: str
    address: str


class DestinationUnknown(DeliveryRefusal):
    """The name of a destination has no address."""

    code: ClassVar[str] = "destination-unknown"
    en: ClassVar[str] = "{host} has no address: {reason}"
    fr: ClassVar[str] = "{host} n'a pas d'adresse : {reason}"
    advice_en: ClassVar[str] = "check the name, and the name service of this machine"
    advice_fr: ClassVar[str] = "vérifiez le nom, et le service de noms de cette machine"

    host: str
    reason: str


class DestinationUnreachable(DeliveryRefusal):
    """A destination took no connection, broke it off, or did not show who it is."""

    code: ClassVar[str] = "destination-unreachable"
    en: ClassVar[str] = "{host} could not be reached: {reason}"
    fr: ClassVar[str] = "{host} n'a pu être joint : {reason}"
    advice_en: ClassVar[str] = "the report is sent again; check the destination and its certificate"
    advice_fr: ClassVar[str] = "le rapport repart ; vérifiez la destination et son certificat"

    host: str
    reason: str


class DestinationTooSlow(DeliveryRefusal):
    """A destination did not answer in time."""

    code: ClassVar[str] = "destination-too-slow"
    en: ClassVar[str] = "{host} did not answer within {seconds} seconds"
    fr: ClassVar[str] = "{host} n'a pas répondu en {seconds} secondes"
    advice_en: ClassVar[str] = "answer first and work on the report afterwards"
    advice_fr: ClassVar[str] = "répondez d'abord et traitez le rapport ensuite"

    host: str
    seconds: int


class DestinationAnswered(DeliveryRefusal):
    """A destination answered that it did not take the report."""

    code: ClassVar[str] = "destination-answered"
    en: ClassVar[str] = "{host} answered {answer} to a report"
    fr: ClassVar[str] = "{host} a répondu {answer} à un rapport"
    advice_en: ClassVar[str] = (
        "a report is taken with 200 or another 2xx; redirects are not followed"
    )
    advice_fr: ClassVar[str] = "un rapport est pris par 200 ou un autre 2xx, sans redirection"

    host: str
    answer: int
    """The status of HTTP."""
    wait: int
    """Seconds after which the destination wants to be asked again; 0 where it does not say."""

    @property
    def is_refusal(self) -> bool:
        """Whether the same report will hardly be taken later."""
        return 300 <= self.answer < 500 and self.answer not in (408, 425, 429)
