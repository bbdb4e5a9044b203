"""Files of preferences: pairs of conversations (HH), a prompt with a chosen and a rejected answer, ranks, votes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.tasks.read_table import read_file
from pretrace.training.alignment.text.conversation import Conversation
from pretrace.training.alignment.text.faults import RowFaultError, RowFaults
from pretrace.training.alignment.text.instructions import first_of
from pretrace.training.alignment.text.turns import (
    checked_turns,
    hh_turns,
    message_turns,
    prompt_turns,
    text_of,
)

VOTES = {"a": (1.0, 0.0), "b": (0.0, 1.0), "0": (1.0, 0.0), "1": (0.0, 1.0), "tie": (0.0, 0.0)}
"""Scores of two answers by the vote."""
PROMPTS = ("prompt", "instruction", "question")
COLUMNS = (*PROMPTS, "roles", "turns", "chosen", "rejected", "score_chosen", "score_rejected")
RANKED = ("answers", "scores", "ranks", "choices", "label")
TAKES = (
    "takes `chosen` and `rejected` (conversations, or answers beside a prompt), `answers` with `scores` or `ranks`, or "
    "`choices` with `label`; the prompt is `prompt`, `instruction`, `question`, or `roles` with `turns`"
)


@dataclass(frozen=True)
class Ranked:
    """A prompt with answers that were compared."""

    prompt: Conversation
    """Ends with the user's turn."""
    answers: tuple[str, ...]
    scores: tuple[float, ...]
    """The higher the better; equal ones are a tie."""
    margins: bool = False
    """True if differences of scores say how much better an answer is."""


def read_preferences(file: str, faults: RowFaults) -> list[Ranked]:
    """Return the compared answers of a file.

    Raises:
        PretraceError: the file cannot be read, has none of the known columns, all votes are for the same side, or a
            row is at fault (`RowFaults`).
    """
    table = read_file(file, [*COLUMNS, *RANKED], advice=TAKES)
    read = _reader(set(table.names))
    if read is None:
        raise PretraceError(f"{file}: has columns {', '.join(table.names)}; {TAKES}")
    found = []
    for number, place in enumerate(table.places):
        row = {name: values[number] for name, values in table.columns.items()}
        try:
            found.append(_checked(read(row), place))
        except RowFaultError as fault:
            faults.add(place, str(fault))
    if not found:
        raise PretraceError(f"{file}: no row is left that can be used")
    votes = {str(vote).strip().lower() for vote in table.columns.get("label", ())} - {"tie"}
    if read is _voted and len(votes) == 1 and len(found) > 1:
        raise PretraceError(
            f"{file}: column label: all {len(found)} votes are {votes.pop()!r}, one class of preference only; a reward "
            "model would learn the side. Write the answers in random order"
        )
    return found


def _reader(names: set[str]) -> Callable[[dict[str, Any]], Ranked] | None:
    """Return what reads rows with these columns; None if they are not known."""
    asked = bool(first_of(PROMPTS, sorted(names)) or {"roles", "turns"} <= names)
    if {"chosen", "rejected"} <= names:
        return _pair if asked else _conversations
    if asked and "answers" in names and names & {"scores", "ranks"}:
        return _ranked
    return _voted if asked and {"choices", "label"} <= names else None


def _prompt(row: dict[str, Any]) -> Conversation:
    if "turns" in row:
        turns = checked_turns(list(zip(row["roles"], row["turns"], strict=False)), "turns")
        if not turns or turns[-1].role != "user":
            raise RowFaultError("turns: end with the wrong speaker; takes the user's turn last")
        return Conversation(turns)
    name = first_of(PROMPTS, list(row))
    return Conversation(prompt_turns(row[name], name))


def _answer(value: Any, what: str) -> str:
    """Return an answer given as text, or as a list of messages that ends with it."""
    if isinstance(value, list):
        turns = message_turns([{"role": "user", "content": "."}, value[-1]] if value else [], what)
        if not turns:
            raise RowFaultError(f"{what}: is empty")
        return turns[-1].text
    return text_of(value, what)


def _pair(row: dict[str, Any]) -> Ranked:
    scores = [row.get("score_chosen"), row.get("score_rejected")]
    known = [float(score) for score in scores if isinstance(score, int | float)]
    margins = len(known) == 2
    given = (known[0], known[1]) if margins else (1.0, 0.0)
    return Ranked(
        _prompt(row), (_answer(row["chosen"], "chosen"), _answer(row["rejected"], "rejected")), given, margins
    )


def _conversations(row: dict[str, Any]) -> Ranked:
    """Two conversations with the same beginning, of which the last answers differ."""
    read = message_turns if isinstance(row["chosen"], list) else hh_turns
    both = [read(row[name], name) for name in ("chosen", "rejected")]
    for name, turns in zip(("chosen", "rejected"), both, strict=True):
        if not turns or turns[-1].role != "assistant":
            raise RowFaultError(f"{name}: ends with the wrong speaker; takes the assistant's answer last")
    if both[0][:-1] != both[1][:-1]:
        raise RowFaultError("chosen and rejected: their prompts differ; takes the same turns up to the last answer")
    return Ranked(Conversation(both[0][:-1]), (both[0][-1].text, both[1][-1].text), (1.0, 0.0))


def _ranked(row: dict[str, Any]) -> Ranked:
    name = "scores" if row.get("scores") is not None else "ranks"
    answers, values = row["answers"], row[name]
    if not isinstance(answers, list) or not isinstance(values, list) or len(answers) != len(values):
        raise RowFaultError(f"answers and {name}: take lists of the same length")
    if bad := next((v for v in values if type(v) not in (int, float) or not math.isfinite(v)), None):
        raise RowFaultError(f"{name}: got {bad!r}, which is not a number")
    sign = 1.0 if name == "scores" else -1.0  # rank 0 is the best
    texts = tuple(_answer(text, f"answers: {number}") for number, text in enumerate(answers, 1))
    return Ranked(_prompt(row), texts, tuple(sign * value for value in values), name == "scores")


def _voted(row: dict[str, Any]) -> Ranked:
    vote = str(row["label"]).strip().lower()
    if vote not in VOTES:
        raise RowFaultError(f"label: got {row['label']!r}; takes A, B, 0, 1 or tie")
    if not isinstance(row["choices"], list) or len(row["choices"]) != 2:
        raise RowFaultError("choices: takes two answers")
    return Ranked(_prompt(row), tuple(_answer(text, "choices") for text in row["choices"]), VOTES[vote])


def _checked(row: Ranked, place: str) -> Ranked:
    """Return a row with its place. Raises `RowFaultError` if it makes no pair."""
    if len(row.answers) < 2:
        raise RowFaultError("has one answer; takes two or more")
    for first, text in enumerate(row.answers):
        if text in row.answers[first + 1 :] and row.scores[first] != row.scores[row.answers.index(text, first + 1)]:
            raise RowFaultError("chosen equal to rejected: the same answer twice with different preference")
    if len(set(row.scores)) == 1:
        raise RowFaultError("all answers are tied, which makes no pair")
    return Ranked(Conversation(row.prompt.turns, place), row.answers, row.scores, row.margins)
