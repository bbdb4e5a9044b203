"""Running prose out of documentation: what a person would read aloud from a docstring.

`prose_paragraphs` takes one docstring in any of the usual styles (reStructuredText, numpydoc, Google) and gives its
paragraphs as plain text, in order. Code, doctests, tables, field lists, section titles, formulas and references go;
sentences that follow each other stay together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

BULLET = re.compile(r"(?:[-*+•]|\(?\d{1,2}[.)]|\(?[a-z]\)|#\.)\s+")
TITLE_RULE = re.compile(r"([-=~^\"'`#*+.:_])\1{2,}$")
TABLE_LINE = re.compile(r"\+[-=+]+\+|\|.*\|$|=+( +=+)+$|-+( +-+)+$")
DIRECTIVE = re.compile(r"\.\.(?:\s|$)")
SPOKEN_DIRECTIVE = re.compile(r"\.\.\s+(?:note|warning|tip|important|caution|attention|seealso|admonition|hint)::")
FIELD = re.compile(
    r":(?:param|parameter|arg|argument|keyword|key|kwarg|raises|returns?|yields|ivar|cvar|var)\b[^:]*:\s*"
)
OTHER_FIELD = re.compile(r":[A-Za-z][\w\- ]*:(?:\s|$)")
PARAMETER = re.compile(
    r"\*{0,2}[`'\"]?[A-Za-z_][\w.\[\]]*[`'\"]?(?:\s*,\s*\*{0,2}[`'\"]?[A-Za-z_]\w*[`'\"]?)*\s*:(?:\s|$)"
)
ARGUMENT = re.compile(
    r"\*{0,2}`{0,2}[A-Za-z_][\w.]*`{0,2}\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*(?::|--)\s+(?=[A-Z])"
)
GOOGLE_SECTION = re.compile(r"[A-Z][A-Za-z ]{2,24}:$")
SILENT_SECTION = re.compile(r"(?:see also|references?|bibliography|todo|authors?|copyright|licen[sc]e)s?:?$", re.I)

ROLE = re.compile(r":[A-Za-z][\w+.:-]*:`([^`]*)`")
TARGET = re.compile(r"\s*<[^<>`]*>$")
LINK = re.compile(r"`([^`<>]+?)\s*<[^<>`]*>`_{1,2}")
FOOTNOTE = re.compile(r"\s*\[(?:\d+|#\w*|[A-Z][A-Za-z+]*\d{2,4}\w?)\]_|\s*\|\w+\|_?")
MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]+)\]\([^()\s]+\)")
TICKS = re.compile(r"``([^`]+)``|`([^`]+)`_{0,2}")
STRONG = re.compile(r"(?<!\w)(\*{1,3})(?=[^\s*])([^*\n]+?)(?<=[^\s*])\1(?!\w)")
MATH = re.compile(r":math:|\$[^$]+\$|\\[a-zA-Z(\[]")
SENTENCE_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')\]]))\s+(?=[\"'(\[]?[A-Z])")
ENDS = re.compile(r"[.!?][\"')\]]*$")
NOT_PROSE = re.compile(r"https?:|www\.|[{}\\|<>$^~@#]|==|::|__|>>>|\.\.\.|->|[A-Za-z]\(\w*=|%\(|\S{31}|[=*/+]\s|\ufffd")
WORD = re.compile(r"[A-Za-z][a-z']*[,.;:!?)]*$|[A-Z][a-z]+-[a-z]+[,.;:!?)]*$|[a-z]+-[a-z]+[,.;:!?)]*$|\d+[,.;:)]*$")
MINIMUM_WORDS = 4
PROSE_SHARE = 0.75
"""Share of a sentence's words that must be plain words or numbers."""


def prose_paragraphs(docstring: str) -> list[str]:
    """The paragraphs of running prose in a docstring: each one line of whole sentences, at least one."""
    return [run for block in _blocks(_dedented(docstring)) for run in _runs(_without_markup(block))]


def _dedented(text: str) -> list[str]:
    """The docstring's lines without common indentation; not `inspect.cleandoc`, which differs between Pythons."""
    lines = [line.rstrip() for line in text.expandtabs(8).splitlines()]
    if not lines:
        return []
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line), default=0)
    return [lines[0].lstrip()] + [line[margin:] for line in lines[1:]]


def _blocks(lines: list[str]) -> Iterator[str]:
    """Paragraphs as one line each; what is not text by its layout is left out."""
    block: list[str] = []
    skip_deeper_than = -1  # inside a literal block or a directive: all lines deeper than this are left out
    silent = False  # inside a section such as "References"
    doctest = False
    block_indent = 0

    def ended() -> Iterator[str]:
        if block and not silent:
            yield " ".join(block)
        block.clear()

    for number, line in enumerate(lines):
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if not text:
            if block and block[-1].endswith("::"):
                skip_deeper_than = block_indent
            yield from ended()
            doctest = False
            continue
        if skip_deeper_than >= 0 and indent > skip_deeper_than:
            continue
        skip_deeper_than = -1
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if TITLE_RULE.match(following) and len(following) >= 3 and not block:
            silent = bool(SILENT_SECTION.match(text))
            continue
        if GOOGLE_SECTION.match(text) and not block:
            silent = bool(SILENT_SECTION.match(text))
            continue
        if SPOKEN_DIRECTIVE.match(text):
            yield from ended()
            continue
        if DIRECTIVE.match(text):
            yield from ended()
            skip_deeper_than = indent
            continue
        if text.startswith((">>>", "In [", "$ ", "```", "~~~", "@")) or doctest:
            yield from ended()
            doctest = True
            continue
        if TITLE_RULE.match(text) or TABLE_LINE.match(text):
            block.clear()
            continue
        starts = FIELD.match(text) or BULLET.match(text) or ARGUMENT.match(text)
        if starts:
            yield from ended()
            text = text[starts.end() :]
            if text.startswith("("):
                text = ARGUMENT.sub("", text)
        elif (
            OTHER_FIELD.match(text)
            or (not block and PARAMETER.match(text))
            or _is_entry(text, indent, following, lines, number)
        ):
            yield from ended()
            continue
        elif block and indent < block_indent:
            yield from ended()
        if not block:
            block_indent = indent
        block.append(text)
    yield from ended()


def _is_entry(text: str, indent: int, following: str, lines: list[str], number: int) -> bool:
    """A numpydoc entry ("x : int", "out") is a short line that its deeper description follows at once."""
    if not following:
        return bool(re.match(r"[\w*., ]+ : ", text))
    after = lines[number + 1]
    deeper = len(after) - len(after.lstrip()) > indent
    typed = re.match(r"[\w*.,`'() ]+ ?: ", text)
    return deeper and (typed is not None or (not ENDS.search(text) and len(text.split()) <= 4))


def _without_markup(text: str) -> str:
    """Inline markup to plain text: ``code`` -> code, :func:`~a.b` -> a.b, *strong* -> strong."""
    if MATH.search(text):
        text = re.sub(r":math:`[^`]*`", "\ufffd", text)  # a hole that the sentence's filter sees
    text = LINK.sub(r"\1", text)
    text = MARKDOWN_LINK.sub(r"\1", text)
    text = ROLE.sub(lambda match: TARGET.sub("", match[1]).lstrip("~!"), text)
    text = TICKS.sub(lambda match: match[1] or match[2], text)
    text = STRONG.sub(r"\2", text)
    text = FOOTNOTE.sub("", text)
    return " ".join(text.split())


def _runs(text: str) -> Iterator[str]:
    """The runs of sentences that are prose.

    A sentence that is not ends a run, so no two sentences become neighbours that were not.
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
    words = sentence.split()
    plain = sum(1 for word in words if WORD.match(word.lstrip("(\"'")))
    return len(words) >= MINIMUM_WORDS and plain >= PROSE_SHARE * len(words) and not sentence.isupper()
