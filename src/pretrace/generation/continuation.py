"""A text that grows by tokens, and the place where it ends."""

from __future__ import annotations

from pretrace.generation.prompt import Generation, Prompt, Reason
from pretrace.model.shared_beginnings import common_length
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens.vocabulary import Vocabulary

BEFORE = 16
"""Tokens of the prompt that are decoded with a continuation: whether a space or a line's end is between them depends on
both."""


class Continuation:
    """Tokens after a prompt. It ends by the settings: at a stop text, at the end of a document or at a length.

    A stop text may begin and end inside of tokens, but not in the prompt.
    """

    def __init__(self, vocabulary: Vocabulary, prompt: Prompt, settings: GenerationSettings) -> None:
        self._vocabulary, self._settings, self._most = vocabulary, settings, prompt.most_tokens(settings)
        self._ends = prompt.ends | {vocabulary.document_end_id} if settings.end_of_document else prompt.ends
        begins = bool(prompt.ids) and prompt.ids[0] == vocabulary.document_end_id
        self._before = (prompt.ids[1:] if begins else prompt.ids)[-BEFORE:]
        self._text_before = vocabulary.decode(self._before)
        self.ids: list[int] = []
        self.log_probabilities: list[float] = []
        self.reason: Reason | None = None
        """Why it has ended; None: it has not."""

    def add(self, index: int, log_probability: float | None = None) -> None:
        """Append a token, and its log-probability if it is to be kept."""
        self.ids.append(index)
        if log_probability is not None:
            self.log_probabilities.append(log_probability)
        if index in self._ends:
            self.reason = "end"
        elif self._settings.stop and self._stop(self._decoded(self.ids)) is not None:
            self.reason = "stop"
        elif len(self.ids) == self._most:
            self.reason = "length"

    def branch(self, index: int, log_probability: float) -> Continuation:
        """Return another continuation that has a token more."""
        other = object.__new__(Continuation)
        other.__dict__.update(self.__dict__)
        other.ids, other.log_probabilities = list(self.ids), list(self.log_probabilities)
        other.add(index, log_probability)
        return other

    def result(self, score: float | None = None) -> Generation:
        """Return what came of it; `reason` is not None."""
        assert self.reason is not None
        ids = self.ids[:-1] if self.reason == "end" else self.ids
        text = self._decoded(ids)
        return Generation(self.ids, text[: self._stop(text)], self.reason, self.log_probabilities, score)

    @property
    def sure_text(self) -> str:
        """The text so far that no later token changes: without a stop text, what may be its beginning, a character of
        which bytes are missing, and a space at the end, which a vocabulary of words writes before the next one.
        """
        if self.reason is not None:
            return self.result().text
        text = self._decoded(self.ids).rstrip("\ufffd \n")
        if (place := self._stop(text)) is not None:
            return text[:place]
        ends = [len(text) - n for stop in self._settings.stop for n in range(1, len(stop)) if text.endswith(stop[:n])]
        return text[: min(ends, default=len(text))]

    def _decoded(self, ids: list[int]) -> str:
        whole = self._vocabulary.decode(self._before + ids)
        return whole[common_length(whole, self._text_before) :]

    def _stop(self, text: str) -> int | None:
        """Return where the first stop text begins; None: there is none."""
        return min((place for stop in self._settings.stop if (place := text.find(stop)) >= 0), default=None)
