"""Reports by HTTP, to a receiver on the loopback network: signed, and to the checked address."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import OctKey

from lodeline.node.events.destinations import Address, DestinationRules, parse_destination
from lodeline.node.events.moments import Micros
from lodeline.node.events.subscription_refusals import (
    DestinationAnswered,
    DestinationForbidden,
    DestinationTooSlow,
    DestinationUnreachable,
)
from lodeline.node.events.subscriptions import SignatureToken
from lodeline.node.events.webhooks import Message, ReportId, Webhooks, signature

LOOPBACK = DestinationRules((ip_network("127.0.0.0/8"),))
BODY = b'{"type":"EPCISQueryDocument"}'
TOKEN = SignatureToken("13df38d8275b13f05704629e5f1cf3d45d6132d5")
NAME = "hook.example"


@dataclass
class Received:
    """What a receiver got, and what it answers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    silent: Event | None = None
    """Until when nothing is answered."""

    def url(self, scheme: str = "http", path: str = "/hook") -> str:
        return f"{scheme}://{NAME}:{self.port}{path}"


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Received]:
    got = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if got.silent is not None:
                got.silent.wait(10)
            self.send_response(got.status)
            for name, value in got.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    got.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield got
    finally:
        if got.silent is not None:
            got.silent.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hook() -> Iterator[Received]:
    with receiver() as got:
        yield got


def at_loopback(host: str, port: int) -> list[Address]:
    assert host == NAME
    return [ip_address("127.0.0.1")]


def message(url: str, token: SignatureToken | None = None, body: bytes = BODY) -> Message:
    return Message(
        ReportId("s:1-2"),
        parse_destination(url),
        body,
        Micros(1_772_352_000_000_000),
        token,
        {"GS1-EPCIS-Version": "2.0.0"},
    )


def webhooks(seconds: int = 10, trust: ssl.SSLContext | None = None) -> Webhooks:
    return Webhooks(LOOPBACK, at_loopback, seconds=seconds, trust=trust)


# ------------------------------------------------------------------ what is sent


def test_a_report_arrives_whole_with_its_headers(hook: Received) -> None:
    webhooks().post(message(hook.url(path="/hook?for=me"), TOKEN))
    ((path, headers, body),) = hook.requests
    assert (path, body) == ("/hook?for=me", BODY)
    assert headers["host"] == f"{NAME}:{hook.port}"
    assert headers["content-type"] == "application/json"
    assert headers["gs1-epcis-version"] == "2.0.0"
    assert headers["idempotency-key"] == '"s:1-2"'
    assert headers["gs1-signature"] == signature(message(hook.url(path="/hook?for=me")), TOKEN)


def test_who_gave_no_secret_gets_no_signature(hook: Received) -> None:
    webhooks().post(message(hook.url()))
    assert "gs1-signature" not in hook.requests[0][1]


def verified(text: str, body: bytes, token: str = TOKEN) -> dict[str, object]:
    """The header of a signature, as another implementation reads and verifies it."""
    registry = jws.JWSRegistry(strict_check_header=False, algorithms=["HS256"])
    found = jws.deserialize_compact(text, OctKey.import_key(token), payload=body, registry=registry)
    return dict(found.headers())


def test_another_implementation_verifies_the_signature() -> None:
    sent = message("https://hook.example/x")
    header = verified(signature(sent, TOKEN), BODY)
    assert header["aud"] == "https://hook.example/x"
    assert (header["iat"], header["jti"], header["b64"]) == (1_772_352_000, "s:1-2", False)


def test_a_changed_report_another_secret_and_a_changed_header_do_not_verify() -> None:
    text = signature(message("https://hook.example/x"), TOKEN)
    with pytest.raises(BadSignatureError):
        verified(text, BODY + b" ")
    with pytest.raises(BadSignatureError):
        verified(text, BODY, "another secret that nobody gave")
    other = signature(message("https://other.example/x"), TOKEN)
    with pytest.raises(BadSignatureError):
        verified(f"{other.partition('.')[0]}..{text.rpartition('.')[2]}", BODY)


# ------------------------------------------------------------------ what is answered


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_success_is_one(hook: Received, status: int) -> None:
    hook.status = status
    webhooks().post(message(hook.url()))
    assert len(hook.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(hook: Received, status: int) -> None:
    with receiver() as inner:
        hook.status = status
        hook.headers = {"Location": f"http://127.0.0.1:{inner.port}/admin"}
        with pytest.raises(DestinationAnswered) as refused:
            webhooks().post(message(hook.url()))
        assert (refused.value.answer, refused.value.is_refusal) == (status, True)
        assert inner.requests == []


@pytest.mark.parametrize(
    ("status", "retry", "wait", "is_refusal"),
    [
        (503, "30", 30, False),
        (429, "99999999999999", 3_600, False),
        (500, "Fri, 31 Dec 1999 23:59:59 GMT", 0, False),
        (404, "-5", 0, True),
    ],
)
def test_refusals_tell_when_to_come_back(
    hook: Received, status: int, retry: str, wait: int, *, is_refusal: bool
) -> None:
    hook.status, hook.headers = status, {"Retry-After": retry}
    with pytest.raises(DestinationAnswered) as refused:
        webhooks().post(message(hook.url()))
    assert (refused.value.answer, refused.value.wait) == (status, wait)
    assert refused.value.is_refusal is is_refusal


def test_a_destination_that_never_answers_is_left(hook: Received) -> None:
    hook.silent = Event()
    with pytest.raises(DestinationTooSlow) as refused:
        webhooks(seconds=1).post(message(hook.url()))
    assert (refused.value.host, refused.value.seconds) == (NAME, 1)


def test_a_port_that_nobody_listens_on_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(DestinationUnreachable):
        webhooks().post(message(f"http://{NAME}:{port}/"))


# ------------------------------------------------------------------ where it goes


def test_a_name_that_changes_its_address_is_asked_once(hook: Received) -> None:
    """An attacker's name service: public when it is looked at, inner when it is connected to."""
    answers = [[ip_address("127.0.0.1")], [ip_address("127.0.0.2")]]
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[Address]:
        asked.append(host)
        return list(answers.pop(0))

    Webhooks(LOOPBACK, rebinding).post(message(hook.url()))
    assert asked == [NAME]
    assert len(hook.requests) == 1


def test_an_inner_destination_gets_no_connection(hook: Received) -> None:
    with pytest.raises(DestinationForbidden):
        Webhooks(DestinationRules(), at_loopback).post(message(hook.url("https")))
    assert hook.requests == []


def test_a_proxy_of_the_environment_is_not_asked(
    hook: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        webhooks().post(message(hook.url()))
        assert proxy.requests == []
    assert len(hook.requests) == 1


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server with a certificate for a name, and a client that believes in it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=file)


def test_the_certificate_is_that_of_the_name_although_the_address_is_connected_to(
    tmp_path: Path,
) -> None:
    server, client = certified(tmp_path, NAME)
    with receiver(server) as hook:
        webhooks(trust=client).post(message(hook.url("https")))
        assert json.loads(hook.requests[0][2])["type"] == "EPCISQueryDocument"


def test_a_certificate_of_another_name_is_not_believed(tmp_path: Path) -> None:
    server, client = certified(tmp_path, "other.example")
    with receiver(server) as hook:
        with pytest.raises(DestinationUnreachable):
            webhooks(trust=client).post(message(hook.url("https")))
        assert hook.requests == []
