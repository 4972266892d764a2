"""Reports of subscriptions, as the service sends them, and the threads that send them.

A report is the query document that the HTTP interface would answer. What is in it is decided for
each report anew: whoever subscribed is looked up, and what policies share with them at that moment.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock, Thread
from typing import Final

from sqlalchemy import Connection

from lodeline.node.access.callers import UserName
from lodeline.node.access.roles import Scope
from lodeline.node.access.trail import Act, Note, append
from lodeline.node.access.visibility import Visible, visible_to
from lodeline.node.events.deliveries import Courier, Due, Report, ReportBody
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import moment_text
from lodeline.node.events.refusals import StoreUnreachable
from lodeline.node.events.store import Tenant
from lodeline.node.events.subscriptions import SpellingName
from lodeline.node.events.turns import PLACES, Places, Turns
from lodeline.web.asking import epcis_headers
from lodeline.web.documents import json_document
from lodeline.web.negotiation import EpcFormat
from lodeline.web.service import Service
from lodeline.web.spelling import Spelling

__all__ = ["Dispatcher", "NodeDesk", "report_spelling"]

_PAUSE_SECONDS: Final = 0.25
"""Between two looks at what is due, and so the delay of a stream."""
_log: Final = logging.getLogger(__name__)


def report_spelling(service: Service, name: SpellingName) -> Spelling:
    """Return the spelling that a report has."""
    epcs = EpcFormat(name) if name else EpcFormat.LINK
    return Spelling(epcs, prefixes=service.settings.company_prefixes)


class NodeDesk:
    """What deliveries need of a node: who may see what, the trail, and query documents."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def visible(self, tenant: Tenant, who: Who) -> Visible:
        """Return what somebody may be told of at this moment.

        Raises:
            SecurityException: the account is disabled, or may read no events.
            AccountUnknown: it is gone.
        """
        caller = self._service.access.caller_of(tenant, UserName(who))
        caller.require(Scope.EVENTS_READ)
        caller.require(Scope.SUBSCRIPTIONS_WRITE)
        return visible_to(self._service.store, caller)

    def note(self, connection: Connection, tenant: Tenant, who: Who, report: Report) -> None:
        """Write into the trail that somebody is told; an empty report tells nothing."""
        if not report.events:
            return
        seqs = [event.seq for event in report.events]
        about = f"{report.query_name} {report.subscription_id}".rstrip()
        append(connection, tenant, report.created, [Note(who, Act.DELIVERED, about, seqs)])

    def document(self, report: Report) -> ReportBody:
        """Return a report as an EPCIS query document."""
        spelling = report_spelling(self._service, report.spelling)
        bodies = [spelling.json(event.body) for event in report.events]
        created = moment_text(report.created)
        return ReportBody(
            json_document(bodies, created, report.query_name, report.subscription_id or None)
        )

    def headers(self, report: Report) -> dict[str, str]:
        """Return the headers that go with a report."""
        spelling = report_spelling(self._service, report.spelling)
        return {**epcis_headers(), "GS1-EPC-Format": spelling.epcs.value}


class Dispatcher:
    """Threads that deliver whatever is due; a slow destination keeps nobody else waiting for long.

    with Dispatcher(courier): ...
    """

    def __init__(self, courier: Courier, places: Places = PLACES) -> None:
        self._courier = courier
        self._pool = ThreadPoolExecutor(places.all, thread_name_prefix="deliveries")
        self._turns = Turns(places)
        self._lock = Lock()
        self._ended = Event()
        self._thread = Thread(target=self._run, name="dispatcher", daemon=True)

    def __enter__(self) -> Dispatcher:
        """Begin to deliver."""
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        """End, once the reports that are under way have come to an end."""
        with self._lock:
            self._ended.set()
        self._thread.join()
        self._pool.shutdown(cancel_futures=True)

    def turn(self) -> list[Future[None]]:
        """Look at what is due, and begin with as much of it as there are places for."""
        due = self._courier.due()
        with self._lock:
            self._turns.look(due)
        return self._begin()

    def _begin(self) -> list[Future[None]]:
        """Give the places that are free, unless the end has come, and return what was begun."""
        begun: list[Future[None]] = []
        with self._lock:
            while not self._ended.is_set() and (due := self._turns.take()) is not None:
                begun.append(self._pool.submit(self._deliver, due))
        for each in begun:
            each.add_done_callback(_report_fault)
        return begun

    def _run(self) -> None:
        while not self._ended.wait(_PAUSE_SECONDS):
            try:
                self.turn()
            except StoreUnreachable as failed:
                _log.error("deliveries wait", extra={"reason": failed.message("en")})

    def _deliver(self, due: Due) -> None:
        is_broken = True  # a fault that nobody foresaw leaves it to the next start of the node
        try:
            turn = self._courier.deliver(due)
            _log.info(
                "delivery", extra={"subscription": due.subscription_id, "outcome": turn.value}
            )
            is_broken = False
        except StoreUnreachable as failed:
            _log.error("deliveries wait", extra={"reason": failed.message("en")})
            is_broken = False
        finally:
            with self._lock:
                self._turns.done(due, broken=is_broken)
            self._begin()


def _report_fault(done: Future[None]) -> None:
    """Write a fault that nobody foresaw into the log."""
    fault = None if done.cancelled() else done.exception()
    if fault is not None:
        _log.error("delivery broken", exc_info=fault)
