"""Lists over HTTP: what there is at the top, kinds of event, things, steps and places, jobs.

A list is of all events of a company, so that whoever is shown only some of them is given none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import orjson
from lxml import etree
from starlette.responses import Response

from lodeline.exchange.epcis.context import EPCIS_CONTEXT
from lodeline.node.access.roles import Scope
from lodeline.node.access.visibility import visible_to
from lodeline.node.events.jobs import JobNumber, jobs
from lodeline.node.events.paging import (
    PageToken,
    SealedPage,
    open_token,
    release_token,
    seal_token,
)
from lodeline.node.events.parameter_values import Values
from lodeline.node.events.parameters import MAX_PER_PAGE, PER_PAGE
from lodeline.node.events.query_refusals import PageTokenWrong, ParameterUnknown
from lodeline.node.events.resources import Resource, check_resource, list_resource
from lodeline.web import parameters
from lodeline.web.asking import Asked, epcis_headers
from lodeline.web.capturing import JOB, job_members
from lodeline.web.documents import holder_of, page_headers, spelling_of
from lodeline.web.operations import EPCIS_MEDIA, Answer, Operation
from lodeline.web.refusals import ListNotShared

__all__ = ["OPERATIONS", "paging_of"]

TOP: Final = ("events", *(resource.value for resource in Resource), "capture", "queries")
"""What there is at the top of the interface."""
_JOBS: Final = "capture-jobs"
_COLLECTION: Final = {"$ref": "#/components/schemas/Collection"}
_XML: Final = "urn:epcglobal:epcis:xsd:2"


def paging_of(asked: Asked) -> tuple[int, PageToken | None]:
    """Return how many members of a list are wanted, and from where on.

    Raises:
        ParameterUnknown: the address has other parameters.
        ParameterCountWrong: that is no number of members.
    """
    given = dict(asked.request.query_params.multi_items())
    for name in given:
        if name not in {"perPage", "nextPageToken"}:
            raise ParameterUnknown(name)
    size = PER_PAGE
    if "perPage" in given:
        size = min(Values("perPage", given["perPage"]).count(least=1), MAX_PER_PAGE)
    token = given.get("nextPageToken")
    return size, None if token is None else PageToken(token)


def _collection(
    asked: Asked, members: Sequence[str], following: SealedPage | None = None
) -> Response:
    headers = {**epcis_headers(), **page_headers(asked, following)}
    if asked.media.endswith("xml"):
        root = etree.Element(f"{{{_XML}}}Collection", nsmap={"epcis": _XML})
        for member in members:
            etree.SubElement(root, "member").text = member
        body = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    else:
        value = {"@context": EPCIS_CONTEXT, "type": "Collection", "member": members}
        body = orjson.dumps(value)
    return Response(body, 200, headers, asked.media)


def _top(asked: Asked) -> Response:
    """List what there is."""
    return _collection(asked, TOP)


class _Listing:
    """Answers one of the lists, and its members."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def page(self, asked: Asked) -> Response:
        """List the members."""
        self._check(asked)
        size, token = paging_of(asked)
        found = list_resource(
            asked.store,
            asked.tenant,
            self._resource,
            token,
            per_page=size,
            holder=holder_of(asked),
        )
        spelling = spelling_of(asked)
        members = [spelling.text(member) for member in found.members]
        return _collection(asked, members, found.next)

    def member(self, asked: Asked) -> Response:
        """Show what there is of one member."""
        self._check(asked)
        value = asked.values[parameters.MEMBERS[self._resource].name]
        check_resource(asked.store, asked.tenant, self._resource, value, asked.extensions)
        return _collection(asked, ["events"])

    def _check(self, asked: Asked) -> None:
        if not visible_to(asked.store, asked.caller).everything:
            raise ListNotShared(asked.caller.user, self._resource.value)


# ------------------------------------------------------------------ jobs and tokens


def _jobs(asked: Asked) -> Response:
    """List what became of documents, the latest first."""
    size, token = paging_of(asked)
    before = None if token is None else _number(asked, token)
    found = jobs(asked.store, asked.tenant, before=before, limit=size + 1)
    following = None
    if len(found) > size:
        following = seal_token(
            asked.store,
            asked.tenant,
            holder_of(asked),
            {"of": _JOBS, "after": found[size - 1].number},
        )
    headers = {**epcis_headers(), **page_headers(asked, following)}
    body = orjson.dumps([job_members(done, asked.lang) for done in found[:size]])
    return Response(body, 200, headers, asked.media)


def _number(asked: Asked, token: PageToken) -> JobNumber:
    content = open_token(asked.store, asked.tenant, holder_of(asked), token)
    if content.get("of") != _JOBS:
        raise PageTokenWrong
    return JobNumber(cast(int, content["after"]))


def _release(asked: Asked) -> Response:
    """Make a page token good for nothing."""
    token = PageToken(asked.values["token"])
    release_token(asked.store, asked.tenant, holder_of(asked), token)
    return Response(status_code=204, headers=epcis_headers())


_PAGE: Final = (parameters.PER_PAGE, parameters.PAGE_TOKEN)
_LINKED: Final = ("Link", "GS1-Next-Page-Token-Expires")
_LISTINGS: Final = {resource: _Listing(resource) for resource in Resource}

OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path="/",
        summary="List what there is.",
        handler=_top,
        scope=None,
        gives=EPCIS_MEDIA,
        answers=(Answer(200, "Names of the lists.", _COLLECTION),),
    ),
    Operation(
        method="GET",
        path="/capture",
        summary="List the jobs of documents, the latest first.",
        handler=_jobs,
        scope=Scope.EVENTS_CAPTURE,
        parameters=_PAGE,
        answers=(Answer(200, "Jobs.", {"type": "array", "items": JOB}, _LINKED),),
        refusals=(400, 404),
    ),
    Operation(
        method="DELETE",
        path="/nextPageToken/{token}",
        summary="Make a page token good for nothing.",
        handler=_release,
        scope=Scope.EVENTS_READ,
        parameters=(parameters.TOKEN,),
        answers=(Answer(204, "It is."),),
        refusals=(400, 404),
    ),
    *(
        Operation(
            method="GET",
            path=f"/{resource.value}",
            summary=f"List {resource.value} that events speak of.",
            handler=listing.page,
            scope=Scope.EVENTS_READ,
            gives=EPCIS_MEDIA,
            parameters=(*_PAGE, parameters.EPC_FORMAT),
            answers=(Answer(200, "Members of the list.", _COLLECTION, _LINKED),),
            refusals=(400, 404),
        )
        for resource, listing in _LISTINGS.items()
    ),
    *(
        Operation(
            method="GET",
            path=f"/{resource.value}/{{{parameters.MEMBERS[resource].name}}}",
            summary=f"Show what there is of one of {resource.value}.",
            handler=listing.member,
            scope=Scope.EVENTS_READ,
            gives=EPCIS_MEDIA,
            parameters=(parameters.MEMBERS[resource],),
            answers=(Answer(200, "Names of lists.", _COLLECTION),),
            refusals=(400, 404),
        )
        for resource, listing in _LISTINGS.items()
    ),
)
