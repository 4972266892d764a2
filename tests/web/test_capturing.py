"""Capture over HTTP: what is acknowledged, what is refused, and what is safe to send again."""

from tests.node.events.documents import document, event
from tests.web.conftest import Site


def test_a_document_is_captured_and_its_job_told(site: Site) -> None:
    answer = site.post("/capture", document(event(1), event(2)))
    assert answer.status_code == 202
    job = site.get(answer.headers["Location"])
    assert job.status_code == 200
    assert job.json()["success"] is True
    assert job.json()["captured"] == 2


def test_captured_events_are_found(site: Site) -> None:
    site.post("/capture", document(event(1), event(2)))
    answer = site.get("/events?EQ_bizStep=shipping")
    assert answer.status_code == 200, answer.text
    listed = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert len(listed) == 2
