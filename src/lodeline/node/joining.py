"""A new validator of a consortium that runs: from an invitation, with or without a snapshot.

Whoever runs a validator already writes an **invitation**: CometBFT's genesis, the validators'
places in the network and their HTTP APIs. It is a convenience and believed nothing: the newcomer
holds it against the trust file that it has by another way.

Then it either replays the chain from its first block, verifying everything, or begins with a
snapshot of the present ledger. A snapshot is taken only if more than two thirds of the validators
that the trust file names have signed that it is theirs; the application rebuilds both roots from
it, and CometBFT's light client checks the application hash against the chain's own signatures
(state sync, CometBFT 0.38, docs/core/state-sync). What is believed besides is the block that the
light client starts from: it is asked of several validators and must lead to the application hash
that the signed statements name.

On a quiet chain the newcomer waits: one block is made after the last submission at once, the next
one after the silence that the validators have set (`comet_files.IDLE_SECONDS`). A snapshot may be
older than the week for which CometBFT's light client believes a block without asking again: it is
told the age of the snapshot, and why that is sound stands at `state_sync_from`.

Not checked: that the members have admitted the newcomer. Until they have, it follows the chain and
decides nothing.
"""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from time import monotonic
from typing import Annotated, Final

import msgspec

from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.founding import Founding, read_founding
from lodeline.engine.consortium.settings import ValidatorHome, read_settings
from lodeline.engine.consortium.snapshot_format import (
    SnapshotStatement,
    read_statement,
    verify_statement,
)
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, MemberId, MemberKey
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import apply
from lodeline.ledger.entries import decode_entry, entry_id
from lodeline.ledger.state import State
from lodeline.ledger.trust import TrustFile
from lodeline.node.clock import SystemClock
from lodeline.node.comet_files import WEEK_HOURS, StateSync
from lodeline.node.consensus_rpc import BlockHeight, ConsensusRpc
from lodeline.node.trust import write_trust
from lodeline.node.validator_home import (
    Listening,
    Network,
    Own,
    Start,
    in_network,
    write_home,
)
from lodeline.node.workspace import Workspace, read_file, write_file

__all__ = [
    "Agreement",
    "Invitation",
    "InvitationMalformed",
    "InvitationOfOther",
    "SnapshotNotAgreed",
    "SnapshotTooFresh",
    "TooFewRpc",
    "TrustBlockDiffers",
    "agreed_snapshot",
    "await_state_sync",
    "check_invitation",
    "invitation_of",
    "join",
    "read_invitation",
    "state_sync_from",
    "write_invitation",
]

_MAX_INVITATION: Final = 16_000_000
_BLOCKS_AFTER: Final = 2
"""Blocks after the snapshot's that CometBFT's light client asks for."""
_POLL_SECONDS: Final = 1.0
_CLOCK: Final = SystemClock()
_LEAST_RPC: Final = 2
"""CometBFT's light client compares at least two."""


class InvitationMalformed(LodelineError):
    """A file that is no invitation."""

    file: str
    reason: str

    code = "invitation-malformed"
    en = "{file} is no invitation to a consortium: {reason}"
    fr = "{file} n'est pas une invitation à un consortium : {reason}"
    advice_en = "ask a member that runs a validator for `lodeline consortium invite`"
    advice_fr = "demandez « lodeline consortium invite » à un membre qui exploite un validateur"


class InvitationOfOther(LodelineError):
    """An invitation to another ledger than that of the trust file."""

    part: str
    expected: str
    found: str

    code = "invitation-of-other"
    en = "the invitation is not to this consortium: its {part} is {found}, not {expected}"
    fr = "l'invitation n'est pas à ce consortium : {part} y est {found}, non {expected}"
    advice_en = "compare the trust file with the members by telephone, and ask for another file"
    advice_fr = "comparez le fichier de confiance au téléphone, et demandez une autre invitation"


class SnapshotNotAgreed(LodelineError):
    """Too few validators say the same of a snapshot."""

    needed: int
    members: tuple[MemberId, ...]
    """Who agree with each other, of the snapshot that most agree on."""

    code = "snapshot-not-agreed"
    en = "{needed} validators must have signed the same snapshot; those who did: {members}"
    fr = "{needed} validateurs doivent avoir signé le même instantané ; l'ont fait : {members}"
    advice_en = "wait for the next snapshot, or replay the chain: join without --rpc"
    advice_fr = "attendez le prochain instantané, ou rejouez la chaîne : rejoignez sans --rpc"


class TrustBlockDiffers(LodelineError):
    """Validators that name different blocks, or a block that does not lead to the snapshot."""

    height: BlockHeight
    found: tuple[str, ...]

    code = "trust-block-differs"
    en = "the validators asked do not agree on the block after height {height}: {found}"
    fr = "les validateurs interrogés divergent sur le bloc suivant la hauteur {height} : {found}"
    advice_en = "join by replaying the chain, and show this to the members"
    advice_fr = "rejoignez en rejouant la chaîne, et montrez ceci aux membres"


class SnapshotTooFresh(LodelineError):
    """A snapshot after which the chain has not gone on far enough for a light client."""

    height: BlockHeight
    url: str

    code = "snapshot-too-fresh"
    en = "{url} has no two blocks yet after height {height}, that of the newest snapshot"
    fr = "{url} n'a pas encore deux blocs après la hauteur {height}, celle du dernier instantané"
    advice_en = "look whether the chain stands still (`consortium status`), or join without --rpc"
    advice_fr = "voyez si la chaîne est arrêtée (`consortium status`), ou rejoignez sans --rpc"


class TooFewRpc(LodelineError):
    """Fewer RPC addresses than a light client can compare."""

    given: int
    needed: int

    code = "too-few-rpc"
    en = "{given} RPC addresses are given, at least {needed} are needed to compare"
    fr = "{given} adresses RPC sont données, il en faut au moins {needed} pour comparer"
    advice_en = "name the RPC of two validators of different members, or none to replay"
    advice_fr = "nommez le RPC de deux validateurs de membres différents, ou aucun pour rejouer"


# ------------------------------------------------------------------ invitations


class _GenesisKey(msgspec.Struct, frozen=True):
    value: bytes


class _GenesisValidator(msgspec.Struct, frozen=True):
    pub_key: _GenesisKey


class _GenesisBlock(msgspec.Struct, frozen=True):
    max_bytes: str


class _GenesisParams(msgspec.Struct, frozen=True):
    block: _GenesisBlock


class _Genesis(msgspec.Struct, frozen=True):
    chain_id: str
    consensus_params: _GenesisParams
    validators: tuple[_GenesisValidator, ...]
    app_state: msgspec.Raw


class Invitation(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag="lodeline-invitation-v1",
    tag_field="format",
):
    """What a newcomer needs to find the others, ready for JSON."""

    genesis: bytes
    """CometBFT's genesis file."""
    peers: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    """Validators in CometBFT's network: ``NODE-ID@HOST:PORT``."""
    apis: Annotated[tuple[str, ...], msgspec.Meta(max_length=64)]
    """URLs of validators' HTTP APIs."""


def invitation_of(home: ValidatorHome, api: str) -> Invitation:
    """Return an invitation from a validator that runs, whose HTTP API is reached at a URL.

    Raises:
        SettingsNotRead, ValidatorKeysMissing, …: the home is not that of a validator.
    """
    settings = read_settings(home.settings)
    network = in_network(home, settings.member)
    genesis = read_file(home.engine / "config" / "genesis.json")
    return Invitation(genesis, (network.own, *network.peers), (api, *settings.peers))


def write_invitation(path: Path, invitation: Invitation) -> None:
    """Write an invitation.

    Raises:
        FileExists, FileUnwritable: as `write_file`.
    """
    write_file(path, msgspec.json.encode(invitation) + b"\n")


def read_invitation(path: Path) -> Invitation:
    """Read an invitation; nothing in it is believed yet.

    Raises:
        FileUnreadable: it is not there.
        InvitationMalformed: it is none.
    """
    data = read_file(path)
    if len(data) > _MAX_INVITATION:
        raise InvitationMalformed(str(path), f"{len(data)} > {_MAX_INVITATION}")
    try:
        return msgspec.json.decode(data, type=Invitation)
    except msgspec.DecodeError as refused:
        raise InvitationMalformed(str(path), str(refused)) from refused


def check_invitation(invitation: Invitation, trust: TrustFile) -> Founding:
    """Return the founding of an invitation, once it is that of the trust file.

    The founding is tried on an empty ledger; the validators with which CometBFT begins must be
    those that it sets.

    Raises:
        InvitationMalformed, FoundingMalformed: a part of it cannot be read.
        InvitationOfOther: another ledger, other validators, or blocks of another size.
        LodelineError: the ledger refuses an entry of the founding.
    """
    try:
        genesis = msgspec.json.decode(invitation.genesis, type=_Genesis)
    except msgspec.DecodeError as refused:
        raise InvitationMalformed("genesis", str(refused)) from refused
    if genesis.chain_id != trust.chain:
        raise InvitationOfOther("chain", trust.chain, genesis.chain_id)
    founding = read_founding(bytes(genesis.app_state))
    size, allowed = genesis.consensus_params.block.max_bytes, str(founding.limits.block_bytes)
    if size != allowed:
        raise InvitationOfOther("block_bytes", allowed, size)
    entries = [decode_entry(data) for data in founding.entries]
    first = entry_id(entries[0]).hex()
    if first != trust.genesis:
        raise InvitationOfOther("genesis", trust.genesis, first)
    state = State()
    for entry in entries:
        # Recognitions have no place in a founding, so no time matters here.
        apply(state, entry, BlockTime(0), {})
    set_by_vote = {record.consensus_key for record in state.validators.values()}
    begun_with = {MemberKey(validator.pub_key.value) for validator in genesis.validators}
    if set_by_vote != begun_with:
        raise InvitationOfOther("validators", _keys(set_by_vote), _keys(begun_with))
    return founding


def _keys(keys: set[MemberKey]) -> str:
    return ", ".join(sorted(b64encode(key).decode() for key in keys))


# ------------------------------------------------------------------ snapshots


@dataclass(frozen=True)
class Agreement:
    """A snapshot that enough validators have signed."""

    height: BlockHeight
    application_hash: Hash32
    digest: Hash32
    members: tuple[MemberId, ...]


def agreed_snapshot(urls: Sequence[str], trust: TrustFile) -> Agreement:
    """Ask validators for their latest snapshot and return the newest that enough have signed.

    A validator that does not answer, or says something that its key has not signed, counts as one
    that said nothing.

    Raises:
        SnapshotNotAgreed: there is none.
    """
    keys: dict[str, MemberKey] = {key.name: key.public for key in trust.policy().members}
    said: dict[tuple[int, Hash32, Hash32], set[MemberId]] = defaultdict(set)
    for url in urls:
        statement = _statement(url, trust, keys)
        if statement is not None:
            key = (statement.height, statement.application_hash, statement.digest)
            said[key].add(statement.member)
    enough = {key: members for key, members in said.items() if len(members) >= trust.threshold}
    if not enough:
        most = max(said.values(), key=len, default=set())
        raise SnapshotNotAgreed(trust.threshold, tuple(sorted(most)))
    height, hashed, digest = max(enough)
    return Agreement(height, hashed, digest, tuple(sorted(enough[height, hashed, digest])))


def _statement(
    url: str, trust: TrustFile, keys: Mapping[str, MemberKey]
) -> SnapshotStatement | None:
    client = ValidatorClient(url)
    try:
        statement = read_statement(client.snapshot())
        key = keys.get(f"{trust.origin}/{statement.member}")
        if key is None or statement.chain != trust.chain:
            return None
        verify_statement(statement, key)
    except LodelineError:
        return None
    finally:
        client.close()
    return statement


def state_sync_from(rpc: Sequence[str], agreement: Agreement) -> StateSync:
    """Return the block that a light client starts from, as all the RPC servers asked give it.

    The block after the snapshot's names the application hash that the statements name; the one
    after that is what CometBFT needs to know who decides next.

    CometBFT's light client believes a block for a trust period, after which its validators may
    have left and signed anything since. Here the block is not believed because it was once: several
    validators give it now, and it leads to an application hash that more than two thirds of those
    who are pinned have signed. So the period is a week from now, however old the snapshot is.

    Raises:
        TooFewRpc: fewer than two servers to compare.
        ConsensusSilent: one does not answer.
        SnapshotTooFresh: there are no two blocks after the snapshot's yet.
        TrustBlockDiffers: they differ, or the block does not lead to the snapshot.
    """
    if len(rpc) < _LEAST_RPC:
        raise TooFewRpc(len(rpc), _LEAST_RPC)
    hashes, found = set[str](), list[str]()
    for url in rpc:
        with ConsensusRpc(url) as server:
            if server.standing().height < agreement.height + _BLOCKS_AFTER:
                raise SnapshotTooFresh(agreement.height, url)
            block = server.header(agreement.height)
            after = server.header(agreement.height + 1)
        hashes.add(block.block)
        found.append(f"{url}: {block.block} {after.application_hash}")
        if after.application_hash.lower() != agreement.application_hash.hex():
            raise TrustBlockDiffers(agreement.height, tuple(found))
    if len(hashes) != 1:
        raise TrustBlockDiffers(agreement.height, tuple(found))
    return StateSync(tuple(rpc), agreement.height, hashes.pop(), _trust_hours(rpc[0], agreement))


def _trust_hours(url: str, agreement: Agreement) -> int:
    with ConsensusRpc(url) as server:
        age = _CLOCK.now() - server.moment(agreement.height).timestamp()
    return WEEK_HOURS + max(0, ceil(age / 3_600))


def await_state_sync(
    rpc: Sequence[str], agreement: Agreement, within_seconds: float, pause: Callable[[float], None]
) -> StateSync:
    """Return what `state_sync_from` returns, once the chain has gone on far enough.

    Raises:
        SnapshotTooFresh: it has not in time: a chain without idle blocks, or that stands still.
        TooFewRpc, ConsensusSilent, TrustBlockDiffers: as `state_sync_from`, at once.
    """
    end = monotonic() + within_seconds
    while True:
        try:
            return state_sync_from(rpc, agreement)
        except SnapshotTooFresh:
            if monotonic() >= end:
                raise
        pause(_POLL_SECONDS)


# ------------------------------------------------------------------ joining


def join(
    home: ValidatorHome,
    own: Own,
    invitation: Invitation,
    trust: TrustFile,
    listening: Listening,
    start: Start | None,
) -> None:
    """Fill the home of a new validator, whose keys are there; without a start it replays the chain.

    Raises:
        InvitationOfOther, InvitationMalformed, …: as `check_invitation`.
        ValidatorKeysMissing, ValidatorKeysDiffer: the home is not that of the member file.
        FileUnwritable: a file cannot be written.
    """
    founding = check_invitation(invitation, trust)
    network = Network(
        trust.chain,
        founding.encode(),
        invitation.genesis,
        tuple(peer for peer in invitation.peers if not peer.startswith(f"{own.validator.node}@")),
        tuple(api for api in invitation.apis if api != own.validator.api),
    )
    write_home(home, network, own, listening, start)
    write_trust(Workspace(home.folder), trust, over=True)
