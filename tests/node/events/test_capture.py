"""Capture, like an adversary: twice, half wrong, too much, of somebody else, under a taken id."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from tests.node.events.conftest import SetClock
from tests.node.events.documents import (
    BROKEN,
    CONTEXT,
    Json,
    bare,
    document,
    event,
    xml_document,
    xml_event,
)

from lodeline.exchange.epcis.document import Document, EventId
from lodeline.exchange.epcis.errors import (
    EpcisRefused,
    JsonBroken,
    SchemaBroken,
    TopLevelWrong,
    XmlBroken,
    XmlDeclaresEntities,
)
from lodeline.exchange.epcis.xml_in import read_xml
from lodeline.node.events import reading
from lodeline.node.events.capture import capture, capture_event
from lodeline.node.events.database import open_engine
from lodeline.node.events.jobs import (
    MAX_JOB_ERRORS,
    Behaviour,
    CaptureId,
    CaptureJob,
    JobNumber,
    Who,
    job,
    jobs,
)
from lodeline.node.events.master_data import VocabularyType, master_elements
from lodeline.node.events.preparing import MAX_EVENT_ID_BYTES
from lodeline.node.events.reading import (
    CaptureLimits,
    ContentType,
    Offered,
    content_type,
    read_offered,
)
from lodeline.node.events.refusals import (
    CaptureJobUnknown,
    ContentTypeUnknown,
    DocumentEmpty,
    EventIdTaken,
    EventIdTooLong,
    EventNotAlone,
    EventsOverLimit,
    EventUnknown,
)
from lodeline.node.events.schema import EVENT_STATES, EVENT_TERMS, EVENTS
from lodeline.node.events.states import EventState, count_states, events_in_state
from lodeline.node.events.store import EventStore, Seq, StoredEvent, Tenant, TenantName
from lodeline.node.events.terms import TermKind, term_value

WHO = Who("clerk")
UUID = "urn:uuid:831c0292-4de1-430a-8255-2aca821abaab"
OTHER_UUID = "urn:uuid:00000000-4de1-430a-8255-2aca821abaab"
DECLARED = {"declarationTime": "2026-03-02T10:00:00.000Z", "reason": "incorrect_data"}


def take(store: EventStore, tenant: Tenant, data: bytes, **options: Any) -> CaptureJob:
    return capture(store, tenant, Offered(data), who=WHO, **options)


def everything(store: EventStore, tenant: Tenant) -> list[StoredEvent]:
    return list(store.events_after(tenant, Seq(0), 1_000))


def rows(store: EventStore) -> tuple[int, int, int]:
    """How many events, states, and events with terms the whole store has."""
    with store.reading() as connection:
        events = connection.execute(select(func.count()).select_from(EVENTS)).scalar_one()
        states = connection.execute(select(func.count()).select_from(EVENT_STATES)).scalar_one()
        termed = select(func.count(EVENT_TERMS.c.seq.distinct()))
        return events, states, connection.execute(termed).scalar_one()


# ------------------------------------------------------------------ what is taken


def test_a_document_is_taken_in_its_order_and_answer_ready(
    store: EventStore, miner: Tenant, clock: SetClock
) -> None:
    done = take(store, miner, document(event(1), event(2)))
    assert (done.success, done.events, done.captured, done.known, done.refused) == (
        True,
        2,
        2,
        0,
        0,
    )
    kept = everything(store, miner)
    assert [one.seq for one in kept] == [1, 2]
    body = json.loads(kept[0].body)
    assert body["eventID"] == kept[0].event_id
    assert kept[0].event_id.startswith("ni:///sha-256;")
    assert body["recordTime"] == "2026-03-01T08:00:00.000000Z"
    del body["eventID"], body["recordTime"]
    assert body == event(1)
    assert kept[0].record_time == clock.moment
    assert kept[0].event_time == clock.moment + 1_000_000
    assert count_states(store, miner) == {EventState.RECEIVED: 2}
    assert rows(store) == (2, 2, 2)


def test_a_job_can_be_looked_up_by_its_owner_alone(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    done = take(store, miner, document(event(1)))
    assert job(store, miner, done.capture_id) == done
    with pytest.raises(CaptureJobUnknown):
        job(store, refiner, done.capture_id)
    with pytest.raises(CaptureJobUnknown):
        job(store, miner, CaptureId("none"))
    assert jobs(store, refiner, limit=10) == []


def test_jobs_are_listed_page_by_page_the_latest_first(store: EventStore, miner: Tenant) -> None:
    made = [take(store, miner, document(event(serial))) for serial in range(5)]
    page = jobs(store, miner, limit=2)
    assert list(page) == [made[4], made[3]]
    assert list(jobs(store, miner, before=page[-1].number, limit=2)) == [made[2], made[1]]
    assert list(jobs(store, miner, before=JobNumber(1), limit=2)) == []


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (document(event(7)), ContentType.JSON),
        (bare(event(7)), ContentType.JSON),
        (b"[" + bare(event(7)) + b"]", ContentType.JSON),
        (xml_document(xml_event(7)), ContentType.XML),
    ],
)
def test_one_event_in_any_form_is_the_same_event(
    store: EventStore, miner: Tenant, data: bytes, form: ContentType
) -> None:
    take(store, miner, document(event(7)))
    done = capture(store, miner, Offered(data, form), who=WHO)
    assert (done.captured, done.known) == (0, 1)


def test_spelling_does_not_make_another_event(store: EventStore, miner: Tenant) -> None:
    take(store, miner, document(event(7)))
    again = event(
        7,
        eventTime="2026-03-01T10:00:07+02:00",
        bizStep="https://ref.gs1.org/cbv/BizStep-shipping",
        epcList=["https://example.com/01/04012345111224/21/7"],
    )
    assert take(store, miner, document(again)).known == 1
    assert len(everything(store, miner)) == 1


def test_the_time_of_recording_is_this_node_s(store: EventStore, miner: Tenant) -> None:
    take(store, miner, document(event(1, recordTime="1999-01-01T00:00:00Z")))
    (kept,) = everything(store, miner)
    assert json.loads(kept.body)["recordTime"] == "2026-03-01T08:00:00.000000Z"


def test_a_clock_that_goes_back_does_not_disturb_the_order(
    store: EventStore, miner: Tenant, clock: SetClock
) -> None:
    take(store, miner, document(event(1)))
    clock.pass_seconds(-3600)
    take(store, miner, document(event(2)))
    clock.pass_seconds(7200)
    take(store, miner, document(event(3)))
    first, second, third = (one.record_time for one in everything(store, miner))
    assert first == second < third


def test_terms_are_found_in_either_spelling(store: EventStore, miner: Tenant) -> None:
    take(store, miner, document(event(7), event(8)))
    for spelled in (
        "urn:epc:id:sgtin:4012345.011122.7",
        "https://x.example/01/04012345111224/21/7",
    ):
        query = (
            select(EVENT_TERMS.c.seq)
            .where(EVENT_TERMS.c.tenant == miner.number, EVENT_TERMS.c.kind == TermKind.EPC)
            .where(EVENT_TERMS.c.value == term_value(spelled))
        )
        with store.reading() as connection:
            assert list(connection.execute(query).scalars()) == [1]


# ------------------------------------------------------------------ twice


def test_a_document_sent_again_is_known_not_written(store: EventStore, miner: Tenant) -> None:
    data = document(event(1), event(2))
    first, second = take(store, miner, data), take(store, miner, data)
    assert (second.success, second.captured, second.known) == (True, 0, 2)
    assert second.capture_id != first.capture_id
    assert rows(store) == (2, 2, 2)


def test_an_event_twice_in_a_document_is_taken_once(store: EventStore, miner: Tenant) -> None:
    done = take(store, miner, document(event(1), event(1), event(2)))
    assert (done.success, done.captured, done.known) == (True, 2, 1)


def test_an_event_under_another_id_is_still_the_same_event(
    store: EventStore, miner: Tenant
) -> None:
    """Or a partner could have one shipment counted twice by sending it under two names."""
    take(store, miner, document(event(1)))
    assert take(store, miner, document(event(1, eventID=UUID))).known == 1
    take(store, miner, document(event(2, eventID=UUID)))
    assert take(store, miner, document(event(2))).known == 1
    assert take(store, miner, document(event(2, eventID=OTHER_UUID))).known == 1
    assert len(everything(store, miner)) == 2


def test_an_event_is_found_by_its_own_id_and_by_its_hash(store: EventStore, miner: Tenant) -> None:
    take(store, miner, document(event(1)))
    hash_id = everything(store, miner)[0].event_id
    take(store, miner, document(event(2, eventID=UUID)))
    assert store.event(miner, hash_id).seq == 1
    assert store.event(miner, EventId(UUID)).seq == 2
    with store.reading() as connection:
        query = select(EVENTS.c.hash_id).where(EVENTS.c.seq == 2)
        content = connection.execute(query).scalar_one()
    assert store.event(miner, EventId(content)).seq == 2


def test_tenants_do_not_know_one_another_s_events(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    take(store, miner, document(event(1, eventID=UUID)))
    done = take(store, refiner, document(event(2, eventID=UUID)))
    assert done.captured == 1
    assert [one.seq for one in everything(store, miner)] == [1]
    assert [one.seq for one in everything(store, refiner)] == [2]
    with pytest.raises(EventUnknown):
        store.event(refiner, everything(store, miner)[0].event_id.replace("urn", "x"))  # type: ignore[arg-type] # any text will do
    assert events_in_state(store, refiner, EventState.RECEIVED, after=Seq(0), limit=9) == [
        store.event(refiner, EventId(UUID))
    ]


# ------------------------------------------------------------------ taken ids, corrections


def test_an_id_does_not_get_another_content(store: EventStore, miner: Tenant) -> None:
    take(store, miner, document(event(1, eventID=UUID)))
    done = take(store, miner, document(event(2, eventID=UUID)))
    assert (done.success, done.captured, done.refused) == (False, 0, 1)
    assert [error.reason.code for error in done.errors] == ["event-id-taken"]
    with pytest.raises(EventIdTaken) as refused:
        capture_event(store, miner, Offered(bare(event(2, eventID=UUID))))
    assert refused.value.event_id == UUID
    assert refused.value.stored != refused.value.offered


def test_two_contents_under_one_id_in_a_document_are_refused(
    store: EventStore, miner: Tenant
) -> None:
    done = take(store, miner, document(event(1, eventID=UUID), event(2, eventID=UUID)))
    assert [(error.event, error.reason.code) for error in done.errors] == [
        (1, "event-twice-in-document")
    ]
    assert everything(store, miner) == []


def test_an_error_declaration_is_linked_to_its_event(store: EventStore, miner: Tenant) -> None:
    take(store, miner, document(event(1)))
    wrong = everything(store, miner)[0]
    right = {**DECLARED, "correctiveEventIDs": [UUID]}
    declaration = event(1, eventID=wrong.event_id, errorDeclaration=right)
    done = take(store, miner, document(declaration, event(2, eventID=UUID)))
    assert (done.success, done.captured) == (True, 2)
    assert take(store, miner, document(declaration)).known == 1
    found = store.events_of_id(miner, wrong.event_id)
    assert [(one.seq, one.is_declaration) for one in found] == [(1, False), (2, True)]
    assert store.event(miner, wrong.event_id) == wrong
    with store.reading() as connection:
        query = select(EVENT_TERMS.c.seq).where(
            EVENT_TERMS.c.kind == TermKind.CORRECTIVE_EVENT, EVENT_TERMS.c.value == UUID
        )
        assert list(connection.execute(query).scalars()) == [2]


def test_a_second_declaration_is_another_one(store: EventStore, miner: Tenant) -> None:
    take(store, miner, document(event(1)))
    later = {**DECLARED, "declarationTime": "2026-03-03T10:00:00.000Z"}
    for declared in (DECLARED, later):
        assert take(store, miner, document(event(1, errorDeclaration=declared))).captured == 1
    assert len(everything(store, miner)) == 3


def test_a_declaration_may_come_before_its_event(store: EventStore, miner: Tenant) -> None:
    take(store, miner, document(event(1, errorDeclaration=DECLARED)))
    take(store, miner, document(event(1)))
    event_id = everything(store, miner)[0].event_id
    assert [one.seq for one in store.events_of_id(miner, event_id)] == [2, 1]


def test_a_declaration_that_rewrites_its_event_is_refused(store: EventStore, miner: Tenant) -> None:
    take(store, miner, document(event(1, eventID=UUID)))
    forged = event(2, eventID=UUID, errorDeclaration=DECLARED)
    done = take(store, miner, document(forged))
    assert [error.reason.code for error in done.errors] == ["event-declaration-differs"]


# ------------------------------------------------------------------ rollback and proceed


def test_rollback_takes_nothing_of_a_document_with_one_bad_event(
    store: EventStore, miner: Tenant
) -> None:
    done = take(store, miner, document(event(1), BROKEN, event(2)))
    assert (done.success, done.events, done.captured, done.refused) == (False, 3, 0, 1)
    assert [(error.event, error.reason.code) for error in done.errors] == [
        (1, "epcis-value-not-allowed")
    ]
    assert "eventList/1" in done.errors[0].reason.en
    assert rows(store) == (0, 0, 0)
    assert store.last_seq() == 0
    assert job(store, miner, done.capture_id) == done


def test_proceed_takes_the_good_ones_and_tells_of_every_bad_one(
    store: EventStore, miner: Tenant
) -> None:
    stray = event(3, epcList=None, action=None)
    data = document(BROKEN, event(1), event(1), stray, event(2))
    done = take(store, miner, data, behaviour=Behaviour.PROCEED)
    assert (done.success, done.captured, done.known, done.refused) == (False, 2, 1, 2)
    assert [error.event for error in done.errors] == [0, 3]
    assert len(everything(store, miner)) == 2


def test_proceed_in_xml_tells_of_every_bad_event_too(store: EventStore, miner: Tenant) -> None:
    strange = xml_event(3).replace("bizStep>", "bizStop>")
    data = xml_document(xml_event(1), xml_event(2, "SOMETIMES"), strange, xml_event(4))
    offered = Offered(data, ContentType.XML)
    done = capture(store, miner, offered, who=WHO, behaviour=Behaviour.PROCEED)
    assert (done.success, done.captured, done.refused) == (False, 2, 2)
    assert [(error.event, error.reason.code) for error in done.errors] == [
        (1, "epcis-value-not-allowed"),
        (2, "epcis-xml-element-unknown"),
    ]


def test_a_large_header_is_not_read_again_for_each_event(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counting(data: bytes) -> Document:
        sizes.append(len(data))
        return read_xml(data)

    monkeypatch.setattr(reading, "read_xml", counting)
    header = f"<EPCISHeader><x:a xmlns:x='urn:x'>{'x' * 500_000}</x:a></EPCISHeader>"
    good = [xml_event(serial) for serial in range(40)]
    data = xml_document(*good, xml_event(59, "SOMETIMES"))
    data = data.replace(b"<EPCISBody>", f"{header}<EPCISBody>".encode())
    found = read_offered(Offered(data, ContentType.XML), CaptureLimits()).events
    assert [at for at, one in enumerate(found) if isinstance(one, SchemaBroken)] == [40]
    assert len(sizes) == 43
    assert sum(sizes) < 4 * len(data)


def test_what_stands_around_many_events_is_not_read_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_MOST_AGAIN", 100_000)
    data = xml_document(*(xml_event(serial) for serial in range(40)), xml_event(59, "SOMETIMES"))
    wide = data.replace(b"schemaVersion=", f'xmlns:x="urn:{"x" * 9_000}" schemaVersion='.encode())
    with pytest.raises(SchemaBroken):
        read_offered(Offered(wide, ContentType.XML), CaptureLimits())
    assert len(read_offered(Offered(data, ContentType.XML), CaptureLimits()).events) == 41


def test_a_job_tells_of_many_errors_and_counts_the_rest(
    sqlite_store: EventStore,
) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    many = MAX_JOB_ERRORS + 5
    done = take(sqlite_store, miner, document(*[BROKEN] * many))
    assert (len(done.errors), done.refused) == (MAX_JOB_ERRORS, many)


# ------------------------------------------------------------------ refused as a whole


@pytest.mark.parametrize(
    ("data", "form", "reason"),
    [
        (b"{", ContentType.JSON, JsonBroken),
        (b"\xff", ContentType.JSON, JsonBroken),
        (b"7", ContentType.JSON, TopLevelWrong),
        (b"<a", ContentType.XML, XmlBroken),
        (b"<!DOCTYPE a><a/>", ContentType.XML, XmlDeclaresEntities),
        (b"<a/>", ContentType.XML, TopLevelWrong),
        (document(event(1)).replace(b":30:00.000Z", b":30"), ContentType.JSON, SchemaBroken),
        (
            document(event(1)).replace(CONTEXT.encode(), b"https://evil.example/"),
            None,
            EpcisRefused,
        ),
        (document(), ContentType.JSON, DocumentEmpty),
        (xml_document(), ContentType.XML, DocumentEmpty),
        (b"[]", ContentType.JSON, DocumentEmpty),
    ],
)
def test_a_document_that_is_none_is_refused_without_a_job(
    sqlite_store: EventStore, data: bytes, form: ContentType | None, reason: type[Exception]
) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    for behaviour in Behaviour:
        offered = Offered(data, form or ContentType.JSON)
        with pytest.raises(reason):
            capture(sqlite_store, miner, offered, who=WHO, behaviour=behaviour)
    assert jobs(sqlite_store, miner, limit=1) == []


def test_limits_are_said_with_their_unit(sqlite_store: EventStore) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    data = document(event(1), event(2))
    for limits, unit, found in (
        (CaptureLimits(events=1), "events", 2),
        (CaptureLimits(bytes=100), "bytes", len(data)),
    ):
        with pytest.raises(EventsOverLimit) as refused:
            take(sqlite_store, miner, data, limits=limits)
        assert (refused.value.unit, refused.value.found) == (unit, found)
        assert refused.value.status == 413


def test_a_deep_event_is_refused_by_itself(sqlite_store: EventStore) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    deep: Json = {}
    for _ in range(60):
        deep = {"ex:inner": deep}
    bad = event(1, **{"@context": {"ex": "https://ex.example/"}, "ex:field": deep})
    done = take(sqlite_store, miner, document(bad, event(2)), behaviour=Behaviour.PROCEED)
    assert [error.reason.code for error in done.errors] == ["epcis-nested-too-deep"]
    assert done.captured == 1


def test_a_long_id_is_refused_and_a_long_identifier_is_not(
    store: EventStore, miner: Tenant
) -> None:
    with pytest.raises(EventIdTooLong) as refused:
        capture_event(
            store, miner, Offered(bare(event(1, eventID="urn:x:" + "e" * MAX_EVENT_ID_BYTES)))
        )
    assert refused.value.most == MAX_EVENT_ID_BYTES
    long = ["urn:x:" + "a" * 9_000 + end for end in "pq"]
    assert capture_event(store, miner, Offered(bare(event(1, epcList=long)))).is_new
    with store.reading() as connection:
        query = select(EVENT_TERMS.c.value).where(EVENT_TERMS.c.kind == TermKind.EPC)
        assert set(connection.execute(query).scalars()) == {term_value(text) for text in long}


def test_content_types_are_told_apart() -> None:
    assert content_type("application/ld+json; charset=utf-8") is ContentType.JSON
    assert content_type("Application/JSON") is ContentType.JSON
    assert content_type("text/xml") is ContentType.XML
    with pytest.raises(ContentTypeUnknown) as refused:
        content_type("text/html")
    assert (refused.value.found, refused.value.status) == ("text/html", 415)


# ------------------------------------------------------------------ single events, master data


def test_a_single_event_leaves_no_job(store: EventStore, miner: Tenant) -> None:
    first = capture_event(store, miner, Offered(bare(event(1))))
    again = capture_event(store, miner, Offered(bare(event(1, eventID=UUID))))
    assert first.is_new
    assert not again.is_new
    assert again.event_id == first.event_id
    assert jobs(store, miner, limit=1) == []


def test_several_events_are_no_single_one(sqlite_store: EventStore) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    with pytest.raises(EventNotAlone) as refused:
        capture_event(sqlite_store, miner, Offered(document(event(1), event(2))))
    assert refused.value.found == 2
    with pytest.raises(SchemaBroken):
        capture_event(sqlite_store, miner, Offered(bare(BROKEN)))


def test_master_data_of_a_header_is_kept_the_last_counts(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    place, inner = "urn:epc:id:sgln:4012345.00001.0", "urn:epc:id:sgln:4012345.00001.1"
    kind = VocabularyType("urn:epcglobal:epcis:vtype:BusinessLocation")

    def header(name: str, *children: str) -> Json:
        attribute = {"id": "urn:epcglobal:cbv:mda:name", "attribute": name}
        element = {"id": place, "attributes": [attribute], "children": list(children)}
        vocabulary = {"type": kind, "vocabularyElementList": [element]}
        return {"epcisMasterData": {"vocabularyList": [vocabulary]}}

    take(store, miner, document(event(1), header=header("Pit")))
    take(store, miner, document(header=header("Great Pit", inner)))
    (kept,) = master_elements(store, miner, kind)
    assert (kept.element, kept.children) == (place, (inner,))
    assert "Great Pit" in kept.body
    assert master_elements(store, miner, VocabularyType("urn:other")) == []
    assert master_elements(store, refiner) == []


# ------------------------------------------------------------------ generated


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 8), st.sampled_from([None, UUID])), min_size=1),
        max_size=6,
    )
)
def test_every_content_is_in_the_store_once(batches: list[list[tuple[int, str | None]]]) -> None:
    """Whatever is sent in whatever documents, with and without ids."""
    store = EventStore(open_engine("sqlite://"))  # type: ignore[arg-type] # in memory
    miner = store.tenant(TenantName("miner"))
    sent: set[int] = set()
    for batch in batches:
        data = document(*(event(serial, eventID=event_id) for serial, event_id in batch))
        done = take(store, miner, data, behaviour=Behaviour.PROCEED)
        assert done.captured + done.known + done.refused == done.events == len(batch)
        sent |= {serial for serial, event_id in batch if event_id is None}
    bodies = [json.loads(one.body)["epcList"][0] for one in everything(store, miner)]
    assert len(bodies) == len(set(bodies))
    assert {f"urn:epc:id:sgtin:4012345.011122.{serial}" for serial in sent} <= set(bodies)
    assert sum(done.captured for done in jobs(store, miner, limit=99)) == len(bodies)
    store.close()


def test_two_events_that_only_a_hash_takes_for_one_are_told_apart(
    sqlite_store: EventStore,
) -> None:
    # CBV 2.0 moves extensions to the end and forgets which of two reports they belong to.
    tenant = sqlite_store.tenant(TenantName("pit"))
    light, heavy = ({"type": "Mass", "value": value, "uom": "KGM"} for value in (1, 2))
    noted = {"x:note": "wet"}

    def measured(*reports: Json, **changes: Any) -> bytes:
        context = {"@context": {"x": "https://ns.example.com/x/"}}
        return document(
            event(1, sensorElementList=[{"sensorReport": reports}], **changes) | context
        )

    first = measured(light | noted, heavy)
    assert take(sqlite_store, tenant, first).captured == 1
    assert take(sqlite_store, tenant, measured(heavy, light | noted)).known == 1
    refused = take(sqlite_store, tenant, measured(light, heavy | noted))
    assert [error.reason.code for error in refused.errors] == ["event-id-taken"]
    assert take(sqlite_store, tenant, measured(light, heavy | noted, eventID=UUID)).captured == 1
    assert take(sqlite_store, tenant, measured(light, heavy | noted, eventID=UUID)).known == 1
    assert sqlite_store.last_seq() == 2
