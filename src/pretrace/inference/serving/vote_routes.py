"""Routes of the page's choices between two answers."""

from __future__ import annotations

import threading
from pathlib import Path

import anyio.to_thread
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pretrace.common.errors import PretraceError
from pretrace.inference.feedback.votes import Vote, append, to_ask_again
from pretrace.inference.serving.app import parse_json
from pretrace.inference.serving.errors import ApiError, invalid

LOCK = threading.Lock()


def vote_routes(path: Path) -> list[Route]:
    """Return the routes; choices go to the file `path`."""

    async def vote(request: Request) -> Response:
        values = parse_json(await request.body())
        try:
            one = Vote.model_validate(values)
        except ValidationError as error:
            raise invalid(error) from None
        row = await anyio.to_thread.run_sync(_kept, path, one)
        return JSONResponse({"id": row}, 201)

    async def again(_request: Request) -> Response:
        row = await anyio.to_thread.run_sync(_again, path)
        return JSONResponse({} if row is None else row)

    return [Route("/feedback", vote, methods=["POST"]), Route("/feedback/again", again)]


def _kept(path: Path, one: Vote) -> str:
    try:
        with LOCK:
            return append(path, one).id
    except (PretraceError, OSError) as error:
        raise ApiError(507, f"the choice was not kept: {error}") from None


def _again(path: Path) -> dict[str, object] | None:
    try:
        row = to_ask_again(path)
    except PretraceError:
        return None
    return None if row is None else row.as_json()
