"""Four validators in one process: ledgers that agree by script, behind the real HTTP API.

Whatever the mempool of one is offered is decided at once and, unless an entry of it is refused,
becomes a block of all that are awake. Nothing runs in the background and nothing waits.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from threading import Lock

import httpx
from starlette.applications import Starlette
from tests.engine.ledgers import SetClock, accepted, believe
from tests.ledger.world import CHAIN, ENTROPY, World

from lodeline.crypto.signatures import SigningKey
from lodeline.engine.consortium.api import Shown, application
from lodeline.engine.consortium.client import Patience, ValidatorClient
from lodeline.engine.consortium.desk import Desk, Share
from lodeline.engine.consortium.failover import Validators
from lodeline.engine.consortium.follower import ConsortiumLedger, Following
from lodeline.engine.consortium.founding import ClockKind, Founding
from lodeline.engine.consortium.outcomes import Outcomes, refused_whole
from lodeline.engine.consortium.published import Published
from lodeline.engine.consortium.refusals_validators import ValidatorFault
from lodeline.engine.consortium.sending import MemberSigner
from lodeline.engine.consortium.settings import ValidatorSettings
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.engine.interface import Answer, CheckpointSigners
from lodeline.engine.trial import Trial
from lodeline.kernel.ids import ChainId, Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import CheckpointPolicy, Origin
from lodeline.ledger.entries import SetValidator, decode_entry, encode_entry, entry_id
from lodeline.ledger.log import Verify
from lodeline.ledger.merkle import LeafIndex
from lodeline.ledger.signednote import KeyName, VerifierKey
from lodeline.ledger.submissions import decode_submission
from lodeline.ledger.trust import TrustFile
from lodeline.ledger.validators import validators_needed

NAMES = ("authority", "audit-a", "miner", "refiner")
ORIGIN = Origin(CHAIN)
QUICK = Patience(connect=1.0, read=1.0, whole=2.0, decide=2.0)

Log = Sequence[tuple[bytes, BlockTime]]
Forge = Callable[[httpx.Request, httpx.Response], httpx.Response]


class InProcess(httpx.BaseTransport):
    """Carries requests to an application of this process."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return unread(self.fetched(request))

    def fetched(self, request: httpx.Request) -> httpx.Response:
        """Return the answer with its content at hand."""
        self.asked.append(f"{request.method} {request.url.path}")
        return asyncio.run(self._carry(request, request.read()))

    async def _carry(self, request: httpx.Request, body: bytes) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as http:
            got = await http.request(
                request.method, request.url, content=body, headers=request.headers
            )
        return httpx.Response(got.status_code, headers=got.headers, content=got.content)


def unread(response: httpx.Response) -> httpx.Response:
    """Return an answer as it comes from a wire, to be read once."""
    stream = httpx.ByteStream(response.content)
    return httpx.Response(response.status_code, headers=response.headers, stream=stream)


def answered(
    content: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Return an answer as somebody makes it up."""
    return httpx.Response(status, content=content, headers=headers)


class Liar(httpx.BaseTransport):
    """Carries requests to an honest validator and changes what it answers."""

    def __init__(self, honest: InProcess, forge: Forge) -> None:
        self.honest = honest
        self.forge = forge

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return unread(self.forge(request, self.honest.fetched(request)))


class Watched(Validators):
    """Validators whose faults are remembered for good."""

    def __init__(self, clients: Sequence[ValidatorClient]) -> None:
        super().__init__(clients)
        self.faults: list[ValidatorFault] = []

    def note_trouble(self, client: ValidatorClient, fault: ValidatorFault) -> None:
        self.faults.append(fault)
        super().note_trouble(client, fault)


class Node:
    """One validator."""

    def __init__(self, committee: "Committee", name: str) -> None:
        self.name = name
        self.committee = committee
        self.key = SigningKey.generate(ENTROPY)
        self.consensus = SigningKey.generate(ENTROPY)
        self.path = committee.folder / f"{name}.db"
        self.awake = True
        self.outcomes = Outcomes()
        self.offered: list[bytes] = []

    def act(self) -> SetValidator:
        """Return the act that lets the member validate with these keys."""
        keys = (self.consensus.public, self.key.public)
        return SetValidator(MemberId(self.name), *keys, f"http://{self.name}.test")

    def open(self, log: Log) -> None:
        """Begin with what was accepted so far."""
        chain = self.committee.chain
        self.clock = SetClock()
        signers = CheckpointSigners(Origin(chain), ((self.verifier, self.key.sign_frame),))
        self.ledger = EmbeddedLedger(self.path, self.clock, verify=believe, signers=signers)
        for self.clock.moment, part in groupby(log, key=lambda item: item[1]):
            accepted(self.ledger.submit([data for data, _ in part]))
        self.published = Published(self.path)
        self.settings = ValidatorSettings(
            MemberId(self.name), chain, abci="unix:///a", rpc="127.0.0.1:1", api="127.0.0.1:0"
        )
        self.desk = Desk(self.ledger, self, self.outcomes, Share(4_000_000), decide_seconds=0.05)
        shown = Shown(
            self.settings,
            self.ledger,
            self.published,
            self.desk,
            self.committee.founding,
            lambda: self.committee.statement,
        )
        self.app = application(shown)
        self.wire = InProcess(self.app)

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(KeyName(f"{self.committee.chain}/{self.name}"), self.key.public)

    async def offer(self, submission: bytes) -> None:
        """Take a submission in, as a mempool."""
        self.offered.append(submission)
        if not self.committee.halted:
            self.committee.decide(submission)

    def client(self, transport: httpx.BaseTransport | None = None) -> ValidatorClient:
        url = f"http://{self.name}.test"
        return ValidatorClient(url, QUICK, transport=transport or self.wire)

    def close(self) -> None:
        self.published.close()
        self.ledger.close()


class Committee:
    """Validators that agree on a ledger, whatever is in it."""

    def __init__(self, folder: Path, chain: ChainId, names: Sequence[str]) -> None:
        self.folder = folder
        self.chain = chain
        self.halted = False
        self.founding = b""
        self.statement: bytes | None = None
        self.nodes = {name: Node(self, name) for name in names}
        self._turn = Lock()
        """Submissions may be offered from several threads."""

    def open(self, log: Log) -> None:
        """Begin with what was accepted so far, the validators' first vote included."""
        self.genesis = decode_entry(log[0][0])
        self.moment = log[-1][1]
        self.founding = Founding(ClockKind.BLOCK, tuple(data for data, _ in log)).encode()
        for node in self.nodes.values():
            node.open(log)

    @property
    def policy(self) -> CheckpointPolicy:
        keys = tuple(node.verifier for node in self.nodes.values())
        return CheckpointPolicy(Origin(self.chain), keys, validators_needed(len(keys)))

    @property
    def trust(self) -> TrustFile:
        return TrustFile.of(self.chain, entry_id(self.genesis), self.policy)

    def decide(self, submission: bytes) -> None:
        """Make a block of a submission, or refuse it, and tell whoever waits."""
        with self._turn:
            self._decide(submission)

    def _decide(self, submission: bytes) -> None:
        digest = Hash32(hashlib.sha256(submission).digest())
        entries = decode_submission(submission).body.entries
        awake = [node for node in self.nodes.values() if node.awake]
        answers = self._tried(awake[0], entries)
        if answers == refused_whole(answers):
            self.moment = BlockTime(self.moment + 1)
            for node in awake:
                node.clock.moment = self.moment
                answers = tuple(node.ledger.submit(entries))
        for node in self.nodes.values():
            node.outcomes.resolve(digest, refused_whole(answers))

    def _tried(self, node: Node, entries: Sequence[bytes]) -> tuple[Answer, ...]:
        state = node.ledger.state()
        trial = Trial(state.draft(), LeafIndex(state.size), self.moment, believe)
        return tuple(trial.offer(entries))

    def grow(self, *entries: bytes) -> None:
        """Make one block that nobody of the test handed in."""
        self.moment = BlockTime(self.moment + 1)
        for node in self.nodes.values():
            if node.awake:
                node.clock.moment = self.moment
                accepted(node.ledger.submit(entries))

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()


class Network(Committee):
    """The validators of a world on paper, and copies of members."""

    def __init__(self, folder: Path, *recipes: str, names: Sequence[str] = NAMES) -> None:
        super().__init__(folder, CHAIN, names)
        self.world = World(*recipes)
        self.world.apply(self.world.govern(*(node.act() for node in self.nodes.values())))
        self.open(self.world.log)

    def replace_key(self, name: str) -> None:
        """Have a validator sign with another key after the block that says so."""
        node, new = self.nodes[name], SigningKey.generate(ENTROPY)
        consensus = SigningKey.generate(ENTROPY).public
        act = SetValidator(MemberId(name), consensus, new.public, f"http://{name}.test")
        vote = self.world.govern(act)
        self.world.apply(vote)
        self.grow(encode_entry(vote))
        node.key = new
        node.ledger._signers = CheckpointSigners(ORIGIN, ((node.verifier, new.sign_frame),))

    def validators(self, **wires: httpx.BaseTransport) -> Watched:
        """Return clients of all validators; some by other wires, those first."""
        first = [self.nodes[name].client(wire) for name, wire in _named(wires)]
        rest = [
            node.client() for name, node in self.nodes.items() if name not in dict(_named(wires))
        ]
        return Watched([*first, *rest])

    def follower(
        self,
        validators: Validators | None = None,
        *,
        name: str = "copy",
        verify: Verify = believe,
        stretch: int = 4_096,
        member: str = "miner",
        story: bool = False,
        trust: TrustFile | None = None,
    ) -> ConsortiumLedger:
        ticks = iter(range(1_000_000))
        return ConsortiumLedger(
            self.folder / f"{name}.db",
            validators or self.validators(),
            trust or self.trust,
            SetClock(self.moment),
            lambda: MemberSigner(MemberId(member), self.world.parties[member].key),
            Following(
                verify=verify,
                story=story,
                stretch=stretch,
                confirm_seconds=20.0,
                pause=lambda seconds: None,
                now=lambda: float(next(ticks)),
            ),
        )


def _named(wires: dict[str, httpx.BaseTransport]) -> list[tuple[str, httpx.BaseTransport]]:
    return [(name.replace("_", "-"), wire) for name, wire in wires.items()]
