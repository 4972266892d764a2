"""The files of CometBFT 0.38, the program that brings validators to agreement.

CometBFT is a separate program with a folder of its own, ``comet`` in a validator's home:

    comet/config/config.toml               how it runs
    comet/config/genesis.json              the same file for every validator of a chain
    comet/config/node_key.json             its name in the network (mode 0600)
    comet/config/priv_validator_key.json   the key with which it votes (mode 0600)
    comet/data/priv_validator_state.json   what it voted last: never to be set back

The formats are those that ``cometbft init`` writes (CometBFT 0.38, docs/core/configuration and
types/genesis.go); keys are Ed25519 with the seed and the public half one after the other. What is
set otherwise than in CometBFT's own defaults, and why, stands beside the setting.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, NewType

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.signatures import SigningKey
from lodeline.engine.consortium.founding import BLOCK_BYTES
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, MemberId, MemberKey
from lodeline.kernel.time import BlockTime, format_time
from lodeline.node.workspace import FileExists, FileUnwritable, make_folder

__all__ = [
    "IDLE_SECONDS",
    "WEEK_HOURS",
    "ChainNameTooLong",
    "CometKeys",
    "CometSettings",
    "GenesisValidator",
    "NodeId",
    "StateSync",
    "comet_address",
    "config_toml",
    "genesis_json",
    "node_id",
    "write_comet_keys",
    "write_secret",
]

NodeId = NewType("NodeId", str)
"""Name of a CometBFT node in its network: 40 hexadecimal digits, from its node key."""

IDLE_SECONDS: Final = 300
"""Longest silence of a chain without submissions. An empty block shows that it is alive, and a
newcomer's light client needs one more block after a snapshot's. It leaves the application hash as
it is; with four validators it takes 4 kB of each disk for good, 0.4 GB a year at this pace."""
WEEK_HOURS: Final = 168
_EVIDENCE_BYTES: Final = 262_144
"""Largest evidence in a block; CometBFT does not start if a block could not hold it."""
_LONGEST_CHAIN: Final = 50
"""MaxChainIDLen of CometBFT."""
_ADDRESS_BYTES: Final = 20
_OWNER_ONLY: Final = 0o600


class ChainNameTooLong(LodelineError):
    """A ledger whose name CometBFT does not take."""

    chain: ChainId
    length: int
    at_most: int

    code = "chain-name-too-long"
    en = "the name {chain} has {length} characters, consensus takes at most {at_most}"
    fr = "le nom {chain} a {length} caractères, le consensus en admet au plus {at_most}"
    advice_en = "choose a shorter name for the consortium"
    advice_fr = "choisissez un nom plus court pour le consortium"


# ------------------------------------------------------------------ keys


def comet_address(public: MemberKey) -> bytes:
    """Return the 20 bytes by which CometBFT names a key: the head of its SHA-256."""
    return sha256(public).digest()[:_ADDRESS_BYTES]


def node_id(public: MemberKey) -> NodeId:
    """Return the name of the node that has a node key."""
    return NodeId(comet_address(public).hex())


@dataclass(frozen=True)
class CometKeys:
    """The two secret keys of a validator's CometBFT; neither is the member's own."""

    node: SigningKey
    consensus: SigningKey

    @classmethod
    def generate(cls, entropy: Entropy) -> CometKeys:
        """Return fresh keys."""
        return cls(SigningKey.generate(entropy), SigningKey.generate(entropy))


def write_secret(path: Path, text: str) -> None:
    """Write a new file that its owner alone may read, durably.

    Raises:
        FileExists: something is there; a key is never overwritten.
        FileUnwritable: it cannot be written.
    """
    make_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as refused:
        raise FileExists(str(path)) from refused
    except OSError as refused:
        raise FileUnwritable(str(path), refused.strerror or type(refused).__name__) from refused


def write_comet_keys(comet: Path, keys: CometKeys) -> None:
    """Write both keys and the empty record of votes into a CometBFT folder.

    Raises:
        FileExists: there are keys already; they stay as they are.
        FileUnwritable: a file cannot be written.
    """
    write_secret(comet / "config" / "node_key.json", _json({"priv_key": _private(keys.node)}))
    public = keys.consensus.public
    voting = {
        "address": comet_address(public).hex().upper(),
        "pub_key": _public(public),
        "priv_key": _private(keys.consensus),
    }
    write_secret(comet / "config" / "priv_validator_key.json", _json(voting))
    nothing_signed = {"height": "0", "round": 0, "step": 0}
    write_secret(comet / "data" / "priv_validator_state.json", _json(nothing_signed))


def _private(key: SigningKey) -> dict[str, str]:
    both = key.reveal() + key.public
    return {"type": "tendermint/PrivKeyEd25519", "value": b64encode(both).decode()}


def _public(key: MemberKey) -> dict[str, str]:
    return {"type": "tendermint/PubKeyEd25519", "value": b64encode(key).decode()}


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


# ------------------------------------------------------------------ genesis


@dataclass(frozen=True)
class GenesisValidator:
    """A validator that is there from the first block on."""

    member: MemberId
    consensus_key: MemberKey


def genesis_json(
    chain: ChainId,
    time: BlockTime,
    validators: Sequence[GenesisValidator],
    founding: Mapping[str, object],
    block_bytes: int = BLOCK_BYTES,
) -> bytes:
    """Return the genesis file of a chain: the same bytes for the same arguments.

    ``founding`` goes to the application as it is (`app_state`), and its own limit of a block's
    bytes must be ``block_bytes``. Every validator has the power 1.

    Raises:
        ChainNameTooLong: CometBFT would not take the name.
    """
    if len(chain) > _LONGEST_CHAIN:
        raise ChainNameTooLong(chain, len(chain), _LONGEST_CHAIN)
    document = {
        "genesis_time": format_time(time),
        "chain_id": chain,
        "initial_height": "1",
        "consensus_params": _consensus_params(block_bytes),
        "validators": [
            {
                "address": comet_address(validator.consensus_key).hex().upper(),
                "pub_key": _public(validator.consensus_key),
                "power": "1",
                "name": validator.member,
            }
            for validator in validators
        ],
        "app_hash": "",
        "app_state": founding,
    }
    return _json(document).encode()


def _consensus_params(block_bytes: int) -> dict[str, object]:
    two_days = 48 * 3600 * 10**9
    return {
        "block": {"max_bytes": str(block_bytes), "max_gas": "-1"},
        "evidence": {
            "max_age_num_blocks": "100000",
            "max_age_duration": str(two_days),
            "max_bytes": str(_EVIDENCE_BYTES),
        },
        "validator": {"pub_key_types": ["ed25519"]},
        "version": {"app": "0"},
        "abci": {"vote_extensions_enable_height": "0"},
    }


# ------------------------------------------------------------------ settings


@dataclass(frozen=True)
class StateSync:
    """Where a validator that joins gets the chain's present state, and which block it believes."""

    rpc_servers: tuple[str, ...]
    """At least two, of different members; CometBFT compares them."""
    trust_height: int
    trust_hash: str
    """Hash of that block in hexadecimal, from more than two thirds of the validators."""
    trust_hours: int = WEEK_HOURS
    """How old the block may be; CometBFT refuses to start from an older one."""


@dataclass(frozen=True)
class CometSettings:
    """What differs from validator to validator; everything else is the same for all."""

    moniker: MemberId
    abci: str
    """Address of the application: ``unix://`` (relative to the home) or ``tcp://`` on loopback."""
    rpc: str
    """Where CometBFT listens for this machine's own programs; loopback, never the network."""
    p2p: str
    """Where it listens for the other validators."""
    peers: tuple[str, ...]
    """The other validators, each ``NODE-ID@HOST:PORT``."""
    external: str = ""
    """HOST:PORT under which the others reach this one, where that is not what it listens on."""
    prometheus: str = ""
    """Where figures are offered to a monitoring program; nowhere if empty."""
    state_sync: StateSync | None = None
    local: bool = False
    """All validators are on one machine: one IP address, no distances."""
    idle_seconds: int = IDLE_SECONDS
    """A block without submissions is made after so long a silence; 0 for never."""


_Value = str | int | bool | Sequence[str]


def config_toml(settings: CometSettings) -> str:
    """Return the settings file of CometBFT."""
    tables: dict[str, Mapping[str, _Value]] = {
        "": _base(settings),
        "rpc": _rpc(settings),
        "p2p": _p2p(settings),
        "mempool": _mempool(),
        "statesync": _state_sync(settings.state_sync),
        "blocksync": {"version": "v0"},
        "consensus": _consensus(settings.idle_seconds, local=settings.local),
        # Only the last answer of the application is needed, to find out whether it took a block.
        "storage": {"discard_abci_responses": True},
        # Entries are found through the ledger itself.
        "tx_index": {"indexer": "null"},
        "instrumentation": {
            "prometheus": bool(settings.prometheus),
            "prometheus_listen_addr": settings.prometheus,
        },
    }
    return "\n".join(_table(name, pairs) for name, pairs in tables.items())


def _base(settings: CometSettings) -> dict[str, _Value]:
    return {
        "proxy_app": settings.abci,
        "abci": "socket",
        "moniker": settings.moniker,
        "db_backend": "goleveldb",
        "db_dir": "data",
        "log_level": "info" if not settings.local else "main:info,consensus:info,*:error",
        "log_format": "plain",
        "genesis_file": "config/genesis.json",
        "priv_validator_key_file": "config/priv_validator_key.json",
        "priv_validator_state_file": "data/priv_validator_state.json",
        "node_key_file": "config/node_key.json",
    }


def _rpc(settings: CometSettings) -> dict[str, _Value]:
    # A submission of 400,000 bytes travels as base64 in a JSON request.
    return {"laddr": settings.rpc, "max_body_bytes": 1_000_000, "unsafe": False}


def _p2p(settings: CometSettings) -> dict[str, _Value]:
    return {
        "laddr": settings.p2p,
        "external_address": settings.external,
        "persistent_peers": ",".join(settings.peers),
        "persistent_peers_max_dial_period": "2s" if settings.local else "30s",
        # The validators know each other; strangers are neither asked for nor told of.
        "pex": False,
        "addr_book_file": "config/addrbook.json",
        "addr_book_strict": not settings.local,
        "allow_duplicate_ip": settings.local,
        "max_num_inbound_peers": 100,
        "max_num_outbound_peers": 100,
        "flush_throttle_timeout": "10ms",
        "send_rate": 20_000_000,
        "recv_rate": 20_000_000,
    }


def _mempool() -> dict[str, _Value]:
    return {
        "type": "flood",
        # What an accepted block made impossible goes out at once, and its sender is told.
        "recheck": True,
        "recheck_timeout": "10s",
        "broadcast": True,
        # 5,000 by default: full within seconds when a plant reports its day.
        "size": 100_000,
        "max_txs_bytes": 268_435_456,
        "cache_size": 200_000,
        "max_tx_bytes": 524_288,
        # A submission that came too early is welcome when it is sent again.
        "keep-invalid-txs-in-cache": False,
    }


def _state_sync(sync: StateSync | None) -> dict[str, _Value]:
    return {
        "enable": sync is not None,
        "rpc_servers": "" if sync is None else ",".join(sync.rpc_servers),
        "trust_height": 0 if sync is None else sync.trust_height,
        "trust_hash": "" if sync is None else sync.trust_hash,
        "trust_period": f"{WEEK_HOURS if sync is None else sync.trust_hours}h0m0s",
        "discovery_time": "5s",
        "chunk_request_timeout": "10s",
        "chunk_fetchers": "4",
    }


def _consensus(idle_seconds: int, *, local: bool) -> dict[str, _Value]:
    return {
        "wal_file": "data/cs.wal/wal",
        "timeout_propose": "3s",
        "timeout_propose_delta": "500ms",
        "timeout_prevote": "1s",
        "timeout_prevote_delta": "500ms",
        "timeout_precommit": "1s",
        "timeout_precommit_delta": "500ms",
        "timeout_commit": "100ms" if local else "500ms",
        # Nothing to say, little to store: without submissions there is a block now and then.
        "create_empty_blocks": False,
        "create_empty_blocks_interval": f"{idle_seconds}s",
        "peer_gossip_sleep_duration": "10ms" if local else "50ms",
        # A restart after a crash is no double signing; a second machine with the same key is.
        "double_sign_check_height": 0,
    }


def _table(name: str, pairs: Mapping[str, _Value]) -> str:
    head = f"[{name}]\n" if name else ""
    return head + "".join(f"{key} = {_toml(value)}\n" for key, value in pairs.items())


def _toml(value: _Value) -> str:
    """Write a value; JSON's texts, numbers, booleans and lists of texts are TOML's."""
    return json.dumps(value if isinstance(value, (str, int)) else list(value))
