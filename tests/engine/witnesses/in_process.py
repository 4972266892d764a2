"""Requests that are answered by an application in this process, without a network."""

import asyncio

import httpx
from starlette.applications import Starlette


class InProcess(httpx.BaseTransport):
    """Hands every request to an application and waits for the whole answer."""

    def __init__(self, app: Starlette) -> None:
        self._transport = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._transport.handle_async_request(request)
        body = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


def client_of(app: Starlette) -> httpx.Client:
    return httpx.Client(transport=InProcess(app), base_url="http://witness.example")
