"""The real consensus engine over a unix socket: founding, blocks, transactions, a restart."""

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
from tests.engine.abci.counter import BAD, Counter

from lodeline.engine.abci.abci_pb2 import RequestInfo, ResponseInfo
from lodeline.engine.abci.server import AbciServer

COMETBFT: Final = Path(__file__).parents[3] / ".tools" / "cometbft"

QUICK: Final = {
    "CMT_CONSENSUS_TIMEOUT_COMMIT": "10ms",
    "CMT_CONSENSUS_TIMEOUT_PROPOSE": "1s",
    "CMT_P2P_PEX": "false",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def cometbft() -> None:
    """Skip without the program, unless the environment says that it must be there."""
    if COMETBFT.exists():
        return
    reason = "no .tools/cometbft: `make engine` installs it"
    if os.environ.get("LODELINE_NEED_ENGINE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A network of one validator."""
    subprocess.run(
        [COMETBFT, "init", "--home", tmp_path / "comet"], check=True, stdout=subprocess.DEVNULL
    )
    return tmp_path / "comet"


@contextmanager
def node(home: Path, server: AbciServer) -> Iterator[subprocess.Popen[bytes]]:
    """A node of its own ports, its RPC on a unix socket beside the application's."""
    with (home.parent / "node.log").open("ab") as log:
        process = subprocess.Popen(
            [
                COMETBFT,
                "start",
                f"--home={home}",
                f"--proxy_app={server.address}",
                f"--rpc.laddr=unix://{home.parent}/rpc.sock",
                "--p2p.laddr=tcp://127.0.0.1:0",
                "--log_level=error",
            ],
            env=os.environ | QUICK,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def said(home: Path) -> str:
    return (home.parent / "node.log").read_text(encoding="utf-8")


@contextmanager
def rpc(home: Path) -> Iterator[httpx.Client]:
    transport = httpx.HTTPTransport(uds=str(home.parent / "rpc.sock"))
    with httpx.Client(transport=transport, base_url="http://node", timeout=30) as client:
        yield client


def call(client: httpx.Client, method: str, **params: object) -> dict[str, object]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    result = client.post("/", json=body).json()["result"]
    assert isinstance(result, dict)
    return result


def test_transactions_end_up_in_blocks(home: Path, tmp_path: Path) -> None:
    counter = Counter()
    with (
        AbciServer(f"unix://{tmp_path}/app.sock", counter) as server,
        node(home, server),
    ):
        assert counter.wait(height=2), said(home)
        with rpc(home) as client:
            for at in range(50):
                tx = base64.b64encode(b"tx %d" % at).decode()
                call(client, "broadcast_tx_async", tx=tx)
            refused = call(client, "broadcast_tx_sync", tx=base64.b64encode(BAD + b" one").decode())
            assert refused["code"] == 1
            queried = call(client, "abci_query", data=b"counted".hex())
            assert counter.wait(count=50), said(home)
            done = counter.height
            assert counter.wait(height=done + 2), said(home)
            after = call(client, "block", height=str(done + 1))
        assert isinstance(queried["response"], dict)
        assert base64.b64decode(queried["response"]["key"]) == b"counted"
        assert not server.failed.is_set()
    assert counter.called[0] == "init_chain"
    assert counter.count == 50
    assert sum(counter.batches) >= 51
    assert isinstance(after["block"], dict)
    assert after["block"]["header"]["app_hash"] == counter.app_hash.hex().upper()


def test_a_node_that_comes_back_plays_the_blocks_that_the_application_lacks(
    home: Path, tmp_path: Path
) -> None:
    first = Counter()
    with AbciServer(f"unix://{tmp_path}/app.sock", first) as server, node(home, server):
        assert first.wait(height=3), said(home)
    empty = Counter()
    with AbciServer(f"unix://{tmp_path}/app.sock", empty) as server, node(home, server):
        assert empty.wait(height=first.height + 1), said(home)
    assert empty.called[:3] == ["init_chain", "finalize_block", "commit"]


def test_a_crash_of_the_application_stops_the_node(home: Path, tmp_path: Path) -> None:
    """The process that supervises both must see it at both ends."""

    class Broken(Counter):
        def info(self, request: RequestInfo) -> ResponseInfo:
            raise OSError(28, "no space left")

    with AbciServer(f"unix://{tmp_path}/app.sock", Broken()) as server, node(home, server) as one:
        assert server.failed.wait(60), said(home)
        assert one.wait(60) != 0
    assert "no space left" in said(home)


def test_the_program_is_of_the_version_that_speaks_this_protocol() -> None:
    version = subprocess.run([COMETBFT, "version"], check=True, capture_output=True, text=True)
    assert version.stdout.startswith("0.38.")
    assert shutil.which(COMETBFT) is not None
