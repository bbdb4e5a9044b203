"""Conversations as prompts: by roles as token ids where a model has them, else as a plain transcript.

A model that was trained on conversations has ids for roles, which no text becomes. Any other model reads
`User:` and `Assistant:` as text, and whoever types these words speaks as they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pretrace.common.errors import PretraceError
from pretrace.tokens import Vocabulary
from pretrace.training.alignment.text.conversation import Turn, render_prompt
from pretrace.training.alignment.text.roles import RoleVocabulary

ROOM = 4
"""The answer has room for at least a quarter of the context, where it is not given."""
SPEAKERS = {"system": "", "user": "User: ", "assistant": "Assistant: "}


class ConversationTooLongError(PretraceError):
    """The newest message does not fit into the context."""


class ConversationForm(Protocol):
    """The prompt of a conversation, and the marks that end an answer."""

    ends: frozenset[int]
    stops: list[str]

    def ids(self, turns: Sequence[Turn]) -> list[int]:
        """Return the ids of turns after which the assistant is to speak."""
        ...


class RoleForm:
    """The form of models with roles."""

    def __init__(self, vocabulary: RoleVocabulary) -> None:
        self._vocabulary = vocabulary
        self.ends = frozenset([*vocabulary.roles.values(), vocabulary.base.document_end_id])
        self.stops: list[str] = []

    def ids(self, turns: Sequence[Turn]) -> list[int]:
        ids: list[int] = render_prompt(turns, self._vocabulary).tolist()
        return ids


class TranscriptForm:
    """The form of models without roles: a line for each turn."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.ends = frozenset([vocabulary.document_end_id])
        written = vocabulary.prepare(SPEAKERS["user"]).strip()
        self.stops = [written] if written else []

    def ids(self, turns: Sequence[Turn]) -> list[int]:
        lines = [*(SPEAKERS[turn.role] + turn.text for turn in turns), SPEAKERS["assistant"].rstrip()]
        return [self._vocabulary.document_end_id, *self._vocabulary.encode("\n".join(lines))]


def form_of(vocabulary: Vocabulary) -> ConversationForm:
    """Return the form that a model's vocabulary has."""
    return RoleForm(vocabulary) if isinstance(vocabulary, RoleVocabulary) else TranscriptForm(vocabulary)


@dataclass(frozen=True)
class ChatPrompt:
    """A conversation as a model reads it."""

    ids: list[int]
    room: int
    """Most tokens of the answer."""
    dropped: int
    """Messages that were left out, as the context is full."""


def chat_prompt(form: ConversationForm, turns: Sequence[Turn], context: int, tokens: int | None) -> ChatPrompt:
    """Return the prompt of a conversation: of one that is too long the oldest questions go with their answers, and the
    system's message and the newest turn stay.

    Args:
        tokens: most tokens of the answer; None: what is left.

    Raises:
        ConversationTooLongError: the newest turn does not fit alone, with the system's message.
    """
    kept = list(turns)
    first = 1 if kept[0].role == "system" else 0
    wanted = min(tokens if tokens is not None else context // ROOM, context - 1)
    while len(ids := form.ids(kept)) + wanted > context:
        if len(kept) - first <= 1:
            return _last_turn(ids, context, tokens, len(turns) - len(kept))
        until = next((n for n in range(first + 1, len(kept)) if kept[n].role == "user"), len(kept) - 1)
        del kept[first:until]
    return ChatPrompt(ids, min(tokens or context, context - len(ids)), len(turns) - len(kept))


def _last_turn(ids: list[int], context: int, tokens: int | None, dropped: int) -> ChatPrompt:
    if len(ids) + (tokens or 1) > context:
        asked = f" and {tokens} for the answer" if tokens else ""
        raise ConversationTooLongError(
            f"the last message, with the system's, has {len(ids)} tokens{asked}; the model reads {context} in all. "
            "Make it shorter"
        )
    return ChatPrompt(ids, min(tokens or context, context - len(ids)), dropped)
