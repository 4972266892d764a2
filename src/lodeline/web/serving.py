"""The service as a process: opened, served until it is asked to end, and closed in order.

Asked to end (SIGTERM, SIGINT), it takes no more connections, finishes the requests that are under
way, for as long as `_STOP_SECONDS` at most, ends the deliveries and the pipeline where their work
can be left, and then closes the reading processes and the store. What was acknowledged is on the
disk whatever happens.
"""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import ClassVar, Final

import uvicorn
from starlette.applications import Starlette

from lodeline.kernel.errors import LodelineError
from lodeline.node.events.attending import Pipelines
from lodeline.node.events.database import DatabaseUrl
from lodeline.node.events.deliveries import Courier
from lodeline.node.events.opening import opened_store
from lodeline.node.events.webhooks import Webhooks
from lodeline.node.lineage_desk import LineageDesk
from lodeline.node.workspace import Workspace
from lodeline.web.app import build
from lodeline.web.bringing import Bringing
from lodeline.web.connections import Crowd, protocols
from lodeline.web.delivering import Dispatcher, NodeDesk
from lodeline.web.logs import log_to
from lodeline.web.service import opened_service

__all__ = ["AddressTaken", "AddressWrong", "Listen", "listen_at", "serve"]

_CONNECTIONS: Final = 512
"""Connections at a time; more are answered 503 by the server."""
_IDLE_SECONDS: Final = 15
_STOP_SECONDS: Final = 30
_BACKLOG: Final = 512
_MESSAGE_BYTES: Final = 4_096
"""Of what a client says over a websocket, which nobody listens to."""
_log: Final = logging.getLogger(__name__)
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class AddressWrong(LodelineError):
    """What is to be listened on is no address."""

    code: ClassVar[str] = "serve-address-wrong"
    en: ClassVar[str] = "“{text}” is no address to listen on"
    fr: ClassVar[str] = "« {text} » n'est pas une adresse où écouter"
    advice_en: ClassVar[str] = "write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080"
    advice_fr: ClassVar[str] = "écrivez HÔTE:PORT, tel que 127.0.0.1:8080 ou [::1]:8080"

    text: str


class AddressTaken(LodelineError):
    """The address cannot be listened on."""

    code: ClassVar[str] = "serve-address-taken"
    en: ClassVar[str] = "nothing can listen on {text}: {reason}"
    fr: ClassVar[str] = "rien ne peut écouter sur {text} : {reason}"
    advice_en: ClassVar[str] = "stop what listens there, or take another port with --listen"
    advice_fr: ClassVar[str] = "arrêtez ce qui y écoute, ou prenez un autre port par --listen"

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: a host, and a port; port 0 is any that is free."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def listen_at(text: str) -> Listen:
    """Return the address of ``HOST:PORT``.

    Raises:
        AddressWrong: it is none.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port[:6]) > 65_535:
        raise AddressWrong(text[:128])
    return Listen(host, int(port))


def serve(
    workspace: Workspace,
    listen: Listen,
    database: DatabaseUrl | None,
    started: Callable[[Listen], None],
    pipelines: Pipelines | None = None,
) -> None:
    """Serve a node until it is asked to end.

    Args:
        workspace: folder of the node, with ``serve.toml`` where there is one.
        listen: where.
        database: of the events; the folder's own where nothing is said.
        started: is told once connections are taken, with the port that was taken.
        pipelines: bring events to the ledger while it serves; nothing: it only keeps them.

    Raises:
        KeystoreNotOpened, FileUnreadable, MappingOfAnother, …: a member's keys or mapping.
        AddressTaken: the address cannot be listened on.
        WebSettingsMalformed, FileUnreadable: the settings cannot be used.
        DatabaseUnknown, StoreUnreachable, StoreLayoutUnknown: the database cannot be used.
    """
    with ExitStack() as stack:
        if pipelines is not None:
            pipelines.check()
        bound = stack.enter_context(_bound(listen))
        store = stack.enter_context(opened_store(workspace, database))
        service = stack.enter_context(opened_service(store, workspace.folder))
        log_to()
        if pipelines is not None:
            bringing = stack.enter_context(
                Bringing(pipelines, store, service.settings.anchor_hours)
            )
            service = replace(service, bringing=bringing)
        keys_of = (lambda _: None) if pipelines is None else pipelines.keys_of
        service = replace(
            service,
            ledger_in=workspace if workspace.ledger.exists() else None,
            lineage=LineageDesk(workspace, store, keys_of, _made_anew),
        )
        webhooks = Webhooks(service.settings.destinations)
        stack.enter_context(Dispatcher(Courier(store, NodeDesk(service), webhooks)))
        server = _Server(_config(build(service), service.settings.proxies))
        server.ending = service.streams.end
        name = bound.getsockname()
        started(Listen(listen.host, int(name[1])))
        server.run(sockets=[bound])


def _made_anew(refusal: LodelineError) -> None:
    """Write into the log why kept lineage was not used."""
    _log.error("lineage", extra={"code": refusal.code, "reason": refusal.message("en")})


def _config(app: Starlette, proxies: Sequence[str]) -> uvicorn.Config:
    http, websockets = protocols(Crowd(proxies=proxies))
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        http=http,
        ws=websockets,
        ws_max_size=_MESSAGE_BYTES,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


@contextmanager
def _bound(listen: Listen) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        bound = socket.create_server((listen.host, listen.port), family=family, backlog=_BACKLOG)
    except OSError as failed:
        reason = failed.strerror or type(failed).__name__
        raise AddressTaken(listen.url, reason) from failed
    with bound:
        # Connections inherit it; without it an answer in two pieces waits 40 ms for the second.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield bound


class _Server(uvicorn.Server):
    """Ends when it is asked to, and returns: what is around it is then closed in order."""

    ending: Callable[[], None] | None = None
    """Is told that it is asked to end, before it waits for what is under way."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take note of being asked to end."""
        if self.ending is not None:
            self.ending()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let signals end the server, without ending the process once more afterwards."""
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
