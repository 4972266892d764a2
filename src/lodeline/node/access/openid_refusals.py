"""Why a foreign identity is refused: one class for each reason."""

from __future__ import annotations

from typing import ClassVar

from lodeline.node.events.exceptions import ImplementationException, SecurityException

__all__ = [
    "IdentityWithoutRole",
    "IssuerAnswerWrong",
    "IssuerUnreachable",
    "OpenIdSettingWrong",
    "SignInOver",
]


class OpenIdSettingWrong(ImplementationException):
    """The settings of OpenID Connect say something that they cannot."""

    code: ClassVar[str] = "access-openid-setting-wrong"
    en: ClassVar[str] = "the OpenID Connect setting “{key}” is missing or wrong"
    fr: ClassVar[str] = "le réglage OpenID Connect « {key} » manque ou est faux"
    advice_en: ClassVar[str] = "see docs/access.md for every setting"
    advice_fr: ClassVar[str] = "voyez docs/access.md pour chaque réglage"

    key: str


class IssuerUnreachable(ImplementationException):
    """The issuer of identities does not answer, and nothing is known from before."""

    code: ClassVar[str] = "access-issuer-unreachable"
    en: ClassVar[str] = "{issuer} does not answer as an issuer of identities: {reason}"
    fr: ClassVar[str] = "{issuer} ne répond pas comme émetteur d'identités : {reason}"
    advice_en: ClassVar[str] = "try again later; tokens of this node and passwords still work"
    advice_fr: ClassVar[str] = (
        "réessayez plus tard ; les jetons de ce nœud et les mots de passe marchent toujours"
    )
    status: ClassVar[int] = 503

    issuer: str
    reason: str


class IssuerAnswerWrong(ImplementationException):
    """The issuer of identities answers with something that it must not."""

    code: ClassVar[str] = "access-issuer-answer-wrong"
    en: ClassVar[str] = "the answer of {issuer} has no valid {field}"
    fr: ClassVar[str] = "la réponse de {issuer} n'a pas de {field} valable"
    advice_en: ClassVar[str] = "compare the setting of the issuer with its discovery document"
    advice_fr: ClassVar[str] = "comparez le réglage de l'émetteur à son document de découverte"
    status: ClassVar[int] = 502

    issuer: str
    field: str


class IdentityWithoutRole(SecurityException):
    """Somebody is who they say, but nothing that the issuer says of them is a role here."""

    code: ClassVar[str] = "access-identity-without-role"
    en: ClassVar[str] = "nothing that the issuer says of you in “{claim}” gives a role here"
    fr: ClassVar[str] = (
        "rien de ce que l'émetteur dit de vous dans « {claim} » ne donne un rôle ici"
    )
    advice_en: ClassVar[str] = "ask an administrator to map one of your groups to a role"
    advice_fr: ClassVar[str] = "demandez à un administrateur d'associer un de vos groupes à un rôle"

    claim: str


class SignInOver(SecurityException):
    """A sign-in that was never begun here, is over, took too long, or began in another browser."""

    code: ClassVar[str] = "access-sign-in-over"
    en: ClassVar[str] = "this sign-in is over, or was not begun here"
    fr: ClassVar[str] = "cette connexion est terminée, ou n'a pas commencé ici"
    advice_en: ClassVar[str] = "begin again"
    advice_fr: ClassVar[str] = "recommencez"
    status: ClassVar[int] = 401
