"""The routes of the server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio.to_thread
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pretrace.inference.engine.models import Entry
from pretrace.inference.engine.thread import Engine
from pretrace.inference.serving.bodies import ChatBody, CompletionBody, Sampling, check_supported
from pretrace.inference.serving.chat_completions import chat
from pretrace.inference.serving.completions import complete
from pretrace.inference.serving.errors import ApiError, invalid
from pretrace.inference.serving.guard import Guard
from pretrace.inference.serving.metrics import metrics_text

Body = TypeVar("Body", bound=Sampling)
STARTED = 0
"""`created` of a model: no clock is asked, as a folder's time says nothing of when it was trained."""


def make_app(engine: Engine, hosts: Collection[str], more: Collection[Route] = ()) -> Starlette:
    """Return the server's application.

    Args:
        hosts: names by which it may be called.
        more: routes beside OpenAI's.
    """
    routes = _Routes(engine)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        engine.start()
        yield
        engine.close()

    return Starlette(
        routes=[
            Route("/health", routes.health),
            Route("/metrics", routes.metrics),
            Route("/v1/models", routes.models),
            Route("/v1/models/{model:path}", routes.model),
            Route("/v1/completions", routes.completions, methods=["POST"]),
            Route("/v1/chat/completions", routes.chat, methods=["POST"]),
            *more,
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={ApiError: _refuse, HTTPException: _http_error, Exception: _bug},
        lifespan=lifespan,
    )


class _Routes:
    def __init__(self, engine: Engine) -> None:
        self._engine, self._shelf = engine, engine.shelf

    async def health(self, _request: Request) -> Response:
        alive = self._engine.alive
        return JSONResponse({"status": "ok" if alive else "stopping"}, 200 if alive else 503)

    async def metrics(self, _request: Request) -> Response:
        return PlainTextResponse(metrics_text(self._engine), media_type="text/plain; version=0.0.4")

    async def models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._described(name) for name in self._shelf.order]})

    async def model(self, request: Request) -> Response:
        name = request.path_params["model"]
        self._entry(name)
        return JSONResponse(self._described(name))

    async def completions(self, request: Request) -> Response:
        body = await read_body(request, CompletionBody)
        return await complete(self._engine, self._entry(body.model), body, request)

    async def chat(self, request: Request) -> Response:
        body = await read_body(request, ChatBody)
        return await chat(self._engine, self._entry(body.model), body, request)

    def _entry(self, name: str) -> Entry:
        if (entry := self._shelf.entries.get(name)) is None:
            known = ", ".join(self._shelf.order)
            raise ApiError(404, f"model {name[:200]!r} is not here; takes {known}", "model", "model_not_found")
        return entry

    def _described(self, name: str) -> dict[str, Any]:
        entry = self._shelf.entries[name]
        described = {"id": name, "object": "model", "created": STARTED, "owned_by": "pretrace"}
        return {**described, "max_model_len": entry.context, "system_fingerprint": entry.fingerprint}


async def read_body(request: Request, kind: type[Body]) -> Body:
    """Return a request's body. Raises `ApiError` if it is not JSON of this form."""
    return await anyio.to_thread.run_sync(_parse, await request.body(), kind)


def _parse(content: bytes, kind: type[Body]) -> Body:
    values = parse_json(content)
    check_supported(values)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise invalid(error) from None


def parse_json(content: bytes) -> dict[str, Any]:
    """Return a JSON object. Raises `ApiError` if it is none."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        raise ApiError(400, "the body is not JSON, or is nested too deeply") from None
    if not isinstance(values, dict):
        raise ApiError(400, "the body takes a JSON object")
    return values


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    texts = {404: f"there is nothing at {request.url.path[:200]}", 405: f"{request.method} is not taken here"}
    return ApiError(error.status_code, texts.get(error.status_code, str(error.detail))).response()


async def _bug(_request: Request, _error: Exception) -> Response:
    return ApiError(500, "an error in the server; its own output says more").response()
