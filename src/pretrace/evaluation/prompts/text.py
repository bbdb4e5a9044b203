"""Text of prompts as a vocabulary reads it, and its token ids.

Of a vocabulary whose ids have spaces (GPT-2's) a prompt is one text, as its templates have it. A vocabulary of words
(GPT-1's) reads words and line ends: every piece is prepared by itself, and several line ends are one, as in
pre-training.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from pretrace.settings.prompts.template import Template
from pretrace.tokens import Vocabulary

LINE_ENDS = re.compile(r" *\n[ \n]*")


class PromptText:
    """Writes and encodes texts of prompts for a vocabulary; what was encoded before is known."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._words = not vocabulary.between
        self._prepared: dict[str, str] = {}
        self._ids: dict[str, np.ndarray] = {}

    def prepared(self, raw: str) -> str:
        """Return text of a prompt's file as the vocabulary reads it."""
        if raw not in self._prepared:
            prepare = self.vocabulary.prepare
            if self._words:
                self._prepared[raw] = LINE_ENDS.sub("\n", "\n".join(map(prepare, raw.split("\n"))))
            else:
                self._prepared[raw] = prepare(raw)
        return self._prepared[raw]

    def filled(self, template: Template, values: Mapping[str, str]) -> str:
        """Return a template with prepared values in its fields."""
        texts: list[str] = []
        for literal, field in template.parts:
            texts += [self.prepared(literal), *([] if field is None else [values[field]])]
        return self.joined(texts)

    def joined(self, texts: Sequence[str]) -> str:
        """Return prepared texts as one."""
        if not self._words:
            return "".join(texts)
        return LINE_ENDS.sub("\n", " ".join(text.strip(" ") for text in texts if text))

    def encoded(self, texts: Sequence[str]) -> np.ndarray:
        """Return the ids of prepared texts that follow each other: those of the whole text, read at once."""
        blocks: list[str] = []
        for text in texts:
            if blocks and not self.is_boundary(blocks[-1], text):
                blocks[-1] = self.joined([blocks[-1], text])
            else:
                blocks.append(text)
        return np.concatenate([self._encoded(block) for block in blocks]) if blocks else np.zeros(0, np.int64)

    def continuation(self, given: Sequence[str], answer: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of prepared texts, and those of an answer that follows them.

        White space before the answer belongs to the answer, as in lm-evaluation-harness. Where a token of the whole
        would reach across the boundary, the answer is read by itself (ours).
        """
        whole = self.joined(given)
        if not self._words and (kept := whole.rstrip()) != whole:
            given, answer = [kept], whole[len(kept) :] + answer
        before = self.encoded(given)
        if not given or self.is_boundary(given[-1], answer):
            return before, self._encoded(answer)
        both = self._encoded(self.joined([*given, answer]))
        if np.array_equal(both[: len(before)], before):
            return before, both[len(before) :]
        return before, self._encoded(answer)

    def is_boundary(self, one: str, other: str) -> bool:
        """Return True if no token of two texts that follow each other can reach from one into the other.

        Byte-level vocabularies cut text in front of white space that follows something else.
        """
        return self._words or not one or (not one[-1].isspace() and other[:1].isspace())

    def _encoded(self, text: str) -> np.ndarray:
        if text not in self._ids:
            self._ids[text] = self.vocabulary.encode_array(text).astype(np.int64)
        return self._ids[text]

    def can_write(self, ids: np.ndarray) -> bool:
        """Return True if there are ids, and none is that of what the vocabulary has no tokens for."""
        return bool(len(ids)) and self.vocabulary.unknown_id not in ids
