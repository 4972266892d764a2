"""Validators' checkpoints go to outside witnesses and onto a web server like anybody else's."""

from pathlib import Path

import pytest
from msgspec import structs
from tests.engine.consortium_api.network import Committee
from tests.engine.witnesses.in_process import InProcess
from tests.node.benches import START, Bench, at_work
from tests.node.test_consortium_member import committee, home, urls

from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.witnesses.app import witness_app
from lodeline.engine.witnesses.client import WitnessClient
from lodeline.ledger.checkpoint import TooFewCosignatures, verify_checkpoint
from lodeline.ledger.signednote import KeyName
from lodeline.node.bundles import make_bundle
from lodeline.node.clock import ManualClock
from lodeline.node.membership import connect
from lodeline.node.publishing import publish_log, verify_published
from lodeline.node.trust import read_trust, write_trust
from lodeline.node.verifying import proof_workers
from lodeline.node.witnessing import followed_logs, make_key, send_to_witnesses, witness_in
from lodeline.node.workspace import Workspace

__all__ = ["committee", "home", "urls"]


def test_a_checkpoint_of_validators_is_witnessed_published_and_shown(
    committee: Committee, urls: list[str], home: Workspace, tmp_path: Path
) -> None:
    trust = structs.replace(committee.trust, signers="validators")
    connect(home, urls, trust)
    clock = ManualClock(START)
    key = make_key(tmp_path / "w", KeyName("witness.example"), SystemEntropy())
    write_trust(home, trust.witnessed_by([key], 1), over=True)
    policy = read_trust(home.trust).policy()
    logs = followed_logs((), [home.trust])
    with (
        at_work(home.folder, clock) as session,
        witness_in(tmp_path / "w", logs, clock) as witness,
        proof_workers() as verify,
    ):
        bench = Bench(session, clock)
        with bench.at("pit") as own:
            own.update()
        lot = bench.mined()
        with pytest.raises(TooFewCosignatures):
            verify_checkpoint(session.ledger.signed_checkpoint(), policy)
        client = WitnessClient("http://witness.example", InProcess(witness_app(witness)))
        note, (outcome,) = send_to_witnesses(session, [client])
        assert (outcome.refusal, [name for name, _ in outcome.cosigned]) == (None, [key.name])
        assert verify_checkpoint(note, policy).size == session.ledger.size
        with bench.at("pit") as own:
            found = make_bundle(own, lot, [], verify, None).report.steps[1].found
        assert found is not None
        assert "validators you trust and 1 of the 1 outside witnesses signed" in found.en
        assert publish_log(session, tmp_path / "public").size == session.ledger.size
        report = verify_published(str(tmp_path / "public"), read_trust(home.trust), verify)
    assert (report.note, report.replayed) == (note, True)
