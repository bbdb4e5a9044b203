"""Extraction of running prose from docstrings.

`prose_paragraphs` takes a docstring in any of the usual styles (reStructuredText, numpydoc, Google) and returns its
paragraphs as plain text, in order. Code, doctests, tables, field lists, section titles, formulas and references are
dropped; sentences that follow each other stay together.
"""

from __future__ import annotations

import re

from pretrace.corpus.readers.markup import ENDS, prose_runs, without_markup

BULLET = re.compile(r"(?:[-*+•]|\(?\d{1,2}[.)]|\(?[a-z]\)|#\.)\s+")
TITLE_RULE = re.compile(r"([-=~^\"'`#*+.:_])\1{2,}$")
TABLE_LINE = re.compile(r"\+[-=+]+\+|\|.*\|$|=+( +=+)+$|-+( +-+)+$")
CODE_STARTS = (">>>", "In [", "$ ", "```", "~~~", "@")
DIRECTIVE = re.compile(r"\.\.(?:\s|$)")
SPOKEN_DIRECTIVE = re.compile(r"\.\.\s+(?:note|warning|tip|important|caution|attention|seealso|admonition|hint)::")
FIELD = re.compile(
    r":(?:param|parameter|arg|argument|keyword|key|kwarg|raises|returns?|yields|ivar|cvar|var)\b[^:]*:\s*"
)
OTHER_FIELD = re.compile(r":[A-Za-z][\w\- ]*:(?:\s|$)")
PARAMETER = re.compile(
    r"\*{0,2}[`'\"]?[A-Za-z_][\w.\[\]]*[`'\"]?(?:\s*,\s*\*{0,2}[`'\"]?[A-Za-z_]\w*[`'\"]?)*\s*:(?:\s|$)"
)
ARGUMENT = re.compile(r"\*{0,2}`{0,2}[A-Za-z_][\w.]*`{0,2}(?:\s*\([^()]*(?:\([^()]*\)[^()]*)*\))?(?::|\s+--)\s+(?=\S)")
GOOGLE_SECTION = re.compile(r"[A-Z][A-Za-z ]{2,24}:$")
ARGUMENTS = re.compile(r"(?:Args|(?:Keyword )?Arguments|Parameters|Attributes|Returns?|Raises|Yields):$")
SILENT_SECTION = re.compile(r"(?:see also|references?|bibliography|todo|authors?|copyright|licen[sc]e)s?:?$", re.I)


def prose_paragraphs(docstring: str) -> list[str]:
    """Return the paragraphs of running prose in a docstring: each is one line of whole sentences."""
    return [run for block in _blocks(_dedented(docstring)) for run in prose_runs(without_markup(block))]


def _dedented(text: str) -> list[str]:
    """Return the docstring's lines without common indentation; `inspect.cleandoc` differs between Pythons."""
    lines = [line.rstrip() for line in text.expandtabs(8).splitlines()]
    if not lines:
        return []
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line), default=0)
    return [lines[0].lstrip()] + [line[margin:] for line in lines[1:]]


class _Blocks:
    """Collects the paragraphs of a docstring line by line; lines that are not text by their layout are dropped."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.block: list[str] = []
        self.indent = 0
        """Indentation of the block's first line."""
        self.is_argument = False
        """The block is the description of an argument, and the next argument may follow without an empty line."""
        self.skip_deeper_than = -1
        """Inside a literal block or a directive: lines indented deeper than this are dropped."""
        self.silent = False
        """Inside a section without prose, such as "References"."""
        self.doctest = False

    def end(self) -> None:
        if self.block and not self.silent:
            self.done.append(" ".join(self.block))
        self.block = []

    def empty_line(self) -> None:
        if self.block and self.block[-1].endswith("::"):
            self.skip_deeper_than = self.indent
        self.end()
        self.doctest = False

    def line(self, text: str, indent: int, following: str, deeper_follows: bool) -> None:
        """Add a line; `text` is stripped, `following` is the stripped next line."""
        if self.skip_deeper_than >= 0 and indent > self.skip_deeper_than:
            return
        self.skip_deeper_than = -1
        if self._is_layout(text, indent, following):
            return
        if text.startswith(CODE_STARTS) or self.doctest:
            self.end()
            self.doctest = True
            return
        typed = deeper_follows and _is_entry(text, following)
        if typed or (OTHER_FIELD.match(text) and not FIELD.match(text)):
            self.end()
            return
        may_be_argument = not self.block or (self.is_argument and indent <= self.indent)
        started = FIELD.match(text) or BULLET.match(text) or (ARGUMENT.match(text) if may_be_argument else None)
        if started:
            self.end()
            text = text[started.end() :]
            text = text[:1].upper() + text[1:]
        elif not self.block and PARAMETER.match(text):
            return
        elif self.block and indent < self.indent:
            self.end()
        if not self.block:
            self.indent, self.is_argument = indent, bool(started)
        self.block.append(text)

    def _is_layout(self, text: str, indent: int, following: str) -> bool:
        """Return True for section titles, directives, rules and tables."""
        titled = len(following) >= 3 and TITLE_RULE.match(following)
        if ARGUMENTS.match(text) or (not self.block and (titled or GOOGLE_SECTION.match(text))):
            self.end()
            self.silent = bool(SILENT_SECTION.match(text))
        elif SPOKEN_DIRECTIVE.match(text):
            self.end()
        elif DIRECTIVE.match(text):
            self.end()
            self.skip_deeper_than = indent
        elif TITLE_RULE.match(text) or TABLE_LINE.match(text):
            self.block = []
        else:
            return False
        return True


def _blocks(lines: list[str]) -> list[str]:
    """Return paragraphs as one line each."""
    blocks = _Blocks()
    for number, line in enumerate(lines):
        text = line.strip()
        if not text:
            blocks.empty_line()
            continue
        indent = len(line) - len(text)
        after = lines[number + 1] if number + 1 < len(lines) else ""
        blocks.line(text, indent, after.strip(), bool(after) and len(after) - len(after.lstrip()) > indent)
    blocks.end()
    return blocks.done


def _is_entry(text: str, description: str) -> bool:
    """Return True if a line before deeper lines names only a parameter and its type ("x : int", "x: int", "out")."""
    if ENDS.search(text):
        return False
    if re.match(r"[\w*., `'()]+ : ", text):
        return True
    words = len(text.split())
    return words <= 7 and description[:1].isupper() if ARGUMENT.match(text) else words <= 4
