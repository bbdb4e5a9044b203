"""Files of instructions with answers, as published: Alpaca's, Dolly's, LIMA's columns, and lists of messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.corpus.readers.tables.table import Table
from pretrace.tasks.read_table import read_file
from pretrace.training.alignment.text.conversation import Conversation, Turn
from pretrace.training.alignment.text.faults import RowFaultError, RowFaults
from pretrace.training.alignment.text.turns import alternating, message_turns, prompt_turns, text_of

QUESTIONS, INPUTS = ("instruction", "prompt", "question"), ("input", "context")
ANSWERS = ("output", "response", "answer", "completion")
WHOLE: dict[str, Callable[[Any, str], tuple[Turn, ...]]] = {"turns": alternating, "messages": message_turns}
"""Columns that hold a whole conversation."""
TAKES = (
    "takes `turns` or `messages`, or one of instruction, prompt, question with one of output, response, answer, "
    "completion (and `input` or `context`, if there is more to the question)"
)


def read_instructions(file: str, faults: RowFaults) -> list[Conversation]:
    """Return the conversations of a file, each of which ends with an answer.

    Raises:
        PretraceError: the file cannot be read, has none of the known columns, or a row is at fault (`RowFaults`).
    """
    table = read_file(file, [*WHOLE, *QUESTIONS, *INPUTS, *ANSWERS], advice=TAKES)
    whole = first_of(WHOLE, table.names)
    question, given, answer = (first_of(names, table.names) for names in (QUESTIONS, INPUTS, ANSWERS))
    if not whole and not (question and answer):
        raise PretraceError(f"{file}: has columns {', '.join(table.names)}; {TAKES}")
    found = []
    for number, place in enumerate(table.places):
        try:
            if whole:
                turns = WHOLE[whole](table.column(whole)[number], whole)
            else:
                asked = _question(table, question, given, number)
                turns = (*asked, Turn("assistant", text_of(table.column(answer)[number], answer)))
            if not turns or turns[-1].role != "assistant":
                raise RowFaultError("ends with the user's turn; takes the assistant's answer last")
        except RowFaultError as fault:
            faults.add(place, str(fault))
            continue
        found.append(Conversation(turns, place))
    if not found:
        raise PretraceError(f"{file}: no row is left that can be used")
    return found


def _question(table: Table, question: str, given: str, number: int) -> tuple[Turn, ...]:
    """Return the turns before the answer; more to a question stands below it."""
    turns = prompt_turns(table.column(question)[number], question)
    more = table.column(given)[number] if given else None
    if isinstance(more, str) and more.strip():
        return (*turns[:-1], Turn("user", f"{turns[-1].text}\n{more.strip()}"))
    return turns


def first_of(names: Sequence[str] | dict[str, Any], there: Sequence[str]) -> str:
    """Return the first of some names that a file has as a column; "" if it has none."""
    return next((name for name in names if name in there), "")
