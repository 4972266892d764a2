"""Refusals of the HTTP service, before any event or query is looked at."""

from __future__ import annotations

from typing import ClassVar

from lodeline.kernel.errors import LodelineError
from lodeline.node.events.exceptions import (
    CaptureLimitExceededException,
    EpcisException,
    ImplementationException,
    NoSuchResourceException,
    ResourceAlreadyExistsException,
    SecurityException,
    ValidationException,
)

__all__ = [
    "AnswerFormRefused",
    "BehaviourUnknown",
    "BodyTooLarge",
    "EncodingRefused",
    "ExtensionsMalformed",
    "FormatUnknown",
    "LinkTypeUnknown",
    "ListNotShared",
    "MediaTypeRefused",
    "MethodRefused",
    "NodeBroken",
    "NodeUnready",
    "NotAcceptableException",
    "NulInAddress",
    "PathMalformed",
    "PathUnknown",
    "PreconditionFailed",
    "ProductUnknown",
    "RequestTooFast",
    "SessionNeedsPassword",
    "UriTooLong",
    "VersionMalformed",
    "VersionRefused",
]


class NotAcceptableException(EpcisException):
    """Family: the answer cannot have the form that is asked for."""

    exception: ClassVar[str] = "NotAcceptableException"
    status: ClassVar[int] = 406


class AnswerFormRefused(NotAcceptableException):
    """The request accepts no form that this address answers in."""

    code: ClassVar[str] = "web-answer-form-refused"
    en: ClassVar[str] = "there is no answer in the form {accept}"
    fr: ClassVar[str] = "il n'y a pas de réponse sous la forme {accept}"
    advice_en: ClassVar[str] = "accept one of: {offered}"
    advice_fr: ClassVar[str] = "acceptez l'une de : {offered}"

    accept: str
    offered: tuple[str, ...]


class VersionRefused(NotAcceptableException):
    """Another version of EPCIS or of its vocabulary is wanted than this node speaks."""

    code: ClassVar[str] = "web-version-refused"
    en: ClassVar[str] = "{header} is {found}, and this node speaks {spoken}"
    fr: ClassVar[str] = "{header} vaut {found}, et ce nœud parle {spoken}"
    advice_en: ClassVar[str] = "leave the header out, or let {spoken} lie within what you accept"
    advice_fr: ClassVar[str] = "omettez l'en-tête, ou acceptez {spoken}"

    header: str
    found: str
    spoken: str


class VersionMalformed(ValidationException):
    """A header names a version with something else than numbers and dots."""

    code: ClassVar[str] = "web-version-malformed"
    en: ClassVar[str] = "{header} is “{found}”, which is no version"
    fr: ClassVar[str] = "{header} vaut « {found} », qui n'est pas une version"
    advice_en: ClassVar[str] = "write numbers with dots between: 2.0.0"
    advice_fr: ClassVar[str] = "écrivez des nombres séparés de points : 2.0.0"

    header: str
    found: str


class FormatUnknown(ValidationException):
    """A header asks for a spelling of identifiers or words that the standard does not have."""

    code: ClassVar[str] = "web-format-unknown"
    en: ClassVar[str] = "{header} is “{found}”, not one of {known}"
    fr: ClassVar[str] = "{header} vaut « {found} », hors de {known}"
    advice_en: ClassVar[str] = "take one of these words"
    advice_fr: ClassVar[str] = "prenez l'un de ces mots"

    header: str
    found: str
    known: tuple[str, ...]


class BehaviourUnknown(ValidationException):
    """``GS1-Capture-Error-Behaviour`` has a word that the standard does not have."""

    code: ClassVar[str] = "web-behaviour-unknown"
    en: ClassVar[str] = "GS1-Capture-Error-Behaviour is “{found}”"
    fr: ClassVar[str] = "GS1-Capture-Error-Behaviour vaut « {found} »"
    advice_en: ClassVar[str] = "write rollback or proceed"
    advice_fr: ClassVar[str] = "écrivez rollback ou proceed"

    found: str


class ExtensionsMalformed(ValidationException):
    """``GS1-Extensions`` is no list of prefixes and namespaces."""

    code: ClassVar[str] = "web-extensions-malformed"
    en: ClassVar[str] = "GS1-Extensions has “{found}”, which is not prefix=namespace"
    fr: ClassVar[str] = "GS1-Extensions a « {found} », qui n'est pas préfixe=espace"
    advice_en: ClassVar[str] = "write: GS1-Extensions: ex=https://example.com/epcis/"
    advice_fr: ClassVar[str] = "écrivez : GS1-Extensions: ex=https://example.com/epcis/"

    found: str


class MediaTypeRefused(ValidationException):
    """A body came in a form that this address does not take."""

    code: ClassVar[str] = "web-media-type-refused"
    en: ClassVar[str] = "a body of type “{found}” is not taken here"
    fr: ClassVar[str] = "un corps de type « {found} » n'est pas pris ici"
    advice_en: ClassVar[str] = "send one of: {taken}"
    advice_fr: ClassVar[str] = "envoyez l'un de : {taken}"
    exception: ClassVar[str] = "UnsupportedMediaTypeException"
    status: ClassVar[int] = 415

    found: str
    taken: tuple[str, ...]


class BodyTooLarge(CaptureLimitExceededException):
    """A body has more bytes than are taken at this address."""

    code: ClassVar[str] = "web-body-too-large"
    en: ClassVar[str] = "the body has more than {most} bytes"
    fr: ClassVar[str] = "le corps a plus de {most} octets"
    advice_en: ClassVar[str] = "split it into several requests"
    advice_fr: ClassVar[str] = "répartissez-le en plusieurs requêtes"

    most: int


class UriTooLong(EpcisException):
    """The address, with its parameters, is longer than is taken."""

    code: ClassVar[str] = "web-uri-too-long"
    en: ClassVar[str] = "the address has {found} bytes, at most {most} are taken"
    fr: ClassVar[str] = "l'adresse a {found} octets, au plus {most} sont pris"
    advice_en: ClassVar[str] = "name the query with POST /queries and ask for its events"
    advice_fr: ClassVar[str] = "nommez la requête par POST /queries et demandez ses événements"
    exception: ClassVar[str] = "URITooLongException"
    status: ClassVar[int] = 414

    found: int
    most: int


class PathUnknown(NoSuchResourceException):
    """There is nothing at this address."""

    code: ClassVar[str] = "web-path-unknown"
    en: ClassVar[str] = "there is nothing at {path}"
    fr: ClassVar[str] = "il n'y a rien à {path}"
    advice_en: ClassVar[str] = "GET / lists what there is; identifiers in a path are escaped"
    advice_fr: ClassVar[str] = "GET / dit ce qu'il y a ; un identifiant s'échappe dans un chemin"

    path: str


class EncodingRefused(ImplementationException):
    """The body is compressed, or encoded otherwise; what it would become is not known before."""

    code: ClassVar[str] = "web-encoding-refused"
    en: ClassVar[str] = "a body with the content encoding {encoding} is not taken"
    fr: ClassVar[str] = "un corps avec le codage de contenu {encoding} n'est pas pris"
    advice_en: ClassVar[str] = "send it as it is, without Content-Encoding"
    advice_fr: ClassVar[str] = "envoyez-le tel quel, sans Content-Encoding"
    status: ClassVar[int] = 415

    encoding: str


class PathMalformed(ValidationException):
    """An escape in the path is cut short, or stands for no text."""

    code: ClassVar[str] = "web-path-malformed"
    en: ClassVar[str] = "a part of the path cannot be read: {part}"
    fr: ClassVar[str] = "une partie du chemin est illisible : {part}"
    advice_en: ClassVar[str] = "escape its UTF-8 bytes, each as % and two hexadecimal digits"
    advice_fr: ClassVar[str] = "échappez ses octets UTF-8, chacun par % et deux chiffres"

    part: str


class NulInAddress(ValidationException):
    """The path or a parameter has the character NUL, which is in no identifier."""

    code: ClassVar[str] = "web-nul-in-address"
    en: ClassVar[str] = "the address has the character NUL (%00)"
    fr: ClassVar[str] = "l'adresse a le caractère NUL (%00)"
    advice_en: ClassVar[str] = "leave it out: no identifier, name or value has it"
    advice_fr: ClassVar[str] = "ôtez-le : ni identifiant, ni nom, ni valeur ne l'a"


class MethodRefused(ImplementationException):
    """The address answers other methods."""

    code: ClassVar[str] = "web-method-refused"
    en: ClassVar[str] = "{method} is not answered here"
    fr: ClassVar[str] = "{method} n'est pas servi ici"
    advice_en: ClassVar[str] = "use one of: {allowed}"
    advice_fr: ClassVar[str] = "utilisez l'une de : {allowed}"
    status: ClassVar[int] = 405

    method: str
    allowed: tuple[str, ...]


class PreconditionFailed(ResourceAlreadyExistsException):
    """``If-None-Match: *`` was sent with an event that is there already."""

    code: ClassVar[str] = "web-precondition-failed"
    en: ClassVar[str] = "the event {event_id} is there already"
    fr: ClassVar[str] = "l'événement {event_id} existe déjà"
    advice_en: ClassVar[str] = "nothing is to be done: it was captured before"
    advice_fr: ClassVar[str] = "il n'y a rien à faire : il fut capturé auparavant"
    status: ClassVar[int] = 412

    event_id: str


class RequestTooFast(LodelineError):
    """Somebody asks more often than this node allows."""

    code: ClassVar[str] = "web-request-too-fast"
    en: ClassVar[str] = "there are more requests than are answered; wait {seconds} seconds"
    fr: ClassVar[str] = "il y a plus de requêtes qu'il n'est servi ; attendez {seconds} secondes"
    advice_en: ClassVar[str] = "put more events into one document, and ask for larger pages"
    advice_fr: ClassVar[str] = "mettez plus d'événements par document, et de plus grandes pages"
    status: ClassVar[int] = 429

    seconds: int
    """For the header ``Retry-After``."""


class ListNotShared(SecurityException):
    """Somebody who is shown only some events asks for a list that is made of all of them."""

    code: ClassVar[str] = "web-list-not-shared"
    en: ClassVar[str] = "{user} sees what is shared, and the list of {resource} is of everything"
    fr: ClassVar[str] = "{user} voit ce qui est partagé, et la liste {resource} est de tout"
    advice_en: ClassVar[str] = "query the events that are shared with you: GET /events"
    advice_fr: ClassVar[str] = "interrogez les événements partagés avec vous : GET /events"

    user: str
    resource: str


class SessionNeedsPassword(SecurityException):
    """A session is to begin with a token, which would widen what the token may do."""

    code: ClassVar[str] = "web-session-needs-password"
    en: ClassVar[str] = "a session of {user} begins with a password, not with a token"
    fr: ClassVar[str] = "une session de {user} commence par un mot de passe, pas un jeton"
    advice_en: ClassVar[str] = "send the name and password of the account (Authorization: Basic)"
    advice_fr: ClassVar[str] = "envoyez nom et mot de passe du compte (Authorization: Basic)"

    user: str


class ProductUnknown(NoSuchResourceException):
    """The resolver knows no such product as one of this company's."""

    code: ClassVar[str] = "web-product-unknown"
    en: ClassVar[str] = "{key} is not a product of this company"
    fr: ClassVar[str] = "{key} n'est pas un produit de cette entreprise"
    advice_en: ClassVar[str] = "ask the resolver at id.gs1.org, which knows every company"
    advice_fr: ClassVar[str] = "demandez à id.gs1.org, qui connaît toutes les entreprises"

    key: str


class LinkTypeUnknown(NoSuchResourceException):
    """There is no link of that type for this product."""

    code: ClassVar[str] = "web-link-type-unknown"
    en: ClassVar[str] = "there is no link of type {kind}"
    fr: ClassVar[str] = "il n'y a pas de lien de type {kind}"
    advice_en: ClassVar[str] = "take one of: {known}; or linkset for all of them"
    advice_fr: ClassVar[str] = "prenez l'un de : {known} ; ou linkset pour tous"

    kind: str
    known: tuple[str, ...]


class NodeUnready(ImplementationException):
    """What the node needs does not answer; the log says what."""

    code: ClassVar[str] = "web-node-unready"
    en: ClassVar[str] = "the node cannot answer at the moment; its log has the reason at {request}"
    fr: ClassVar[str] = "le nœud ne peut répondre pour l'instant ; voir son journal à {request}"
    advice_en: ClassVar[str] = "try again in a moment; what was acknowledged is safe"
    advice_fr: ClassVar[str] = "réessayez dans un instant ; ce qui fut accusé est en sûreté"
    status: ClassVar[int] = 503

    request: str
    """Number of the request in the log."""


class NodeBroken(ImplementationException):
    """The node failed in a way that nobody foresaw; the log says how."""

    code: ClassVar[str] = "web-node-broken"
    en: ClassVar[str] = "the node failed; its log has the reason at {request}"
    fr: ClassVar[str] = "le nœud a échoué ; son journal en a la raison à {request}"
    advice_en: ClassVar[str] = "report it with that number"
    advice_fr: ClassVar[str] = "signalez-le avec ce numéro"

    request: str
