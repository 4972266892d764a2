"""Why access is refused: one class for each reason.

What a stranger is told before authentication says nothing about which accounts or tokens exist.
"""

from __future__ import annotations

from typing import ClassVar

from lodeline.node.events.exceptions import (
    NoSuchResourceException,
    ResourceAlreadyExistsException,
    SecurityException,
    ValidationException,
)

__all__ = [
    "AccessNameMalformed",
    "AccountDisabled",
    "AccountExists",
    "AccountUnknown",
    "CredentialsMissing",
    "CredentialsWrong",
    "PasswordTooLong",
    "PasswordTooShort",
    "PasswordsBusy",
    "RoleUnknown",
    "ScopeMissing",
    "ScopeNotOfRoles",
    "ScopeUnknown",
    "TokenLifetimeWrong",
    "TokenUnknown",
    "TooManyAttempts",
]


class CredentialsMissing(SecurityException):
    """A request that does not say who asks."""

    code: ClassVar[str] = "access-credentials-missing"
    en: ClassVar[str] = "the request does not say who asks"
    fr: ClassVar[str] = "la requête ne dit pas qui demande"
    advice_en: ClassVar[str] = "send the header `Authorization: Bearer TOKEN`"
    advice_fr: ClassVar[str] = "envoyez l'en-tête « Authorization: Bearer JETON »"
    status: ClassVar[int] = 401


class CredentialsWrong(SecurityException):
    """A token or a password that is not valid, or not any more; never said which, or why."""

    code: ClassVar[str] = "access-credentials-wrong"
    en: ClassVar[str] = "the token or password is not valid"
    fr: ClassVar[str] = "le jeton ou le mot de passe n'est pas valable"
    advice_en: ClassVar[str] = "check that it is whole, not expired, and not revoked"
    advice_fr: ClassVar[str] = "vérifiez qu'il est entier, ni expiré ni révoqué"
    status: ClassVar[int] = 401


class TooManyAttempts(SecurityException):
    """Too many wrong tokens or passwords came from the same place, or for the same account."""

    code: ClassVar[str] = "access-too-many-attempts"
    en: ClassVar[str] = "too many wrong attempts: nothing is looked at for {seconds} seconds"
    fr: ClassVar[str] = "trop d'essais erronés : rien n'est examiné pendant {seconds} secondes"
    advice_en: ClassVar[str] = "wait, then send the right token or password"
    advice_fr: ClassVar[str] = "attendez, puis envoyez le bon jeton ou mot de passe"
    status: ClassVar[int] = 429

    seconds: int
    """Seconds to wait, for the header ``Retry-After``."""


class PasswordsBusy(SecurityException):
    """Too many passwords are being compared at once; this one was not looked at."""

    code: ClassVar[str] = "access-passwords-busy"
    en: ClassVar[str] = "too many passwords are being compared: ask again in {seconds} seconds"
    fr: ClassVar[str] = "trop de mots de passe sont à l'examen : redemandez dans {seconds} secondes"
    advice_en: ClassVar[str] = "wait, or show a token, which costs the node much less"
    advice_fr: ClassVar[str] = "attendez, ou montrez un jeton, qui coûte bien moins au nœud"
    status: ClassVar[int] = 429

    seconds: int
    """Seconds to wait, for the header ``Retry-After``."""


class ScopeMissing(SecurityException):
    """Whoever asks is known, but may not do that."""

    code: ClassVar[str] = "access-scope-missing"
    en: ClassVar[str] = "{user} may not do this: it needs {scope}"
    fr: ClassVar[str] = "{user} ne peut pas le faire : il y faut {scope}"
    advice_en: ClassVar[str] = "ask an administrator for a role or a token that has it"
    advice_fr: ClassVar[str] = "demandez à un administrateur un rôle ou un jeton qui l'a"

    user: str
    scope: str


class AccessNameMalformed(ValidationException):
    """The name of an account or of a partner has a character that no name has."""

    code: ClassVar[str] = "access-name-malformed"
    en: ClassVar[str] = "“{name}” cannot be a name"
    fr: ClassVar[str] = "« {name} » ne peut être un nom"
    advice_en: ClassVar[str] = (
        "take 1 to 128 letters, digits and . _ @ + -, a letter or digit first"
    )
    advice_fr: ClassVar[str] = (
        "prenez 1 à 128 lettres, chiffres et . _ @ + -, d'abord une lettre ou un chiffre"
    )

    name: str


class RoleUnknown(ValidationException):
    """A word that is no role."""

    code: ClassVar[str] = "access-role-unknown"
    en: ClassVar[str] = "“{role}” is not a role"
    fr: ClassVar[str] = "« {role} » n'est pas un rôle"
    advice_en: ClassVar[str] = "take one of: {known}"
    advice_fr: ClassVar[str] = "prenez l'un de : {known}"

    role: str
    known: tuple[str, ...]


class ScopeUnknown(ValidationException):
    """A word that is no scope."""

    code: ClassVar[str] = "access-scope-unknown"
    en: ClassVar[str] = "“{scope}” is not a scope"
    fr: ClassVar[str] = "« {scope} » n'est pas une portée"
    advice_en: ClassVar[str] = "take some of: {known}"
    advice_fr: ClassVar[str] = "prenez parmi : {known}"

    scope: str
    known: tuple[str, ...]


class ScopeNotOfRoles(ValidationException):
    """A token is to do what its account may not."""

    code: ClassVar[str] = "access-scope-not-of-roles"
    en: ClassVar[str] = "{user} may not do {scope}, so no token of {user} may"
    fr: ClassVar[str] = "{user} n'a pas {scope}, donc aucun de ses jetons"
    advice_en: ClassVar[str] = "leave it out, or give the account a role that has it"
    advice_fr: ClassVar[str] = "omettez-la, ou donnez au compte un rôle qui l'a"

    user: str
    scope: str


class AccountExists(ResourceAlreadyExistsException):
    """An account of that name is there already."""

    code: ClassVar[str] = "access-account-exists"
    en: ClassVar[str] = "there is an account {user} already"
    fr: ClassVar[str] = "il y a déjà un compte {user}"
    advice_en: ClassVar[str] = "choose another name, or change that account"
    advice_fr: ClassVar[str] = "choisissez un autre nom, ou modifiez ce compte"

    user: str


class AccountDisabled(SecurityException):
    """Something is to be done in the name of an account that is disabled."""

    code: ClassVar[str] = "access-account-disabled"
    en: ClassVar[str] = "the account {user} is disabled"
    fr: ClassVar[str] = "le compte {user} est désactivé"
    advice_en: ClassVar[str] = "enable it with `lodeline account enable`, or use another"
    advice_fr: ClassVar[str] = "activez-le avec « lodeline account enable », ou prenez-en un autre"

    user: str


class AccountUnknown(NoSuchResourceException):
    """No account has that name, for the tenant that asks."""

    code: ClassVar[str] = "access-account-unknown"
    en: ClassVar[str] = "there is no account {user}"
    fr: ClassVar[str] = "il n'y a pas de compte {user}"
    advice_en: ClassVar[str] = "see `lodeline account list`"
    advice_fr: ClassVar[str] = "voyez « lodeline account list »"

    user: str


class PasswordTooShort(ValidationException):
    """A new password with too few characters."""

    code: ClassVar[str] = "access-password-too-short"
    en: ClassVar[str] = "a password has at least {least} characters"
    fr: ClassVar[str] = "un mot de passe a au moins {least} caractères"
    advice_en: ClassVar[str] = "take a few words in a row"
    advice_fr: ClassVar[str] = "prenez quelques mots à la suite"

    least: int


class PasswordTooLong(ValidationException):
    """A new password with more bytes than is sensible."""

    code: ClassVar[str] = "access-password-too-long"
    en: ClassVar[str] = "a password has at most {most} bytes"
    fr: ClassVar[str] = "un mot de passe a au plus {most} octets"
    advice_en: ClassVar[str] = "take a shorter one"
    advice_fr: ClassVar[str] = "prenez-en un plus court"

    most: int


class TokenLifetimeWrong(ValidationException):
    """A token that is to live for no time, or too long."""

    code: ClassVar[str] = "access-token-lifetime-wrong"
    en: ClassVar[str] = "a token cannot live for {days} days"
    fr: ClassVar[str] = "un jeton ne peut vivre {days} jours"
    advice_en: ClassVar[str] = "take 1 to {most} days"
    advice_fr: ClassVar[str] = "prenez de 1 à {most} jours"

    days: int
    most: int


class TokenUnknown(NoSuchResourceException):
    """No token has that id, for the tenant that asks."""

    code: ClassVar[str] = "access-token-unknown"
    en: ClassVar[str] = "there is no token {token}"
    fr: ClassVar[str] = "il n'y a pas de jeton {token}"
    advice_en: ClassVar[str] = "see `lodeline token list`"
    advice_fr: ClassVar[str] = "voyez « lodeline token list »"

    token: str
