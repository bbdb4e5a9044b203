"""Extraction of plain sentences from a paragraph with markup."""

from __future__ import annotations

import re
from collections.abc import Iterator

ROLE = re.compile(r":[A-Za-z][\w+.:-]*:`([^`]*)`")
TARGET = re.compile(r"\s*<[^<>`]*>$")
LINK = re.compile(r"`([^`<>]+?)\s*<[^<>`]*>`_{1,2}")
FOOTNOTE = re.compile(r"\s*\[(?:\d+|#\w*|[A-Z][A-Za-z+]*\d{2,4}\w?)\]_|\s*\|\w+\|_?")
MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]+)\]\([^()\s]+\)")
TICKS = re.compile(r"``([^`]+)``|`([^`]+)`_{0,2}")
STRONG = re.compile(r"(?<!\w)(\*{1,3})(?=[^\s*])([^*\n]+?)(?<=[^\s*])\1(?!\w)")
MATH = re.compile(r":math:`[^`]*`")
SENTENCE_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')\]]))\s+(?=[\"'(\[]?[A-Z])")
ENDS = re.compile(r"[.!?][\"')\]]*$")
NOT_PROSE = re.compile(r"https?:|www\.|[{}\\|<>$^~@#]|==|::|\.\.\.|->|[A-Za-z]\(\w*=|%\(|\S{41}|[=*+]\s|\s__|\ufffd")
WORD = re.compile(r"(?<!\S)[\"'(]*(?:(?:[A-Za-z]|(?:[A-Z]?[a-z]+-))[a-z']*[,.;:!?)]*|\d+[,.;:)]*)(?!\S)")
MINIMUM_WORDS = 4
PROSE_SHARE = 0.75
"""Share of a sentence's words that must be plain words or numbers."""


def without_markup(text: str) -> str:
    """Replace inline markup by plain text: ``code`` -> code, :func:`~a.b` -> a.b, *strong* -> strong."""
    if "`" in text:
        text = MATH.sub("\ufffd", text)  # a hole that the sentence's filter sees
        text = LINK.sub(r"\1", text)
        text = ROLE.sub(lambda match: _role_text(match[1]), text)
        text = TICKS.sub(lambda match: match[1] or match[2], text)
    if "](" in text:
        text = MARKDOWN_LINK.sub(r"\1", text)
    if "*" in text:
        text = STRONG.sub(r"\2", text)
    if "_" in text:
        text = FOOTNOTE.sub("", text)
    return " ".join(text.split())


def _role_text(content: str) -> str:
    """Return the visible text of a cross-reference: its title, or its target, shortened to the last part by "~"."""
    title = TARGET.sub("", content).lstrip("!")
    if title.startswith("~"):
        return title.rpartition(".")[2].lstrip("~")
    return re.sub(r"^_[a-z]+\.(?=[A-Za-z])|^\.", "", title)


def prose_runs(text: str) -> Iterator[str]:
    """Yield the runs of sentences that are prose.

    Any other sentence ends a run, so sentences that were apart do not become neighbors.
    """
    run: list[str] = []
    for sentence in SENTENCE_END.split(text):
        if _is_prose(sentence):
            run.append(sentence)
        elif run:
            yield " ".join(run)
            run = []
    if run:
        yield " ".join(run)


def _is_prose(sentence: str) -> bool:
    if not ENDS.search(sentence) or NOT_PROSE.search(sentence) or not sentence.isprintable():
        return False
    if not (sentence[0].isupper() or sentence[0] in "\"'(") or sentence.count("(") != sentence.count(")"):
        return False
    words = len(sentence.split())
    return words >= MINIMUM_WORDS and len(WORD.findall(sentence)) >= PROSE_SHARE * words and not sentence.isupper()
