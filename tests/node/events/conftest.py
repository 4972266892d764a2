"""Event stores for tests: a fresh SQLite file, and a fresh database of a PostgreSQL server.

The server is Debian's, started once a run in a folder of its own on a socket of its own, as a user
who is not root. Where there is none, tests on it are skipped; with ``LODELINE_NEED_POSTGRES=1`` in
the environment they fail.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from lodeline.node.events.database import DatabaseUrl, open_engine, sqlite_url
from lodeline.node.events.moments import Micros
from lodeline.node.events.store import EventStore, Tenant, TenantName

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_names = count(1)
START = Micros(1_772_352_000_000_000)
"""2026-03-01T08:00:00Z, when the events of `documents` happen."""


@dataclass
class SetClock:
    """A clock that a test sets."""

    moment: Micros = START

    def now(self) -> Micros:
        return self.moment

    def pass_seconds(self, seconds: int) -> None:
        self.moment = Micros(self.moment + seconds * 1_000_000)


class PostgresServer:
    """A server of PostgreSQL that lives as long as the tests."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self._folder = Path(tempfile.mkdtemp(prefix="lodeline-pg-"))
        if os.getuid() == 0:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-D", str(self._folder / "data"), "-A", "trust", "-U", "lodeline")
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c fsync=off"
        self._control("start", "-w", "-o", options)
        self._template: str | None = None

    def _run(self, program: str, *arguments: str) -> None:
        user = self._user if os.getuid() == 0 else None
        done = subprocess.run(
            [self._programs / program, *arguments],
            user=user,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{program} ended with {done.returncode}"

    def _control(self, *arguments: str) -> None:
        log = str(self._folder / "log.txt")
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-l", log, *arguments)

    def url(self, database: str) -> DatabaseUrl:
        return DatabaseUrl(f"postgresql+psycopg://lodeline@/{database}?host={self._folder}")

    def new_database(self, template: str = "template1") -> DatabaseUrl:
        """An empty database, or a copy of another one that nobody has open."""
        name = f"events_{next(_names)}"
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        engine.dispose()
        return self.url(name)

    def drop(self, url: DatabaseUrl) -> None:
        """Remove a database, whoever has it open."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {make_url(url).database} WITH (FORCE)"))
        engine.dispose()

    def cut(self, url: DatabaseUrl) -> int:
        """End every connection to a database, as a server that is restarted does; how many."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        ended = text(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :name"
        )
        with engine.connect() as connection:
            count = connection.execute(ended, {"name": make_url(url).database}).scalar_one()
        engine.dispose()
        return int(count)

    def new_store(self) -> DatabaseUrl:
        """A database with the present layout and nothing in it; migrated once, then copied."""
        if self._template is None:
            url = self.new_database()
            EventStore(open_engine(url)).close()
            self._template = str(make_url(url).database)
        return self.new_database(self._template)

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self._folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running server, or a skip with the reason."""
    if not PROGRAMS:
        reason = "no PostgreSQL server under /usr/lib/postgresql"
        if os.environ.get("LODELINE_NEED_POSTGRES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    server = PostgresServer(PROGRAMS[-1])
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseUrl:
    """A database of each kind in which there is nothing."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "events.db")
    server = request.getfixturevalue("postgres")
    assert isinstance(server, PostgresServer)
    return server.new_store()


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still until it is set."""
    return SetClock()


@pytest.fixture
def store(database: DatabaseUrl, clock: SetClock) -> Iterator[EventStore]:
    """An empty store on each kind of database."""
    opened = EventStore(open_engine(database), clock)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path, clock: SetClock) -> Iterator[EventStore]:
    """An empty store on SQLite alone, for what does not depend on the database."""
    opened = EventStore(open_engine(sqlite_url(tmp_path / "events.db")), clock)
    yield opened
    opened.close()


@pytest.fixture
def miner(store: EventStore) -> Tenant:
    return store.tenant(TenantName("miner"))


@pytest.fixture
def refiner(store: EventStore) -> Tenant:
    return store.tenant(TenantName("refiner"))
