"""Votes, keys and grants: what members decide together, and what an authority gives."""

from pathlib import Path

import pytest
from tests.node.benches import LATER, PASSPHRASE, PIT, START, Bench, at_work, founded

from lodeline.custody.forms import FormClass
from lodeline.engine.interface import Receipt
from lodeline.holder.keystore import Passphrase
from lodeline.kernel.ids import ElementSymbol, MemberId, RecipeName, SiteId
from lodeline.kernel.time import parse_period
from lodeline.kernel.units import parse_mass
from lodeline.ledger.checkpoint import TooFewSignatures
from lodeline.ledger.entries import AdmitMember, Recognise
from lodeline.ledger.refusals_entries import RoleMissing
from lodeline.ledger.refusals_governance import RecipeKnown, SiteOfOther
from lodeline.ledger.refusals_grants import GrantExists, GrantorNotRecognised
from lodeline.ledger.refusals_transforms import UnknownSite
from lodeline.node.clock import ManualClock
from lodeline.node.cosigning import co_sign, submit_request
from lodeline.node.founding import MemberSpec, member_record
from lodeline.node.governing import (
    RecipeNotFound,
    adopt_shipped_recipe,
    adopt_written_recipes,
    recipe_in_force,
    recipe_named,
    register_site,
    retire_recipe,
    rotate_keys,
    vote,
)
from lodeline.node.granting import (
    GrantOrder,
    GrantPeriodOver,
    GrantWithoutStandard,
    default_claim,
    grant,
)
from lodeline.node.logbook import genesis_of, keep_signed, log_lines, signed_checkpoint, verify_log
from lodeline.node.requests import Request, missing
from lodeline.node.trust import trust_of, write_trust
from lodeline.proofs.batch import verify_batch

COBALT = {ElementSymbol("Co"): parse_mass("10 t")}


def _others_are_elsewhere(member: MemberId) -> Passphrase:
    return Passphrase.typed(PASSPHRASE if member == "pit" else "theirs, not this one")


def test_a_vote_with_too_few_keys_goes_round_as_a_file(tmp_path: Path) -> None:
    with founded(tmp_path / "home"):
        pass
    clock = ManualClock(START)
    act = Recognise(MemberId("state"), None, "licence", LATER)
    with at_work(tmp_path / "home", clock, _others_are_elsewhere) as session:
        request = vote(session, (act,))
        assert isinstance(request, Request)
        assert [item.member for item in request.signatures] == ["pit"]
        assert "pit" not in missing(session.state, request)
        size = int(session.ledger.size)
    with at_work(tmp_path / "home", clock) as session:
        for name in ("state", "scales", "seal"):
            request = co_sign(session, request, MemberId(name)).request
        assert missing(session.state, request) == ()
        assert int(submit_request(session, request).index) == size


def test_a_member_is_admitted_with_keys_of_its_own(bench: Bench) -> None:
    spec = MemberSpec.parse("newcomer:New Refinery:FI:refiner")
    record = member_record(spec, bench.session.keyring.create(spec.member), votes=False)
    assert isinstance(vote(bench.session, (AdmitMember(record),)), Receipt)
    assert bench.session.member(spec.member).title == "New Refinery"
    with bench.at("newcomer") as own:
        assert own.unspent() == ()


def test_a_site_belongs_to_one_member(bench: Bench) -> None:
    with pytest.raises(SiteOfOther) as refused:
        register_site(bench.session, MemberId("trader"), PIT, "Mine", "CH")
    assert (refused.value.site, refused.value.member) == (PIT, "trader")
    # The key that was made for the failed vote does no harm, and is used when it succeeds.
    again = register_site(bench.session, MemberId("trader"), SiteId("lake"), "Lake", "CH")
    assert isinstance(again, Receipt)


def test_a_rotated_key_signs_from_then_on(bench: Bench) -> None:
    session = bench.session
    before = session.member(MemberId("pit")).key
    rotate_keys(session, MemberId("pit"))
    after = session.member(MemberId("pit")).key
    assert after != before
    assert session.keys(MemberId("pit")).signing.public == after
    assert not session.workspace.keystore(MemberId("pit")).with_name("keystore.next").exists()
    with bench.at("pit") as own:
        assert {lot.public.form for lot in own.unspent()} == {"licence", "assurance"}


def test_a_trust_file_is_renewed_by_hand_only(bench: Bench) -> None:
    session = bench.session
    for name in ("pit", "state", "scales"):
        rotate_keys(session, MemberId(name))
    with pytest.raises(TooFewSignatures):
        signed_checkpoint(session)
    write_trust(session.workspace, trust_of(session.state, genesis_of(session)), over=True)
    note, signers = signed_checkpoint(session)
    assert b"test-consortium" in note
    assert len(signers) == 6


def test_recipes_are_adopted_once_and_retired(bench: Bench) -> None:
    session = bench.session
    with pytest.raises(RecipeKnown):
        adopt_shipped_recipe(session, RecipeName("blend"))
    retire_recipe(session, RecipeName("blend"))
    _, record = recipe_named(session, RecipeName("blend"))
    assert record.retired
    assert not recipe_in_force(session, record)
    for act in (adopt_shipped_recipe, retire_recipe):
        with pytest.raises(RecipeNotFound):
            act(session, RecipeName("alchemy"))


UNSOUND = """
recipes:
  - name: nickel-to-cobalt
    version: 1
    family: process
    title_en: Alchemy
    title_fr: Alchimie
    valid_from: 2025-01-01
    elements: [Co, Ni]
    inputs: [{forms: [nickel-sulfate], at_least: 1, at_most: 2}]
    outputs: [{forms: [cobalt-sulfate], at_least: 1, at_most: 2}]
    balances: [{left: [Ni], right: [Co], min_recovery_ppm: 900_000}]
    custody: segregated
    allocation_table: contained-mass-2025
    allocation: {cobalt-sulfate: {Co: 1_000_000}}
    source: assumption
"""


def test_a_written_recipe_that_creates_something_is_not_adopted(
    bench: Bench, tmp_path: Path
) -> None:
    path = tmp_path / "alchemy.yaml"
    path.write_text(UNSOUND)
    size = bench.session.ledger.size
    with pytest.raises(Exception, match="nickel-to-cobalt"):
        adopt_written_recipes(bench.session, path)
    assert bench.session.ledger.size == size


# ------------------------------------------------------------------ grants


def _order(kind: FormClass = FormClass.QUOTA, site: str = "kolwezi-pit") -> GrantOrder:
    return GrantOrder(kind, SiteId(site), COBALT)


def test_a_grant_reaches_the_member_of_the_site(bench: Bench) -> None:
    granted = grant(bench.session, MemberId("state"), _order())
    assert granted.to == "pit"
    with bench.at("pit") as own:
        lot = own.vault.lot(granted.lot)
    assert lot.public.form == "quota"
    assert lot.site == PIT
    assert lot.public.expires == granted.expires


def test_who_may_not_grant(bench: Bench) -> None:
    session = bench.session
    with pytest.raises(RoleMissing) as refused:
        grant(session, MemberId("state"), _order(FormClass.INTAKE))
    assert refused.value.role == "auditor"
    other = GrantOrder(FormClass.ASSURANCE, PIT, COBALT, default_claim("IRMA-50"))
    with pytest.raises(GrantorNotRecognised) as unknown:
        grant(session, MemberId("seal"), other)
    assert unknown.value.standard == "IRMA-50"
    with pytest.raises(UnknownSite):
        grant(session, MemberId("state"), _order(site="moon"))
    with pytest.raises(GrantWithoutStandard):
        grant(session, MemberId("seal"), _order(FormClass.ASSURANCE))


def test_one_grant_a_month_and_only_for_this_month(bench: Bench) -> None:
    session = bench.session
    november = GrantOrder(FormClass.QUOTA, PIT, COBALT, month=parse_period("2026-11"))
    with pytest.raises(GrantPeriodOver) as refused:
        grant(session, MemberId("state"), november)
    assert (refused.value.asked, refused.value.present) == ("2026-11", "2026-10")
    grant(session, MemberId("state"), _order())
    with pytest.raises(GrantExists):
        grant(session, MemberId("state"), _order())
    bench.move("2026-11-01T00:00:00Z")
    grant(session, MemberId("state"), november)


def test_an_assurance_is_segregated_unless_told() -> None:
    assert default_claim("IRMA-75").text == "IRMA-75/segregated"
    assert default_claim("IRMA-75/mass-balance").text == "IRMA-75/mass-balance"


# ------------------------------------------------------------------ the log


def test_the_log_is_read_and_verified_from_nothing(bench: Bench) -> None:
    lines = list(log_lines(bench.session, 0, int(bench.session.ledger.size)))
    assert [line.kind for line in lines[:2]] == ["genesis", "govern"]
    assert {line.subject for line in lines} >= {"Test", "register-site", "grant-licence"}
    seen: list[int] = []
    found = verify_log(bench.session, verify_batch, lambda done, _: seen.append(done))
    assert found.is_clean
    assert found.applied == bench.session.ledger.size == max(seen)
    assert found.proofs == 2


def test_a_signed_checkpoint_is_kept_and_looked_at(bench: Bench) -> None:
    note, signers = signed_checkpoint(bench.session)
    assert len(signers) == 6
    keep_signed(bench.session, note)
    assert bench.session.ledger.signed_checkpoint() == note
    assert verify_log(bench.session, verify_batch, lambda *_: None).checkpoints == 1
