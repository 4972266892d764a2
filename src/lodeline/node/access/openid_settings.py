"""Which issuer of identities is believed, and what its words mean here: a file in TOML.

issuer = "https://login.example"
client_id = "lodeline"
client_secret_file = "openid.secret"          # beside this file; without it, a public client
redirect = "https://node.example/sign-in/return"
tenant = "miner"
role_claim = "groups"

[roles]
"mine operators" = ["site-operator"]
"audit" = ["auditor"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NewType
from urllib.parse import urlsplit

from lodeline.node.access.accounts import IssuerUrl, read_roles
from lodeline.node.access.callers import PartnerName, partner_name
from lodeline.node.access.openid_refusals import OpenIdSettingWrong
from lodeline.node.access.roles import Role
from lodeline.node.events.store import TenantName
from lodeline.node.workspace import read_file

__all__ = ["ALGORITHMS", "ClientId", "OpenIdSettings", "is_safe_url", "read_openid_settings"]

ClientId = NewType("ClientId", str)
"""Under which name the issuer knows this node."""

ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519",
)  # fmt: skip
"""Signatures that are taken: none with a shared secret, and never `none` (RFC 8725, 3.1)."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_KEYS: Final = frozenset(
    {
        "issuer",
        "client_id",
        "client_secret_file",
        "redirect",
        "tenant",
        "partner",
        "audience",
        "role_claim",
        "roles",
    }
)


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """One issuer, and what becomes of its people."""

    issuer: IssuerUrl
    client_id: ClientId
    redirect: str
    """Where the issuer sends the browser back to, exactly as registered with it."""
    tenant: TenantName
    """Whose people they are, or whose data they see."""
    roles: Mapping[str, frozenset[Role]]
    """What a value of the claim gives."""
    role_claim: str = "groups"
    audience: str = ""
    """What tokens for this service are made out to; the client id where nothing is said."""
    partner: PartnerName | None = None
    """The company whose people they are, if it is not the tenant."""
    client_secret: str | None = field(default=None, repr=False)

    @property
    def audiences(self) -> frozenset[str]:
        """Return to whom a token that is shown with a request may be made out."""
        return frozenset({self.audience or self.client_id})


def is_safe_url(url: str) -> bool:
    """Return whether what is fetched from a URL cannot be changed on its way.

    ``https``, or ``http`` to this very machine; without a user, a fragment, or white space.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if not host or parts.username is not None or parts.fragment or not is_plain:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def read_openid_settings(path: Path) -> OpenIdSettings:
    """Read the settings of an issuer.

    Raises:
        FileUnreadable: the file, or that of the secret, cannot be read.
        OpenIdSettingWrong: a key is missing, unknown, or has a value that it cannot have.
        RoleUnknown: a role that there is not.
        AccessNameMalformed: a partner with a name that none has.
    """
    try:
        tree = tomllib.loads(read_file(path).decode("utf-8"))
    except ValueError:
        raise OpenIdSettingWrong(path.name) from None
    for key in sorted(tree.keys() - _KEYS):
        raise OpenIdSettingWrong(key)
    partner = tree.get("partner")
    return OpenIdSettings(
        issuer=IssuerUrl(_url(tree, "issuer")),
        client_id=ClientId(_text(tree, "client_id")),
        redirect=_url(tree, "redirect"),
        tenant=TenantName(_text(tree, "tenant")),
        roles=_roles(tree.get("roles")),
        role_claim=_text(tree, "role_claim", "groups"),
        audience=_text(tree, "audience", ""),
        partner=None if partner is None else partner_name(_text(tree, "partner")),
        client_secret=_secret(tree, path.parent),
    )


def _text(tree: Mapping[str, object], key: str, default: str | None = None) -> str:
    value = tree.get(key, default)
    if not isinstance(value, str) or (not value and default != ""):
        raise OpenIdSettingWrong(key)
    return value


def _url(tree: Mapping[str, object], key: str) -> str:
    value = _text(tree, key)
    if not is_safe_url(value):
        raise OpenIdSettingWrong(key)
    return value


def _roles(value: object) -> Mapping[str, frozenset[Role]]:
    if not isinstance(value, dict) or not value:
        raise OpenIdSettingWrong("roles")
    found: dict[str, frozenset[Role]] = {}
    for name, words in value.items():
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            key = f"roles.{name}"
            raise OpenIdSettingWrong(key)
        found[name] = read_roles(words)
    return found


def _secret(tree: Mapping[str, object], folder: Path) -> str | None:
    if "client_secret_file" not in tree:
        return None
    data = read_file(folder / _text(tree, "client_secret_file"))
    return data.decode("utf-8", errors="replace").strip()
