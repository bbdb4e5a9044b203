"""`POST /v1/completions`: texts that go on, and log-probabilities of the prompt's own tokens (`echo`)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pretrace.generation import Prompt
from pretrace.inference.engine.models import Entry
from pretrace.inference.engine.thread import Engine, Progress, Ticket
from pretrace.inference.serving.answers import REASONS, Asked, slices, streamed_answer, whole_answer
from pretrace.inference.serving.bodies import CompletionBody
from pretrace.inference.serving.errors import ApiError
from pretrace.inference.serving.token_texts import TokenTexts, completion_logprobs

OBJECT = "text_completion"


async def complete(engine: Engine, entry: Entry, body: CompletionBody, request: Request) -> Response:
    """Return the answer to a request."""
    asked = Asked(engine, body.model, entry.fingerprint, body, OBJECT, "cmpl")
    view = _View(entry, body)
    tokens = 16 if body.max_tokens is None else body.max_tokens
    settings = body.settings(tokens, []) if tokens else None
    if settings is None and not body.echo:
        raise ApiError(400, "`max_tokens` of 0 takes `echo`: there is nothing to answer", "max_tokens")
    prompts = [_ids(entry, prompt) for prompt in body.prompts]
    seeds = iter(body.seeds(len(prompts) * body.n))
    for ids in prompts:
        if len(ids) + tokens > entry.context:
            raise ApiError(
                400,
                f"the prompt has {len(ids)} tokens and `max_tokens` is {tokens}; the model reads {entry.context} in "
                "all. Make one of them shorter",
                "prompt",
                "context_length_exceeded",
            )
        asked.prompt_tokens += len(ids)
        for _ in range(body.n):
            scores = body.logprobs if body.echo else None
            asked.add(Prompt(ids, next(seeds)), settings, body.logprobs, scores)
    if body.stream:
        return await streamed_answer(asked, OBJECT, view.chunks)
    return await whole_answer(asked, request, view.choice)


def _ids(entry: Entry, prompt: str | list[int]) -> list[int]:
    """Return a prompt's ids. Text is the beginning of a document; ids are read as they are."""
    if isinstance(prompt, str):
        return [entry.vocabulary.document_end_id, *entry.vocabulary.encode(prompt)]
    if (largest := max(prompt)) >= entry.vocabulary.size:
        raise ApiError(400, f"token id {largest}: the model has ids up to {entry.vocabulary.size - 1}", "prompt")
    return prompt


class _View:
    """The choices of an answer."""

    def __init__(self, entry: Entry, body: CompletionBody) -> None:
        self._vocabulary, self._body, self._hidden = entry.vocabulary, body, [isinstance(p, str) for p in body.prompts]
        self._texts: dict[int, TokenTexts] = {}

    def choice(self, number: int, ticket: Ticket) -> dict[str, Any]:
        return self.chunks(number, ticket, Progress(), ticket.progress)[0]

    def chunks(self, number: int, ticket: Ticket, before: Progress, now: Progress) -> list[dict[str, Any]]:
        begins = number not in self._texts
        if begins:
            if now.tokens == 0 and now.reason is None:
                return []
            hidden = ticket.prompt.ids if not self._body.echo else self._shown(number, ticket)[0]
            self._texts[number] = TokenTexts(self._vocabulary, hidden)
        text = now.text[len(before.text) :]
        found = None
        if self._body.logprobs is not None:
            found = self._logprobs(number, ticket, before.tokens, now.tokens, begins and bool(self._body.echo))
        if begins and self._body.echo:
            hidden, shown = self._shown(number, ticket)
            text = self._vocabulary.decode(shown) + text
        reason = None if now.reason is None else REASONS[now.reason]
        return [{"index": number, "text": text, "logprobs": found, "finish_reason": reason}]

    def _shown(self, number: int, ticket: Ticket) -> tuple[list[int], list[int]]:
        """Return the ids of a prompt that are not shown, and those that are."""
        first = int(self._hidden[number // self._body.n])
        return ticket.prompt.ids[:first], ticket.prompt.ids[first:]

    def _logprobs(self, number: int, ticket: Ticket, first: int, last: int, echo: bool) -> dict[str, Any]:
        ids: list[int] = []
        values: list[float | None] = []
        likeliest: list[Any] = []
        if echo:
            ids = self._shown(number, ticket)[1]
            scores = ticket.prompt_scores
            assert scores is not None
            values, likeliest = [*scores.log_probabilities], [*scores.likeliest]
            if ids and len(ids) > len(values):  # nothing is before the first token
                values, likeliest = [None, *values], [None, *likeliest]
        if ticket.row is not None:
            new = slices(ticket, first, last)
            ids, values, likeliest = [*ids, *new[0]], [*values, *new[1]], [*likeliest, *new[2]]
        return completion_logprobs(self._texts[number], ids, values, likeliest)
