"""Events that are proved and put on a ledger, a second: captured, mapped, proved, signed, appended.

A mine reports lots of ore, each against its licence of the month and its assurance, each signed by
a weighbridge and an energy auditor; all keys are in one folder and open. Time is from the first
byte of the documents to the last event in the log: one event after the other, since each uses what
the one before left of the licence.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import orjson

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.generators import bit_generators
from lodeline.custody.forms import FormClass
from lodeline.exchange.epcis.context import EPCIS_CONTEXT
from lodeline.holder.keystore import Passphrase
from lodeline.kernel.ids import ChainId, ElementSymbol, MemberId, SiteId, StandardName
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.kernel.units import parse_mass
from lodeline.ledger.entries import Recognise
from lodeline.node.clock import ManualClock
from lodeline.node.events.capture import capture
from lodeline.node.events.jobs import Behaviour, Who
from lodeline.node.events.mapping import read_mapping
from lodeline.node.events.pipeline import Pipeline
from lodeline.node.events.reading import Offered
from lodeline.node.events.signing_round import HouseRound
from lodeline.node.events.states import EventState, count_states
from lodeline.node.events.store import EventStore
from lodeline.node.founding import Founding, MemberSpec, found
from lodeline.node.governing import register_site, vote
from lodeline.node.granting import GrantOrder, default_claim, grant
from lodeline.node.holding import holding
from lodeline.node.keyring import Keyring
from lodeline.node.opening import opened
from lodeline.node.session import Session
from lodeline.node.workspace import Workspace

__all__ = ["proved_events_per_s"]

_START: Final = parse_time("2026-10-12T08:00:00Z")
_UNTIL: Final = BlockTime(_START + 365 * 24 * 3600)
_MINE: Final = MemberId("mine")
_SITE: Final = SiteId("pit")
_GENERATORS: Final = 1024
"""Derived once for each process, and not of an event."""
_MEMBERS: Final = (
    "mine:Mine:CD:miner",
    "cadastre:Cadastre:CD:authority",
    "scales:Scales:CD:weighbridge",
    "meters:Meters:BE:energy-auditor",
    "assurance:Assurance:NL:auditor,certifier",
)
_PLACE: Final = "urn:epc:id:sgln:4012345.00001.0"
_ORE: Final = "4012345.011111"
_MAPPING: Final = f"""
company: {_MINE}
sites: {{"{_PLACE}": {_SITE}}}
goods:
  - {{class: "urn:epc:idpat:lgtin:{_ORE}.*", form: copper-cobalt-ore, claims: [IRMA-75]}}
steps:
  - when: {{type: ObjectEvent, action: ADD, step: commissioning, out: [copper-cobalt-ore]}}
    do: make
    recipe: mine-copper-cobalt
    process: {{intensity: 2 kg CO2e/kg, of: [Co]}}
"""
_ASSAY: Final = {
    "GUTLYIVDDKVIGB-UHFFFAOYSA-N": 0.52,  # cobalt, per cent
    "RYGMFSIKBFXOCR-UHFFFAOYSA-N": 2.1,  # copper
    "XLYOFNOQVPJJNP-UHFFFAOYSA-N": 12.4,  # water
}


def proved_events_per_s(folder: Path, store: EventStore, events: int) -> float:
    """Return how many events a second come from a document to the ledger.

    Args:
        folder: empty, for ledger, keys and vaults.
        store: where the events are captured; no tenant of it is called as the mine.
        events: how many; each takes some tenths of a second.
    """
    workspace = Workspace(folder / "node")
    workspace.members_folder.mkdir(parents=True)
    passphrase = Passphrase.typed("of the measurement")
    ring = Keyring(workspace, lambda _: passphrase, SystemEntropy())
    with opened(workspace, ring, ManualClock(_START), SystemEntropy()) as session:
        _found(session)
        mapping = read_mapping("bench", _MAPPING)
        tenant = store.tenant(_MINE)
        pipeline = Pipeline(store, tenant, mapping, HouseRound(), workspace.folder)
        documents = [_document(first) for first in range(events)]
        bit_generators(_GENERATORS)
        start = time.perf_counter()
        for data in documents:
            capture(store, tenant, Offered(data), who=Who(_MINE), behaviour=Behaviour.ROLLBACK)
        with holding(session, _MINE) as own:
            pipeline.turn(own)
        seconds = time.perf_counter() - start
    counted = count_states(store, tenant)
    if counted != {EventState.ON_LEDGER: events}:
        raise AssertionError(counted)
    return events / seconds


def _found(session: Session) -> None:
    """Found a consortium in which the mine has a licence, and its ore an assurance."""
    specs = tuple(MemberSpec.parse(text) for text in _MEMBERS)
    found(session, Founding(ChainId("bench"), "bench", specs, synthetic=True))
    register_site(session, _MINE, _SITE, "Pit", "CD")
    cadastre, assurance = MemberId("cadastre"), MemberId("assurance")
    vote(
        session,
        [
            Recognise(cadastre, None, "licence", _UNTIL),
            Recognise(assurance, StandardName("IRMA-75"), None, _UNTIL),
        ],
    )
    cobalt, copper = ElementSymbol("Co"), ElementSymbol("Cu")
    amounts = {cobalt: parse_mass("2500 t"), copper: parse_mass("60000 t")}
    grant(session, cadastre, GrantOrder(FormClass.LICENCE, _SITE, amounts))
    claimed = {cobalt: parse_mass("2500 t")}
    claim = default_claim("IRMA-75")
    grant(session, assurance, GrantOrder(FormClass.ASSURANCE, _SITE, claimed, claim))


def _document(at: int) -> bytes:
    return orjson.dumps(
        {
            "@context": [EPCIS_CONTEXT],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-10-12T08:00:00.000Z",
            "epcisBody": {"eventList": [_mined(at)]},
        }
    )


def _mined(at: int) -> dict[str, object]:
    """Ore of one day, weighed and assayed."""
    return {
        "type": "ObjectEvent",
        "eventTime": f"2026-10-12T08:{at // 60 % 60:02d}:{at % 60:02d}.000Z",
        "eventTimeZoneOffset": "+02:00",
        "bizStep": "commissioning",
        "action": "ADD",
        "readPoint": {"id": _PLACE},
        "quantityList": [
            {"epcClass": f"urn:epc:class:lgtin:{_ORE}.L{at}", "quantity": 24_600, "uom": "KGM"}
        ],
        "sensorElementList": [{"sensorReport": _reports(_ASSAY.items())}],
    }


def _reports(assay: Iterable[tuple[str, float]]) -> Sequence[dict[str, object]]:
    return [
        {
            "type": "Dimensionless",
            "chemicalSubstance": f"https://identifiers.org/inchikey:{substance}",
            "value": share,
            "uom": "P1",
        }
        for substance, share in assay
    ]
