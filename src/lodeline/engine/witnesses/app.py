"""The HTTP interface of a witness (C2SP tlog-witness), and what other witnesses ask for.

| path | answer |
|---|---|
| `POST /add-checkpoint` | the cosignature, or 400, 403, 404, 409, 413, 422 with the reason |
| `GET /key` | the public key of the witness, one line |
| `GET /logs/<SHA-256 of the origin>/checkpoint` | the last checkpoint that was cosigned |
| `GET /alarms` | names of the evidence that is kept, and of which log (JSON) |
| `GET /alarms/<name>` | one piece of evidence |

Requests need no login: the signatures in them count, and everything that is read here is public.
A refusal is a problem (RFC 9457), except 409, whose body is the last size, as the protocol says.
"""

from __future__ import annotations

import json
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lodeline.engine.witnesses.refusals import LogForked, OldSizeDiffers, WitnessRequestTooLong
from lodeline.engine.witnesses.request import MAX_REQUEST_BYTES, parse_request
from lodeline.engine.witnesses.shelf import origin_hash
from lodeline.engine.witnesses.witness import Witness
from lodeline.kernel.errors import Lang, LodelineError
from lodeline.ledger.checkpoint import CheckpointError
from lodeline.ledger.merkle import MerkleError
from lodeline.ledger.signednote import NoteError, NoteSignature

__all__ = ["NOTE_TYPE", "SIZE_TYPE", "witness_app"]

NOTE_TYPE: Final = "text/plain; charset=utf-8"
SIZE_TYPE: Final = "text/x.tlog.size"
"""Content type of an answer that tells the last size (tlog-witness, "add-checkpoint")."""
_PROBLEM: Final = "application/problem+json"
_MALFORMED: Final = 400


def witness_app(witness: Witness) -> Starlette:
    """Return the application that serves a witness."""
    served = _Served(witness)
    return Starlette(
        routes=[
            Route("/add-checkpoint", served.add_checkpoint, methods=["POST"]),
            Route("/key", served.key),
            Route("/logs/{log}/checkpoint", served.checkpoint),
            Route("/alarms", served.alarms),
            Route("/alarms/{name}", served.alarm),
        ],
        exception_handlers={LodelineError: _refused},
    )


class _Served:
    """The answers of a witness."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def add_checkpoint(self, request: Request) -> Response:
        """Cosign, or say why not."""
        try:
            body = await _bounded(request)
            made = await run_in_threadpool(self._add, body)
        except OldSizeDiffers as refusal:
            return _size(refusal.last)
        except LogForked as refusal:
            return _size(refusal.last)
        return Response(made.line(), media_type=NOTE_TYPE)

    def _add(self, body: bytes) -> NoteSignature:
        return self._witness.add(parse_request(body))

    def key(self, _request: Request) -> Response:
        """Give the public key away."""
        return Response(f"{self._witness.key}\n", media_type=NOTE_TYPE)

    def checkpoint(self, request: Request) -> Response:
        """Give the last checkpoint of a log."""
        named = request.path_params["log"]
        for origin in self._witness.logs:
            if origin_hash(origin) == named:
                note = self._witness.shelf.checkpoint(origin)
                if note is not None:
                    return Response(note, media_type=NOTE_TYPE)
        return Response(status_code=404)

    def alarms(self, _request: Request) -> Response:
        """List the evidence that is kept."""
        listed = [
            {"evidence": item.digest.hex(), "origin": item.origin}
            for item in self._witness.shelf.alarms()
        ]
        return Response(json.dumps({"alarms": listed}), media_type="application/json")

    def alarm(self, request: Request) -> Response:
        """Give one piece of evidence."""
        for item in self._witness.shelf.alarms():
            if item.digest.hex() == request.path_params["name"]:
                return Response(item.encode(), media_type="application/json")
        return Response(status_code=404)


async def _bounded(request: Request) -> bytes:
    """Read a body, but no more of it than a request may have."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_REQUEST_BYTES:
            raise WitnessRequestTooLong(MAX_REQUEST_BYTES)
    return bytes(body)


def _size(last: int) -> Response:
    return Response(f"{last}\n", status_code=409, headers={"content-type": SIZE_TYPE})


def _refused(request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, LodelineError):
        raise refusal
    return _problem(refusal, request)


def _problem(refusal: LodelineError, request: Request) -> Response:
    asked = request.headers.get("accept-language", "")
    lang: Lang = "fr" if asked.startswith("fr") else "en"
    problem = refusal.problem(lang)
    # What cannot be read is a malformed request here, whatever it is elsewhere.
    unread = isinstance(refusal, (NoteError, CheckpointError, MerkleError))
    status = _MALFORMED if unread else refusal.status
    problem["status"] = status
    return Response(json.dumps(problem), status_code=status, media_type=_PROBLEM)
