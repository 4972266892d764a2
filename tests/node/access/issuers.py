"""An issuer of identities inside the test: keys, a discovery document, and signed tokens."""

import json
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from lodeline.node.access.accounts import IssuerUrl
from lodeline.node.access.openid_refusals import IssuerUnreachable

URL = IssuerUrl("https://login.example")
CLIENT = "lodeline"
Claims = dict[str, Any]


class TestIssuer:
    """Answers as `issuer.Fetch` does; what it answers can be bent."""

    __test__ = False

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "one"}, private=True)
        self.keys = [self.key]
        self.changes: Claims = {}
        self.answers: dict[str, bytes] = {}
        self.gets: list[str] = []
        self.posts: list[dict[str, str]] = []
        self.secrets: list[tuple[str, str] | None] = []
        self.is_away = False
        self.id_token = ""

    def get(self, url: str) -> bytes:
        self.gets.append(url)
        if self.is_away:
            raise IssuerUnreachable(URL, "ConnectError")
        if url in self.answers:
            return self.answers[url]
        if url == f"{URL}/.well-known/openid-configuration":
            return json.dumps(self.discovery()).encode()
        assert url == f"{URL}/keys"
        public = KeySet(list(self.keys)).as_dict(private=False)
        return json.dumps(public).encode()

    def post(self, url: str, form: Mapping[str, str], secret: tuple[str, str] | None) -> bytes:
        assert url == f"{URL}/token"
        self.posts.append(dict(form))
        self.secrets.append(secret)
        return json.dumps({"id_token": self.id_token}).encode()

    def discovery(self) -> Claims:
        known = {
            "issuer": URL,
            "authorization_endpoint": f"{URL}/authorize",
            "token_endpoint": f"{URL}/token",
            "jwks_uri": f"{URL}/keys",
        }
        return {**known, **self.changes}

    def token(self, now: float, **changes: Any) -> str:
        """A token with some claims changed, or left out where they are None."""
        return sign({"alg": "ES256", "kid": "one"}, self.claims(now, **changes), self.key)

    def claims(self, now: float, **changes: Any) -> Claims:
        claims = {
            "iss": URL,
            "sub": "248289761001",
            "aud": CLIENT,
            "exp": int(now) + 300,
            "iat": int(now),
            "preferred_username": "jana",
            "groups": ["mine operators", "football"],
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}


def sign(header: Claims, claims: Claims, key: ECKey | RSAKey) -> str:
    return jwt.encode(header, claims, key, algorithms=[header["alg"]])
