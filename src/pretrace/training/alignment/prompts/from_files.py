"""Demonstrations, prompts and comparisons from files of instructions and of preferences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pretrace.settings.alignment.load import AssistantSettings
from pretrace.training.alignment.prompts.from_documents import Passage, divided
from pretrace.training.alignment.reward.comparisons import Compared
from pretrace.training.alignment.text.conversation import Conversation, Rendered, fit, render, render_prompt
from pretrace.training.alignment.text.faults import RowFaults
from pretrace.training.alignment.text.instructions import read_instructions
from pretrace.training.alignment.text.preferences import Ranked, read_preferences
from pretrace.training.alignment.text.roles import RoleVocabulary


class FromFiles(NamedTuple):
    """Content of both files, as ids."""

    demonstrations: list[Rendered]
    test_demonstrations: list[Rendered]
    train: list[Passage]
    test: list[Passage]
    compared: list[Compared]
    test_compared: list[Compared]
    left_out: int
    too_long: int


def read_files(settings: AssistantSettings, vocabulary: RoleVocabulary, context: int) -> FromFiles:
    """Read both files; rows that share an opening question are all for training or all for measuring.

    Raises:
        PretraceError: a file cannot be read, or a row is at fault.
    """
    faults = RowFaults(skip=settings.files.on_bad_rows == "skip")
    conversations = read_instructions(str(settings.files.instructions), faults)
    ranked = read_preferences(str(settings.files.preferences), faults)
    faults.tell()
    room = context - 1 - settings.prompts.answer_tokens
    texts = {id(one): fit(one.turns, vocabulary, context - 1) for one in conversations}
    kept = [one for one in conversations if texts[id(one)]]
    groups: dict[str, list[Passage]] = {}
    for one in kept:
        passage = _passage(one, vocabulary, room)
        if passage:
            groups.setdefault(one.opening, []).append(passage)
    compared = {number: _compared(one, vocabulary, context - 1) for number, one in enumerate(ranked)}
    for number, row in compared.items():
        if row and len(row.prompt) <= room:
            opening = ranked[number].prompt.opening
            best = row.answers[int(np.argmax(row.scores))]
            groups.setdefault(opening, []).append(Passage(row.prompt, best, opening))
    train, test = divided(groups, settings.prompts, settings.seed, str(settings.files.instructions))
    held_out = {passage.group for passage in test}

    def rendered(ones: Sequence[Conversation]) -> list[Rendered]:
        return [render(texts[id(one)] or (), vocabulary) for one in ones]

    def rows(inside: bool) -> list[Compared]:
        pairs = ((row, ranked[number].prompt.opening in held_out) for number, row in compared.items())
        return [row for row, held in pairs if row and held == inside]

    return FromFiles(
        rendered([one for one in kept if one.opening not in held_out]),
        rendered([one for one in kept if one.opening in held_out]),
        train,
        test,
        rows(False),
        rows(True),
        len(faults.lines),
        len(conversations) - len(kept) + sum(row is None for row in compared.values()),
    )


def _passage(one: Conversation, vocabulary: RoleVocabulary, room: int) -> Passage | None:
    """Return the last question with its answer; None if there is no room for an answer behind it."""
    turns = fit(one.turns[:-1], vocabulary, room - 1)
    if turns is None:
        return None
    answer = (*vocabulary.encode(one.turns[-1].text), vocabulary.end_id)
    return Passage(tuple(render_prompt(turns, vocabulary).tolist()), answer, one.opening)


def _compared(one: Ranked, vocabulary: RoleVocabulary, longest: int) -> Compared | None:
    """Return compared answers as ids, each with its end mark; None if they do not fit behind the last question."""
    answers = tuple((*vocabulary.encode(text), vocabulary.end_id) for text in one.answers)
    turns = fit(one.prompt.turns, vocabulary, longest - 1 - max(map(len, answers)))
    if turns is None:
        return None
    prompt = tuple(render_prompt(turns, vocabulary).tolist())
    return Compared(prompt, answers, one.scores, one.margins)
