"""Turns from the forms in which published files have conversations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast, get_args

from pretrace.training.alignment.text.conversation import Turn
from pretrace.training.alignment.text.faults import RowFaultError
from pretrace.training.alignment.text.roles import Role

ROLES: dict[str, Role] = {
    **{role: role for role in cast("tuple[Role, ...]", get_args(Role))},
    **{"human": "user", "prompter": "user", "gpt": "assistant", "bot": "assistant"},
}
"""Names of speakers in published files."""
HH = re.compile(r"\n\nHuman:[ ]?|\n\nAssistant:[ ]?")
"""Speakers in the conversations of Anthropic's HH, which are one text."""


def text_of(value: Any, what: str) -> str:
    """Return a text that is not empty. Raises `RowFaultError`."""
    if not isinstance(value, str):
        raise RowFaultError(f"{what}: takes text, got {type(value).__name__}")
    if not value.strip():
        raise RowFaultError(f"{what}: is empty")
    return value.strip()


def hh_turns(value: Any, what: str) -> tuple[Turn, ...]:
    """Return the turns of a conversation of HH's form.

    Raises:
        RowFaultError: it does not begin with a speaker, a turn is empty, or turns do not alternate.
    """
    text = text_of(value, what)
    text = text if text.startswith("\n\n") else f"\n\n{text}"
    first = HH.match(text)
    if not first:
        raise RowFaultError(f"{what}: does not begin with `Human:`, as HH's conversations do")
    marks, parts = HH.findall(text), HH.split(text)[1:]
    names: list[Role] = ["user" if "Human" in mark else "assistant" for mark in marks]
    return checked_turns(list(zip(names, parts, strict=True)), what)


def message_turns(value: Any, what: str) -> tuple[Turn, ...]:
    """Return the turns of a list of messages with `role` and `content`. Raises `RowFaultError`, as `hh_turns`."""
    pairs = []
    for number, message in enumerate(value, 1):
        if not isinstance(message, dict) or not {"role", "content"} <= message.keys():
            raise RowFaultError(f"{what}: message {number} takes `role` and `content`")
        pairs.append((message["role"], message["content"]))
    return checked_turns(pairs, what)


def alternating(texts: Any, what: str) -> tuple[Turn, ...]:
    """Return the turns of a list of texts, of which the first is the user's. Raises `RowFaultError`, as `hh_turns`."""
    if not isinstance(texts, list):
        raise RowFaultError(f"{what}: takes a list of texts, got {type(texts).__name__}")
    return checked_turns([("assistant" if number % 2 else "user", text) for number, text in enumerate(texts)], what)


def checked_turns(pairs: Sequence[tuple[Any, Any]], what: str) -> tuple[Turn, ...]:
    """Return turns whose speakers are known and alternate, the user first; a system's turn may come before.

    Raises:
        RowFaultError: it is otherwise, or a text is empty.
    """
    turns: list[Turn] = []
    for number, (name, text) in enumerate(pairs, 1):
        role = ROLES.get(str(name).strip().lower())
        if role is None:
            raise RowFaultError(f"{what}: turn {number}: speaker {name!r}; takes {', '.join(get_args(Role))}")
        before = turns[-1].role if turns else "system"
        expected = {"system": ("user", "system") if not turns else ("user",), "user": ("assistant",)}
        if role not in expected.get(before, ("user",)):
            raise RowFaultError(f"{what}: turn {number} is the {role}'s; after the {before}'s comes another's")
        turns.append(Turn(role, text_of(text, f"{what}: turn {number}")))
    return tuple(turns)


def prompt_turns(value: Any, what: str) -> tuple[Turn, ...]:
    """Return the turns of a prompt: a list of messages, or a text, which is one question or of HH's form.

    Raises:
        RowFaultError: it is neither, or the last turn is not the user's.
    """
    if isinstance(value, list):
        turns = message_turns(value, what)
    elif isinstance(value, str) and HH.match(value if value.startswith("\n\n") else f"\n\n{value}"):
        turns = hh_turns(re.sub(r"\s*Assistant:\s*$", "", value), what)
    else:
        turns = (Turn("user", text_of(value, what)),)
    if not turns or turns[-1].role != "user":
        raise RowFaultError(
            f"{what}: ends with the {turns[-1].role if turns else 'nobody'}'s turn; takes the user's last"
        )
    return turns
