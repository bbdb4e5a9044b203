"""`POST /v1/chat/completions`: answers in a conversation."""

from __future__ import annotations

from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from pretrace.generation import Prompt
from pretrace.inference.engine.conversation import ConversationTooLongError, chat_prompt, form_of
from pretrace.inference.engine.models import Entry
from pretrace.inference.engine.thread import Engine, Progress, Ticket
from pretrace.inference.serving.answers import REASONS, Asked, slices, streamed_answer, whole_answer
from pretrace.inference.serving.bodies import ChatBody, Message
from pretrace.inference.serving.errors import ApiError
from pretrace.inference.serving.token_texts import TokenTexts, chat_logprobs
from pretrace.training.alignment.text.conversation import Turn
from pretrace.training.alignment.text.roles import Role

OBJECT, CHUNK = "chat.completion", "chat.completion.chunk"
ROLES: dict[str, Role] = {"developer": "system"}
"""Newer names of roles."""


async def chat(engine: Engine, entry: Entry, body: ChatBody, request: Request) -> Response:
    """Return the answer to a request."""
    asked = Asked(engine, body.model, entry.fingerprint, body, OBJECT, "chatcmpl")
    form, turns = form_of(entry.vocabulary), turns_of(body.messages)
    try:
        prompt = chat_prompt(form, turns, entry.context, body.max_completion_tokens or body.max_tokens)
    except ConversationTooLongError as error:
        raise ApiError(400, str(error), "messages", "context_length_exceeded") from None
    settings = body.settings(prompt.room, form.stops)
    asked.prompt_tokens = len(prompt.ids)
    if body.top_logprobs is not None and not body.logprobs:
        raise ApiError(400, "`top_logprobs` takes `logprobs: true`", "top_logprobs")
    kept = (body.top_logprobs or 0) if body.logprobs else None
    ends = frozenset() if body.ignore_eos else form.ends
    for seed in body.seeds(body.n):
        asked.add(Prompt(prompt.ids, seed, ends=ends), settings, kept)
    view = _View(entry, body)
    if body.stream:
        response = await streamed_answer(asked, CHUNK, view.chunks)
    else:
        response = await whole_answer(asked, request, view.choice)
    response.headers["X-Pretrace-Dropped-Messages"] = str(prompt.dropped)
    return response


def turns_of(messages: list[Message]) -> list[Turn]:
    """Return the turns of messages.

    Raises:
        ApiError: a message is empty, the system speaks later than first, or the last message is not the user's.
    """
    turns = []
    for number, message in enumerate(messages):
        role = cast("Role", ROLES.get(message.role, message.role))
        text = message.text.strip()
        if not text and role != "assistant":
            raise ApiError(400, f"message {number + 1} is empty", "messages")
        if role == "system" and number:
            raise ApiError(400, f"message {number + 1} is the system's; takes one, before all others", "messages")
        turns.append(Turn(role, text))
    if turns[-1].role != "user":
        raise ApiError(400, "the last message is not the user's; takes one to answer", "messages")
    return turns


class _View:
    """The choices of an answer."""

    def __init__(self, entry: Entry, body: ChatBody) -> None:
        self._vocabulary, self._body = entry.vocabulary, body
        self._texts: dict[int, TokenTexts] = {}

    def choice(self, number: int, ticket: Ticket) -> dict[str, Any]:
        now = ticket.progress
        message = {"role": "assistant", "content": now.text.strip(), "refusal": None}
        return self._with_end(number, {"message": message}, self._logprobs(number, ticket, 0, now.tokens), now)

    def chunks(self, number: int, ticket: Ticket, before: Progress, now: Progress) -> list[dict[str, Any]]:
        found = []
        if number not in self._texts:
            delta = {"role": "assistant", "content": ""}
            found.append({"index": number, "delta": delta, "logprobs": None, "finish_reason": None})
        text = _stripped(now)[len(_stripped(before)) :]
        logprobs = self._logprobs(number, ticket, before.tokens, now.tokens)
        delta = {"content": text} if text or logprobs else {}
        if delta or now.reason:
            found.append(self._with_end(number, {"delta": delta}, logprobs, now))
        return found

    def _logprobs(self, number: int, ticket: Ticket, first: int, last: int) -> dict[str, Any] | None:
        texts = self._texts.setdefault(number, TokenTexts(self._vocabulary, ticket.prompt.ids))
        if not self._body.logprobs or last == first:
            return None
        return chat_logprobs(texts, *slices(ticket, first, last))

    def _with_end(
        self, number: int, content: dict[str, Any], logprobs: dict[str, Any] | None, now: Progress
    ) -> dict[str, Any]:
        reason = None if now.reason is None else REASONS[now.reason]
        return {"index": number, **content, "logprobs": logprobs, "finish_reason": reason}


def _stripped(progress: Progress) -> str:
    """Return an answer's text as far as it is sure: without space at the ends."""
    text = progress.text.lstrip()
    return text.rstrip()
