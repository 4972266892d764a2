"""The OpenAPI 3.1 document of the service, made from its table of operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Final

from lodeline.node.events.states import EventState
from lodeline.web.negotiation import CBV_VERSION, EPCIS_VERSION
from lodeline.web.operations import Answer, Open, Operation, Parameter, Place, Schema, by_path
from lodeline.web.parameters import EXTENSIONS, VERSIONS
from lodeline.web.problems import PROBLEM_JSON, PROBLEM_XML

__all__ = ["openapi_document"]

Json = dict[str, object]

_REFUSED: Final[Mapping[int, str]] = {
    400: "The request, or what it holds, is not as it has to be.",
    401: "It is not known who asks.",
    403: "Whoever asks may not do this.",
    404: "It is not there, or not for whoever asks.",
    406: "The answer cannot have that form.",
    409: "Something else has that name or id.",
    412: "The event is there already.",
    413: "It is too much at once.",
    414: "The address is too long.",
    415: "The body has a form that is not taken.",
    429: "There are too many requests; Retry-After says when to come back.",
    500: "The node failed.",
    503: "What the node needs does not answer.",
}
_EVERYWHERE: Final = (414, 429, 500, 503)
_OF_CALLERS: Final = (400, 401, 403, 406)
_TEXT: Final[Schema] = {"type": "string"}
_UNSCHEMED: Final = ("xml", "plain", "event-stream")
"""Ends of media types that a JSON Schema says nothing about."""
_HEADER_SCHEMAS: Final[Mapping[str, Schema]] = {
    "GS1-EPCIS-Version": {"type": "string", "const": EPCIS_VERSION},
    "GS1-CBV-Version": {"type": "string", "const": CBV_VERSION},
    "GS1-Next-Page-Token-Expires": {"type": "string", "format": "date-time"},
}
_REQUIRED_HEADERS: Final = frozenset({"Location", "Allow", "ETag", "GS1-EPCIS-Version"})

_PROBLEM: Final[Schema] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "advice"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "advice": _TEXT,
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"},
    },
}
_JOB: Final[Schema] = {
    "type": "object",
    "required": ["captureID", "createdAt", "running", "success", "captureErrorBehaviour", "errors"],
    "properties": {
        "captureID": _TEXT,
        "createdAt": {"type": "string", "format": "date-time"},
        "finishedAt": {"type": "string", "format": "date-time"},
        "running": {"type": "boolean"},
        "success": {"type": "boolean"},
        "captureErrorBehaviour": {"enum": ["rollback", "proceed"]},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}},
        "events": {"type": "integer", "minimum": 0},
        "captured": {"type": "integer", "minimum": 0},
        "known": {"type": "integer", "minimum": 0},
        "refused": {"type": "integer", "minimum": 0},
    },
}
_COLLECTION: Final[Schema] = {
    "type": "object",
    "required": ["@context", "type", "member"],
    "properties": {
        "@context": {},
        "type": {"const": "Collection"},
        "member": {"type": "array", "items": _TEXT, "uniqueItems": True},
    },
}
_DEFINITION: Final[Schema] = {
    "type": "object",
    "required": ["name", "query"],
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$"},
        "query": {
            "type": "object",
            "externalDocs": {"url": "https://ref.gs1.org/standards/epcis/2.0.0/query-schema.json"},
        },
    },
}
_DOCUMENT: Final[Schema] = {
    "type": ["object", "array"],
    "description": "An EPCIS document, query document, event or list of events.",
    "externalDocs": {"url": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-json-schema.json"},
}
_LINKSET: Final[Schema] = {
    "type": "object",
    "required": ["linkset"],
    "properties": {"linkset": {"type": "array", "items": {"type": "object"}, "minItems": 1}},
}
_HEALTH: Final[Schema] = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"const": "pass"},
        "pipeline": {
            "enum": ["off", "working", "waiting"],
            "description": "Whether events are brought to the ledger; waiting: it is not reached.",
        },
        "queue": {
            "type": "object",
            "description": "Events that are not there yet, by state; counted to 10,000.",
            "additionalProperties": {"type": "integer", "minimum": 0},
        },
        "trouble": {"type": "string", "description": "Code of what is in the way."},
    },
}
_STATE: Final[Schema] = {
    "type": "object",
    "required": ["eventID", "state", "updatedAt"],
    "properties": {
        "eventID": _TEXT,
        "state": {"enum": [state.value for state in EventState]},
        "updatedAt": {"type": "string", "format": "date-time"},
        "errorDeclaration": {
            "const": True,
            "description": "The state is that of a declaration that the event is wrong.",
        },
        "declaration": {
            "$ref": "#/components/schemas/EventState",
            "description": "Of an event that was declared wrong: how far its declaration has come.",
        },
        "entry": {"type": "string", "description": "Id of the entry that the event became."},
        "reason": {
            "type": "object",
            "required": ["code", "detail", "advice"],
            "properties": {"code": _TEXT, "detail": _TEXT, "advice": _TEXT},
        },
    },
}


def openapi_document(operations: Iterable[Operation | Open], url: str) -> Json:
    """Return the document.

    Args:
        operations: everything that the service answers.
        url: where clients reach it.
    """
    found = by_path(operations)
    paths = {
        path: {operation.method.lower(): _operation(operation) for operation in beside}
        for path, beside in found.items()
    }
    listed = [each for beside in found.values() for one in beside for each in one.parameters]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lodeline node",
            "summary": "EPCIS 2.0 REST binding, Digital Link resolver and operation of a node.",
            "version": version("lodeline"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url or "/"}],
        "paths": paths,
        "components": {
            "schemas": {
                "Problem": _PROBLEM,
                "CaptureJob": _JOB,
                "Collection": _COLLECTION,
                "QueryDefinition": _DEFINITION,
                "Document": _DOCUMENT,
                "Linkset": _LINKSET,
                "Health": _HEALTH,
                "EventState": _STATE,
            },
            "parameters": {
                _name(each): _parameter(each) for each in (*listed, *VERSIONS, EXTENSIONS)
            },
            "responses": {f"Refused{status}": _refusal(status) for status in _REFUSED},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _operation(operation: Operation | Open) -> Json:
    shared = (*VERSIONS, EXTENSIONS) if isinstance(operation, Operation) else ()
    refusals = {*operation.refusals, *_EVERYWHERE}
    if isinstance(operation, Operation):
        refusals |= set(_OF_CALLERS)
    described: Json = {
        "summary": operation.summary,
        "parameters": [
            {"$ref": f"#/components/parameters/{_name(each)}"}
            for each in (*operation.parameters, *shared)
        ],
        "responses": {
            **{str(answer.status): _answer(operation, answer) for answer in operation.answers},
            **{
                str(status): {"$ref": f"#/components/responses/Refused{status}"}
                for status in sorted(refusals)
            },
        },
    }
    if isinstance(operation, Operation):
        described["security"] = [{"token": []}, {"password": []}]
        if operation.scope is not None:
            described["x-scope"] = operation.scope.value
    else:
        described["security"] = []
    if isinstance(operation, Operation) and operation.body is not None:
        content = {media: {"schema": operation.body} for media in operation.takes}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _name(parameter: Parameter) -> str:
    """Name of a parameter's description: those of a path and of a query may be named alike."""
    return f"{parameter.place.value}.{parameter.name}"


def _parameter(parameter: Parameter) -> Json:
    described: Json = {
        "name": parameter.name,
        "in": parameter.place.value,
        "description": parameter.about,
        "schema": parameter.schema,
    }
    if parameter.place is Place.PATH:
        described["required"] = True
    if parameter.is_list:
        described |= {"style": "pipeDelimited", "explode": False}
    return described


def _answer(operation: Operation | Open, answer: Answer) -> Json:
    described: Json = {"description": answer.about}
    if answer.headers:
        described["headers"] = {name: _header(name) for name in answer.headers}
    if answer.schema is not None:
        forms = answer.forms or operation.gives
        described["content"] = {
            media: {"schema": {} if media.endswith(_UNSCHEMED) else answer.schema}
            for media in forms
        }
    return described


def _header(name: str) -> Json:
    return {"schema": _HEADER_SCHEMAS.get(name, _TEXT), "required": name in _REQUIRED_HEADERS}


def _refusal(status: int) -> Json:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        "description": _REFUSED[status],
        "content": {PROBLEM_JSON: problem, PROBLEM_XML: {"schema": {}}},
    }
