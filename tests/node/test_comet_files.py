"""CometBFT's files, compared with those that it writes itself, where it is there."""

import json
import re
import stat
import subprocess
import tomllib
from base64 import b64decode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from tests.node.engines import consensus_engine

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SigningKey
from lodeline.engine.consortium.settings import BLOCK_BYTES
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.submissions import MAX_SUBMISSION_BYTES
from lodeline.node.comet_files import (
    IDLE_SECONDS,
    ChainNameTooLong,
    CometKeys,
    CometSettings,
    GenesisValidator,
    StateSync,
    comet_address,
    config_toml,
    genesis_json,
    node_id,
    write_comet_keys,
    write_secret,
)
from lodeline.node.workspace import FileExists, FileUnwritable

SETTINGS = CometSettings(
    moniker=MemberId("mine"),
    abci="unix:///srv/mine/abci.sock",
    rpc="tcp://127.0.0.1:26657",
    p2p="tcp://0.0.0.0:26656",
    peers=("aa@refinery.example:26656", "bb@smelter.example:26656"),
    external="mine.example:26656",
)


def test_keys_are_for_their_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    keys = CometKeys.generate(SystemEntropy())
    write_comet_keys(tmp_path, keys)
    files = list(tmp_path.rglob("*.json"))
    assert len(files) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    before = [path.read_bytes() for path in files]
    with pytest.raises(FileExists):
        write_comet_keys(tmp_path, CometKeys.generate(SystemEntropy()))
    assert [path.read_bytes() for path in files] == before


def test_a_key_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileUnwritable):
        write_secret(tmp_path / "file" / "key", "text")


def test_a_key_file_holds_seed_and_public_half(tmp_path: Path) -> None:
    keys = CometKeys.generate(SystemEntropy())
    write_comet_keys(tmp_path, keys)
    stored = json.loads((tmp_path / "config" / "priv_validator_key.json").read_bytes())
    both = b64decode(stored["priv_key"]["value"])
    assert SigningKey(both[:32]).public == both[32:] == b64decode(stored["pub_key"]["value"])
    assert stored["address"] == sha256(both[32:]).hexdigest()[:40].upper()


def test_a_node_is_named_by_the_head_of_its_keys_hash() -> None:
    public = SigningKey.generate(SystemEntropy()).public
    assert node_id(public) == sha256(public).hexdigest()[:40]
    assert comet_address(public).hex() == node_id(public)


def test_the_genesis_is_the_same_for_the_same_founding() -> None:
    validators = [
        GenesisValidator(MemberId(name), SigningKey.generate(SystemEntropy()).public)
        for name in ("mine", "refinery")
    ]
    made = [
        genesis_json(ChainId("trial"), BlockTime(1_800_000_000), validators, {"format": "x"})
        for _ in range(2)
    ]
    assert made[0] == made[1]
    genesis = json.loads(made[0])
    assert [validator["power"] for validator in genesis["validators"]] == ["1", "1"]
    assert genesis["app_state"] == {"format": "x"}
    params = genesis["consensus_params"]
    assert int(params["block"]["max_bytes"]) == BLOCK_BYTES
    assert int(params["evidence"]["max_bytes"]) <= BLOCK_BYTES
    assert params["abci"]["vote_extensions_enable_height"] == "0"


def test_a_name_that_consensus_does_not_take() -> None:
    with pytest.raises(ChainNameTooLong) as refused:
        genesis_json(ChainId("c" * 51), BlockTime(1_800_000_000), [], {})
    assert (refused.value.length, refused.value.at_most) == (51, 50)
    assert genesis_json(ChainId("c" * 50), BlockTime(1_800_000_000), [], {})


def test_settings_are_toml_and_say_what_is_meant() -> None:
    config = tomllib.loads(config_toml(SETTINGS))
    assert config["proxy_app"] == SETTINGS.abci
    assert config["p2p"]["persistent_peers"] == ",".join(SETTINGS.peers)
    assert config["p2p"]["pex"] is False
    assert config["p2p"]["addr_book_strict"] is True
    assert config["p2p"]["allow_duplicate_ip"] is False
    assert config["consensus"]["create_empty_blocks"] is False
    assert config["consensus"]["create_empty_blocks_interval"] == f"{IDLE_SECONDS}s"
    assert config["consensus"]["timeout_commit"] == "500ms"
    assert config["mempool"]["size"] == 100_000
    assert config["mempool"]["max_tx_bytes"] >= MAX_SUBMISSION_BYTES
    assert config["rpc"]["max_body_bytes"] > MAX_SUBMISSION_BYTES * 4 // 3
    assert config["rpc"]["laddr"].startswith("tcp://127.0.0.1:")
    assert config["statesync"]["enable"] is False
    assert config["tx_index"]["indexer"] == "null"


def test_a_newcomers_settings_say_what_it_believes() -> None:
    sync = StateSync(("http://a.example:1", "http://b.example:1"), 17, "AB" * 32)
    values = {name: getattr(SETTINGS, name) for name in SETTINGS.__dataclass_fields__}
    config = tomllib.loads(config_toml(CometSettings(**{**values, "state_sync": sync})))
    assert config["statesync"]["enable"] is True
    assert config["statesync"]["rpc_servers"] == "http://a.example:1,http://b.example:1"
    assert (config["statesync"]["trust_height"], config["statesync"]["trust_hash"]) == (
        17,
        "AB" * 32,
    )
    assert config["statesync"]["trust_period"] == "168h0m0s"
    older = replace(SETTINGS, state_sync=replace(sync, trust_hours=1_000), idle_seconds=0)
    config = tomllib.loads(config_toml(older))
    assert config["statesync"]["trust_period"] == "1000h0m0s"
    assert config["consensus"]["create_empty_blocks_interval"] == "0s"


@pytest.mark.slow
def test_every_setting_is_one_that_cometbft_knows(tmp_path: Path) -> None:
    """A misspelt setting is ignored by CometBFT: it would look on and be off."""
    program = consensus_engine()
    subprocess.run([program, "init", "--home", tmp_path], check=True, stdout=subprocess.DEVNULL)
    text = (tmp_path / "config" / "config.toml").read_text()
    known = tomllib.loads(re.sub(r"^experimental.*$", "", text, flags=re.MULTILINE))
    ours = tomllib.loads(config_toml(SETTINGS))
    assert len(ours) > 10
    for name, value in ours.items():
        assert name in known
        if isinstance(value, dict):
            assert set(value) <= set(known[name]), name
            assert all(type(known[name][key]) is type(each) for key, each in value.items()), name


@pytest.mark.slow
def test_cometbft_reads_our_keys_as_we_do(tmp_path: Path) -> None:
    program = consensus_engine()
    keys = CometKeys.generate(SystemEntropy())
    write_comet_keys(tmp_path, keys)
    (tmp_path / "config" / "config.toml").write_text(config_toml(SETTINGS))
    asked = {
        "show-node-id": node_id(keys.node.public),
        "show-validator": keys.consensus.public,
    }
    for command, expected in asked.items():
        answer = subprocess.run(
            [program, command, "--home", tmp_path], check=True, capture_output=True
        ).stdout.decode()
        found: object = answer.strip()
        if command == "show-validator":
            found = b64decode(json.loads(answer)["value"])
        assert found == expected
