"""The text of each token: what it adds to those before it, so that the parts together are the whole text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pretrace.generation.continuation import BEFORE
from pretrace.model.shared_beginnings import common_length
from pretrace.tokens import Vocabulary

Alternatives = Sequence[tuple[int, float]]


class TokenTexts:
    """Texts of tokens after a beginning that is not shown.

    Args:
        before: ids of the beginning.
    """

    def __init__(self, vocabulary: Vocabulary, before: Sequence[int] = ()) -> None:
        self._vocabulary, self._ids, self.length = vocabulary, list(before)[-BEFORE:], 0

    def peek(self, index: int) -> str:
        """Return the text that a token would add."""
        known = self._vocabulary.decode(self._ids)
        whole = self._vocabulary.decode([*self._ids, index])
        return whole[common_length(whole, known) :]

    def add(self, index: int) -> str:
        """Append a token; return its text."""
        text = self.peek(index)
        self._ids = [*self._ids, index][-BEFORE:]
        self.length += len(text)
        return text


def completion_logprobs(
    texts: TokenTexts, ids: Sequence[int], values: Sequence[float | None], likeliest: Sequence[Alternatives | None]
) -> dict[str, Any]:
    """Return `logprobs` of `/v1/completions`; each token is among its `top_logprobs`."""
    found: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    for index, value, others in zip(ids, values, likeliest, strict=True):
        top: dict[str, float] = {}
        for other, log_p in others or ():
            top[texts.peek(other)] = max(log_p, top.get(texts.peek(other), log_p))
        found["text_offset"].append(texts.length)
        text = texts.add(index)
        if value is not None:
            top.setdefault(text, value)
        found["tokens"].append(text)
        found["token_logprobs"].append(value)
        found["top_logprobs"].append(top if value is not None else None)
    return found


def chat_logprobs(
    texts: TokenTexts, ids: Sequence[int], values: Sequence[float], likeliest: Sequence[Alternatives]
) -> dict[str, Any]:
    """Return `logprobs` of `/v1/chat/completions`."""
    content = []
    for index, value, others in zip(ids, values, likeliest, strict=True):
        top = [_entry(texts.peek(other), log_p) for other, log_p in others]
        content.append({**_entry(texts.add(index), value), "top_logprobs": top})
    return {"content": content}


def _entry(text: str, log_p: float) -> dict[str, Any]:
    whole = "\ufffd" not in text  # of a part of a character there are bytes, but the vocabulary does not tell them
    return {"token": text, "logprob": log_p, "bytes": list(text.encode()) if whole else None}
