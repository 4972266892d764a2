"""A consortium of validators on one machine: for demonstrations, measurements and fault tests.

    with LocalNetwork.found(folder, program, chain, founders, entropy) as network:
        network.start()
        network.wait_for_height(1)
        network.validators[member].kill()
        …

Each validator is what it is elsewhere, two programs with a home of their own, founded by the same
ceremony; only the addresses are the loopback's and the pauses of consensus are shorter. There are
no distances and one clock: figures of such a network say nothing about wide-area delays.

Leaving the block stops everything. What was written stays in the folder.
"""

from __future__ import annotations

import random
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

from lodeline.crypto.entropy import Entropy
from lodeline.engine.consortium.founding import ClockKind
from lodeline.engine.consortium.settings import SNAPSHOT_ENTRIES, ValidatorHome
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.trust import TrustFile
from lodeline.node.ceremony import Founded, FoundingPlan, MemberFile, assembled, sign_plan
from lodeline.node.consensus_rpc import BlockHeight, ConsensusRpc, ConsensusSilent
from lodeline.node.founding import MemberSpec, member_record
from lodeline.node.joining import (
    SnapshotNotAgreed,
    SnapshotTooFresh,
    agreed_snapshot,
    invitation_of,
    join,
    state_sync_from,
)
from lodeline.node.processes import (
    CONSENSUS_FAILURE,
    Child,
    application_command,
    consensus_command,
    wait_until_listening,
)
from lodeline.node.trust import trust_of
from lodeline.node.validator_home import (
    Listening,
    Own,
    Start,
    abci_address,
    fill_home,
    make_validator_keys,
    public_part,
)

__all__ = [
    "Founder",
    "LocalChain",
    "LocalNetwork",
    "LocalValidator",
    "NetworkNotThere",
    "ValidatorsDisagree",
]

_FIRST_PORT: Final = 20_000
_LAST_PORT: Final = 32_000
"""Below the ports that operating systems give to outgoing connections."""
_POLL_SECONDS: Final = 0.05
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 20.0


class NetworkNotThere(LodelineError):
    """A local network that did not come to where it was waited for."""

    wanted: str
    seconds: int
    found: tuple[str, ...]

    code = "local-network-not-there"
    en = "the local network did not reach “{wanted}” in {seconds} s; it is at: {found}"
    fr = "le réseau local n'a pas atteint « {wanted} » en {seconds} s ; il en est à : {found}"
    advice_en = "look at the logs in the validators' folders"
    advice_fr = "regardez les journaux dans les dossiers des validateurs"


class ValidatorsDisagree(LodelineError):
    """Validators that have different blocks at one height: what must never be."""

    height: BlockHeight
    found: tuple[str, ...]

    code = "validators-disagree"
    en = "the validators have different blocks at height {height}: {found}"
    fr = "les validateurs ont des blocs différents à la hauteur {height} : {found}"
    advice_en = "stop all validators, keep their folders, and compare the logs"
    advice_fr = "arrêtez tous les validateurs, gardez leurs dossiers et comparez les journaux"


class PortsUsedUp(LodelineError):
    """No free port for a local network."""

    wanted: int

    code = "ports-used-up"
    en = "{wanted} free ports were not found on this machine"
    fr = "{wanted} ports libres n'ont pas été trouvés sur cette machine"
    advice_en = "stop other programs that listen"
    advice_fr = "arrêtez d'autres programmes qui écoutent"


@dataclass(frozen=True)
class Founder:
    """A member of a local network, with its keys, which stay with whoever made them."""

    spec: MemberSpec
    keys: HolderKeys
    validates: bool = True


@dataclass(frozen=True)
class LocalChain:
    """What the network is founded as."""

    chain: ChainId
    time: BlockTime
    """Of the genesis; not after the machine's clock, or nothing happens until then."""
    title: str = "Local network"
    threshold: int | None = None
    synthetic: bool = True
    clock: ClockKind = ClockKind.BLOCK
    snapshot_entries: int = SNAPSHOT_ENTRIES
    idle_seconds: int = 0
    """Silence after which a block without submissions is made; 0 for never, so that nothing moves
    in a network that is only looked at."""


# ------------------------------------------------------------------ one validator


class LocalValidator:
    """One validator of a local network: a home and, while it runs, two programs."""

    def __init__(
        self, member: MemberId, home: ValidatorHome, program: Path, listening: Listening
    ) -> None:
        """Name it; nothing is started."""
        self.member = member
        self.home = home
        self.api = f"http://{listening.api}"
        """URL of the HTTP API."""
        self.rpc = f"http://{listening.rpc}"
        """URL of CometBFT's RPC."""
        self.command: Sequence[str] = application_command(home)
        """What runs the application; whoever tries faults puts another command here."""
        self._abci = listening.abci or ""
        self.program = program
        self._application: Child | None = None
        self._consensus: Child | None = None

    @property
    def is_running(self) -> bool:
        """Return whether both programs run."""
        return all(
            child is not None and child.is_running for child in (self._application, self._consensus)
        )

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Return the process ids of the programs that run: application, CometBFT."""
        children = (self._application, self._consensus)
        return tuple(child.pid for child in children if child is not None and child.is_running)

    def start(self) -> None:
        """Start both programs and return once CometBFT has been started.

        Raises:
            NetworkNotThere: the application does not listen in time.
        """
        self.start_application()
        self.start_consensus()

    def start_application(self) -> None:
        """Start the application; whether it listens is waited for by `start_consensus`."""
        self._application = self._child("application", self.command)

    def start_consensus(self) -> None:
        """Wait until the application listens and start CometBFT.

        Raises:
            NetworkNotThere: it does not listen in time.
        """
        application = self._application
        if application is None or not wait_until_listening(self._abci, application, _START_SECONDS):
            code = "" if application is None else f"exit code {application.exit_code}"
            raise NetworkNotThere("application listens", int(_START_SECONDS), (self.member, code))
        command = consensus_command(self.program, self.home)
        self._consensus = self._child("consensus", command, CONSENSUS_FAILURE)

    def _child(self, name: str, command: Sequence[str], failure: str | None = None) -> Child:
        log = self.home.folder / "logs" / f"{name}.log"
        return Child(command, log, self.home.folder, failure=failure)

    def stop(self) -> None:
        """Stop both programs as an operator does, CometBFT first."""
        for child in (self._consensus, self._application):
            if child is not None:
                child.stop(_STOP_SECONDS)
        self._consensus = self._application = None

    def kill(self) -> None:
        """End both programs at once, as a failing machine does."""
        for child in (self._consensus, self._application):
            if child is not None:
                child.kill()
        self._consensus = self._application = None

    def kill_application(self) -> None:
        """End the application alone; CometBFT notices and ends by itself."""
        if self._application is not None:
            self._application.kill()

    def kill_consensus(self) -> None:
        """End CometBFT alone; the application goes on listening."""
        if self._consensus is not None:
            self._consensus.kill()

    def pause(self) -> None:
        """Stop both programs from running without ending them, as a machine that hangs."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let paused programs run on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for child in (self._consensus, self._application):
            if child is not None:
                child.signal(number)

    # -------------------------------------------------------------- how far

    def height(self) -> BlockHeight | None:
        """Return the last block that the validator has; nothing where it does not answer."""
        try:
            with ConsensusRpc(self.rpc) as rpc:
                return rpc.standing().height
        except ConsensusSilent:
            return None

    def is_following(self) -> bool:
        """Return whether it takes part and is not behind, as far as it knows."""
        try:
            with ConsensusRpc(self.rpc) as rpc:
                return not rpc.standing().catching_up
        except ConsensusSilent:
            return False

    def application_position(self) -> tuple[BlockHeight, bytes] | None:
        """Return the application's last block and hash; nothing where it does not answer."""
        try:
            with ConsensusRpc(self.rpc) as rpc:
                return rpc.application_position()
        except ConsensusSilent:
            return None


# ------------------------------------------------------------------ all of them


class LocalNetwork:
    """Validators of one consortium on this machine."""

    def __init__(
        self,
        folder: Path,
        founded: Founded,
        validators: Mapping[MemberId, LocalValidator],
        chain: LocalChain,
    ) -> None:
        """Take validators whose homes are filled; `found` is how one gets them."""
        self._chain = chain
        self.founded = founded
        self._folder = folder
        self._validators = dict(validators)
        self._prepared: dict[MemberId, tuple[_Place, MemberFile]] = {}

    @classmethod
    def found(
        cls,
        folder: Path,
        program: Path,
        chain: LocalChain,
        founders: Sequence[Founder],
        entropy: Entropy,
    ) -> LocalNetwork:
        """Found a consortium by the ceremony, every founder at once, each in ``folder/NAME``.

        Raises:
            NoFounderValidates, FounderTwice, …: founders that make no consortium.
            FileExists: there are keys of validators in the folder already.
        """
        places = {
            founder.spec.member: _Place(ValidatorHome(folder / founder.spec.member), ports)
            for founder, ports in zip(founders, _free_ports(founders), strict=True)
        }
        for founder in founders:
            if founder.validates:
                make_validator_keys(places[founder.spec.member].home, entropy)
        files = [_member_file(founder, places[founder.spec.member]) for founder in founders]
        plan = FoundingPlan(
            chain.chain,
            chain.title,
            chain.time,
            tuple(files),
            chain.threshold,
            chain.synthetic,
            chain.clock,
        )
        signatures = [
            sign_plan(plan, founder.spec.member, founder.keys.signing, {}) for founder in founders
        ]
        founded = assembled(plan, signatures, {})
        validators = {}
        for member, _ in plan.validators:
            listening = places[member].listening(chain)
            fill_home(places[member].home, founded, member, listening)
            validators[member] = LocalValidator(member, places[member].home, program, listening)
        return cls(folder, founded, validators, chain)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def validators(self) -> Mapping[MemberId, LocalValidator]:
        """Return the validators by their members, in the order of names, newcomers last."""
        return MappingProxyType(self._validators)

    @property
    def trust(self) -> TrustFile:
        """Return the trust file of the founding: checkpoint keys of more than two thirds."""
        return trust_of(self.founded.state, self.founded.genesis)

    @property
    def urls(self) -> tuple[str, ...]:
        """Return the URLs of all HTTP APIs, in the order of the members' names."""
        return tuple(validator.api for validator in self.validators.values())

    def start(self, members: Iterable[MemberId] | None = None) -> None:
        """Start validators, all unless some are named, applications side by side.

        Raises:
            NetworkNotThere: an application does not listen in time.
        """
        chosen = [self.validators[member] for member in members or self.validators]
        for validator in chosen:
            validator.start_application()
        for validator in chosen:
            validator.start_consensus()

    def close(self) -> None:
        """Stop everything that runs, each validator even if another one cannot be stopped."""
        with ExitStack() as stack:
            for validator in self.validators.values():
                stack.callback(validator.stop)

    # -------------------------------------------------------------- newcomers

    def prepare(self, founder: Founder, entropy: Entropy) -> MemberFile:
        """Make the keys of a validator that is to join and return its member file, to be voted on.

        Raises:
            FileExists: there are keys of such a validator already.
        """
        (ports,) = _free_ports([founder])
        member = founder.spec.member
        place = _Place(ValidatorHome(self._folder / member), ports)
        make_validator_keys(place.home, entropy)
        file = _member_file(founder, place)
        self._prepared[member] = (place, file)
        return file

    def join(self, member: MemberId, *, with_snapshot: bool) -> LocalValidator:
        """Fill the home of a validator that was prepared, from the others' invitation.

        Snapshots are made beside consensus: one that enough have signed is waited for.

        Raises:
            NetworkNotThere: there is no snapshot to start with, or no two blocks after it.
            ConsensusSilent, TrustBlockDiffers: the validators that run do not answer, or differ.
        """
        place, file = self._prepared[member]
        host = next(validator for validator in self._validators.values() if validator.is_running)
        listening = place.listening(self._chain)
        start = self._start() if with_snapshot else None
        if file.validator is not None:
            own = Own(member, file.validator)
            invitation = invitation_of(host.home, host.api)
            join(place.home, own, invitation, self.trust, listening, start)
        joined = LocalValidator(member, place.home, host.program, listening)
        self._validators[member] = joined
        return joined

    def _start(self) -> Start:
        """Return a snapshot and a block to start from, once there are such."""
        running = [it for it in self._validators.values() if it.is_running]
        found: list[Start] = []

        def is_there() -> bool:
            try:
                agreement = agreed_snapshot([it.api for it in running], self.trust)
                sync = state_sync_from([it.rpc for it in running], agreement)
            except (SnapshotNotAgreed, SnapshotTooFresh):
                return False
            found.append(Start(agreement.digest, sync))
            return True

        self.wait_for("a snapshot that a newcomer can start with", is_there)
        return found[-1]

    # -------------------------------------------------------------- waiting and comparing

    def wait_for(self, wanted: str, reached: Callable[[], bool], seconds: float = 60.0) -> None:
        """Return once something is so; it is looked at every few hundredths of a second.

        Raises:
            NetworkNotThere: it is not so in time.
        """
        end = time.monotonic() + seconds
        while not reached():
            if time.monotonic() >= end:
                heights = {name: it.height() for name, it in self.validators.items()}
                found = tuple(f"{name} {height}" for name, height in heights.items())
                raise NetworkNotThere(wanted, round(seconds), found)
            time.sleep(_POLL_SECONDS)

    def wait_for_height(
        self,
        height: BlockHeight,
        members: Iterable[MemberId] | None = None,
        seconds: float = 60.0,
    ) -> None:
        """Return once validators, all unless some are named, have a block.

        Raises:
            NetworkNotThere: one of them has not in time.
        """
        chosen = [self.validators[member] for member in members or self.validators]

        def reached() -> bool:
            return all((validator.height() or 0) >= height for validator in chosen)

        self.wait_for(f"height {height}", reached, seconds)

    def agreed(self) -> BlockHeight:
        """Return the highest block that all running validators have, once it is the same for all.

        Its header holds the application hash after the block before: whoever computed another one
        would not have this block.

        Raises:
            ValidatorsDisagree: there are two different blocks at this height.
            ConsensusSilent: a validator that runs does not answer.
            NetworkNotThere: none runs.
        """
        with ExitStack() as stack:
            clients = {
                member: stack.enter_context(ConsensusRpc(validator.rpc))
                for member, validator in self.validators.items()
                if validator.is_running
            }
            if not clients:
                raise NetworkNotThere("a validator runs", 0, ())
            height = min(client.standing().height for client in clients.values())
            headers = {member: client.header(height) for member, client in clients.items()}
        if len(set(headers.values())) != 1:
            found = tuple(
                f"{member}: {header.block}/{header.application_hash}"
                for member, header in headers.items()
            )
            raise ValidatorsDisagree(height, found)
        return height


# ------------------------------------------------------------------ places


@dataclass(frozen=True)
class _Place:
    """Where one validator lives and listens."""

    home: ValidatorHome
    ports: tuple[int, int, int, int]
    """For other validators, the HTTP API, the RPC, and the application where it needs one."""

    def listening(self, chain: LocalChain) -> Listening:
        p2p, api, rpc, abci = self.ports
        return Listening(
            p2p=f"127.0.0.1:{p2p}",
            api=f"127.0.0.1:{api}",
            rpc=f"127.0.0.1:{rpc}",
            abci=abci_address(self.home, abci),
            local=True,
            snapshot_entries=chain.snapshot_entries,
            idle_seconds=chain.idle_seconds,
        )


def _member_file(founder: Founder, place: _Place) -> MemberFile:
    record = member_record(founder.spec, founder.keys, votes=True)
    if not founder.validates:
        return MemberFile(record, None)
    p2p, api, _, _ = place.ports
    address, url = f"127.0.0.1:{p2p}", f"http://127.0.0.1:{api}"
    return MemberFile(record, public_part(place.home, founder.spec.member, address, url))


def _free_ports(founders: Sequence[Founder]) -> Iterator[tuple[int, int, int, int]]:
    """Yield four ports for each founder, none of them in use now and none given twice.

    Raises:
        PortsUsedUp: there are not enough.
    """
    # Which ports is nobody's secret; different runs only should not meet.
    candidates = random.sample(range(_FIRST_PORT, _LAST_PORT), _LAST_PORT - _FIRST_PORT)
    free = (port for port in candidates if _is_free(port))
    for _ in founders:
        four = tuple(port for _, port in zip(range(4), free, strict=False))
        if len(four) != 4:
            raise PortsUsedUp(4 * len(founders))
        yield four


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0
