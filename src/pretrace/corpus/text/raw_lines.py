"""The lines of a raw text behind the lines of its words: what is cut from the words leaves the raw text, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pretrace.corpus.text.clean import standardize
from pretrace.corpus.text.fix_unicode import fix_line


def raw_lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield a raw text in pieces, each with the number of lines that `clean_text` makes of it.

    A piece is a line with its end, or several lines where ftfy takes a line end for a part of a character.
    """
    for piece, fixed in fixed_pieces(text):
        yield piece, len([line for line in standardize(fixed).split("\n") if line.strip()])


def fixed_pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield a raw text in the same pieces, each with its repaired text (`fix_unicode`)."""
    html = text.find("<")
    raw = fixed = ""
    start = 0
    for line in _lines(text):
        raw += line
        fixed += fix_line(line.replace("\r\n", "\n"), html < 0 or start <= html)
        start += len(line)
        if fixed.endswith("\n") or start == len(text):
            yield raw, fixed
            raw = fixed = ""


def without_lines(text: str, is_cut: Sequence[bool]) -> str:
    """Return a raw text without the pieces of which a line is cut; `is_cut` has an entry for each line of its words."""
    kept, at = [], 0
    for piece, lines in raw_lines(text):
        if not any(is_cut[at : at + lines]):
            kept.append(piece)
        at += lines
    return "".join(kept)


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end
