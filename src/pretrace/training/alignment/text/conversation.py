"""Conversations, and the token ids that a model reads of them.

    [document end] <|user|> ids <|end|> <|assistant|> ids <|end|> ...

What is rendered of a conversation's beginning is the beginning of what is rendered of the whole. Trained are the
answers of the assistant and their end marks, of every turn in one pass; the paper leaves open whether prompts count.

Shapes: T tokens of a conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pretrace.training.alignment.text.roles import Role, RoleVocabulary


class Turn(NamedTuple):
    """A speaker and the text said at once."""

    role: Role
    text: str


@dataclass(frozen=True)
class Conversation:
    """Turns in their order, and where they are from."""

    turns: tuple[Turn, ...]
    place: str = ""
    """As in messages: `mine.jsonl: row 7`."""

    @property
    def opening(self) -> str:
        """The first question, by which conversations are divided: no split shares one."""
        return next((turn.text for turn in self.turns if turn.role == "user"), "")


class Rendered(NamedTuple):
    """Token ids of a text, and which of them training predicts."""

    ids_T: np.ndarray
    """int64."""
    trained_T: np.ndarray
    """True at tokens of answers and at their end marks; the first one is False."""


def render(turns: Sequence[Turn], vocabulary: RoleVocabulary) -> Rendered:
    """Return the ids of whole turns."""
    ids, trained = [vocabulary.base.document_end_id], [False]
    for role, text in turns:
        own = [vocabulary.roles[role], *vocabulary.encode(text), vocabulary.end_id]
        ids += own
        trained += [False, *[role == "assistant"] * (len(own) - 1)]
    return Rendered(np.array(ids), np.array(trained))


def render_prompt(turns: Sequence[Turn], vocabulary: RoleVocabulary) -> np.ndarray:
    """Return the ids (T,) of turns after which the assistant is to speak."""
    return np.append(render(turns, vocabulary).ids_T, vocabulary.roles["assistant"])


def fit(turns: Sequence[Turn], vocabulary: RoleVocabulary, longest: int) -> tuple[Turn, ...] | None:
    """Return the turns that fit into so many tokens: the oldest questions are dropped with their answers.

    Returns:
        A system's turn and the newest whole turns; None if not even the last question and its answer fit.
    """
    kept = list(turns)
    first = 1 if kept and kept[0].role == "system" else 0
    while len(render(kept, vocabulary).ids_T) > longest:
        if len(kept) - first <= 2:
            return None
        del kept[first : first + 2]
    return tuple(kept)


def continuation(prompt_ids: Sequence[int], answer_ids: Sequence[int]) -> Rendered:
    """Return a prompt with its answer, whose tokens alone are trained."""
    ids_T = np.array([*prompt_ids, *answer_ids])
    return Rendered(ids_T, np.arange(len(ids_T)) >= len(prompt_ids))
