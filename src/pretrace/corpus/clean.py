"""The original recipe for text: ftfy, standardisation, spaCy's English tokenizer, lower case (paper.md, section 4).

`clean_text_plainly` is the recipe written out; `clean_text` gives the same string for every input, many times faster:

- ftfy sees only the lines that it could change;
- spaCy takes apart what stands between two spaces independently of its neighbours, so each distinct such chunk is
  tokenised once and remembered. The exception are spaCy's rules for words that it would otherwise split, such as
  ":o)": they also join parts across a space. Chunks between which that could happen are taken as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Any

from pretrace.corpus.encoding import fix_encoding, replaced

REMEMBERED_CHUNKS = 500_000
"""Distinct chunks after which the memory is emptied, so that a corpus of any size fits."""

DASHES = dict.fromkeys("\N{EM DASH}\N{EN DASH}\N{HORIZONTAL BAR}", "-")
SAME_AS = {**DASHES, "\N{HORIZONTAL ELLIPSIS}": "...", "\N{ACUTE ACCENT}": "'"}
# The original's pattern lists a backslash too, but in a string where it comes to mean a plus sign, so its backslashes
# stay as they are. Copies of the recipe that space them differ from what the released model was trained on.
RUN_OF_ONE_SIGN = re.compile(r"(([-~!\";?+,)(/*\[\]}{|_])\2*)")

GLUE = "\0"
"""Takes the place of a space that does not part chunks; ftfy leaves none in a text."""


def clean_text(text: str) -> str:
    """Text as GPT-1 saw it, before byte-pair encoding.

    The result's lines are parted by one `\\n`; a line is its lower-case tokens joined by one space each. There is no
    white space at the ends and no empty line. Text without anything to read gives an empty string.

    Source: `text_utils.py` of OpenAI's finetune-transformer-lm, with spaCy's blank English tokenizer (the same rules).
    """
    return _chunk_tokenizer()(standardise(fix_encoding(text)))


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


class ChunkTokenizer:
    """spaCy's tokens of standardised text in lower case, remembering each chunk (what stands between two spaces)."""

    def __init__(self) -> None:
        self._tokenizer = _spacy_tokenizer()
        self._known = Chunks(self._tokenizer)
        self._glue = _spaces_inside_words(self._tokenizer).sub

    def __call__(self, text: str) -> str:
        """The tokens joined by one space each, lines parted by `\\n`."""
        if len(self._known) > REMEMBERED_CHUNKS:
            self._known.clear()
        chunks = self._glue(GLUE, text).split(" ")
        return " ".join(map(self._known.__getitem__, chunks)).replace(" \n ", "\n")


class Chunks(dict[str, str]):
    """From a chunk to its tokens, joined by a space; filled as chunks are asked for."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self._tokenizer, self._rules = tokenizer, tokenizer.rules

    def __missing__(self, chunk: str) -> str:
        # spaCy's patterns never part two ASCII letters: only a rule of its own could, and those are looked up.
        if chunk == "\n" or (chunk.isascii() and chunk.isalpha() and chunk not in self._rules):
            tokens = chunk.lower()
        else:
            # Word by word, for the lower case of a letter can depend on its neighbours (the Greek sigma).
            tokens = " ".join([token.text.lower() for token in self._tokenizer(chunk.replace(GLUE, " "))])
        self[chunk] = tokens
        return tokens


@cache
def _chunk_tokenizer() -> ChunkTokenizer:
    return ChunkTokenizer()


@cache
def _spacy_tokenizer() -> Any:
    from spacy.lang.en import English

    return English().tokenizer


def _spaces_inside_words(tokenizer: Any) -> re.Pattern[str]:
    """A pattern for every space across which spaCy could join the parts of one of its special words, and some more.

    spaCy looks for the parts into which the word falls without its rule. A space is meant here if some word has a part
    that ends with the character before it, followed by a part that begins with the character after it.
    """
    from spacy.tokenizer import Tokenizer

    names = ("prefix_search", "suffix_search", "infix_finditer", "token_match", "url_match")
    without_rules = Tokenizer(tokenizer.vocab, rules={}, **{name: getattr(tokenizer, name) for name in names})
    before: dict[str, set[str]] = {}
    for word in tokenizer.rules:
        for left, right in pairwise([token.text for token in without_rules(word)]):
            before.setdefault(right[0], set()).add(left[-1])
    # What begins with a letter or digit follows few signs, so there the sign is looked at first: seven times faster.
    signs = {after: lasts for after, lasts in before.items() if not after.isalnum()}
    letters = {after: lasts for after, lasts in before.items() if after.isalnum()}
    some_sign, some_last = _any_of(signs), _any_of(set().union(*letters.values()))
    return re.compile(f" (?:(?={some_sign})(?:{_pairs(signs)})|(?<={some_last} )(?:{_pairs(letters)}))")


def _pairs(before: dict[str, set[str]]) -> str:
    return "|".join(f"(?={re.escape(after)})(?<={_any_of(lasts)} )" for after, lasts in sorted(before.items()))


def _any_of(characters: Iterable[str]) -> str:
    return "[" + "".join(map(re.escape, sorted(characters))) + "]"
