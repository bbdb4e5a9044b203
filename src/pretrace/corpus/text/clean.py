"""The original recipe for text: ftfy, standardisation, spaCy's English tokenizer, lower case (paper.md, section 4).

`clean_text_plainly` is the recipe written out; `clean_text` gives the same string for every input, many times faster:

- ftfy sees only the lines that it could change;
- spaCy takes apart what stands between two spaces independently of its neighbours, so each distinct such chunk is
  tokenised once and remembered. The exception are spaCy's rules for words that it would otherwise split, such as
  ":o)": they also join parts across a space. Chunks between which that could happen are taken as one;
- lines of plain type are worked on a block at a time (`typeset`), and only their unusual chunks are looked up.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pretrace.corpus.text.ascii_cleaner import SIGNS, TypesetCleaner
from pretrace.corpus.text.fix_unicode import fix_line, fixed_by_ftfy, replaced
from pretrace.corpus.text.token_joins import JoiningSpaces
from pretrace.corpus.text.word_tokenizer import Chunks, import_spacy, new_spacy_tokenizer

REMEMBERED_CHUNKS = 500_000
"""Distinct chunks after which the memory is emptied, so that a corpus of any size fits."""
BLOCK_CHARACTERS = 60_000
"""Text that is worked on at once, up to the next line end: as much as stays in a processor's cache."""

DASHES = dict.fromkeys("\N{EM DASH}\N{EN DASH}\N{HORIZONTAL BAR}", "-")
SAME_AS = {**DASHES, "\N{HORIZONTAL ELLIPSIS}": "...", "\N{ACUTE ACCENT}": "'"}
# The original's pattern lists a backslash too, but in a string where it comes to mean a plus sign, so its backslashes
# stay as they are. Copies of the recipe that space them differ from what the released model was trained on.
RUN_OF_ONE_SIGN = re.compile(r"(([-~!\";?+,)(/*\[\]}{|_])\2*)")


def clean_text(text: str) -> str:
    """Text as GPT-1 saw it, before byte-pair encoding.

    The result's lines are parted by one `\\n`; a line is its lower-case tokens joined by one space each. There is no
    white space at the ends and no empty line. Text without anything to read gives an empty string.

    Source: `text_utils.py` of OpenAI's finetune-transformer-lm, with spaCy's blank English tokenizer (the same rules).
    """
    try:
        return _clean_by_blocks(text.replace("\r\n", "\n"))
    except LineEndLostError:
        return _cleaner().by_fixed_lines(text)


def _clean_by_blocks(text: str) -> str:
    cleaner = _cleaner()
    html = text.find("<")
    cleaned = []
    start = 0
    while start < len(text):
        end = text.find("\n", start + BLOCK_CHARACTERS) + 1 or len(text)
        block = text[start:end]
        # ftfy takes "<" for a sign of HTML, and leaves entities alone in the lines below.
        html_line = (
            len(block) if html < 0 or html >= end else block.count("\n", 0, html - start) if html >= start else -1
        )
        cleaned.append(cleaner(block, html_line))
        start = end
    return "\n".join([block for block in cleaned if block])


def clean_text_plainly(text: str) -> str:
    """The same as `clean_text`, slowly, step by step as the recipe says: what `clean_text` is tested against."""
    import ftfy

    tokens = _spacy_tokenizer()(standardise(ftfy.fix_text(text)))
    # Of a standardised line end, " \n ", the first space belongs to the word before it, the rest is spaCy's token.
    words = ["\n" if token.text == "\n " else token.text.lower() for token in tokens]
    return " ".join(words).replace(" \n ", "\n")


def standardise(text: str) -> str:
    """The original `text_standardize`: space around punctuation, " \\n " at line ends, single spaces elsewhere."""
    text = RUN_OF_ONE_SIGN.sub(r" \1 ", text if text.isascii() else replaced(text, SAME_AS))
    # The original has patterns for line ends and for other white space; taking lines apart gives the same, faster.
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return " \n ".join([line for line in lines if line])


class LineEndLostError(Exception):
    """ftfy took a line end for a part of a wrongly decoded character, so the line goes on with the next."""


class Cleaner:
    """Cleans blocks of text by way of what is known of their chunks (a chunk stands between two spaces)."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        # spaCy remembers every word that it has seen, too, so a memory that is emptied needs a new tokenizer.
        self.tokenizer = new_spacy_tokenizer()
        self.known = Chunks(self.tokenizer)
        self._joining = JoiningSpaces(self.tokenizer)
        whole = [chr(code) for code in SIGNS if [token.text for token in self.tokenizer(chr(code))] == [chr(code)]]
        self._typeset = TypesetCleaner(self.tokenizer.rules, self._joining, "".join(whole), self.known.of)

    def __call__(self, block: str, html_line: int) -> str:
        """Clean whole lines; HTML entities in those below line `html_line` (from 0) are left alone."""
        if len(self.known) > REMEMBERED_CHUNKS:
            self._begin()
        return self._typeset(block, lambda number, line: self._other_line(line, number <= html_line))

    def _other_line(self, line: str, unescape_html: bool) -> str:
        """A line that is not plainly typeset, which ftfy may turn into several."""
        fixed = fix_line(line, unescape_html)
        if line.endswith("\n") and not fixed.endswith("\n"):
            raise LineEndLostError
        return self._tokenised(standardise(fixed))

    def by_fixed_lines(self, text: str) -> str:
        """Clean a text of which ftfy does not leave all lines apart: blocks end where its own lines do."""
        html = text.find("<")
        cleaned: list[str] = []
        block: list[str] = []
        start = size = 0
        while start < len(text):
            end = text.find("\n", start) + 1 or len(text)
            block.append(fixed_by_ftfy(text[start:end], html < 0 or start <= html))
            size += len(block[-1])
            start = end
            if start == len(text) or (size >= BLOCK_CHARACTERS and block[-1].endswith("\n")):
                cleaned.append(self._tokenised(standardise("".join(block))))
                block, size = [], 0
        return "\n".join([block for block in cleaned if block])

    def _tokenised(self, standard: str) -> str:
        chunks = self._joining.glued(standard).split(" ")
        return " ".join(self.known.of(chunks)).replace(" \n ", "\n")


@cache
def _cleaner() -> Cleaner:
    return Cleaner()


@cache
def _spacy_tokenizer() -> Any:
    """As it comes from spaCy."""
    return import_spacy()().tokenizer
