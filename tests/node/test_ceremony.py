"""Founding among several machines: everybody computes the same, and whoever differs is named."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.node.ceremonies import NAMES, TABLE, Ceremony, ceremony, machine, made_keys

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SigningKey
from lodeline.custody.yaml_text import TableRefused
from lodeline.engine.consortium.founding import BlockLimits, ClockKind, read_founding
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import MalformedTime
from lodeline.ledger.entries import Genesis, Govern, decode_entry
from lodeline.ledger.refusals_governance import ThresholdTooHigh
from lodeline.ledger.refusals_validators import ValidatorKeyTaken
from lodeline.ledger.trust import TrustFile
from lodeline.node.ceremony import (
    FounderUnknown,
    FoundingDiffers,
    FoundingSignatureWrong,
    FoundingUnsigned,
    NoFounderValidates,
    assembled,
    plan_digest,
    sign_plan,
    unsigned_entries,
)
from lodeline.node.ceremony_files import (
    CeremonyFileMalformed,
    CeremonyFileOfOther,
    read_member_file,
    read_plan,
    read_signatures,
)
from lodeline.node.ceremony_steps import (
    Reached,
    listening_for,
    make_keys,
    sign_founding,
    signers_missing,
    take_up,
)
from lodeline.node.founding import FounderTwice, MemberSpec, NoFounders
from lodeline.node.trust import read_trust, trust_of
from lodeline.node.validator_home import AddressMalformed, ValidatorKeysDiffer
from lodeline.node.workspace import FileExists, FileUnreadable, WorkspaceExists

MINE = MemberId("mine")


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Ceremony:
    return ceremony(tmp_path_factory.mktemp("ceremony"))


# ------------------------------------------------------------------ what follows from the files


def test_the_founded_ledger_has_members_tables_and_validators(four: Ceremony) -> None:
    plan = four.plan()
    founded = assembled(plan, four.signed(plan), {})
    assert sorted(member for member, _ in founded.state.members.items()) == sorted(NAMES)
    assert sorted(member for member, _ in founded.state.validators.items()) == sorted(NAMES)
    assert len(founded.state.tables.recipes) > 40
    assert founded.state.time == plan.time
    entries = [decode_entry(data) for data in founded.document.entries]
    assert isinstance(entries[0], Genesis)
    assert all(isinstance(entry, Govern) for entry in entries[1:])
    assert read_founding(founded.document.encode()) == founded.document


def test_the_validators_interfaces_are_on_the_ledger(four: Ceremony) -> None:
    plan = four.plan()
    founded = assembled(plan, four.signed(plan), {})
    record = founded.state.validators.get(MINE)
    assert record is not None
    own = four.files[MINE].validator
    assert own is not None
    assert (record.consensus_key, record.checkpoint_key) == (own.consensus, own.checkpoint)
    assert record.address == own.api


def test_the_trust_file_counts_validators_checkpoint_keys(four: Ceremony) -> None:
    plan = four.plan()
    founded = assembled(plan, four.signed(plan), {})
    trust = trust_of(founded.state, founded.genesis)
    assert (trust.signers, trust.threshold, len(trust.members)) == ("validators", 3, 4)
    keys = {key.public for key in trust.policy().members}
    assert keys == {file.validator.checkpoint for file in four.files.values() if file.validator}


def test_founders_may_run_no_validator(tmp_path: Path) -> None:
    two = ceremony(tmp_path, validators=2)
    plan = two.plan()
    founded = assembled(plan, two.signed(plan), {})
    assert sorted(member for member, _ in founded.state.validators.items()) == ["mine", "refinery"]
    assert trust_of(founded.state, founded.genesis).threshold == 2


@given(order=st.permutations(NAMES))
@settings(deadline=None, max_examples=6)
def test_the_order_of_the_files_does_not_matter(four: Ceremony, order: list[str]) -> None:
    files = tuple(four.files[MemberId(name)] for name in order)
    assert plan_digest(four.plan(members=files)) == plan_digest(four.plan())


def _other_key(four: Ceremony) -> dict[str, object]:
    file = four.files[MINE]
    record = structs.replace(file.record, key=SigningKey.generate(SystemEntropy()).public)
    return {"members": (*list(four.files.values())[1:], structs.replace(file, record=record))}


def _other_validator(field: str, value: object) -> Callable[[Ceremony], dict[str, object]]:
    def change(four: Ceremony) -> dict[str, object]:
        file = four.files[MINE]
        assert file.validator is not None
        validator = structs.replace(file.validator, **{field: value})
        return {
            "members": (*list(four.files.values())[1:], structs.replace(file, validator=validator))
        }

    return change


CHANGES: tuple[Callable[[Ceremony], dict[str, object]], ...] = (
    lambda _: {"chain": "cobalt-trial-2"},
    lambda _: {"title": "Another title"},
    lambda four: {"time": four.plan().time + 1},
    lambda _: {"threshold": 4},
    lambda _: {"synthetic": True},
    lambda _: {"clock": ClockKind.STORY},
    lambda _: {"limits": BlockLimits(block_bytes=3_000_000)},
    lambda _: {"limits": BlockLimits(block_proofs=64)},
    lambda four: {"members": tuple(four.files.values())[1:]},
    _other_key,
    _other_validator("address", "mine.example:26657"),
    _other_validator("api", "https://mine.example:8443"),
    _other_validator("node", "0" * 40),
    _other_validator("checkpoint", SigningKey.generate(SystemEntropy()).public),
    _other_validator("consensus", SigningKey.generate(SystemEntropy()).public),
)


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_changed_changes_the_digest(
    four: Ceremony, change: Callable[[Ceremony], dict[str, object]]
) -> None:
    other = four.plan(**change(four))
    assert plan_digest(other) != plan_digest(four.plan())


# ------------------------------------------------------------------ signatures


def test_a_signature_under_other_files_names_the_file_that_differs(four: Ceremony) -> None:
    """The post office: it changes the address in one member's file on the way to another one."""
    ours, theirs = four.plan(), four.plan(**_other_validator("api", "https://evil.example")(four))
    here = {"members.yaml": "aa", "mine.member.json": "bb", "smelter.member.json": "cc"}
    there = {"members.yaml": "aa", "mine.member.json": "ee", "auditor.member.json": "dd"}
    signatures = four.signed(ours)
    signatures[1] = sign_plan(theirs, MemberId("refinery"), _key(four, "refinery"), there)
    with pytest.raises(FoundingDiffers) as refused:
        assembled(ours, signatures, here)
    assert refused.value.signer == "refinery"
    assert refused.value.files == (
        "auditor.member.json",
        "mine.member.json",
        "smelter.member.json",
    )
    assert (refused.value.here, refused.value.there) == (
        plan_digest(ours).hex(),
        plan_digest(theirs).hex(),
    )


def test_a_founder_who_signs_in_anothers_name_is_found_out(four: Ceremony) -> None:
    plan = four.plan()
    signatures = four.signed(plan)
    signatures[0] = structs.replace(
        sign_plan(plan, MemberId("refinery"), _key(four, "refinery"), {}), member=MINE
    )
    with pytest.raises(FoundingSignatureWrong) as refused:
        assembled(plan, signatures, {})
    assert (refused.value.signer, refused.value.entry) == ("mine", 0)


def test_every_signature_of_a_file_is_looked_at(four: Ceremony) -> None:
    plan = four.plan()
    good = sign_plan(plan, MINE, _key(four, "mine"), {})
    bad = sign_plan(plan, MINE, SigningKey.generate(SystemEntropy()), {})
    count = len(unsigned_entries(plan))
    assert count > 2
    for index in range(count):
        mixed = [*good.signatures]
        mixed[index] = bad.signatures[index]
        signatures = [structs.replace(good, signatures=tuple(mixed)), *four.signed(plan)[1:]]
        with pytest.raises(FoundingSignatureWrong) as refused:
            assembled(plan, signatures, {})
        assert refused.value.entry == index


def test_a_signature_too_few_or_many_is_no_agreement(four: Ceremony) -> None:
    plan = four.plan()
    signatures = four.signed(plan)
    signatures[0] = structs.replace(signatures[0], signatures=signatures[0].signatures[:-1])
    with pytest.raises(FoundingDiffers):
        assembled(plan, signatures, {})


def test_nothing_is_founded_while_a_founder_has_not_signed(four: Ceremony) -> None:
    plan = four.plan()
    with pytest.raises(FoundingUnsigned) as refused:
        assembled(plan, four.signed(plan)[:2], {})
    assert refused.value.missing == ("auditor", "smelter")


def test_a_strangers_signature_is_refused(four: Ceremony, tmp_path: Path) -> None:
    three = four.plan(members=tuple(four.files.values())[1:])
    with pytest.raises(FounderUnknown) as refused:
        assembled(three, four.signed(four.plan()), {})
    assert refused.value.signer == "mine"
    with pytest.raises(FounderUnknown):
        sign_plan(three, MINE, _key(four, "mine"), {})


def _key(four: Ceremony, name: str) -> SigningKey:
    return four.keys[MemberId(name)].signing


# ------------------------------------------------------------------ foundings that cannot be


def test_nobody_founds_nothing(four: Ceremony) -> None:
    with pytest.raises(NoFounders):
        four.plan(members=())
    mine = four.files[MINE]
    with pytest.raises(FounderTwice):
        four.plan(members=(mine, mine))
    with pytest.raises(NoFounderValidates) as refused:
        four.plan(members=(structs.replace(mine, validator=None),))
    assert refused.value.members == ("mine",)


def test_what_the_ledger_refuses_is_not_founded(four: Ceremony) -> None:
    plan = four.plan(threshold=5)
    with pytest.raises(ThresholdTooHigh):
        assembled(plan, four.signed(plan), {})


def test_a_founder_who_takes_anothers_consensus_key_is_refused(four: Ceremony) -> None:
    """The squatter: with the key of another one in its file it would have two votes fail as one."""
    other = four.files[MemberId("refinery")].validator
    assert other is not None
    plan = four.plan(**_other_validator("consensus", other.consensus)(four))
    with pytest.raises(ValidatorKeyTaken):
        assembled(plan, four.signed(plan), {})


# ------------------------------------------------------------------ files


def test_four_machines_found_one_ledger(tmp_path: Path) -> None:
    post = tmp_path / "post"
    machines = [machine(tmp_path / "machines", name) for name in NAMES]
    for one in machines:
        assert made_keys(one, post).name == f"{one.member}.member.json"
    (post / "members.yaml").write_text(TABLE)
    for number, one in enumerate(machines):
        files = read_plan(post / "members.yaml")
        signed = sign_founding(one.keyring, files, post, one.member)
        assert len(signed.missing) == len(NAMES) - number - 1
    files = read_plan(post / "members.yaml")
    homes = []
    for one in machines:
        address = dict(files.plan.validators)[one.member]
        place = (one.home, listening_for(address))
        taken = take_up(one.workspace, files, post, one.member, place)
        assert (
            read_trust(one.workspace.trust)
            == taken.trust
            == read_trust(one.home.folder / "trust.json")
        )
        homes.append(one.home)
        following = one.workspace.settings()
        assert following.validators[0] == address.api
        assert len(following.validators) == len(NAMES)
        assert following.clock == "block"
    same = [
        [(home.folder / name).read_bytes() for home in homes]
        for name in ("founding.json", "comet/config/genesis.json")
    ]
    assert all(len(set(contents)) == 1 for contents in same)
    keys = [(home.engine / "config" / "priv_validator_key.json").read_bytes() for home in homes]
    assert len(set(keys)) == len(NAMES)


def test_every_step_can_be_repeated(tmp_path: Path) -> None:
    post = tmp_path / "post"
    one = machine(tmp_path, "mine")
    path = made_keys(one, post)
    with pytest.raises(FileExists):
        made_keys(one, post)
    first = path.read_bytes()
    path.unlink()
    made_keys(one, post)
    assert path.read_bytes() == first
    (post / "members.yaml").write_text(TABLE.split("members:")[0] + "members: [mine.member.json]")
    files = read_plan(post / "members.yaml")
    signature = sign_founding(one.keyring, files, post, one.member).file.read_bytes()
    assert sign_founding(one.keyring, files, post, one.member).file.read_bytes() == signature
    place = (one.home, listening_for(files.plan.validators[0][1]))
    trusts: list[TrustFile] = [
        take_up(one.workspace, files, post, one.member, place).trust for _ in range(2)
    ]
    assert trusts[0] == trusts[1]


def test_the_limits_of_a_block_are_in_the_table_and_in_every_home(tmp_path: Path) -> None:
    post = tmp_path / "post"
    one = machine(tmp_path, "mine")
    made_keys(one, post)
    table = TABLE.split("members:")[0] + "members: [mine.member.json]\n"
    (post / "members.yaml").write_text(table + "block_bytes: 3_000_000\nblock_proofs: 64\n")
    files = read_plan(post / "members.yaml")
    sign_founding(one.keyring, files, post, one.member)
    place = (one.home, listening_for(files.plan.validators[0][1]))
    take_up(one.workspace, files, post, one.member, place)
    founding = read_founding(one.home.founding.read_bytes())
    assert founding.limits == BlockLimits(3_000_000, 64)
    genesis = msgspec.json.decode((one.home.engine / "config" / "genesis.json").read_bytes())
    assert genesis["consensus_params"]["block"]["max_bytes"] == "3000000"
    (post / "members.yaml").write_text(table + "block_bytes: 100\n")
    with pytest.raises(CeremonyFileMalformed):
        read_plan(post / "members.yaml")


def test_another_trust_file_is_not_replaced(tmp_path: Path) -> None:
    post = tmp_path / "post"
    one = machine(tmp_path, "mine")
    made_keys(one, post)
    table = TABLE.split("members:")[0] + "members: [mine.member.json]"
    (post / "members.yaml").write_text(table)
    files = read_plan(post / "members.yaml")
    sign_founding(one.keyring, files, post, one.member)
    take_up(one.workspace, files, post, one.member, None)
    (post / "members.yaml").write_text(table.replace("cobalt-trial", "other-trial"))
    files = read_plan(post / "members.yaml")
    sign_founding(one.keyring, files, post, one.member)
    with pytest.raises(FileExists):
        take_up(one.workspace, files, post, one.member, None)


def test_a_workspace_with_a_ledger_of_its_own_follows_nobody(tmp_path: Path) -> None:
    post = tmp_path / "post"
    one = machine(tmp_path, "mine")
    made_keys(one, post)
    (post / "members.yaml").write_text(TABLE.split("members:")[0] + "members: [mine.member.json]")
    files = read_plan(post / "members.yaml")
    sign_founding(one.keyring, files, post, one.member)
    one.workspace.ledger.write_bytes(b"somebody's")
    with pytest.raises(WorkspaceExists):
        take_up(one.workspace, files, post, one.member, None)
    assert not one.workspace.trust.exists()


def test_a_home_with_other_keys_is_not_filled(tmp_path: Path) -> None:
    post = tmp_path / "post"
    one, other = machine(tmp_path, "mine"), machine(tmp_path / "second", "mine")
    made_keys(one, post)
    made_keys(other, tmp_path / "elsewhere")
    (post / "members.yaml").write_text(TABLE.split("members:")[0] + "members: [mine.member.json]")
    files = read_plan(post / "members.yaml")
    sign_founding(one.keyring, files, post, one.member)
    place = (other.home, listening_for(files.plan.validators[0][1]))
    with pytest.raises(ValidatorKeysDiffer) as refused:
        take_up(other.workspace, files, post, other.member, place)
    assert refused.value.member == "mine"
    assert not other.home.founding.exists()


def test_a_machine_with_another_keystore_signs_nothing(tmp_path: Path) -> None:
    post = tmp_path / "post"
    one, other = machine(tmp_path, "mine"), machine(tmp_path / "second", "mine")
    made_keys(one, post)
    made_keys(other, tmp_path / "elsewhere")
    (post / "members.yaml").write_text(TABLE.split("members:")[0] + "members: [mine.member.json]")
    files = read_plan(post / "members.yaml")
    with pytest.raises(FoundingSignatureWrong):
        sign_founding(other.keyring, files, post, other.member)
    assert signers_missing(files, post) == ("mine",)


@pytest.mark.parametrize(
    ("address", "api"),
    [
        ("mine.example", "https://mine.example"),
        ("mine.example:0", "https://mine.example"),
        ("a@mine.example:26656", "https://mine.example"),
        ("mine.example:26656,evil:1", "https://mine.example"),
        ("mine.example:26656", "mine.example"),
        ("mine.example:26656", "ftp://mine.example"),
        ("mine.example:26656", "https://mine.example/path"),
        ("mine.example:26656", "https://user@mine.example"),
        ("mine.example:26656", ""),
    ],
)
def test_addresses_nobody_could_reach(tmp_path: Path, address: str, api: str) -> None:
    one = machine(tmp_path, "mine")
    spec = MemberSpec.parse("mine:Mine:CD:miner")
    with pytest.raises(AddressMalformed) as refused:
        make_keys(one.keyring, spec, Reached(one.home, address, api), tmp_path, SystemEntropy())
    assert (refused.value.address, refused.value.api) == (address, api)
    assert not one.workspace.members()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("chain: [", TableRefused),
        ("chain: a\ntitle: A\n", CeremonyFileMalformed),
        (TABLE + "colour: red\n", CeremonyFileMalformed),
        (TABLE.replace("cobalt-trial", "a b"), CeremonyFileMalformed),
        (TABLE.replace("T12:00:00Z", ""), MalformedTime),
        (TABLE + "clock: sundial\n", CeremonyFileMalformed),
        (TABLE, FileUnreadable),
    ],
)
def test_tables_that_are_none(tmp_path: Path, text: str, error: type[Exception]) -> None:
    (tmp_path / "members.yaml").write_text(text)
    with pytest.raises(error):
        read_plan(tmp_path / "members.yaml")


def test_a_file_under_anothers_name_is_refused(four: Ceremony, tmp_path: Path) -> None:
    path = tmp_path / "refinery.member.json"
    path.write_bytes(msgspec.json.encode(four.files[MINE]))
    with pytest.raises(CeremonyFileOfOther) as refused:
        read_member_file(path)
    assert (refused.value.file, refused.value.member) == ("refinery.member.json", "mine")
    signature = sign_plan(four.plan(), MINE, _key(four, "mine"), {})
    (tmp_path / "refinery.signature.json").write_bytes(msgspec.json.encode(signature))
    with pytest.raises(CeremonyFileOfOther):
        read_signatures(tmp_path)


def test_files_that_are_too_long_or_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.member.json"
    for data in (b"{}", b"x", b" " * ((1 << 20) + 1)):
        path.write_bytes(data)
        with pytest.raises(CeremonyFileMalformed) as refused:
            read_member_file(path)
        assert refused.value.file == "mine.member.json"


def test_a_table_cannot_name_files_of_another_folder(four: Ceremony, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "mine.member.json").write_bytes(msgspec.json.encode(four.files[MINE]))
    table = TABLE.split("members:")[0] + "members: [../mine.member.json]\n"
    (folder / "members.yaml").write_text(table)
    with pytest.raises(FileUnreadable):
        read_plan(folder / "members.yaml")
