"""The HTTP API of a validator: members hand entries in, anybody reads and verifies.

Reading needs no login. What a validator serves is signed by more than two thirds of the validators
or can be verified against what is; whom it is served to makes no difference, and a client trusts no
validator. Handing in needs the signature of an active member, which is checked before anything
else is done with a submission (`engine.consortium.desk`).

Every refusal is a problem of RFC 9457 with its stable code as type, in English or French as the
client prefers (RFC 9110 §12.5.4). For a client of this project the refusal itself travels beside
its text, packed.

Not defended here: whoever can open connections can hold all of them open. What stands in front of a
validator that strangers can reach bounds connections for each address.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.desk import CometMempool, Desk, Fates, Share
from lodeline.engine.consortium.gather import BRIEF, Gatherer, Gathering
from lodeline.engine.consortium.misbehaviour import (
    Caught,
    MisbehaviourBook,
    misbehaviour_file,
)
from lodeline.engine.consortium.published import Published
from lodeline.engine.consortium.refusals_http import (
    BodyTooLarge,
    MediaTypeRefused,
    MethodRefused,
    PathUnknown,
    QueryMalformed,
    SnapshotNotHere,
    ValidatorBroken,
)
from lodeline.engine.consortium.relay import pack_refusal
from lodeline.engine.consortium.settings import ValidatorHome, ValidatorSettings
from lodeline.engine.consortium.wire_http import (
    CBOR,
    JSON,
    MAX_CAUGHT,
    MAX_PROTOCOLS,
    NOTE,
    PROBLEM,
    AnswerW,
    Refused,
    RequiredProtocol,
    Taken,
    ValidatorStatus,
)
from lodeline.engine.interface import Answer
from lodeline.engine.reader import LedgerFile
from lodeline.engine.refusals import CheckpointMissing
from lodeline.kernel import cbor
from lodeline.kernel.errors import Lang, LodelineError
from lodeline.ledger.checkpoint import Origin
from lodeline.ledger.merkle import MAX_TREE_SIZE, LeafIndex, TreeSize
from lodeline.ledger.protocols import KNOWN_PROTOCOLS
from lodeline.ledger.signednote import parse_note
from lodeline.ledger.submissions import MAX_SUBMISSION_BYTES
from lodeline.ledger.validators import validator_policy

__all__ = ["ApiServer", "ApiService", "Shown", "application", "preferred_language", "serve"]

_CONNECTIONS: Final = 256
"""Requests at a time; more are answered 503 by the server."""
_IDLE_SECONDS: Final = 15
_STOP_SECONDS: Final = 5

Snapshot = Callable[[], bytes | None]
"""Gives the signed statement of the latest snapshot, or nothing while there is none."""


@dataclass(frozen=True)
class Shown:
    """What the API is about."""

    settings: ValidatorSettings
    ledger: LedgerFile
    published: Published
    desk: Desk
    founding: bytes
    snapshot: Snapshot
    caught: Callable[[], tuple[Caught, ...]] = tuple
    """Gives the validators that were caught so far."""


def application(shown: Shown) -> Starlette:
    """Return the API as an ASGI application."""
    reading = _Reading(shown)
    routes = [
        Route("/v1/submissions", _HandingIn(shown.desk).answer, methods=["POST"]),
        Route("/v1/checkpoint", reading.checkpoint, methods=["GET"]),
        Route("/v1/entries", reading.entries, methods=["GET"]),
        Route("/v1/proof/inclusion", reading.inclusion, methods=["GET"]),
        Route("/v1/proof/consistency", reading.consistency, methods=["GET"]),
        Route("/v1/status", reading.status, methods=["GET"]),
        Route("/v1/snapshot", reading.snapshot, methods=["GET"]),
        Route("/v1/founding", reading.founding, methods=["GET"]),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    app.add_exception_handler(LodelineError, _refused)
    app.add_exception_handler(HTTPException, _not_served)
    app.add_exception_handler(500, _broken)
    return app


# ------------------------------------------------------------------ handing in


class _HandingIn:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, request: Request) -> Response:
        """Answer a submission, one answer for each entry."""
        media = request.headers.get("content-type", "")
        if media.partition(";")[0].strip().lower() != CBOR:
            raise MediaTypeRefused(media[:64])
        body = await _bounded(request, MAX_SUBMISSION_BYTES)
        answers = await self._desk.answers(body)
        lang = preferred_language(request.headers.get("accept-language", ""))
        told = [_told(answer, lang) for answer in answers]
        return Response(msgspec.json.encode(told), media_type=JSON)


async def _bounded(request: Request, limit: int) -> bytes:
    """Read a body, and no more of it than it may have, whatever its head says."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:12]) > limit:
        raise BodyTooLarge(limit)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise BodyTooLarge(limit)
    return bytes(body)


def _told(answer: Answer, lang: Lang) -> AnswerW:
    if isinstance(answer, LodelineError):
        return Refused(answer.message(lang), pack_refusal(answer))
    return Taken(answer.index, answer.entry, answer.leaf, answer.time)


# ------------------------------------------------------------------ reading


class _Reading:
    """Every address that is only read; each runs in a thread of its own."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def checkpoint(self, request: Request) -> Response:
        """Answer a signed checkpoint."""
        published = self._shown.published
        if "size" in request.query_params:
            note = published.note(TreeSize(_number(request, "size")))
        elif "upto" in request.query_params:
            note = published.note_upto(TreeSize(_number(request, "upto")))
        else:
            _, note = published.newest()
        return Response(note, media_type=NOTE)

    def entries(self, request: Request) -> Response:
        """Answer leaves."""
        start, end = _number(request, "start"), _number(request, "end")
        leaves = self._shown.published.leaves(LeafIndex(start), TreeSize(end))
        return Response(cbor.encode(leaves), media_type=CBOR)

    def inclusion(self, request: Request) -> Response:
        """Answer a proof that a tree has a leaf."""
        index, size = _number(request, "index"), _number(request, "size")
        proof = self._shown.ledger.prove_inclusion(LeafIndex(index), TreeSize(size))
        return _json(proof)

    def consistency(self, request: Request) -> Response:
        """Answer a proof that a tree continues another."""
        old, new = _number(request, "old"), _number(request, "new")
        proof = self._shown.ledger.prove_consistency(TreeSize(old), TreeSize(new))
        return _json(proof)

    def status(self, request: Request) -> Response:
        """Answer how the validator stands."""
        del request
        ledger, settings = self._shown.ledger, self._shown.settings
        with ledger.turn:
            checkpoint = ledger.checkpoint(Origin(settings.chain))
            policy = validator_policy(ledger.state())
            required = sorted(ledger.state().protocols.items())
            validators = sorted(ledger.state().validators.items())
        signed, signatures = self._newest()
        return _json(
            ValidatorStatus(
                chain=settings.chain,
                member=settings.member,
                size=checkpoint.size,
                time=checkpoint.time,
                log_root=checkpoint.root,
                state_root=checkpoint.state,
                signed=signed,
                signatures=signatures,
                validators=0 if policy is None else len(policy.keys),
                needed=0 if policy is None else policy.threshold,
                caught=self._shown.caught()[-MAX_CAUGHT:],
                addresses=tuple(record.address for _, record in validators),
                known=tuple(sorted(KNOWN_PROTOCOLS))[-MAX_PROTOCOLS:],
                required=tuple(
                    RequiredProtocol(version, record.at, record.release)
                    for version, record in required[-MAX_PROTOCOLS:]
                ),
            )
        )

    def _newest(self) -> tuple[TreeSize, int]:
        try:
            size, note = self._shown.published.newest()
        except CheckpointMissing:
            return TreeSize(0), 0
        names = {signature.name for signature in parse_note(note).signatures}
        return size, len(names)

    def snapshot(self, request: Request) -> Response:
        """Answer the signed statement of the latest snapshot."""
        del request
        statement = self._shown.snapshot()
        if statement is None:
            raise SnapshotNotHere
        return Response(statement, media_type=CBOR)

    def founding(self, request: Request) -> Response:
        """Answer how the chain was founded."""
        del request
        return Response(self._shown.founding, media_type=JSON)


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_TREE_SIZE):
        raise QueryMalformed(name, text[:64])
    return int(text)


def _json(struct: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(struct), media_type=JSON)


# ------------------------------------------------------------------ problems


async def _refused(request: Request, refusal: Exception) -> Response:
    """Answer a refusal as a problem."""
    error = refusal if isinstance(refusal, LodelineError) else ValidatorBroken()
    lang = preferred_language(request.headers.get("accept-language", ""))
    problem = error.problem(lang) | {"refusal": pack_refusal(error)}
    head = {"Content-Language": lang, "Vary": "Accept-Language"}
    body = msgspec.json.encode(problem)
    return Response(body, error.status, headers=head, media_type=PROBLEM)


async def _not_served(request: Request, refusal: Exception) -> Response:
    """Answer what the router does not know."""
    status = refusal.status_code if isinstance(refusal, HTTPException) else 404
    error = MethodRefused(request.method[:16]) if status == 405 else PathUnknown(_path(request))
    answer = await _refused(request, error)
    if isinstance(refusal, HTTPException) and refusal.headers:
        answer.headers.update(refusal.headers)
    return answer


async def _broken(request: Request, fault: Exception) -> Response:
    """Answer what nobody foresaw; the server writes its cause into the log."""
    del fault
    return await _refused(request, ValidatorBroken())


def _path(request: Request) -> str:
    return request.url.path[:128]


def preferred_language(accept: str) -> Lang:
    """Return the language that a client prefers of those there are; English where it says none."""
    best: Lang = "en"
    weights: dict[str, float] = {}
    for item in accept.split(",")[:16]:
        tag, _, rest = item.strip().partition(";")
        weights.setdefault(tag.strip().lower().partition("-")[0], _weight(rest))
    if weights.get("fr", 0.0) > weights.get("en", 0.0):
        best = "fr"
    return best


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not text.strip():
        return 1.0
    digits = value.strip()
    fits = name.strip() == "q" and digits.replace(".", "", 1).isdigit() and digits.isascii()
    return float(digits) if fits and len(digits) <= 5 else 0.0


# ------------------------------------------------------------------ the server


class ApiServer:
    """The API at its address, in a thread of its own, from `start` to `stop`."""

    def __init__(self, app: Starlette, settings: ValidatorSettings) -> None:
        """Take the address; nothing is answered yet.

        Raises:
            OSError: the address is taken or not this machine's.
        """
        host, port = _address(settings.api)
        self._socket = socket.create_server((host, port), family=_family(host))
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_STOP_SECONDS,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="validator-api"
        )
        scheme = "https" if settings.tls_certificate else "http"
        bound = self._socket.getsockname()
        self.url = f"{scheme}://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"

    def start(self) -> None:
        """Begin to answer; connections made before are answered too."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being answered, and give the address back."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()


class ApiService:
    """The API of a validator and its gathering of signatures, from `start` to `stop`."""

    def __init__(self, server: ApiServer, gathering: Gathering, published: Published) -> None:
        self._server = server
        self._gathering = gathering
        self._published = published

    @property
    def url(self) -> str:
        """Return where the API is."""
        return self._server.url

    @property
    def failure(self) -> LodelineError | None:
        """Return why gathering has ended, if it did before it was stopped."""
        return self._gathering.failure

    def start(self) -> None:
        """Begin to answer and to gather."""
        self._server.start()
        self._gathering.start()

    def stop(self) -> None:
        """Finish what is being answered, then let go of everything."""
        self._gathering.stop()
        self._server.stop()
        self._published.close()


def serve(
    home: ValidatorHome,
    settings: ValidatorSettings,
    ledger: LedgerFile,
    fates: Fates,
    snapshot: Snapshot,
) -> ApiService:
    """Return the API of a validator at its address, not started yet.

    ``ledger`` is the replica that is open for writing; ``fates`` says what becomes of submissions.

    Raises:
        OSError: the address is taken or not this machine's, or the founding file is missing.
        LedgerNotRead, …: the ledger's file cannot be read.
    """
    published = Published(home.ledger)
    mempool = CometMempool(settings.rpc)
    desk = Desk(ledger, mempool, fates, Share(settings.quota_bytes))
    founding = home.founding.read_bytes()
    book = MisbehaviourBook(misbehaviour_file(home))
    shown = Shown(settings, ledger, published, desk, founding, snapshot, book.all)
    peers = [ValidatorClient(url, BRIEF) for url in settings.peers]
    gatherer = Gatherer(
        ledger, published, peers, settings.member, lambda url: ValidatorClient(url, BRIEF)
    )
    gathering = Gathering(gatherer)
    return ApiService(ApiServer(application(shown), settings), gathering, published)


def _address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``, which may be written as a URL."""
    host, _, port = text.rpartition("://")[2].rstrip("/").rpartition(":")
    return host.strip("[]"), int(port)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
