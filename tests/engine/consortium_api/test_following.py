"""A member's copy follows what the validators signed, and nothing else."""

from contextlib import closing
from unittest.mock import patch

import httpx
import pytest
from msgspec import structs
from tests.engine.consortium_api.network import ORIGIN, QUICK, Forge, Liar, Network, answered
from tests.engine.ledgers import anchors
from tests.ledger.test_protocols import release, requiring
from tests.ledger.world import CHAIN, ENTROPY

from lodeline.crypto.signatures import SigningKey
from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.failover import Validators
from lodeline.engine.consortium.follower import ConsortiumLedger
from lodeline.engine.consortium.refusals_validators import (
    AnswerMalformed,
    AnswerTooLarge,
    CheckpointsFork,
    NotThisConsortium,
    NoValidatorAnswers,
    NoValidators,
    StateNotAsSigned,
    TooFewValidatorsSigned,
    ValidatorFault,
    ValidatorForks,
    ValidatorHidesEntries,
    ValidatorLies,
    ValidatorNoteRefused,
    ValidatorRedirects,
    ValidatorServesOtherEntries,
    ValidatorTooSlow,
    ValidatorUnreachable,
)
from lodeline.engine.refusals import ProgramTooOld
from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import (
    Checkpoint,
    Origin,
    assemble,
    parse_checkpoint_text,
    sign_checkpoint,
    verify_checkpoint,
)
from lodeline.ledger.entries import encode_entry
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.signednote import parse_note

LIAR = "http://authority.test"
MEMBER_OF_LIAR = "authority"


def lying(network: Network, forge: Forge) -> Validators:
    """Return the validators, of whom the first to be asked changes its answers."""
    return network.validators(authority=Liar(network.nodes["authority"].wire, forge))


def at(path: str, forge: Forge) -> Forge:
    """Return what changes the answers of one address alone."""

    def forged(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        meant = request.url.path == path and honest.status_code == 200
        return forge(request, honest) if meant else honest

    return forged


def is_whole(copy: ConsortiumLedger, network: Network) -> bool:
    there = network.nodes["miner"].ledger
    return copy.size == there.size > 0 and copy.state().root == there.state().root


def caught(validators: Validators, error: type[ValidatorLies]) -> ValidatorLies:
    """Return why the liar was left aside; it is the only one."""
    assert list(validators.aside) == [LIAR]
    found = validators.aside[LIAR]
    assert type(found) is error
    return found


# ------------------------------------------------------------------ following


def test_a_new_copy_has_what_the_validators_have(network: Network) -> None:
    network.grow(*anchors(network.world, range(5)))
    with closing(network.follower()) as copy:
        copy.refresh()
        assert is_whole(copy, network)
        assert verify_checkpoint(copy.signed_checkpoint(), network.policy).size == copy.size


def test_a_copy_goes_on_where_it_was_closed(network: Network) -> None:
    with closing(network.follower()) as copy:
        copy.refresh()
        before = copy.size
    network.grow(*anchors(network.world, range(3)))
    for node in network.nodes.values():
        node.wire.asked.clear()
    with closing(network.follower()) as copy:
        assert copy.size == before
        copy.refresh()
        assert is_whole(copy, network)
    asked = [line for node in network.nodes.values() for line in node.wire.asked]
    assert asked.count("GET /v1/entries") == 1


def test_a_long_way_is_gone_in_steps(network: Network) -> None:
    for start in range(0, 40, 4):
        network.grow(*anchors(network.world, range(start, start + 4)))
    with closing(network.follower(stretch=8)) as copy:
        copy.refresh()
        assert is_whole(copy, network)


def test_a_block_larger_than_a_step_is_no_obstacle(network: Network) -> None:
    network.grow(*anchors(network.world, range(30)))
    with closing(network.follower(stretch=4)) as copy:
        copy.refresh()
        assert is_whole(copy, network)


def test_nothing_new_changes_nothing(network: Network) -> None:
    with closing(network.follower()) as copy:
        copy.refresh()
        note = copy.signed_checkpoint()
        copy.refresh()
        assert copy.signed_checkpoint() == note


def test_a_copy_whose_program_is_too_old_blames_nobody(network: Network) -> None:
    """What the validators signed is right; this program cannot tell. Entries wait in the queue."""
    vote = network.world.govern(requiring(2, BlockTime(network.moment + 2), "2.x"))
    network.grow(encode_entry(vote))
    late, mine = anchors(network.world, range(1)), anchors(network.world, range(1, 2))
    with release(1, 2):
        network.grow(*late)
    with closing(network.follower()) as copy:
        with pytest.raises(ProgramTooOld) as refused:
            copy.refresh()
        assert (refused.value.version, refused.value.known) == (2, (1,))
        assert (copy.size, dict(copy.validators.aside)) == (0, {})
        (answer,) = copy.submit(mine)
        assert isinstance(answer, ProgramTooOld)
    with closing(network.follower()) as copy, release(1, 2):
        copy.refresh()
        assert is_whole(copy, network)


def test_an_old_copy_hands_nothing_in_once_its_clock_is_there(network: Network) -> None:
    at = BlockTime(network.moment + 2)
    network.grow(encode_entry(network.world.govern(requiring(2, at, "2.x"))))
    network.moment = at
    for node in network.nodes.values():
        node.wire.asked.clear()
    with closing(network.follower()) as copy:
        (answer,) = copy.submit(anchors(network.world, range(1)))
        assert isinstance(answer, ProgramTooOld)
    asked = [line for node in network.nodes.values() for line in node.wire.asked]
    assert asked
    assert not [line for line in asked if line.startswith("POST")]


def test_the_copy_is_a_sound_ledger_file(network: Network) -> None:
    for number in range(4):
        network.grow(*anchors(network.world, range(number, number + 1)))
    with closing(network.follower()) as copy:
        copy.refresh()
        again = copy.replay()
        assert again.state.root == copy.state().root


def test_one_validator_that_sleeps_stops_nobody(network: Network) -> None:
    network.nodes["authority"].awake = False
    network.grow(*anchors(network.world, range(3)))
    with closing(network.follower()) as copy:
        copy.refresh()
        assert copy.size == network.nodes["miner"].ledger.size
        assert not copy.validators.aside


def test_two_of_four_are_not_enough(network: Network) -> None:
    with closing(network.follower()) as copy:
        copy.refresh()
        before = copy.size
        for name in ("authority", "miner"):
            network.nodes[name].awake = False
        network.grow(*anchors(network.world, range(3)))
        with pytest.raises(TooFewValidatorsSigned) as refused:
            copy.refresh()
        assert refused.value.needed == 3
        assert len(refused.value.signers) == 2
        assert refused.value.size == network.nodes["refiner"].ledger.size
        assert copy.size == before


def test_the_changes_of_validators_on_the_ledger_are_followed(network: Network) -> None:
    """All four validators are replaced one by one; a copy that slept meanwhile catches up."""
    pinned = network.trust
    with closing(network.follower()) as copy:
        copy.refresh()
    for name in network.nodes:
        network.replace_key(name)
        network.grow(anchors(network.world, range(len(network.world.log), 1_000))[0])
    with closing(network.follower(trust=pinned)) as copy:
        copy.refresh()
        assert is_whole(copy, network)
        assert set(copy.policy.members) == set(network.policy.members)


def test_a_new_copy_begins_with_the_validators_that_were_pinned_long_ago(network: Network) -> None:
    pinned = network.trust
    for name in network.nodes:
        network.replace_key(name)
    with closing(network.follower(trust=pinned)) as copy:
        copy.refresh()
        assert is_whole(copy, network)


def test_entries_that_two_blocks_hold_in_one_second_are_one_local_block(network: Network) -> None:
    network.grow(*anchors(network.world, range(2)))
    with closing(network.follower()) as copy:
        copy.refresh()
        assert is_whole(copy, network)


# ------------------------------------------------------------------ one validator that lies


def refreshed(network: Network, forge: Forge, error: type[ValidatorLies]) -> ValidatorLies:
    """Follow with a liar among the validators; return for what it is left aside."""
    validators = lying(network, forge)
    with closing(network.follower(validators)) as copy:
        copy.refresh()
        assert is_whole(copy, network)
        return caught(validators, error)


def test_a_wrong_leaf(network: Network) -> None:
    network.grow(*anchors(network.world, range(3)))

    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        leaves = cbor.decode(honest.content, max_bytes=8_000_000)
        assert isinstance(leaves, list)
        return answered(cbor.encode([*leaves[:-1], leaves[0]]))

    found = refreshed(network, at("/v1/entries", forge), ValidatorServesOtherEntries)
    assert isinstance(found, ValidatorServesOtherEntries)
    assert found.expected == network.nodes["miner"].ledger.checkpoint(ORIGIN).root != found.got


def test_a_truncated_log(network: Network) -> None:
    """It may only be behind, so it is asked again later, but last."""

    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        leaves = cbor.decode(honest.content, max_bytes=8_000_000)
        assert isinstance(leaves, list)
        return answered(cbor.encode(leaves[:4] if request.url.params["start"] == "0" else []))

    validators = lying(network, at("/v1/entries", forge))
    with closing(network.follower(validators)) as copy:
        found: list[ValidatorFault] = []
        with patch.object(
            Validators, "note_trouble", lambda self, client, fault: found.append(fault)
        ):
            copy.refresh()
        assert is_whole(copy, network)
        (fault,) = found
        assert isinstance(fault, ValidatorHidesEntries)
        assert (fault.validator, fault.got, fault.size) == (LIAR, 4, copy.size)


def test_more_leaves_than_were_asked_for(network: Network) -> None:
    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        leaves = cbor.decode(honest.content, max_bytes=8_000_000)
        assert isinstance(leaves, list)
        return answered(cbor.encode([*leaves, leaves[0]]))

    refreshed(network, at("/v1/entries", forge), AnswerMalformed)


@pytest.mark.parametrize(
    "made_up", [b"", b"\xff", b"\xa0", b"\x81\x01", b"\x9f\xff", b"\xfb" + bytes(8)]
)
def test_leaves_that_are_none(network: Network, made_up: bytes) -> None:
    refreshed(network, at("/v1/entries", lambda *_: answered(made_up)), AnswerMalformed)


@pytest.mark.parametrize(
    "made_up", [b"", b"\xff", b"hello", b"a\n\n\xe2\x80\x94 b AAAA\n", b"\x00" * 1_000]
)
def test_checkpoints_that_are_none(network: Network, made_up: bytes) -> None:
    refreshed(network, at("/v1/checkpoint", lambda *_: answered(made_up)), ValidatorNoteRefused)


def test_a_checkpoint_of_another_log(network: Network) -> None:
    """Signed by the validator's own key, which signs for several logs."""
    node = network.nodes[MEMBER_OF_LIAR]

    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        checkpoint = parse_checkpoint_text(parse_note(honest.content).text)
        other = structs.replace(checkpoint, origin=Origin("another-log"))
        return answered(
            assemble(other, [sign_checkpoint(other, node.verifier, node.key.sign_frame)])
        )

    caught_as = refreshed(network, at("/v1/checkpoint", forge), ValidatorNoteRefused)
    assert isinstance(caught_as, ValidatorNoteRefused)
    assert caught_as.refusal == "checkpoint-wrong-origin"


def forked(network: Network, checkpoint: Checkpoint, *names: str) -> bytes:
    """Return a checkpoint of another log, signed by some validators."""
    other = structs.replace(checkpoint, root=Hash32(b"\x66" * 32))
    nodes = [network.nodes[name] for name in names]
    return assemble(
        other, [sign_checkpoint(other, node.verifier, node.key.sign_frame) for node in nodes]
    )


def test_a_fork_of_the_past_is_recognised(network: Network) -> None:
    """The validator shows another log, signed by itself, to a copy that has passed its size."""
    with closing(network.follower()) as copy:
        copy.refresh()

    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        checkpoint = parse_checkpoint_text(parse_note(honest.content).text)
        return answered(forked(network, checkpoint, "authority"))

    found = refreshed(network, at("/v1/checkpoint", forge), ValidatorForks)
    assert isinstance(found, ValidatorForks)
    assert found.got == b"\x66" * 32


def test_a_fork_of_the_future_has_too_few_signatures(network: Network) -> None:
    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        checkpoint = parse_checkpoint_text(parse_note(honest.content).text)
        later = structs.replace(checkpoint, size=TreeSize(checkpoint.size + 7))
        return answered(forked(network, later, "authority"))

    validators = lying(network, at("/v1/checkpoint", forge))
    with closing(network.follower(validators)) as copy:
        copy.refresh()
        assert is_whole(copy, network)
        unagreed = validators.unagreed
        assert unagreed is not None
        assert unagreed.signers == (network.nodes["authority"].verifier.name,)


def test_a_size_that_one_makes_up_costs_no_search(network: Network) -> None:
    """It claims more entries than there can be; only it is asked for what lies between."""
    with closing(network.follower()) as copy:
        copy.refresh()

    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        checkpoint = parse_checkpoint_text(parse_note(honest.content).text)
        later = structs.replace(checkpoint, size=TreeSize(2**62))
        return answered(forked(network, later, "authority"))

    validators = lying(network, at("/v1/checkpoint", forge))
    for node in network.nodes.values():
        node.wire.asked.clear()
    with closing(network.follower(validators)) as copy:
        copy.refresh()
    assert sum(len(node.wire.asked) for node in network.nodes.values()) <= 8


def test_a_fork_that_enough_have_signed_is_told_apart_from_a_liar(network: Network) -> None:
    with closing(network.follower()) as copy:
        copy.refresh()
        before = copy.signed_checkpoint()

    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        checkpoint = parse_checkpoint_text(parse_note(honest.content).text)
        return answered(forked(network, checkpoint, "authority", "audit-a", "miner"))

    validators = lying(network, at("/v1/checkpoint", forge))
    with closing(network.follower(validators)) as copy:
        with pytest.raises(CheckpointsFork) as refused:
            copy.refresh()
        assert verify_checkpoint(refused.value.shown, network.policy).root == b"\x66" * 32
        assert copy.signed_checkpoint() == before


def test_an_old_checkpoint_hides_nothing_while_another_answers(network: Network) -> None:
    old = network.nodes["authority"].ledger.signed_checkpoint()
    network.grow(*anchors(network.world, range(3)))
    validators = lying(network, at("/v1/checkpoint", lambda *_: answered(old)))
    with closing(network.follower(validators)) as copy:
        copy.refresh()
        assert is_whole(copy, network)


def test_a_signature_that_does_not_fit(network: Network) -> None:
    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        return answered(honest.content.replace(b"\ntime 1", b"\ntime 2"))

    found = refreshed(network, at("/v1/checkpoint", forge), ValidatorNoteRefused)
    assert isinstance(found, ValidatorNoteRefused)
    assert found.refusal == "note-signature-invalid"


def test_signatures_of_strangers_count_for_nothing(network: Network) -> None:
    """One validator sleeps on; three keys of nobody sign what it made up."""

    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        checkpoint = parse_checkpoint_text(parse_note(honest.content).text)
        later = structs.replace(checkpoint, size=TreeSize(checkpoint.size + 1))
        node, lines = network.nodes["miner"], []
        for number in range(3):
            stranger = SigningKey.generate(ENTROPY)
            key = structs.replace(
                node.verifier, name=f"{CHAIN}/no-{number}", public=stranger.public
            )
            lines.append(sign_checkpoint(later, key, stranger.sign_frame))
        return answered(assemble(later, lines))

    validators = lying(network, at("/v1/checkpoint", forge))
    with closing(network.follower(validators)) as copy:
        copy.refresh()
        assert is_whole(copy, network)


def test_a_redirect_is_not_followed(network: Network) -> None:
    away = {"Location": "http://refiner.test/v1/checkpoint"}
    found = refreshed(network, lambda *_: answered(b"", 302, away), ValidatorRedirects)
    assert isinstance(found, ValidatorRedirects)
    assert found.location == away["Location"]


def test_a_huge_answer_is_not_read(network: Network) -> None:
    found = refreshed(network, lambda *_: answered(bytes(200_000)), AnswerTooLarge)
    assert isinstance(found, AnswerTooLarge)
    assert found.limit == 2**17


def test_a_compressed_answer_is_not_unpacked(network: Network) -> None:
    class Bomb(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            stream = httpx.ByteStream(b"\x1f\x8b" + bytes(100))
            return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)

    validators = network.validators(authority=Bomb())
    with closing(network.follower(validators)) as copy:
        copy.refresh()
        assert is_whole(copy, network)
        caught(validators, AnswerMalformed)


class Broken(httpx.BaseTransport):
    """A wire on which every request fails in one way."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (httpx.ConnectError("refused"), ValidatorUnreachable),
        (httpx.ReadError("reset"), ValidatorUnreachable),
        (httpx.RemoteProtocolError("no HTTP"), ValidatorUnreachable),
        (httpx.ConnectTimeout("hangs"), ValidatorTooSlow),
        (httpx.ReadTimeout("hangs"), ValidatorTooSlow),
        (httpx.PoolTimeout("hangs"), ValidatorTooSlow),
    ],
)
def test_whoever_fails_is_asked_last(
    network: Network, failure: Exception, error: type[Exception]
) -> None:
    validators = network.validators(authority=Broken(failure))
    with closing(network.follower(validators)) as copy:
        copy.refresh()
        assert is_whole(copy, network)
        assert not validators.aside
        assert [type(fault) for fault in validators.troubles.values()] == [error]
        assert validators.line()[-1].url == LIAR


def test_a_validator_that_drips_is_cut_off(network: Network) -> None:
    """Each byte comes in time; the whole answer would take for ever."""

    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> "Drip":
            return self

        def __next__(self) -> bytes:
            return b"x"

    class Dripping(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=Drip())

    ticks = iter(range(1_000))
    client = ValidatorClient(LIAR, QUICK, transport=Dripping(), now=lambda: 0.1 * next(ticks))
    with closing(client), pytest.raises(ValidatorTooSlow) as refused:
        client.status()
    assert refused.value.validator == LIAR


# ------------------------------------------------------------------ all validators together


def test_somebody_has_to_be_named() -> None:
    with pytest.raises(NoValidators):
        Validators([])


def test_nobody_answers(network: Network) -> None:
    wires = {name.replace("-", "_"): Broken(httpx.ConnectError("off")) for name in network.nodes}
    with closing(network.follower(network.validators(**wires))) as copy:
        with pytest.raises(NoValidatorAnswers) as refused:
            copy.refresh()
        assert len(refused.value.reasons) == 4
        assert copy.size == 0


def test_everybody_lies(network: Network) -> None:
    wires = {
        name.replace("-", "_"): Liar(node.wire, lambda *_: answered(b"nonsense"))
        for name, node in network.nodes.items()
    }
    validators = network.validators(**wires)
    with closing(network.follower(validators)) as copy:
        with pytest.raises(NoValidatorAnswers):
            copy.refresh()
        assert len(validators.aside) == 4
        assert not validators.line()


def all_sign(network: Network, change: str) -> None:
    """Have every validator sign that something else follows from the entries."""
    for node in network.nodes.values():
        honest = node.ledger.checkpoint(ORIGIN)
        if change == "state":
            signed = structs.replace(honest, state=Hash32(b"\x55" * 32))
        else:
            signed = structs.replace(honest, time=honest.time + 1)
        note = assemble(
            signed,
            [
                sign_checkpoint(signed, each.verifier, each.key.sign_frame)
                for each in network.nodes.values()
            ],
        )
        node.ledger._store.put_note(signed.size, note)


@pytest.mark.parametrize(("change", "what"), [("state", "state root"), ("time", "time")])
def test_what_all_have_signed_is_computed_again(network: Network, change: str, what: str) -> None:
    with closing(network.follower()) as copy:
        copy.refresh()
        size, root, note = copy.size, copy.state().root, copy.signed_checkpoint()
        network.grow(*anchors(network.world, range(3)))
        all_sign(network, change)
        with pytest.raises(StateNotAsSigned) as refused:
            copy.refresh()
        assert refused.value.what == what
        assert (copy.size, copy.state().root, copy.signed_checkpoint()) == (size, root, note)


def test_another_consortium_with_the_same_name(network: Network) -> None:
    """Its validators hold the pinned keys, but it was founded differently."""
    trust = structs.replace(network.trust, genesis="ab" * 32)
    with closing(network.follower(trust=trust)) as copy:
        with pytest.raises(NotThisConsortium) as refused:
            copy.refresh()
        assert refused.value.expected == bytes.fromhex("ab" * 32)
        assert copy.size == 0


def test_a_file_of_another_consortium_is_not_opened(network: Network) -> None:
    with closing(network.follower()) as copy:
        copy.refresh()
    trust = structs.replace(network.trust, genesis="ab" * 32)
    with pytest.raises(NotThisConsortium):
        network.follower(trust=trust)
    with closing(network.follower()) as copy:
        assert copy.size > 0
