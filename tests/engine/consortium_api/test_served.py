"""The API on real sockets: plain and over TLS, from start to stop."""

import datetime as dt
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import structs
from tests.engine.consortium_api.network import QUICK, Network, Node
from tests.engine.ledgers import accepted, anchors

from lodeline.engine.consortium.api import ApiServer, serve
from lodeline.engine.consortium.client import Patience, ValidatorClient
from lodeline.engine.consortium.desk import CometMempool
from lodeline.engine.consortium.failover import Validators
from lodeline.engine.consortium.refusals_http import ConsensusUnreachable
from lodeline.engine.consortium.refusals_validators import (
    AuthoritiesUnreadable,
    EntryNotAllowed,
    ValidatorRefuses,
    ValidatorTooSlow,
    ValidatorUnreachable,
)
from lodeline.engine.consortium.sending import MemberSigner
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.engine.fsck import FsckRequest, fsck
from lodeline.kernel.ids import MemberId
from lodeline.ledger.log import Verify
from lodeline.ledger.merkle import LeafIndex
from lodeline.proofs.batch import believe_signers, verify_batch
from lodeline.proofs.verifier import ProofShapeWrong


@contextmanager
def served(node: Node, **settings: object) -> Iterator[ApiServer]:
    server = ApiServer(node.app, structs.replace(node.settings, **settings))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_a_copy_follows_over_real_connections(network: Network) -> None:
    with (
        served(network.nodes["authority"]) as one,
        served(network.nodes["miner"]) as two,
        served(network.nodes["refiner"]) as three,
    ):
        clients = [ValidatorClient(server.url, QUICK) for server in (one, two, three)]
        with closing(network.follower(Validators(clients))) as copy:
            receipts = accepted(copy.submit(anchors(network.world, range(5))))
            assert len(receipts) == 5
            assert copy.size == network.nodes["audit-a"].ledger.size


def test_nobody_answers_after_the_end(network: Network) -> None:
    with served(network.nodes["miner"]) as server:
        client = ValidatorClient(server.url, QUICK)
        assert client.status().member == "miner"
    with closing(client), pytest.raises(ValidatorUnreachable) as refused:
        client.status()
    assert refused.value.validator == server.url


def test_a_server_that_never_started_gives_its_address_back(network: Network) -> None:
    node = network.nodes["miner"]
    server = ApiServer(node.app, node.settings)
    address = server.url.rpartition("/")[2]
    server.stop()
    again = ApiServer(node.app, structs.replace(node.settings, api=address))
    again.stop()


def test_an_address_that_is_taken(network: Network) -> None:
    node = network.nodes["miner"]
    with served(node) as server:
        address = server.url.rpartition("/")[2]
        with pytest.raises(OSError, match="in use"):
            ApiServer(node.app, structs.replace(node.settings, api=address))


def test_whoever_says_nothing_is_waited_for_only_so_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        quick = Patience(connect=0.2, read=0.2, whole=0.4, decide=0.2)
        client = ValidatorClient(f"http://127.0.0.1:{port}", quick)
        with closing(client):
            with pytest.raises(ValidatorTooSlow):
                client.status()
            with pytest.raises(ValidatorTooSlow):
                client.submit(b"x")


def test_what_is_served_for_a_validator_s_home(network: Network, tmp_path: Path) -> None:
    """The whole service, as the application process starts it; there is no consensus process."""
    node = network.nodes["miner"]
    home = ValidatorHome(tmp_path / "home")
    home.folder.mkdir()
    home.founding.write_bytes(network.founding)
    home.ledger.symlink_to(node.path)
    with served(network.nodes["authority"]) as peer:
        settings = structs.replace(node.settings, peers=(peer.url,))
        service = serve(home, settings, node.ledger, node.outcomes, lambda: b"statement")
        service.start()
        try:
            with closing(ValidatorClient(service.url, QUICK)) as client:
                assert client.founding() == network.founding
                assert client.snapshot() == b"statement"
                while client.status().signatures < 2:
                    assert service.failure is None
                signer = MemberSigner(MemberId("miner"), network.world.parties["miner"].key)
                body = signer.signed(network.chain, tuple(anchors(network.world, range(1))), None)
                with pytest.raises(ValidatorRefuses) as refused:
                    client.submit(body)
                assert refused.value.refusal == ConsensusUnreachable.code
                assert refused.value.http_status == 503
        finally:
            service.stop()


def test_a_mempool_s_address_is_written_in_several_ways() -> None:
    for text in ("127.0.0.1:26657", "tcp://127.0.0.1:26657", "http://127.0.0.1:26657"):
        assert CometMempool(text)._url == "http://127.0.0.1:26657/"
    assert CometMempool("https://[::1]:1")._url == "https://[::1]:1/"


# ------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of the loopback address, its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    )
    return folder / "cert.pem", folder / "key.pem"


def test_over_tls(network: Network, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    node = network.nodes["miner"]
    with served(node, tls_certificate=str(cert), tls_key=str(key)) as server:
        assert server.url.startswith("https://")
        with closing(ValidatorClient(server.url, QUICK, authorities=cert)) as client:
            assert client.status().member == "miner"
        with closing(ValidatorClient(server.url, QUICK)) as stranger:
            with pytest.raises(ValidatorUnreachable) as refused:
                stranger.status()
            assert "certificate" in refused.value.reason.lower()
        plain = server.url.replace("https", "http")
        with closing(ValidatorClient(plain, QUICK)) as client, pytest.raises(ValidatorUnreachable):
            client.status()


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    for file in (tmp_path / "missing.pem", Path(__file__)):
        with pytest.raises(AuthoritiesUnreadable):
            ValidatorClient("https://a.example", authorities=file)


# ------------------------------------------------------------------ what a copy is


def test_the_file_of_a_copy_is_sound(network: Network) -> None:
    """Blocks of several times came in one stretch; each is a block of the copy too."""
    for number in range(4):
        network.grow(*anchors(network.world, range(3 * number, 3 * number + 3)))
    with closing(network.follower()) as copy:
        copy.refresh()
        there = [block.size for block in network.nodes["miner"].ledger._store.blocks()]
        here = [block.size for block in copy._store.blocks()]
        assert set(here[-4:]) == set(there[-4:])
        path = copy._store.path
    report = fsck(
        path, FsckRequest(from_nothing=True, verify=believe_signers, policy=network.policy)
    )
    assert not report.faults


@pytest.mark.parametrize("verify", [verify_batch, believe_signers])
def test_proofs_are_verified_again_unless_their_signers_are_believed(
    tmp_path: Path, verify: Verify
) -> None:
    """Every validator has let a transform in whose proof proves nothing."""
    network = Network(tmp_path, "grant-licence")
    with closing(network), closing(network.follower(verify=verify)) as copy:
        copy.refresh()
        size = copy.size
        network.world.granted()
        network.grow(network.world.log[-1][0])
        if verify is verify_batch:
            with pytest.raises(EntryNotAllowed) as refused:
                copy.refresh()
            assert refused.value.index == LeafIndex(copy.size)
            assert copy.size == size
            assert isinstance(refused.value.__cause__, ProofShapeWrong)
        else:
            copy.refresh()
            assert copy.size == size + 1
