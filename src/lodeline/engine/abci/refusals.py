"""Refusals of the socket between consensus engine and application."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError

__all__ = [
    "AbciAddressRefused",
    "AbciAddressUnusable",
    "AbciAnswerUnexpected",
    "AbciApplicationFailed",
    "AbciConnectionLost",
    "AbciFrameLengthUnreadable",
    "AbciFrameTooLong",
    "AbciMessageUnreadable",
    "AbciRefused",
    "AbciRequestUnexpected",
]


class AbciRefused(LodelineError):
    """Family of the refusals in this module."""


class AbciAddressRefused(AbciRefused):
    """An address is not of this machine alone, or is not an address."""

    address: str

    code = "abci-address-refused"
    en = "{address} is not an address on which the application may listen"
    fr = "{address} n'est pas une adresse sur laquelle l'application peut écouter"
    advice_en = "use unix:///a/path or tcp://127.0.0.1:PORT; the socket has no authentication"
    advice_fr = (
        "utilisez unix:///un/chemin ou tcp://127.0.0.1:PORT ; le canal n'authentifie personne"
    )


class AbciAddressUnusable(AbciRefused):
    """The operating system does not give the address."""

    address: str
    reason: str

    code = "abci-address-unusable"
    en = "the address {address} cannot be used: {reason}"
    fr = "l'adresse {address} est inutilisable : {reason}"
    advice_en = "stop whoever has it, or choose another address (a shorter path, another port)"
    advice_fr = "arrêtez qui l'occupe, ou choisissez une autre adresse (chemin plus court, port)"


class AbciFrameTooLong(AbciRefused):
    """A message announces more bytes than any message has."""

    length: int
    """Bytes that the message announces."""
    limit: int
    """Bytes that are allowed."""

    code = "abci-frame-too-long"
    en = "a message of {length} bytes, at most {limit} are allowed"
    fr = "un message de {length} octets, {limit} au plus sont admis"
    advice_en = "check that it is CometBFT that speaks; lower `block.max_bytes` if it is"
    advice_fr = "vérifiez que c'est CometBFT qui parle ; si oui, baissez `block.max_bytes`"


class AbciFrameLengthUnreadable(AbciRefused):
    """What stands where the length of a message would be is not one."""

    found: bytes

    code = "abci-frame-length-unreadable"
    en = "{found} is not the length of a message"
    fr = "{found} n'est pas la longueur d'un message"
    advice_en = "check that it is CometBFT v0.38 that speaks, over its socket and not over gRPC"
    advice_fr = "vérifiez que CometBFT v0.38 parle, par son canal « socket » et non par gRPC"


class AbciMessageUnreadable(AbciRefused):
    """A message is not of the form that ABCI fixes."""

    length: int

    code = "abci-message-unreadable"
    en = "a message of {length} bytes is not an ABCI message"
    fr = "un message de {length} octets n'est pas un message ABCI"
    advice_en = "check that it is CometBFT v0.38 that speaks"
    advice_fr = "vérifiez que c'est CometBFT v0.38 qui parle"


class AbciRequestUnexpected(AbciRefused):
    """A request that this application does not answer."""

    request: str | None
    """Its name in the protocol; None where it has none."""

    code = "abci-request-unexpected"
    en = "the application does not answer the request {request}"
    fr = "l'application ne répond pas à la demande {request}"
    advice_en = "use CometBFT v0.38, and leave vote extensions off"
    advice_fr = "utilisez CometBFT v0.38, et laissez les extensions de vote désactivées"


class AbciAnswerUnexpected(AbciRefused):
    """The application answered something else than what was asked."""

    request: str
    answer: str | None

    code = "abci-answer-unexpected"
    en = "asked for {request}, answered was {answer}"
    fr = "demandé : {request} ; répondu : {answer}"
    advice_en = "connect to the application process, and to one of this version"
    advice_fr = "connectez-vous au processus d'application, de cette version"


class AbciApplicationFailed(AbciRefused):
    """The application broke down while it answered."""

    error: str

    code = "abci-application-failed"
    en = "the application failed: {error}"
    fr = "l'application a échoué : {error}"
    advice_en = "read what its process wrote to standard error; restart it with its node"
    advice_fr = "lisez sa sortie d'erreur ; redémarrez-la avec son nœud"


class AbciConnectionLost(AbciRefused):
    """The other side went away before it had answered."""

    address: str

    code = "abci-connection-lost"
    en = "the application at {address} went away before it had answered"
    fr = "l'application à {address} est partie avant d'avoir répondu"
    advice_en = "see whether its process runs; restart it with its node"
    advice_fr = "voyez si son processus tourne ; redémarrez-la avec son nœud"
