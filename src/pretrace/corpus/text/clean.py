"""GPT-1's recipe for text: ftfy, standardization, spaCy's English tokenizer, lower case (paper.md, section 4).

`clean_text_plainly` is the recipe written out; `clean_text` gives the same string for every input, many times faster:

- ftfy sees only the lines that it could change;
- spaCy splits a chunk (the text between two spaces) independently of its neighbors, so each distinct chunk is tokenized
  once and cached. The exception are spaCy's rules for words that it would otherwise split, such as ":o)": they also
  join parts across a space. Chunks between which that could happen are treated as one;
- plain lines are cleaned a block at a time (`ascii_cleaner`), and only their unusual chunks are looked up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from pretrace.corpus.text.ascii_cleaner import SIGNS, PlainLineCleaner
from pretrace.corpus.text.chunks.token_joins import TokenJoins
from pretrace.corpus.text.chunks.word_tokenizer import EnglishChunkTokenizer, import_spacy, new_spacy_tokenizer
from pretrace.corpus.text.fix_unicode import fix_by_ftfy, fix_line, replaced

CACHED_CHUNKS = 500_000
"""Distinct chunks after which the cache is emptied, so that a corpus of any size fits."""
BLOCK_CHARACTERS = 60_000
"""Text that is cleaned at once, up to the next line end: as much as fits into a processor's cache."""
Progress = Callable[[int], None]

DASHES = dict.fromkeys("\N{EM DASH}\N{EN DASH}\N{HORIZONTAL BAR}", "-")
REPLACEMENTS = {**DASHES, "\N{HORIZONTAL ELLIPSIS}": "...", "\N{ACUTE ACCENT}": "'"}
# The original's pattern lists a backslash, too, but in a string where it escapes a plus sign, so backslashes stay as
# they are. Copies of the recipe that put spaces around them differ from the released model's training text.
RUN_OF_ONE_SIGN = re.compile(r"(([-~!\";?+,)(/*\[\]}{|_])\2*)")


def clean_text(text: str, progress: Progress | None = None) -> str:
    """Return text as GPT-1 saw it, before byte-pair encoding; `progress` is told how many characters are done.

    Lines are separated by one `\\n`; a line is its lower-case tokens joined by one space each. There is no white space
    at the ends and no empty line. Text without any token gives an empty string.

    Source: `text_utils.py` of OpenAI's finetune-transformer-lm, with spaCy's blank English tokenizer (the same rules).
    """
    try:
        return _clean_by_blocks(text.replace("\r\n", "\n"), progress)
    except LineEndLostError:
        return _cleaner().by_fixed_lines(text)


def clean_texts(texts: Sequence[str], progress: Progress | None = None) -> list[str]:
    """Return `clean_text` of each text; short ones are cleaned together, which is many times faster.

    `progress` is told how many characters of all texts are done.
    """
    cleaned: list[str] = []
    done = 0
    for together in _in_blocks(texts):
        if len(together) > 1:
            cleaned += _clean_together(together)
        else:
            cleaned.append(clean_text(together[0], progress and partial(_shifted, progress, done)))
        done += sum(map(len, together))
        if progress:
            progress(done)
    return cleaned


def _shifted(progress: Progress, before: int, done: int) -> None:
    progress(before + done)


def _in_blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield successive texts in blocks; longer ones are alone."""
    block: list[str] = []
    size = 0
    for text in texts:
        if block and size + len(text) > BLOCK_CHARACTERS:
            yield block
            block, size = [], 0
        block.append(text)
        size += len(text)
    if block:
        yield block


def _clean_together(texts: list[str]) -> list[str]:
    try:
        return _cleaner().many([text.replace("\r\n", "\n") for text in texts])
    except LineEndLostError:
        return [clean_text(text) for text in texts]


def _clean_by_blocks(text: str, progress: Progress | None) -> str:
    cleaner = _cleaner()
    html = text.find("<")
    cleaned = []
    start = 0
    while start < len(text):
        end = text.find("\n", start + BLOCK_CHARACTERS) + 1 or len(text)
        block = text[start:end]
        cleaned.append(cleaner(block, -1 if 0 <= html < start else _html_line(block, html - start)))
        start = end
        if progress:
            progress(start)
    return "\n".join([block for block in cleaned if block])


def _html_line(block: str, html: int) -> int:
    """Return the line in which the first "<" is, at this index; all lines if it is not in the block.

    ftfy takes it for a sign of HTML, and keeps entities in the lines below.
    """
    return block.count("\n", 0, html) if 0 <= html < len(block) else len(block)


def clean_text_plainly(text: str) -> str:
    """Return the same as `clean_text`, slowly, step by step as in the recipe: the reference of its tests."""
    import ftfy

    tokens = _spacy_tokenizer()(standardize(ftfy.fix_text(text)))
    # Of a standardized line end, " \n ", the first space belongs to the word before it, the rest is spaCy's token.
    words = ["\n" if token.text == "\n " else token.text.lower() for token in tokens]
    return " ".join(words).replace(" \n ", "\n")


def standardize(text: str) -> str:
    """Standardize as the original does: spaces around punctuation, " \\n " at line ends, single spaces elsewhere."""
    text = RUN_OF_ONE_SIGN.sub(r" \1 ", text if text.isascii() else replaced(text, REPLACEMENTS))
    # The original has patterns for line ends and for other white space; splitting lines gives the same, faster.
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return " \n ".join([line for line in lines if line])


class LineEndLostError(Exception):
    """ftfy took a line end for a part of a wrongly decoded character, and joined the line with the next."""


class Cleaner:
    """Cleans blocks of text by way of their chunks, whose tokens are cached."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        # spaCy caches every word that it has seen, too, so an emptied cache needs a new tokenizer.
        self.tokenizer = new_spacy_tokenizer()
        self.chunks = EnglishChunkTokenizer(self.tokenizer)
        self._joins = TokenJoins(self.tokenizer)
        single = [chr(code) for code in SIGNS if [token.text for token in self.tokenizer(chr(code))] == [chr(code)]]
        self._plain_lines = PlainLineCleaner(self.tokenizer.rules, self._joins, "".join(single), self.chunks.tokens)

    def __call__(self, block: str, html_line: int) -> str:
        """Clean whole lines; HTML entities in those below line `html_line` (from 0) are kept."""
        self._forget_many()
        return self._plain_lines(block, lambda number, line: self._other_line(line, number <= html_line))

    def many(self, texts: Sequence[str]) -> list[str]:
        """Clean several short texts."""
        self._forget_many()
        html_lines = [_html_line(text, text.find("<")) for text in texts]
        return self._plain_lines.many(
            texts, lambda text, number, line: self._other_line(line, number <= html_lines[text])
        )

    def _forget_many(self) -> None:
        if len(self.chunks) > CACHED_CHUNKS:
            self._reset()

    def _other_line(self, line: str, unescape_html: bool) -> str:
        """Clean a line that is not plain, which ftfy may turn into several."""
        fixed = fix_line(line, unescape_html)
        if line.endswith("\n") and not fixed.endswith("\n"):
            raise LineEndLostError
        return self._tokenize_text(standardize(fixed))

    def by_fixed_lines(self, text: str) -> str:
        """Clean a text in which ftfy joins lines: blocks end at the line ends that it keeps."""
        html = text.find("<")
        cleaned: list[str] = []
        block: list[str] = []
        start = size = 0
        while start < len(text):
            end = text.find("\n", start) + 1 or len(text)
            block.append(fix_by_ftfy(text[start:end], html < 0 or start <= html))
            size += len(block[-1])
            start = end
            if start == len(text) or (size >= BLOCK_CHARACTERS and block[-1].endswith("\n")):
                cleaned.append(self._tokenize_text(standardize("".join(block))))
                block, size = [], 0
        return "\n".join([block for block in cleaned if block])

    def _tokenize_text(self, standard: str) -> str:
        chunks = self._joins.glue(standard).split(" ")
        return " ".join(self.chunks.tokens(chunks)).replace(" \n ", "\n")


@cache
def _cleaner() -> Cleaner:
    return Cleaner()


@cache
def _spacy_tokenizer() -> Any:
    """Return the tokenizer as it comes from spaCy."""
    return import_spacy()().tokenizer
