"""Filling a validator's home: its keys first, then everything that follows from the founding.

    HOME/validator.toml, founding.json, checkpoint.key     read by the application
    HOME/trust.json                                        for whoever checks checkpoints
    HOME/comet/config, HOME/comet/data                     read by CometBFT

The keys here are a validator's, not its member's: they vote on blocks and sign checkpoints. Whoever
steals them can disturb agreement; what the member owns or says is signed with other keys, which
belong on another machine.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, replace
from typing import Final

import msgspec
from msgspec import structs

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.signatures import SigningKey
from lodeline.engine.consortium.settings import SNAPSHOT_ENTRIES, ValidatorHome, ValidatorSettings
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, Hash32, MemberId
from lodeline.ledger.trust import TrustFile
from lodeline.node.ceremony import Founded, ValidatorAddress
from lodeline.node.comet_files import (
    IDLE_SECONDS,
    CometKeys,
    CometSettings,
    GenesisValidator,
    StateSync,
    config_toml,
    genesis_json,
    node_id,
    write_comet_keys,
    write_secret,
)
from lodeline.node.trust import trust_of, write_trust
from lodeline.node.workspace import Workspace, make_folder, read_file, write_file

__all__ = [
    "InNetwork",
    "Listening",
    "Network",
    "Own",
    "Start",
    "ValidatorKeysDiffer",
    "ValidatorKeysMissing",
    "abci_address",
    "fill_home",
    "in_network",
    "make_validator_keys",
    "public_part",
    "write_home",
]

_SOCKET_PATH_BYTES: Final = 100
"""Longest path of a unix socket, with some room: 108 bytes on Linux, 104 on other systems."""


class ValidatorKeysMissing(LodelineError):
    """A home without a validator's keys."""

    folder: str
    member: MemberId

    code = "validator-keys-missing"
    en = "the validator keys of {member} are not in {folder}"
    fr = "les clés du validateur de {member} ne sont pas dans {folder}"
    advice_en = "run this where `lodeline consortium keys` made them, or name the folder"
    advice_fr = "lancez ceci là où « lodeline consortium keys » les a créées, ou nommez le dossier"


class ValidatorKeysDiffer(LodelineError):
    """Keys in a home that are not those that the founding names."""

    folder: str
    member: MemberId

    code = "validator-keys-differ"
    en = "the keys in {folder} are not those that the founding has for {member}"
    fr = "les clés dans {folder} ne sont pas celles que la fondation donne pour {member}"
    advice_en = "use the member file that was made with these keys, or the folder with the others"
    advice_fr = "prenez le fichier de membre fait avec ces clés, ou le dossier des autres"


# ------------------------------------------------------------------ keys


@dataclass(frozen=True)
class ValidatorPublicKeys:
    """The public halves of a validator's three keys."""

    consensus: bytes
    checkpoint: bytes
    node: str


def make_validator_keys(home: ValidatorHome, entropy: Entropy) -> None:
    """Make a validator's three keys and keep them in its home.

    Raises:
        FileExists: there is one already; nothing is replaced.
        FileUnwritable: a file cannot be written.
    """
    checkpoint = SigningKey.generate(entropy)
    write_secret(home.checkpoint_key, checkpoint.reveal().hex() + "\n")
    write_comet_keys(home.engine, CometKeys.generate(entropy))


def public_part(home: ValidatorHome, member: MemberId, address: str, api: str) -> ValidatorAddress:
    """Return what the others need to know of a validator, from the keys in its home.

    ``address`` is HOST:PORT for other validators, ``api`` the URL of its HTTP API.

    Raises:
        ValidatorKeysMissing: there are none, or they cannot be read.
        CeremonyFileMalformed, …: an address that cannot be one.
    """
    keys = _stored_keys(home, member)
    fields = {
        "consensus": keys.consensus,
        "checkpoint": keys.checkpoint,
        "node": keys.node,
        "address": address,
        "api": api,
    }
    try:
        return msgspec.convert(fields, ValidatorAddress)
    except msgspec.ValidationError as refused:
        raise AddressMalformed(address, api) from refused


class AddressMalformed(LodelineError):
    """An address of a validator that nobody could reach."""

    address: str
    api: str

    code = "validator-address-malformed"
    en = "“{address}” or “{api}” is no address of a validator"
    fr = "« {address} » ou « {api} » n'est pas une adresse de validateur"
    advice_en = "write HOST:PORT for --address and https://HOST[:PORT] for --api"
    advice_fr = "écrivez HÔTE:PORT pour --address et https://HÔTE[:PORT] pour --api"


def _stored_keys(home: ValidatorHome, member: MemberId) -> ValidatorPublicKeys:
    config = home.engine / "config"
    paths = (home.checkpoint_key, config / "node_key.json", config / "priv_validator_key.json")
    if not all(path.is_file() for path in paths):
        raise ValidatorKeysMissing(str(home.folder), member)
    try:
        checkpoint = SigningKey(bytes.fromhex(read_file(paths[0]).decode().strip()))
        node, consensus = (_comet_key(read_file(path)) for path in paths[1:])
    except (ValueError, KeyError, msgspec.MsgspecError) as refused:
        raise ValidatorKeysMissing(str(home.folder), member) from refused
    return ValidatorPublicKeys(consensus.public, checkpoint.public, node_id(node.public))


class _CometPrivate(msgspec.Struct, frozen=True):
    value: bytes


class _CometKeyFile(msgspec.Struct, frozen=True):
    priv_key: _CometPrivate


def _comet_key(data: bytes) -> SigningKey:
    """Return the key of a CometBFT key file: seed and public half one after the other."""
    return SigningKey(msgspec.json.decode(data, type=_CometKeyFile).priv_key.value[:32])


# ------------------------------------------------------------------ the home


@dataclass(frozen=True)
class Listening:
    """Where a validator listens on its own machine, and how it is run there."""

    p2p: str
    """HOST:PORT for the other validators."""
    api: str
    """HOST:PORT for the HTTP API."""
    rpc: str = "127.0.0.1:26657"
    """Loopback HOST:PORT on which CometBFT serves the application."""
    abci: str | None = None
    """Address of the application; a unix socket in the home where none is given."""
    prometheus: str = ""
    local: bool = False
    """All validators are on this machine."""
    tls: tuple[str, str] | None = None
    """Certificate and key of the HTTP API."""
    snapshot_entries: int = SNAPSHOT_ENTRIES
    idle_seconds: int = IDLE_SECONDS
    """Silence after which the chain makes a block without submissions; 0 for never."""


def abci_address(home: ValidatorHome, port: int) -> str:
    """Return where the application listens: a unix socket, or loopback where the path is too long.

    A unix socket keeps out the other accounts of the machine; ``port`` is used only without it.
    """
    path = home.folder.absolute() / "abci.sock"
    if len(str(path).encode()) <= _SOCKET_PATH_BYTES:
        return f"unix://{path}"
    return f"tcp://127.0.0.1:{port}"


@dataclass(frozen=True)
class Network:
    """The chain and the other validators, as one validator needs to know them."""

    chain: ChainId
    founding: bytes
    genesis: bytes
    """CometBFT's genesis file."""
    peers: tuple[str, ...]
    """``NODE-ID@HOST:PORT`` of the others."""
    apis: tuple[str, ...]
    """URLs of the others' HTTP APIs."""


@dataclass(frozen=True)
class Own:
    """Whose validator it is, and how the others know it."""

    member: MemberId
    validator: ValidatorAddress


@dataclass(frozen=True)
class Start:
    """A snapshot to begin with, and the block that a light client starts from."""

    digest: Hash32
    sync: StateSync


def fill_home(
    home: ValidatorHome, founded: Founded, member: MemberId, listening: Listening
) -> TrustFile:
    """Write everything into a founder's validator home that follows from the founding.

    Raises:
        ValidatorKeysMissing, ValidatorKeysDiffer, FileUnwritable: as `write_home`.
        ChainNameTooLong: CometBFT does not take the chain's name.
    """
    plan = founded.plan
    document = founded.document.encode()
    validators = [GenesisValidator(name, found.consensus) for name, found in plan.validators]
    others = [found for name, found in plan.validators if name != member]
    network = Network(
        plan.chain,
        document,
        genesis_json(
            plan.chain, plan.time, validators, json.loads(document), plan.limits.block_bytes
        ),
        tuple(found.peer for found in others),
        tuple(found.api for found in others),
    )
    trust = trust_of(founded.state, founded.genesis)
    write_home(home, network, Own(member, dict(plan.validators)[member]), listening)
    write_trust(Workspace(home.folder), trust, over=True)
    return trust


def write_home(
    home: ValidatorHome,
    network: Network,
    own: Own,
    listening: Listening,
    start: Start | None = None,
) -> None:
    """Write everything into a validator's home but its keys, which are there, and its trust file.

    Files of an earlier try are replaced: they are the same for the same network. Keys, ledger and
    votes are left alone.

    Raises:
        ValidatorKeysMissing: the keys are not there.
        ValidatorKeysDiffer: they are others than those that the others know.
        FileUnwritable: a file cannot be written.
    """
    keys, known = _stored_keys(home, own.member), own.validator
    if (keys.consensus, keys.checkpoint, keys.node) != (
        known.consensus,
        known.checkpoint,
        known.node,
    ):
        raise ValidatorKeysDiffer(str(home.folder), own.member)
    settings = _settings(home, network, own.member, listening)
    if start is not None:
        settings = structs.replace(settings, accept_snapshots=(start.digest.hex(),))
    comet = _comet(settings, listening, known.address, network.peers)
    if start is not None:
        comet = replace(comet, state_sync=start.sync)
    make_folder(home.engine / "data")
    write_file(home.founding, network.founding, over=True)
    write_file(home.engine / "config" / "genesis.json", network.genesis, over=True)
    write_file(home.engine / "config" / "config.toml", config_toml(comet).encode(), over=True)
    write_file(home.settings, settings.encode(), over=True)


def _settings(
    home: ValidatorHome, network: Network, member: MemberId, listening: Listening
) -> ValidatorSettings:
    certificate, key = listening.tls or (None, None)
    return ValidatorSettings(
        member=member,
        chain=network.chain,
        abci=listening.abci or abci_address(home, 26658),
        rpc=f"http://{listening.rpc}",
        api=listening.api,
        peers=network.apis,
        snapshot_entries=listening.snapshot_entries,
        tls_certificate=certificate,
        tls_key=key,
    )


def _comet(
    settings: ValidatorSettings, listening: Listening, external: str, peers: tuple[str, ...]
) -> CometSettings:
    return CometSettings(
        moniker=settings.member,
        abci=settings.abci,
        rpc=f"tcp://{listening.rpc}",
        p2p=f"tcp://{listening.p2p}",
        peers=peers,
        external=external,
        prometheus=listening.prometheus,
        local=listening.local,
        idle_seconds=listening.idle_seconds,
    )


# ------------------------------------------------------------------ reading it again


@dataclass(frozen=True)
class InNetwork:
    """Where a validator and its peers are in CometBFT's network."""

    own: str
    """``NODE-ID@HOST:PORT``."""
    peers: tuple[str, ...]


def in_network(home: ValidatorHome, member: MemberId) -> InNetwork:
    """Return where a validator and its peers are, from its keys and CometBFT's settings.

    Raises:
        ValidatorKeysMissing: its keys are not there.
        FileUnreadable, CometSettingsUnreadable: the settings are not there, or are none.
    """
    path = home.engine / "config" / "config.toml"
    try:
        p2p = tomllib.loads(read_file(path).decode())["p2p"]
        external, peers = str(p2p["external_address"]), str(p2p["persistent_peers"])
    except (ValueError, KeyError, TypeError) as refused:
        raise CometSettingsUnreadable(str(path), type(refused).__name__) from refused
    own = f"{_stored_keys(home, member).node}@{external}"
    return InNetwork(own, tuple(peer for peer in peers.split(",") if peer))


class CometSettingsUnreadable(LodelineError):
    """CometBFT's settings that do not say where it is."""

    file: str
    reason: str

    code = "comet-settings-unreadable"
    en = "{file} does not say where this validator and its peers are ({reason})"
    fr = "{file} ne dit pas où sont ce validateur et ses pairs ({reason})"
    advice_en = "restore external_address and persistent_peers in its section p2p"
    advice_fr = "rétablissez external_address et persistent_peers dans sa section p2p"
