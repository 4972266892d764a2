"""Answers that hold events: query documents in JSON or XML, with a tag and the next page's link.

Events never change, so that the tag of a page is a digest of which events it has and of how they
are spelled. It is weak: the document around them has its own time (RFC 9110, section 8.8.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.responses import Response

from lodeline.exchange.epcis.context import EPCIS_CONTEXT
from lodeline.exchange.epcis.document import SCHEMA_VERSION, Document
from lodeline.exchange.epcis.xml_out import write_xml
from lodeline.node.events.moments import moment_text
from lodeline.node.events.paging import Holder, SealedPage
from lodeline.node.events.store import StoredEvent
from lodeline.web.asking import Asked, Outsider, epcis_headers
from lodeline.web.negotiation import CbvFormat, EpcFormat, format_of
from lodeline.web.spelling import Spelling

__all__ = [
    "SIMPLE",
    "events_answer",
    "holder_of",
    "is_known",
    "json_document",
    "page_headers",
    "spelling_of",
    "tag_of",
]

SIMPLE: Final = "SimpleEventQuery"
"""Name of the query that has none of its own (EPCIS 2.0, section 8.2.7.1)."""
_VARY: Final = "Accept, Accept-Language, Authorization, GS1-EPC-Format, GS1-CBV-XML-Format"


def holder_of(asked: Asked) -> Holder:
    """Return to whom a page token is given."""
    return Holder(asked.caller.user)


def spelling_of(asked: Asked) -> Spelling:
    """Return the spelling that a request asks for.

    Raises:
        FormatUnknown: it asks for one that the standard does not have.
    """
    headers = asked.request.headers
    return Spelling(
        EpcFormat(format_of(EpcFormat, "GS1-EPC-Format", headers.get("gs1-epc-format"))),
        CbvFormat(format_of(CbvFormat, "GS1-CBV-XML-Format", headers.get("gs1-cbv-xml-format"))),
        asked.service.settings.company_prefixes,
    )


def events_answer(
    asked: Asked, events: Sequence[StoredEvent], name: str, following: SealedPage | None
) -> Response:
    """Return events as a query document, or that the client has them already.

    Raises:
        XmlUnwritable: an event has an extension that XML cannot hold, and XML is wanted.
        FormatUnknown: a spelling is asked for that the standard does not have.
    """
    spelling = spelling_of(asked)
    seqs = ",".join(str(event.seq) for event in events)
    tag = tag_of(asked, name, spelling.epcs, spelling.words, seqs)
    headers = {**epcis_headers(), **page_headers(asked, following), "ETag": tag, "Vary": _VARY}
    headers["Cache-Control"] = "private, no-cache"
    if is_known(asked, tag):
        return Response(status_code=304, headers=headers)
    created = moment_text(asked.store.clock.now())
    if asked.media.endswith("xml"):
        values = [spelling.event(event.body) for event in events]
        body = write_xml(Document.query_result(values, created, name))
    else:
        body = json_document([spelling.json(event.body) for event in events], created, name)
    return Response(body, 200, headers, asked.media)


def json_document(
    bodies: Sequence[str], created: str, name: str, subscription: str | None = None
) -> bytes:
    """Return a query document around events that are JSON already.

    Args:
        bodies: the events, in their order.
        created: when the document was made (RFC 3339).
        name: of the query.
        subscription: that asked, where one did.
    """
    head = {
        "@context": [EPCIS_CONTEXT],
        "type": "EPCISQueryDocument",
        "schemaVersion": SCHEMA_VERSION,
        "creationDate": created,
    }
    whose = {"queryName": name}
    if subscription is not None:
        whose["subscriptionID"] = subscription
    return b"".join(
        (
            orjson.dumps(head)[:-1],
            b',"epcisBody":{"queryResults":',
            orjson.dumps(whose)[:-1],
            b',"resultsBody":{"eventList":[',
            ",".join(bodies).encode("utf-8"),
            b"]}}}}",
        )
    )


def page_headers(asked: Asked, following: SealedPage | None) -> dict[str, str]:
    """Return the headers that lead to the next page; none on the last one."""
    if following is None:
        return {}
    pairs = parse_qsl(asked.request.url.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name != "nextPageToken"]
    query = urlencode([*kept, ("nextPageToken", following.token)])
    path = asked.request.scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
    root = str(asked.request.scope.get("root_path", ""))
    return {
        "Link": f'<{asked.url(path.removeprefix(root))}?{query}>; rel="next"',
        "GS1-Next-Page-Token-Expires": moment_text(following.expires),
    }


def tag_of(asked: Asked, *parts: str) -> str:
    """Return the tag of an answer that is made of some parts, in the form that is wanted."""
    text = "\0".join((asked.tenant.name, asked.media, *parts))
    return f'W/"{hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]}"'


def is_known(asked: Outsider, tag: str) -> bool:
    """Return whether a client has an answer with that tag (RFC 9110, section 13.1.2)."""
    known = asked.request.headers.get("if-none-match", "")
    tags = {item.strip().removeprefix("W/") for item in known.split(",")}
    return "*" in tags or tag.removeprefix("W/") in tags
