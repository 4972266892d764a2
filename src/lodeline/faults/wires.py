"""The wires between the validators of a local network, so that they can be cut and mended.

Every validator reaches every other through a relay of its own, both for consensus and for the HTTP
API. A wire that is cut carries nothing: connections stay open and silent, new ones are taken and
stay silent too, as where a network loses its packets. Once it is mended, what waited is carried on,
as TCP does. Members' nodes are not wired: they reach both sides.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from msgspec import structs

from lodeline.engine.consortium.settings import ValidatorHome, read_settings
from lodeline.kernel.ids import MemberId
from lodeline.node.local_network import LocalNetwork
from lodeline.node.workspace import read_file, write_file

__all__ = ["Wires", "rewire"]

_PIECE: Final = 64 * 1024
_HOST: Final = "127.0.0.1"

T = TypeVar("T")
Ends = tuple[MemberId, MemberId]
"""Who connects, and whom it reaches."""


@dataclass
class _Wire:
    """One way between two validators; it carries while its gate is open."""

    port: int
    """Where the target listens."""
    gate: asyncio.Event
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Of the connections that are open."""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until one side ends it."""
        task = asyncio.current_task()
        if task is not None:
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.CancelledError):
            await self.gate.wait()
            other_reader, other = await asyncio.open_connection(_HOST, self.port)
            with contextlib.closing(other):
                ways = (self._carry(reader, other), self._carry(other_reader, writer))
                both = [asyncio.ensure_future(way) for way in ways]
                try:
                    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in both:
                        way.cancel()
                    await asyncio.gather(*both, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PIECE):
            await self.gate.wait()
            writer.write(piece)
            await writer.drain()


class Wires:
    """All the wires, in a thread of their own, until `close`."""

    def __init__(self) -> None:
        """Begin with none."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wires", daemon=True)
        self._thread.start()
        self._wires: dict[Ends, list[_Wire]] = {}
        self._servers: list[asyncio.Server] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def lay(self, source: MemberId, target: MemberId, port: int) -> int:
        """Lay a wire to a port of this machine; return the port at which it begins."""
        return self._done(self._lay((source, target), port))

    async def _lay(self, ends: Ends, port: int) -> int:
        wire = _Wire(port, asyncio.Event())
        wire.gate.set()
        server = await asyncio.start_server(wire.connected, _HOST, 0)
        self._wires.setdefault(ends, []).append(wire)
        self._servers.append(server)
        begins: int = server.sockets[0].getsockname()[1]
        return begins

    def part(self, groups: Iterable[Iterable[MemberId]]) -> None:
        """Cut every wire between two groups; within a group all of them carry."""
        parts = {member: place for place, group in enumerate(groups) for member in group}
        self._done(self._set({ends: parts[ends[0]] == parts[ends[1]] for ends in self._wires}))

    def mend(self, *, fresh: bool = False) -> None:
        """Let every wire carry again; with ``fresh``, over new connections only.

        The second is what happens after a long cut: both ends, or a router between, have given up.
        """
        if fresh:
            self._done(self._end_connections())
        self._done(self._set(dict.fromkeys(self._wires, True)))

    async def _set(self, carrying: Mapping[Ends, bool]) -> None:
        for ends, carries in carrying.items():
            for wire in self._wires[ends]:
                if carries:
                    wire.gate.set()
                else:
                    wire.gate.clear()

    def close(self) -> None:
        """End every connection and stop."""
        self._done(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        await self._end_connections()

    async def _end_connections(self) -> None:
        tasks = [task for wires in self._wires.values() for wire in wires for task in wire.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def rewire(network: LocalNetwork, wires: Wires) -> None:
    """Have every validator of a network, none of which runs, reach the others by wire."""
    addresses = dict(network.founded.plan.validators)
    for source, validator in network.validators.items():
        peers, urls = [], []
        for target, found in addresses.items():
            if target != source:
                p2p, api = _port(found.address), urlsplit(found.api).port or 0
                peers.append(f"{found.node}@{_HOST}:{wires.lay(source, target, p2p)}")
                urls.append(f"http://{_HOST}:{wires.lay(source, target, api)}")
        _put_peers(validator.home, peers)
        settings = structs.replace(read_settings(validator.home.settings), peers=tuple(urls))
        write_file(validator.home.settings, settings.encode(), over=True)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _put_peers(home: ValidatorHome, peers: Iterable[str]) -> None:
    """Write other addresses of the peers into CometBFT's settings."""
    path, listed = home.engine / "config" / "config.toml", ",".join(peers)
    lines = [
        f'persistent_peers = "{listed}"' if line.startswith("persistent_peers = ") else line
        for line in read_file(path).decode().splitlines()
    ]
    write_file(path, ("\n".join(lines) + "\n").encode(), over=True)
