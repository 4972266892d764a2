"""Validators gather one another's signatures; a reader without a copy asks for single proofs."""

from contextlib import closing

import httpx
import msgspec
import pytest
from msgspec import structs
from tests.engine.consortium_api.network import ORIGIN, Forge, Liar, Network, answered
from tests.engine.ledgers import anchors
from tests.ledger.world import World

from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.failover import Agreed
from lodeline.engine.consortium.gather import Gatherer, Gathering
from lodeline.engine.consortium.refusals_validators import (
    NoValidatorAnswers,
    ValidatorForks,
    ValidatorHidesEntries,
    ValidatorNoteRefused,
    ValidatorProofWrong,
    ValidatorUnreachable,
)
from lodeline.engine.reader import LedgerFile
from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.ledger.checkpoint import (
    assemble,
    parse_checkpoint_text,
    sign_checkpoint,
    verify_checkpoint,
)
from lodeline.ledger.merkle import InclusionProof, LeafIndex, TreeSize
from lodeline.ledger.signednote import parse_note, verified_signers

OWN = "authority"


def gatherer(network: Network, **forges: Forge) -> Gatherer:
    own = network.nodes[OWN]
    peers = [
        node.client(Liar(node.wire, forges[name]) if name in forges else None)
        for name, node in network.nodes.items()
        if name != OWN
    ]
    return Gatherer(own.ledger, own.published, peers)


def signatures(network: Network) -> int:
    note = parse_note(network.nodes[OWN].ledger.signed_checkpoint())
    return len(verified_signers(note, network.policy.members))


def test_a_validator_soon_shows_what_enough_have_signed(network: Network) -> None:
    network.grow(*anchors(network.world, range(2)))
    assert signatures(network) == 1
    assert gatherer(network).gather()
    assert signatures(network) == 4
    note = network.nodes[OWN].ledger.signed_checkpoint()
    assert verify_checkpoint(note, network.policy).size == network.nodes[OWN].ledger.size


def test_a_newcomer_is_found_where_the_ledger_says(network: Network) -> None:
    """Nobody writes its address into the settings of the others."""
    own, called = network.nodes[OWN], list[str]()

    def call(url: str) -> ValidatorClient:
        called.append(url)
        return network.nodes[url.removeprefix("http://").removesuffix(".test")].client()

    others = {f"http://{name}.test" for name in network.nodes if name != OWN}
    made = Gatherer(own.ledger, own.published, [], MemberId(OWN), call)
    assert made.gather()
    assert signatures(network) == 4
    assert set(called) == others
    assert made.gather()
    assert len(called) == len(others)  # each is called once, and kept


def test_an_address_that_is_none_is_passed_over(network: Network) -> None:
    own = network.nodes[OWN]
    made = Gatherer(own.ledger, own.published, [], MemberId(OWN), pytest.fail)
    assert (
        made._asked(
            [
                "",
                "ftp://miner.test",
                "miner.test:1",
                "file:///etc/passwd",
                "http://u:p@miner.test",
                "http://miner.test/else",
                "http://miner.test?a",
                "http:// miner.test",
                "https://",
            ]
        )
        == []
    )


def test_a_checkpoint_that_all_have_signed_costs_no_request(network: Network) -> None:
    made = gatherer(network)
    assert made.gather()
    for node in network.nodes.values():
        node.wire.asked.clear()
    assert made.gather()
    assert not [line for node in network.nodes.values() for line in node.wire.asked]


def test_one_request_is_enough_once_another_has_gathered(network: Network) -> None:
    assert gatherer(network).gather()
    with closing(network.follower(network.validators(authority=network.nodes[OWN].wire))) as copy:
        for node in network.nodes.values():
            node.wire.asked.clear()
        copy.refresh()
        asked = [
            line for name, node in network.nodes.items() for line in node.wire.asked if name != OWN
        ]
        assert asked == ["GET /v1/checkpoint"] * 3  # whether there is anything newer


def test_sleeping_peers_are_asked_again(network: Network) -> None:
    for name in ("miner", "refiner"):
        network.nodes[name].awake = False
    network.grow(*anchors(network.world, range(2)))
    made = gatherer(network)
    assert not made.gather()
    assert signatures(network) == 2
    assert set(made.faults) == {"http://miner.test", "http://refiner.test"}


def test_a_peer_that_cannot_be_reached(network: Network) -> None:
    def broken(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        raise httpx.ConnectError("off")

    made = gatherer(network, miner=broken)
    assert made.gather()
    assert isinstance(made.faults["http://miner.test"], ValidatorUnreachable)
    assert signatures(network) == 3


def test_a_peer_with_another_log_is_named_and_dropped(network: Network) -> None:
    node = network.nodes["miner"]

    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        other = structs.replace(node.ledger.checkpoint(ORIGIN), root=Hash32(bytes(32)))
        line = sign_checkpoint(other, node.verifier, node.key.sign_frame)
        return answered(assemble(other, [line]))

    made = gatherer(network, miner=forge)
    assert made.gather()
    fault = made.faults["http://miner.test"]
    assert isinstance(fault, ValidatorForks)
    assert fault.got == bytes(32)
    assert signatures(network) == 3


def test_a_peer_with_a_signature_that_does_not_fit(network: Network) -> None:
    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        return answered(honest.content.replace(b"\ntime 1", b"\ntime 2"))

    made = gatherer(network, miner=forge)
    assert made.gather()
    fault = made.faults["http://miner.test"]
    assert isinstance(fault, ValidatorNoteRefused)
    assert fault.refusal == "note-signature-invalid"


def test_lines_of_strangers_are_not_kept(network: Network) -> None:
    """A peer fills its note with signatures of nobody, to make everybody's notes grow."""
    stranger = World().parties["works"]
    key = structs.replace(
        network.nodes["miner"].verifier, name="no/body", public=stranger.key.public
    )

    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        note = parse_note(honest.content)
        checkpoint = parse_checkpoint_text(note.text)
        line = sign_checkpoint(checkpoint, key, stranger.key.sign_frame)
        return answered(assemble(checkpoint, [*note.signatures, line]))

    assert gatherer(network, miner=forge).gather()
    note = parse_note(network.nodes[OWN].ledger.signed_checkpoint())
    assert "no/body" not in {line.name for line in note.signatures}
    assert len(note.signatures) == 4


def test_gathering_in_the_background_ends_when_asked(network: Network) -> None:
    network.grow(*anchors(network.world, range(2)))
    made = gatherer(network)
    running = Gathering(made, interval=0.0)
    running.start()
    while signatures(network) < 4:
        assert running.failure is None
    running.stop()
    assert running.failure is None


def test_gathering_ends_with_a_ledger_that_cannot_be_written(network: Network) -> None:
    made = gatherer(network)
    running = Gathering(made, interval=0.0)
    network.nodes[OWN].ledger.close()
    running.start()
    running._thread.join(10)
    assert isinstance(running.failure, Exception)
    running.stop()


# ------------------------------------------------------------------ single proofs


def agreed(network: Network) -> Agreed:
    gatherer(network).gather()
    note = network.nodes[OWN].ledger.signed_checkpoint()
    return Agreed(verify_checkpoint(note, network.policy), note)


def ledger(network: Network) -> LedgerFile:
    return network.nodes["miner"].ledger


def test_one_entry_is_proved_without_a_copy(network: Network) -> None:
    validators = network.validators()
    there = agreed(network)
    for index in range(there.checkpoint.size):
        proven = validators.proven(LeafIndex(index), there)
        assert proven.leaf == ledger(network).leaf(LeafIndex(index))
        assert proven.checkpoint == there.note
    assert not validators.faults


def wrong_path(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
    proof = msgspec.json.decode(honest.content, type=InclusionProof)
    return answered(msgspec.json.encode(structs.replace(proof, path=proof.path[::-1])))


def short_path(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
    proof = msgspec.json.decode(honest.content, type=InclusionProof)
    return answered(msgspec.json.encode(structs.replace(proof, path=proof.path[:-1])))


def other_index(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
    proof = msgspec.json.decode(honest.content, type=InclusionProof)
    return answered(msgspec.json.encode(structs.replace(proof, index=LeafIndex(proof.index ^ 1))))


def other_size(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
    proof = msgspec.json.decode(honest.content, type=InclusionProof)
    return answered(msgspec.json.encode(structs.replace(proof, size=TreeSize(proof.size - 1))))


@pytest.mark.parametrize("forge", [wrong_path, short_path, other_index, other_size])
def test_a_wrong_inclusion_proof(network: Network, forge: Forge) -> None:
    network.grow(*anchors(network.world, range(9)))
    there = agreed(network)

    def lie(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        return forge(request, honest) if request.url.path == "/v1/proof/inclusion" else honest

    validators = network.validators(refiner=Liar(network.nodes["refiner"].wire, lie))
    proven = validators.proven(LeafIndex(5), there)
    assert proven.leaf == ledger(network).leaf(LeafIndex(5))
    assert [type(fault) for fault in validators.faults] == [ValidatorProofWrong]
    assert list(validators.aside) == ["http://refiner.test"]


def test_another_leaf_in_its_place(network: Network) -> None:
    there = agreed(network)

    def lie(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        if request.url.path != "/v1/entries":
            return honest
        return network.nodes["refiner"].wire.fetched(
            httpx.Request("GET", request.url.copy_merge_params({"start": "0", "end": "1"}))
        )

    validators = network.validators(refiner=Liar(network.nodes["refiner"].wire, lie))
    assert validators.proven(LeafIndex(2), there).leaf == ledger(network).leaf(LeafIndex(2))
    assert [type(fault) for fault in validators.faults] == [ValidatorProofWrong]


def test_another_entry_with_its_own_good_proof(network: Network) -> None:
    """Everything that is shown is true, but it is not what was asked for."""
    network.grow(*anchors(network.world, range(9)))
    there = agreed(network)
    wire = network.nodes["refiner"].wire
    instead = {"/v1/entries": {"start": "4", "end": "5"}, "/v1/proof/inclusion": {"index": "4"}}

    def lie(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        changed = instead.get(request.url.path)
        if changed is None:
            return honest
        return wire.fetched(httpx.Request("GET", request.url.copy_merge_params(changed)))

    validators = network.validators(refiner=Liar(wire, lie))
    assert validators.proven(LeafIndex(5), there).leaf == ledger(network).leaf(LeafIndex(5))
    (fault,) = validators.faults
    assert isinstance(fault, ValidatorProofWrong)
    assert fault.refusal == "other-index"
    assert list(validators.aside) == ["http://refiner.test"]


def test_an_entry_that_is_held_back(network: Network) -> None:
    there = agreed(network)

    def lie(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        return answered(cbor.encode([])) if request.url.path == "/v1/entries" else honest

    validators = network.validators(refiner=Liar(network.nodes["refiner"].wire, lie))
    assert validators.proven(LeafIndex(2), there).leaf == ledger(network).leaf(LeafIndex(2))
    assert [type(fault) for fault in validators.faults] == [ValidatorHidesEntries]


def test_an_entry_that_nobody_has(network: Network) -> None:
    validators = network.validators()
    there = agreed(network)
    with pytest.raises(NoValidatorAnswers):
        validators.proven(LeafIndex(there.checkpoint.size + 5), there)
    assert validators.faults


@pytest.mark.parametrize(
    "address", ["http://[::1", "http://host:port", "http://xn--", "http://a..é"]
)
def test_an_address_that_is_none_keeps_nobody_from_gathering(
    network: Network, address: str
) -> None:
    asked = gatherer(network)
    asked.call = ValidatorClient
    assert asked._asked([address]) == list(asked.peers)
    assert type(asked.faults[address]) is ValidatorUnreachable
