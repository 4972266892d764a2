"""Documents that are read by other processes come out as if they had been read here."""

import os
import signal
from collections.abc import Iterator

import pytest
from tests.node.events.documents import BROKEN, document, event, xml_document, xml_event

from lodeline.exchange.epcis.errors import JsonBroken
from lodeline.kernel.errors import LodelineError
from lodeline.node.events.preparing import PreparedEvent
from lodeline.node.events.reading import (
    CaptureLimits,
    ContentType,
    Offered,
    ReadDocument,
    read_offered,
)
from lodeline.node.events.reading_pool import ReadingPool
from lodeline.node.events.refusals import EventsOverLimit

LIMITS = CaptureLimits()
MANY = [event(serial) for serial in range(60)]


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    made = ReadingPool(1)
    made.wait_until_ready()
    yield made
    made.close()


def plain(read: ReadDocument) -> list[PreparedEvent | dict[str, object]]:
    """Events, and the fields of refusals, to compare."""
    return [each.fields() if isinstance(each, LodelineError) else each for each in read.events]


@pytest.mark.parametrize(
    "offered",
    [
        Offered(document(*MANY)),
        Offered(document(*MANY, BROKEN)),
        Offered(xml_document(*map(xml_event, range(60))), ContentType.XML),
        Offered(document(event(1))),
    ],
)
def test_a_worker_reads_what_would_be_read_here(pool: ReadingPool, offered: Offered) -> None:
    there, here = pool(offered, LIMITS), read_offered(offered, LIMITS)
    assert len(there.events) > 0
    assert plain(there) == plain(here)
    assert there.master_data == here.master_data


def test_a_refusal_of_a_worker_is_the_refusal(pool: ReadingPool) -> None:
    data = document(*MANY)
    with pytest.raises(JsonBroken) as broken:
        pool(Offered(data[:-1]), LIMITS)
    assert broken.value.position > 1_000
    for limits, unit in ((CaptureLimits(events=5), "events"), (CaptureLimits(bytes=5), "bytes")):
        with pytest.raises(EventsOverLimit) as over:
            pool(Offered(data), limits)
        assert over.value.unit == unit


def test_documents_are_read_even_when_the_workers_are_dead() -> None:
    pool = ReadingPool(1)
    pool.wait_until_ready()
    (worker,) = pool._pool._processes
    os.kill(worker, signal.SIGKILL)
    for _ in range(3):
        assert len(pool(Offered(document(*MANY)), LIMITS).events) == len(MANY)
    pool.close()
