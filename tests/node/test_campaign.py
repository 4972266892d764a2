"""The examples, run one after the other: from ore to credit, from stock to a battery's bundle."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.benches import FOUNDERS, LATER, Bench, founded

from lodeline.custody.forms import FormClass
from lodeline.custody.strands import Strand
from lodeline.exchange.transform_file import parse_element_amount, read_transform_file
from lodeline.holder.plan_refusals import AssuranceTooSmall
from lodeline.holder.records import HeldLot, LotStatus
from lodeline.kernel.ids import MemberId, SiteId, StandardName
from lodeline.kernel.time import parse_period, parse_time
from lodeline.ledger.entries import Recognise
from lodeline.node.accounts import SiteAccounts
from lodeline.node.bundles import make_bundle
from lodeline.node.governing import register_site, vote
from lodeline.node.granting import GrantOrder, default_claim, grant
from lodeline.node.periods import accounts_of
from lodeline.node.requests import Request
from lodeline.node.tracing import trace_of
from lodeline.node.trading import accept, offer
from lodeline.node.transforming import Finished, finish, prepare, prove_chain
from lodeline.proofs.batch import verify_batch

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SITES = {
    "kolwezi-pit": "pit",
    "kolwezi-plant": "pit",
    "kokkola": "refiner",
    "pack-hall": "packer",
}
PACKS = ("8 kg Co", "40 kg Ni", "8 kg Mn", "6 kg Li", "50 kg C")
MORE = ("refiner:Refinery Oy:FI:refiner", "packer:Pack Makers:DE:packer")


def _grant(bench: Bench, by: str, kind: str, site: str, *amounts: str) -> None:
    found = [parse_element_amount(text) for text in amounts]
    order = GrantOrder(
        FormClass(kind),
        SiteId(site),
        {item.element: item.mass for item in found},
        default_claim("IRMA-75") if kind == "assurance" else None,
    )
    grant(bench.session, MemberId(by), order)


def _run(bench: Bench, name: str, example: str, *signers: str) -> Finished:
    text = (EXAMPLES / example).read_text(encoding="utf-8")
    with bench.at(name) as own:
        prepared = prepare(own, read_transform_file(example, text), EXAMPLES)
        done = finish(own, prepared, prove_chain(own, prepared.chain))
    if isinstance(done.sent, Request):
        bench.signed_by(done.sent, *signers)
    return done


def _held(bench: Bench, name: str, form: str) -> HeldLot:
    with bench.at(name) as own:
        (lot,) = [one for one in own.unspent() if one.public.form == form]
        return lot


def _account(bench: Bench, name: str, site: str, period: str) -> SiteAccounts:
    with bench.at(name) as own:
        return accounts_of(own, SiteId(site), parse_period(period))


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Iterator[Bench]:
    """Ore mined, leached, sold, refined under mass balance; packs from stock on the market."""
    with founded(tmp_path_factory.mktemp("campaign") / "home", *FOUNDERS, *MORE) as bench:
        for site, owner in SITES.items():
            register_site(bench.session, MemberId(owner), SiteId(site), site, "FI")
        acts = [
            Recognise(MemberId("state"), None, "licence", LATER),
            Recognise(MemberId("seal"), StandardName("IRMA-75"), None, LATER),
            Recognise(MemberId("seal"), None, "intake", LATER),
        ]
        vote(bench.session, acts)
        _grant(bench, "state", "licence", "kolwezi-pit", "2500 t Co", "60000 t Cu")
        _grant(bench, "seal", "assurance", "kolwezi-pit", "2500 t Co")
        _run(bench, "pit", "mine.yaml", "scales", "verifier")
        _run(bench, "pit", "leach.yaml", "scales", "verifier")
        hydroxide = _held(bench, "pit", "cobalt-hydroxide")
        with bench.at("pit") as own:
            lot = own.vault.lot(hydroxide.lot_id)
            (made,) = offer(own, [lot], MemberId("refiner"), parse_time("2026-11-01T00:00:00Z"))
        with bench.at("refiner") as own:
            accept(own, own.vault.offer(made.offer))
        _run(bench, "refiner", "refine-mass-balance.yaml", "scales", "verifier")
        yield bench


def test_a_leach_campaign_accounts_for_every_gram(campaign: Bench) -> None:
    with campaign.at("pit") as own:
        lots = {str(lot.public.form): lot.contents for lot in own.vault.lots()}
    cobalt, copper = Strand.parse("Co"), Strand.parse("Cu")
    ore, hydroxide = lots["copper-cobalt-ore"], lots["cobalt-hydroxide"]
    cathode, residue = lots["copper-cathode"], lots["leach-residue"]
    assert hydroxide.amount(cobalt) == 99_750_000
    assert hydroxide.amount(cobalt) + residue.amount(cobalt) == ore.amount(cobalt)
    assert cathode.amount(copper) + residue.amount(copper) == ore.amount(copper)
    emissions = [hydroxide.emissions, cathode.emissions, residue.emissions]
    assert sum(grams or 0 for grams in emissions) == 910_000
    plant = _account(campaign, "pit", "kolwezi-plant", "2026-10")
    (line,) = [one for one in plant.lines if one.account.text == "Co"]
    # made at the plant out of the pit's ore, and sold
    assert line.movements == {"processed": 112_057_920, "sold": -99_750_000}


def test_credit_is_deposited_carried_once_and_expires(campaign: Bench) -> None:
    credit = _held(campaign, "refiner", "credit")
    (claimed,) = credit.contents.claims.values()
    sulfate = _held(campaign, "refiner", "cobalt-sulfate")
    assert claimed == sulfate.contents.amount(Strand.parse("Co")) == 97_510_500
    assert not sulfate.contents.claims
    campaign.move("2026-12-20T00:00:00Z")
    _run(campaign, "refiner", "carry.yaml", "seal")
    carried = _held(campaign, "refiner", "credit-carried")
    (kept,) = carried.contents.claims.values()
    assert 0 < kept <= claimed // 2
    fourth = _account(campaign, "refiner", "kokkola", "2026-Q4")
    lines = {line.account.text: line for line in fourth.lines}
    line = lines["Co.credit · IRMA-75/mass-balance"]
    assert line.movements["deposited"] == claimed
    assert line.movements["carried"] == kept - claimed
    assert line.closing == kept
    campaign.move("2027-04-02T00:00:00Z")
    first = _account(campaign, "refiner", "kokkola", "2027-Q1")
    lines = {line.account.text: line for line in first.lines}
    line = lines["Co.credit · IRMA-75/mass-balance"]
    assert (line.opening, line.movements, line.closing) == (kept, {"expired": -kept}, 0)


def test_a_battery_is_traced_and_bundled_by_its_passport_number(tmp_path: Path) -> None:
    with founded(tmp_path / "home", *FOUNDERS, *MORE) as bench:
        register_site(bench.session, MemberId("packer"), SiteId("pack-hall"), "Hall", "DE")
        vote(bench.session, [Recognise(MemberId("seal"), None, "intake", LATER)])
        _grant(bench, "seal", "intake", "pack-hall", *PACKS)
        _run(bench, "packer", "stock.yaml", "seal")
        _run(bench, "packer", "market.yaml")
        with bench.at("packer") as own:
            found = trace_of(own, "urn:battery:example:0001")
            lot = own.vault.lot(found.lineage.roots[0])
            made = make_bundle(own, lot, (), verify_batch, None)
    assert [step.recipe for step in found.lineage.steps.values()] == [
        "grant-intake",
        "open-stock",
        "market-ev-battery",
    ]
    facts = made.report.facts
    assert facts is not None
    assert facts.identifier == "urn:battery:example:0001"
    assert facts.intakes == 1


RENEW = """
recipe: renew-licence
site: kolwezi-pit
inputs: ["{lot}"]
replaces: {granted}
outputs: [{{form: licence, contained: [3000 t Co, 70000 t Cu]}}]
"""
RENEW_ASSURANCE = """
recipe: renew-assurance
site: kolwezi-pit
inputs: ["{lot}"]
replaces: {granted}
outputs: [{{form: assurance, contained: [3000 t Co], claims: [IRMA-75]}}]
"""


def test_a_licence_is_replaced_net_of_what_was_used(bench: Bench) -> None:
    with bench.at("pit") as own:
        granted = {str(lot.public.form): lot.lot_id.hex() for lot in own.unspent()}
    bench.mined()
    for form, text, signer in (
        ("licence", RENEW, "state"),
        ("assurance", RENEW_ASSURANCE, "seal"),
    ):
        left = _held(bench, "pit", form).lot_id.hex()[:12]
        done = bench.report("pit", text.format(lot=left, granted=granted[form]))
        bench.signed_by(done.sent, signer)
    licence, assurance = _held(bench, "pit", "licence"), _held(bench, "pit", "assurance")
    assert licence.contents.amount(Strand.parse("Co.licence")) == 3_000_000_000_000
    assert list(assurance.contents.claims.values()) == [3_000_000_000_000]


def test_an_assurance_covers_what_is_claimed_and_no_more(bench: Bench) -> None:
    text = (EXAMPLES / "mine.yaml").read_text(encoding="utf-8").replace("24.60 t", "900000 t")
    with bench.at("pit") as own, pytest.raises(AssuranceTooSmall) as refused:
        prepare(own, read_transform_file("mine.yaml", text), EXAMPLES)
    assert refused.value.standard == "IRMA-75"


def test_documents_are_hashed_with_a_salt_that_stays_in_the_vault(
    bench: Bench, tmp_path: Path
) -> None:
    ore = bench.mined()
    (tmp_path / "ticket.pdf").write_bytes(b"weighbridge ticket")
    text = (
        f"recipe: store\ninputs: ['{ore.lot_id.hex()[:12]}']\n"
        "outputs: [{form: copper-cobalt-ore, documents: [ticket.pdf], memo: in bay 4}]"
    )
    with bench.at("pit") as own:
        prepared = prepare(own, read_transform_file("store.yaml", text), tmp_path)
        done = finish(own, prepared, prove_chain(own, prepared.chain))
        lot = own.vault.lot(done.built.made[0].lot_id)
        facts = own.vault.facts(lot.lot_id)
    assert facts is not None
    (document,) = facts.documents
    document.check(b"weighbridge ticket")
    assert lot.references == (document.hash,)
    assert lot.memo == "in bay 4"
    assert lot.status is LotStatus.UNSPENT
