"""From tickets of the engine to what a client is sent, at once or as it grows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from pretrace.generation import Prompt
from pretrace.inference.engine.thread import Engine, Progress, QueueFullError, StoppingError, Ticket
from pretrace.inference.serving.bodies import Sampling
from pretrace.inference.serving.errors import ApiError
from pretrace.settings.models.generation import GenerationSettings

LOOK_SECONDS = 0.5
"""Time between looks whether the client is still there."""
REASONS = {"length": "length", "stop": "stop", "end": "stop"}


@dataclass
class Asked:
    """A request's texts."""

    engine: Engine
    model: str
    fingerprint: str
    body: Sampling
    object: str
    """Name of the answer's form, and `id` begins with `prefix`."""
    prefix: str
    tickets: list[Ticket] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    prompt_tokens: int = 0

    def __post_init__(self) -> None:
        self.id = f"{self.prefix}-{secrets.token_hex(12)}"
        self.created = int(time.time())
        self._loop = asyncio.get_running_loop()

    def add(
        self,
        prompt: Prompt,
        settings: GenerationSettings | None,
        log_probabilities: int | None = None,
        scores: int | None = None,
    ) -> None:
        """Add a text."""
        self.tickets.append(Ticket(prompt, settings, self._wake, log_probabilities, scores))

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
            self._loop.call_soon_threadsafe(self.changed.set)

    def submit(self) -> None:
        """Put the texts into the queue. Raises `ApiError` if they are refused."""
        try:
            self.engine.submit(self.model, self.tickets)
        except QueueFullError as error:
            raise ApiError(429, str(error), code="queue_full", retry_after=error.seconds) from None
        except StoppingError as error:
            raise ApiError(503, str(error), code="stopping", retry_after=10) from None

    def head(self, object: str) -> dict[str, Any]:
        """Return the keys that every answer begins with."""
        return {
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }

    @property
    def usage(self) -> dict[str, int]:
        tokens = sum(ticket.progress.tokens for ticket in self.tickets)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self.prompt_tokens + tokens,
        }

    def check(self, ticket: Ticket) -> None:
        """Raise `ApiError` if a text ended by an error."""
        if ticket.progress.reason == "error":
            raise ApiError(500, ticket.error)

    def leave(self) -> None:
        """Give up what is not done."""
        for ticket in self.tickets:
            ticket.leave()


async def whole_answer(asked: Asked, request: Request, choice: Callable[[int, Ticket], dict[str, Any]]) -> Response:
    """Return the answer when all texts have ended."""
    try:
        asked.submit()
        while any(ticket.progress.reason is None for ticket in asked.tickets):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asked.changed.wait(), LOOK_SECONDS)
            asked.changed.clear()
            if await request.is_disconnected():
                return Response(status_code=499)
        for ticket in asked.tickets:
            asked.check(ticket)
    finally:
        asked.leave()
    choices = [choice(number, ticket) for number, ticket in enumerate(asked.tickets)]
    return JSONResponse({**asked.head(asked.object), "choices": choices, "usage": asked.usage})


Chunks = Callable[[int, Ticket, Progress, Progress], list[dict[str, Any]]]
"""From a text's number, ticket, progress that was sent and progress now to new choices of a stream."""


async def streamed_answer(asked: Asked, object: str, chunks: Chunks) -> Response:
    """Return an answer that is sent as it grows, as server-sent events."""
    asked.submit()
    return StreamingResponse(
        _events(asked, object, chunks), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _events(asked: Asked, object: str, chunks: Chunks) -> AsyncIterator[str]:
    sent: list[Progress | None] = [None] * len(asked.tickets)
    try:
        while any(one is None or one.reason is None for one in sent):
            for number, ticket in enumerate(asked.tickets):
                now, before = ticket.progress, sent[number] or Progress()
                asked.check(ticket)
                if sent[number] is None or now != before:
                    for choice in chunks(number, ticket, before, now):
                        yield _event({**asked.head(object), "choices": [choice]})
                    sent[number] = now
            if any(one is None or one.reason is None for one in sent):
                await asked.changed.wait()
                asked.changed.clear()
        if asked.body.stream_options and asked.body.stream_options.include_usage:
            yield _event({**asked.head(object), "choices": [], "usage": asked.usage})
        yield "data: [DONE]\n\n"
    except ApiError as error:
        yield _event(error.body)
    finally:
        asked.leave()


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'), allow_nan=False)}\n\n"


def slices(ticket: Ticket, first: int, last: int) -> tuple[list[int], list[float], Sequence[list[tuple[int, float]]]]:
    """Return ids, log-probabilities and likeliest tokens of a part of a text that keeps them."""
    assert ticket.row is not None
    one = ticket.row.continuation
    likeliest = ticket.row.likeliest[first:last] or [[]] * (last - first)
    return one.ids[first:last], one.log_probabilities[first:last], likeliest
