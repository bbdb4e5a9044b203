"""Checks between the network and the server: names of the host, origins, sizes, and time.

A page of another site may send requests to a server on this machine; DNS rebinding even lets it read the answers. So a
request must name one of the server's own hosts, must not come from another origin, and must be JSON where it changes
anything: a form of HTML cannot send that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pretrace.inference.engine.limits import BODY_BYTES, BODY_SECONDS, SEND_SECONDS
from pretrace.inference.serving.errors import ApiError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Middleware that refuses what is foreign, large or slow.

    Args:
        hosts: names by which the server may be called, without ports.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return None
        answered = False

        async def patient_send(message: Message) -> None:
            nonlocal answered
            answered = True
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await asyncio.wait_for(send(message), SEND_SECONDS)

        try:
            headers = Headers(scope=scope)
            self._check(scope["method"], headers)
            body = await _whole_body(headers, receive)
            return await self._app(scope, _again(body, receive), patient_send)
        except ApiError as error:
            if not answered:
                response = error.response()
                response.headers["Connection"] = "close"
                await response(scope, receive, patient_send)
        except TimeoutError:
            pass  # the client takes nothing: the connection is closed
        return None

    def _check(self, method: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if name_of(host) not in self._hosts:
            raise ApiError(403, f"host {host[:200]!r} is not a name of this server; `--allow-host` adds one")
        if method in SAFE_METHODS:
            return
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise ApiError(403, "requests from pages of other sites are refused")
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise ApiError(403, "requests from pages of other sites are refused")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ApiError(415, "takes the content type application/json")


def name_of(host: str) -> str:
    """Return the name in a `Host` header, without its port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


async def _whole_body(headers: Headers, receive: Receive) -> bytes:
    """Return a request's body. Raises `ApiError` if it is too large or comes too slowly."""
    too_large = ApiError(413, f"the body has more than {BODY_BYTES} bytes")
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > BODY_BYTES:
        raise too_large
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ApiError(400, "the client has gone")
                body += message.get("body", b"")
                if len(body) > BODY_BYTES:
                    raise too_large
                if not message.get("more_body", False):
                    return body
    except TimeoutError:
        raise ApiError(408, f"the request was not whole after {BODY_SECONDS:.0f} seconds") from None


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read, and then what comes after it."""
    given = False

    async def once_more() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more
