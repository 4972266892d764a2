"""Claims, disclosures and bundles: what one audience learns, and nobody else."""

from collections.abc import Iterator

import pytest
from tests.node.benches import Bench, mining_bench

from lodeline.exchange.claim_text import read_claim
from lodeline.holder.answering import AnswerIsNo
from lodeline.holder.records import HeldLot
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.ledger.claim_file import (
    Asked,
    ClaimExpired,
    ClaimForAnother,
    ClaimNonceDiffers,
    ClaimOfAnotherLedger,
    ClaimOfAnotherProduct,
    ClaimTooOld,
    read_claim_file,
    verify_claim_file,
)
from lodeline.ledger.claim_file import LotNotHeld as ClaimedLotNotHeld
from lodeline.node.answering import ClaimOrder, NoLotsNamed, nonce_of, prove_claim
from lodeline.node.bundles import check_bundle, make_bundle
from lodeline.node.disclosing import DisclosureForAnother, disclose, read_disclosed
from lodeline.node.tracing import NothingNamed, impact_of, lot_in_log, trace_of
from lodeline.node.trust import read_trust
from lodeline.proofs.batch import verify_batch
from lodeline.proofs.questions import NoSuchMetal

UNTIL = parse_time("2026-11-12T00:00:00Z")


class Mined:
    """A bench with a lot of ore."""

    def __init__(self, bench: Bench, ore: HeldLot) -> None:
        self.bench = bench
        self.ore = ore
        self.policy = read_trust(bench.session.workspace.trust).policy()

    def prove(self, claim: str, **changes: str) -> bytes:
        order = ClaimOrder(
            read_claim(claim), "trader", UNTIL, request=changes.get("request", "R-1")
        )
        with self.bench.at("pit") as own:
            return prove_claim(own, [own.vault.lot(self.ore.lot_id)], order)

    def asked(self, **changes: object) -> Asked:
        values: dict[str, object] = {
            "chain": self.bench.session.chain,
            "verifier": "trader",
            "now": self.bench.session.now(),
            "nonce": nonce_of("R-1"),
        }
        return Asked(**{**values, **changes})  # type: ignore[arg-type]  # fields by name


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Iterator[Mined]:
    with mining_bench(tmp_path_factory.mktemp("answers") / "home") as bench:
        yield Mined(bench, bench.mined())


@pytest.mark.parametrize(
    "claim",
    [
        "share IRMA-75/segregated Co >= 100 %",
        "intensity Co <= 3 kg CO2e/kg",
        "amount Co 100 kg .. 200 kg",
        "primary >= 100 %",
    ],
)
def test_a_claim_convinces_the_one_it_was_made_for(mined: Mined, claim: str) -> None:
    found = verify_claim_file(mined.prove(claim), mined.policy, mined.asked())
    assert found.question == read_claim(claim)
    assert found.lots == (mined.ore.lot_id,)
    assert found.checkpoint.size == mined.bench.session.ledger.size


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"verifier": "state"}, ClaimForAnother),
        ({"chain": "another-consortium"}, ClaimOfAnotherLedger),
        ({"nonce": nonce_of("R-2")}, ClaimNonceDiffers),
        ({"product": "CAR-1"}, ClaimOfAnotherProduct),
        ({"now": BlockTime(UNTIL + 1)}, ClaimExpired),
        ({"oldest": parse_time("2026-10-13T00:00:00Z")}, ClaimTooOld),
    ],
)
def test_a_claim_convinces_nobody_else(
    mined: Mined, changes: dict[str, object], error: type[Exception]
) -> None:
    data = mined.prove("primary >= 50 %")
    with pytest.raises(error):
        verify_claim_file(data, mined.policy, mined.asked(**changes))


@pytest.mark.parametrize(
    "claim",
    [
        "share IRMA-75/identity-preserved Co >= 1 %",
        "share IRMA-75 Cu >= 1 %",
        "intensity Co <= 1 kg CO2e/kg",
        "amount Co 113 kg .. 2 t",
    ],
)
def test_a_no_is_not_proved(mined: Mined, claim: str) -> None:
    with pytest.raises(AnswerIsNo) as refused:
        mined.prove(claim)
    assert refused.value.lots == 1


def test_what_cannot_be_asked(mined: Mined) -> None:
    with pytest.raises(NoSuchMetal):
        mined.prove("amount Li 1 kg .. 2 kg")
    with mined.bench.at("pit") as own, pytest.raises(NoLotsNamed):
        prove_claim(own, [], ClaimOrder(read_claim("primary >= 1 %"), "x", UNTIL))


def test_bytes_of_a_claim_count(mined: Mined) -> None:
    data = mined.prove("primary >= 50 %")
    note = read_claim_file(data).checkpoint
    start = data.index(note)
    free = range(start, start + len(note))  # lines of members beyond the threshold may be any
    places = [at for at in range(0, len(data), max(1, len(data) // 60)) if at not in free]
    assert len(places) > 30
    for at in places:
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(LodelineError):
            verify_claim_file(bytes(changed), mined.policy, mined.asked())


def test_a_former_owner_claims_nothing(mined: Mined) -> None:
    with mined.bench.at("pit") as own:
        spent = own.vault.lots()[0]
        assert spent.lot_id in own.session.state.consumers
        order = ClaimOrder(read_claim("primary >= 1 %"), "trader", UNTIL)
        with pytest.raises(ClaimedLotNotHeld):
            prove_claim(own, [spent], order)


# ------------------------------------------------------------------ disclosure


def test_a_lot_is_shown_to_one_member(mined: Mined) -> None:
    session = mined.bench.session
    with mined.bench.at("pit") as own:
        lot = own.vault.lot(mined.ore.lot_id)
        data = disclose(own, lot, MemberId("seal"), "for your audit")
    found = read_disclosed(session, MemberId("seal"), data)
    assert found.shown.contents == lot.contents
    assert found.shown.remark == "for your audit"
    assert found.unspent
    assert not found.recalled
    with pytest.raises(DisclosureForAnother) as refused:
        read_disclosed(session, MemberId("state"), data)
    assert refused.value.made_for == "seal"


# ------------------------------------------------------------------ bundles


def test_a_bundle_holds_for_a_stranger_and_no_byte_of_it_is_free(mined: Mined) -> None:
    with mined.bench.at("pit") as own:
        made = make_bundle(own, own.vault.lot(mined.ore.lot_id), (), verify_batch, None)
        trust = read_trust(own.session.workspace.trust)
    assert made.report.holds
    assert len(made.report.steps) == 10
    assert made.report.facts is not None
    assert made.report.facts.sites == ("kolwezi-pit",)
    step = len(made.data) // 25
    for at in range(0, len(made.data), step):
        changed = bytearray(made.data)
        changed[at] ^= 0x10
        assert not check_bundle(bytes(changed), trust, verify_batch, None).holds


def test_a_bundle_with_claims_is_for_one_reader(mined: Mined) -> None:
    claim = mined.prove("primary >= 50 %")
    asked = mined.asked(nonce=None)
    with mined.bench.at("pit") as own:
        lot = own.vault.lot(mined.ore.lot_id)
        made = make_bundle(own, lot, (claim,), verify_batch, asked)
        trust = read_trust(own.session.workspace.trust)
    assert made.report.facts is not None
    assert len(made.report.facts.claims) == 1
    assert not check_bundle(made.data, trust, verify_batch, None).holds
    other = mined.asked(verifier="state", nonce=None)
    assert not check_bundle(made.data, trust, verify_batch, other).holds


# ------------------------------------------------------------------ the way back


def test_the_way_back_goes_to_the_grants(mined: Mined) -> None:
    with mined.bench.at("pit") as own:
        found = trace_of(own, mined.ore.lot_id.hex()[:12])
    recipes = [step.recipe for step in found.lineage.steps.values()]
    assert sorted(map(str, recipes)) == ["grant-assurance", "grant-licence", "mine-copper-cobalt"]
    assert {node.form for node in found.lineage.ends} == {"licence", "assurance"}
    assert set(found.contents) == set(found.lineage.lots)
    with mined.bench.at("trader") as own:
        assert trace_of(own, mined.ore.lot_id.hex()[:12]).contents == {}


def test_the_way_forth_begins_at_a_lot_or_a_site(mined: Mined) -> None:
    with mined.bench.at("pit") as own:
        from_site = impact_of(own, "kolwezi-pit")
        licence = own.vault.lots()[0]
        from_lot = impact_of(own, licence.lot_id.hex())
        assert mined.ore.lot_id in from_site.lineage.lots
        assert mined.ore.lot_id in from_lot.lineage.lots
        assert lot_in_log(own, mined.ore.lot_id.hex()[:8]) == mined.ore.lot_id
        for name in ("no such thing", "ffffffffffff"):
            with pytest.raises(NothingNamed):
                trace_of(own, name)
