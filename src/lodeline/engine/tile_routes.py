"""A published log over HTTP, for whoever has no web server at hand (C2SP tlog-tiles).

Only paths that the format has are looked up, so nothing else of the folder, or beside it, can be
asked for. Tiles and bundles never change and may be kept for good; the checkpoint for no time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lodeline.engine.durable_file import take_if_there
from lodeline.engine.tile_files import CHECKPOINT
from lodeline.kernel.errors import LodelineError
from lodeline.ledger.tiles import parse_tile_path

__all__ = ["tile_routes"]

_FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
_NEVER: Final = {"cache-control": "no-cache"}


def tile_routes(folder: Path) -> list[BaseRoute]:
    """Return the routes that serve a published log, to be mounted where its URL prefix is."""

    async def checkpoint(_request: Request) -> Response:
        data = await run_in_threadpool(take_if_there, folder / CHECKPOINT)
        if data is None:
            return Response(status_code=404)
        return Response(data, headers=_NEVER, media_type="text/plain; charset=utf-8")

    async def tile(request: Request) -> Response:
        path = f"tile/{request.path_params['path']}"
        try:
            place = parse_tile_path(path)
        except LodelineError:
            return Response(status_code=404)
        data = await run_in_threadpool(take_if_there, folder / place.path)
        if data is None:
            return Response(status_code=404)
        return Response(data, headers=_FOREVER, media_type="application/octet-stream")

    return [Route("/checkpoint", checkpoint), Route("/tile/{path:path}", tile)]
