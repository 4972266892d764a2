"""A consortium that was really founded, in a temporary folder: ledger, keys and vaults of all."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

from lodeline.crypto.entropy import SystemEntropy
from lodeline.custody.forms import FormClass
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.engine.interface import Receipt
from lodeline.exchange.transform_file import read_transform_file
from lodeline.holder.keystore import (
    KdfCost,
    KdfLimits,
    Passphrase,
    change_passphrase,
    open_keystore,
    seal_keystore,
)
from lodeline.holder.records import HeldLot
from lodeline.kernel.ids import ChainId, ElementSymbol, MemberId, SiteId, StandardName
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.kernel.units import parse_mass
from lodeline.ledger.entries import Recognise
from lodeline.node.clock import ManualClock
from lodeline.node.cosigning import co_sign, submit_request
from lodeline.node.founding import Founding, MemberSpec, found
from lodeline.node.governing import register_site, vote
from lodeline.node.granting import Granted, GrantOrder, default_claim, grant
from lodeline.node.holding import Holding, holding
from lodeline.node.keyring import Keyring
from lodeline.node.opening import opened
from lodeline.node.requests import Request
from lodeline.node.session import Session
from lodeline.node.transforming import Finished, finish, prepare, prove_chain
from lodeline.node.trust import trust_of, write_trust
from lodeline.node.workspace import Workspace

START = parse_time("2026-10-12T08:00:00Z")
LATER = parse_time("2030-12-31T23:59:59Z")
PASSPHRASE = "a passphrase for tests"
FOUNDERS = (
    "pit:Kolwezi Pit SA:CD:miner",
    "state:Cadastre of Mines:CD:authority",
    "scales:Kolwezi Scales:CD:laboratory,weighbridge",
    "verifier:Carbon Verifiers:BE:carrier,energy-auditor",
    "seal:Assurance House:NL:auditor,certifier",
    "trader:Lake Trading:CH:counterparty",
)
PIT = SiteId("kolwezi-pit")
CHEAP = KdfCost(memory_kib=64, passes=1, lanes=1)
CHEAP_LIMITS = KdfLimits(least=CHEAP, most=KdfCost(memory_kib=1024 * 1024, passes=8, lanes=16))

ORE = """
recipe: mine-copper-cobalt
site: kolwezi-pit
inputs: auto
outputs:
  - form: copper-cobalt-ore
    wet: 24.60 t
    moisture: 12.4 %
    assay: [0.52 % Co, 2.1 % Cu]
    claims: [IRMA-75]
    seals: [A-1044]
process: {emissions: 310 kg CO2e, primary: 310 kg CO2e}
"""


@contextmanager
def cheap_keystores() -> Iterator[None]:
    """Let keystores of a test cost next to nothing to open; the cost is an argument, no setting."""
    with (
        mock.patch(
            "lodeline.node.keyring.seal_keystore",
            partial(seal_keystore, cost=CHEAP, limits=CHEAP_LIMITS),
        ),
        mock.patch(
            "lodeline.node.keyring.open_keystore", partial(open_keystore, limits=CHEAP_LIMITS)
        ),
        mock.patch(
            "lodeline.node.keyring.change_passphrase",
            partial(change_passphrase, limits=CHEAP_LIMITS),
        ),
    ):
        yield


PassphraseOf = Callable[[MemberId], Passphrase]


def same_for_all(member: MemberId) -> Passphrase:
    del member
    return Passphrase.typed(PASSPHRASE)


@contextmanager
def at_work(
    folder: Path,
    clock: ManualClock,
    passphrase_of: PassphraseOf = same_for_all,
    *,
    writable: bool = True,
) -> Iterator[Session]:
    """Open a workspace, as one command does."""
    workspace, entropy = Workspace(folder), SystemEntropy()
    ring = Keyring(workspace, passphrase_of, entropy)
    with opened(workspace, ring, clock, entropy, writable=writable) as session:
        yield session


class Bench:
    """A founded consortium with everybody's keys at hand."""

    def __init__(self, session: Session, clock: ManualClock) -> None:
        self.session = session
        self.clock = clock

    @property
    def folder(self) -> Path:
        return self.session.workspace.folder

    def at(self, name: str) -> AbstractContextManager[Holding]:
        return holding(self.session, MemberId(name))

    def move(self, moment: str) -> None:
        self.clock.move_to(parse_time(moment))

    def grants(self) -> tuple[Granted, Granted]:
        """Grant the pit a licence and an assurance for the month."""
        tonnes = {
            ElementSymbol("Co"): parse_mass("2500 t"),
            ElementSymbol("Cu"): parse_mass("60000 t"),
        }
        licence = GrantOrder(FormClass.LICENCE, PIT, tonnes)
        cobalt = {ElementSymbol("Co"): parse_mass("2500 t")}
        assurance = GrantOrder(FormClass.ASSURANCE, PIT, cobalt, default_claim("IRMA-75"))
        return (
            grant(self.session, MemberId("state"), licence),
            grant(self.session, MemberId("seal"), assurance),
        )

    def report(self, name: str, text: str) -> Finished:
        """Report a step from the text of a file."""
        with self.at(name) as own:
            prepared = prepare(own, read_transform_file("test.yaml", text), self.folder)
            return finish(own, prepared, prove_chain(own, prepared.chain))

    def signed_by(self, sent: object, *signers: str) -> Receipt:
        """Have a request signed by everybody and sent."""
        assert isinstance(sent, Request)
        for name in signers:
            sent = co_sign(self.session, sent, MemberId(name)).request
        return submit_request(self.session, sent)

    def mined(self, text: str = ORE) -> HeldLot:
        """Mine ore, have it signed, and return the lot."""
        done = self.report("pit", text)
        self.signed_by(done.sent, "scales", "verifier")
        with self.at("pit") as own:
            return own.vault.lot(done.built.made[0].lot_id)


@contextmanager
def founded(folder: Path, *founders: str, at: BlockTime = START) -> Iterator[Bench]:
    """Found a consortium with the shipped tables, a site, and recognised authorities."""
    clock = ManualClock(at)
    Workspace(folder).members_folder.mkdir(parents=True)
    specs = tuple(MemberSpec.parse(text) for text in founders or FOUNDERS)
    with at_work(folder, clock) as session:
        genesis = found(
            session, Founding(ChainId("test-consortium"), "Test", specs, synthetic=True)
        )
        write_trust(session.workspace, trust_of(session.state, genesis))
        yield Bench(session, clock)


@contextmanager
def mining_bench(folder: Path, *founders: str) -> Iterator[Bench]:
    """A bench on which the pit may mine."""
    with founded(folder, *founders) as bench:
        let_mine(bench)
        yield bench


def let_mine(bench: Bench) -> None:
    """Give the pit a site and everything that it needs to mine there."""
    register_site(bench.session, MemberId("pit"), PIT, "Kolwezi pit", "CD")
    acts = [Recognise(MemberId("state"), None, right, LATER) for right in ("licence", "quota")]
    acts += [
        Recognise(MemberId("seal"), StandardName("IRMA-75"), None, LATER),
        Recognise(MemberId("seal"), None, "intake", LATER),
    ]
    vote(bench.session, acts)
    bench.grants()


def ledger_of(bench: Bench) -> EmbeddedLedger:
    ledger = bench.session.ledger
    assert isinstance(ledger, EmbeddedLedger)
    return ledger
