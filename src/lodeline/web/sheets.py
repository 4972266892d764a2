"""Spreadsheets over HTTP, for those who have no ERP: templates to fill in, and tables taken in.

A table is taken as a whole or not at all. Where it is refused, the problem lists every bad row with
its column and reason, so that one look at the table puts all of them right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
from starlette.responses import Response

from lodeline.exchange.sheets.layout import KINDS, SheetKind, kind_named
from lodeline.exchange.sheets.writing import template, template_csv
from lodeline.node.access.roles import Scope
from lodeline.node.events.spreadsheets import BadRow, SheetFile, SheetRowsRefused, import_sheet
from lodeline.web.asking import Asked, epcis_headers
from lodeline.web.capturing import JOB, job_members
from lodeline.web.operations import Answer, Operation, Parameter, Place
from lodeline.web.problems import PROBLEM_JSON, problem
from lodeline.web.stating import parameters_of

__all__ = ["OPERATIONS"]

WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv"
_TABLES: Final = (WORKBOOK, CSV)
_ALL: Final = 2**40
"""The limit of captures is what counts."""


def _kinds(asked: Asked) -> Response:
    """List the templates, with the words for their columns."""
    told = [_told(kind, is_french=asked.lang == "fr") for kind in KINDS.values()]
    return Response(orjson.dumps(told), 200, {"Vary": "Accept-Language"}, asked.media)


def _told(kind: SheetKind, *, is_french: bool) -> dict[str, object]:
    return {
        "kind": kind.name,
        "columns": [
            {
                "key": column.key,
                "title": column.fr if is_french else column.en,
                "needed": column.is_needed,
            }
            for column in kind.columns
        ],
    }


def _template(asked: Asked) -> Response:
    """Give out one template, as a workbook or as CSV."""
    kind = kind_named(asked.values["kind"])
    as_csv = asked.media == CSV
    body = template_csv(kind, asked.lang) if as_csv else template(kind, asked.lang)
    name = f"{kind.name}.{'csv' if as_csv else 'xlsx'}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Vary": "Accept, Accept-Language",
    }
    return Response(body, 200, headers, asked.media)


def _import(asked: Asked) -> Response:
    """Take a table in; by the time of the answer its rows are events, or none of them is."""
    given = parameters_of(asked.request.query_params.multi_items(), (_ZONE.name,))
    sheet = SheetFile(asked.values["kind"], asked.body, given.get(_ZONE.name))
    limits = asked.service.settings.capture
    try:
        done = import_sheet(asked.store, asked.tenant, sheet, who=asked.who, limits=limits)
    except SheetRowsRefused as refused:
        return _report(asked, refused)
    asked.service.captured()
    headers = {**epcis_headers(), "Location": asked.url(f"/capture/{done.capture_id}")}
    return Response(orjson.dumps(job_members(done, asked.lang)), 202, headers, asked.media)


def _report(asked: Asked, refused: SheetRowsRefused) -> Response:
    """Every bad row, beside the members of a problem."""
    headers = {"Content-Language": asked.lang, "Vary": "Accept-Language"}
    rows = [_row(row, is_french=asked.lang == "fr") for row in refused.rows]
    members = problem(refused, asked.lang) | {"rows": rows}
    return Response(orjson.dumps(members), 400, headers, PROBLEM_JSON)


def _row(row: BadRow, *, is_french: bool) -> dict[str, object]:
    reason = row.reason
    return {
        "row": row.row,
        "column": row.column,
        "code": reason.code,
        "detail": reason.fr if is_french else reason.en,
        "advice": reason.advice_fr if is_french else reason.advice_en,
    }


_KIND: Final = Parameter("kind", Place.PATH, "Name of a template, as /sheets lists them.")
_ZONE: Final = Parameter(
    "zone", Place.QUERY, "Of times without one: an offset (+02:00), or a name (Africa/Lubumbashi)."
)
_FILE: Final = {"type": "string", "format": "binary"}
_KINDS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["kind", "columns"],
        "properties": {
            "kind": {"type": "string"},
            "columns": {
                "type": "array",
                "items": {"type": "object", "required": ["key", "title", "needed"]},
            },
        },
    },
}

OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path="/sheets",
        summary="List the templates for those who send tables.",
        handler=_kinds,
        scope=Scope.EVENTS_CAPTURE,
        answers=(Answer(200, "The templates.", _KINDS),),
    ),
    Operation(
        method="GET",
        path="/sheets/{kind}",
        summary="Get a template to be filled in.",
        handler=_template,
        scope=Scope.EVENTS_CAPTURE,
        gives=_TABLES,
        parameters=(_KIND,),
        answers=(Answer(200, "The template.", _FILE, ("Content-Disposition",)),),
        refusals=(404,),
    ),
    Operation(
        method="POST",
        path="/sheets/{kind}",
        summary="Take a table in: every row or none, and every reason at once.",
        handler=_import,
        scope=Scope.EVENTS_CAPTURE,
        takes=_TABLES,
        body=_FILE,
        max_body=_ALL,
        parameters=(_KIND, _ZONE),
        answers=(Answer(202, "Taken in, as the job tells.", JOB, ("Location",)),),
        refusals=(400, 404, 413, 415),
    ),
)
