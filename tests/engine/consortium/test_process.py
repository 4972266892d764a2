"""The application as a process of its own: started, asked to end, broken, killed."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.engine.consortium.chain import Consortium, check, start
from tests.engine.ledgers import anchor
from tests.ledger.world import CHAIN

from lodeline.engine.abci.abci_pb2 import RequestCommit, RequestInfo
from lodeline.engine.abci.client import AbciClient
from lodeline.engine.abci.refusals import AbciRefused
from lodeline.engine.consortium.settings import ValidatorHome, ValidatorSettings
from lodeline.kernel.ids import MemberId
from lodeline.node.processes import Child, application_command, wait_until_listening

pytestmark = pytest.mark.slow

_SECONDS = 60.0


@pytest.fixture
def home(consortium: Consortium, tmp_path: Path) -> ValidatorHome:
    home = ValidatorHome(tmp_path)
    settings = ValidatorSettings(
        member=MemberId("miner"),
        chain=CHAIN,
        abci=f"unix://{tmp_path}/abci.sock",
        rpc="http://127.0.0.1:9",
        api="127.0.0.1:0",
    )
    home.settings.write_bytes(settings.encode())
    home.founding.write_bytes(consortium.founding.encode())
    home.checkpoint_key.write_text(consortium.keys["miner"].checkpoint.reveal().hex())
    return home


@pytest.fixture
def running(home: ValidatorHome) -> Iterator[Child]:
    child = Child(application_command(home), home.folder / "log", home.folder)
    assert wait_until_listening(f"unix://{home.folder}/abci.sock", child, _SECONDS)
    yield child
    child.kill()


def socket_of(home: ValidatorHome) -> str:
    return f"unix://{home.folder}/abci.sock"


def test_it_goes_on_where_it_was_asked_to_end(
    home: ValidatorHome, running: Child, consortium: Consortium
) -> None:
    with AbciClient(socket_of(home)) as client:
        application_hash = start(client, consortium)
        data = consortium.submission("miner", anchor(consortium.party("miner"), 1))
        assert check(client, data)[0].code == 0
    running.stop(_SECONDS)
    assert running.exit_code == 0
    again = Child(application_command(home), home.folder / "log", home.folder)
    try:
        assert wait_until_listening(socket_of(home), again, _SECONDS)
        with AbciClient(socket_of(home)) as client:
            assert client.info(RequestInfo()).last_block_app_hash == application_hash
    finally:
        again.kill()


def test_it_ends_with_an_error_when_the_application_fails(
    home: ValidatorHome, running: Child
) -> None:
    with AbciClient(socket_of(home)) as client, pytest.raises(AbciRefused):
        client.commit(RequestCommit())
    running.wait(_SECONDS)
    assert running.exit_code == 1


def test_its_workers_end_with_it_when_it_is_killed(
    home: ValidatorHome, running: Child, consortium: Consortium
) -> None:
    with AbciClient(socket_of(home)) as client:
        start(client, consortium)
        party = consortium.party("miner")
        data = consortium.submission("miner", *(anchor(party, number) for number in range(64)))
        assert check(client, data)[0].code == 0
    workers = [os.pidfd_open(worker) for worker in children(running.pid)]
    assert workers
    os.kill(running.pid, signal.SIGKILL)
    left = select.poll()
    for worker in workers:
        left.register(worker, select.POLLIN)
    while workers:
        ended = left.poll(_SECONDS * 1_000)
        assert ended, "a worker outlives its process"
        for worker, _ in ended:
            left.unregister(worker)
            os.close(worker)
            workers.remove(worker)


def children(process: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile
            found += map(int, (task / "children").read_text().split())
    return found
