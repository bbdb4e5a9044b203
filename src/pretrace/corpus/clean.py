"""The original recipe for text: ftfy, standardisation, spaCy's English tokenizer, lower case (paper.md, section 4).

`clean_text_plainly` is the recipe written out; `clean_text` gives the same string for every input, many times faster:

- ftfy sees only the lines that it could change;
- spaCy takes apart what stands between two spaces independently of its neighbours, so each distinct such chunk is
  tokenised once and remembered. The exception are spaCy's rules for words that it would otherwise split, such as
  ":o)": they also join parts across a space. Lines where that could happen go to spaCy whole.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

REMEMBERED_CHUNKS = 500_000
"""Distinct chunks after which the memory is emptied, so that a corpus of any size fits."""

DASHES = dict.fromkeys("\N{EM DASH}\N{EN DASH}\N{HORIZONTAL BAR}", "-")
SAME_AS = str.maketrans({**DASHES, "\N{HORIZONTAL ELLIPSIS}": "...", "\N{ACUTE ACCENT}": "'"})
# The original's pattern lists a backslash too, but in a string where it comes to mean a plus sign, so its backslashes
# stay as they are. Copies of the recipe that space them differ from what the released model was trained on.
RUN_OF_ONE_SIGN = re.compile(r"(([-~!\";?+,)(/*\[\]}{|_])\2*)")
LINE_END = re.compile(r"\s*\n\s*")
OTHER_SPACE = re.compile(r"[^\S\n]+")

# What ftfy leaves alone: ASCII without control characters, carriage returns and "&" (which may begin an HTML entity).
UNTOUCHED = re.compile(r"[\t\n\x20-\x25\x27-\x7e]*\Z")
# Characters of which ftfy, in a line that it does not suspect of a wrong encoding, changes only the quotes.
CURLY = "\u2018\u2019\u201c\u201d"
SIMPLE = re.compile(rf"[\t\n\x20-\x25\x27-\x7e{CURLY}\u2013\u2014\u2026\xa3\xc0-\xd6\xd8-\xf6\xf8-\xff]*\Z")
STRAIGHT_QUOTES = str.maketrans(CURLY, "''\"\"")
FTFY_SEGMENT = 1_000_000
"""Characters after which ftfy cuts a line."""


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
    text = RUN_OF_ONE_SIGN.sub(r" \1 ", text.translate(SAME_AS))
    return OTHER_SPACE.sub(" ", LINE_END.sub(" \n ", text)).strip()


def fix_encoding(text: str) -> str:
    """What `ftfy.fix_text` gives, without calling it for lines that it cannot change."""
    if UNTOUCHED.match(text):
        return text
    import ftfy

    config = ftfy.TextFixerConfig(explain=False)
    fixed = []
    for line in text.split("\n"):
        fixed.append(_fix_line(line, config))
        # ftfy takes "<" as a sign of HTML, and from there on leaves entities alone.
        if config.unescape_html and "<" in line:
            config = config._replace(unescape_html=False)
    return "\n".join(fixed)


def _fix_line(line: str, config: Any) -> str:
    import ftfy
    from ftfy.badness import is_bad

    if UNTOUCHED.match(line):
        return line
    if SIMPLE.match(line) and len(line) < FTFY_SEGMENT and not is_bad(line):
        straight = line.translate(STRAIGHT_QUOTES)
        # ftfy looks again at what it has changed, until nothing changes.
        if straight.isascii() or not is_bad(straight):
            return straight
    return ftfy.fix_text(line, config)


class ChunkTokenizer:
    """spaCy's tokens of standardised text in lower case, remembering each chunk (what stands between two spaces)."""

    def __init__(self) -> None:
        self._tokenizer = _spacy_tokenizer()
        self._known = Chunks(self._tokenizer)
        pair, word = _words_across_spaces(self._tokenizer)
        self._joins_a_pair, self._joins_a_word = pair.search, word.search

    def __call__(self, text: str) -> str:
        """The tokens joined by one space each, lines parted by `\\n`."""
        if not self._joins_a_pair(text):
            return self._chunk_by_chunk(text).replace(" \n ", "\n")
        return "\n".join(map(self._line, text.split(" \n ")))

    def _line(self, line: str) -> str:
        if self._joins_a_pair(line) and self._joins_a_word(line):
            return " ".join([token.text.lower() for token in self._tokenizer(line)])
        return self._chunk_by_chunk(line)

    def _chunk_by_chunk(self, text: str) -> str:
        if len(self._known) > REMEMBERED_CHUNKS:
            self._known.clear()
        return " ".join(map(self._known.__getitem__, text.split(" ")))


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
            tokens = " ".join([token.text.lower() for token in self._tokenizer(chunk)])
        self[chunk] = tokens
        return tokens


@cache
def _chunk_tokenizer() -> ChunkTokenizer:
    return ChunkTokenizer()


@cache
def _spacy_tokenizer() -> Any:
    from spacy.lang.en import English

    return English().tokenizer


def _words_across_spaces(tokenizer: Any) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns for the places where spaCy could join parts of one of its special words across a space.

    spaCy looks for the parts into which the word falls without its rule, so that is what is looked for here. The first
    pattern looks only at the two characters around a space and is fast; where it finds nothing, neither does the
    second, which looks at the whole word.
    """
    from spacy.tokenizer import Tokenizer

    names = ("prefix_search", "suffix_search", "infix_finditer", "token_match", "url_match")
    without_rules = Tokenizer(tokenizer.vocab, rules={}, **{name: getattr(tokenizer, name) for name in names})
    befores: dict[str, set[str]] = {}
    words = set()
    for word in tokenizer.rules:
        parts = [token.text for token in without_rules(word)]
        escaped = [re.escape(part) for part in parts]
        for place in range(1, len(parts)):
            befores.setdefault(parts[place][0], set()).add(parts[place - 1][-1])
            # At least the space at this place, perhaps others.
            words.add(" ?".join(escaped[:place]) + " " + " ?".join(escaped[place:]))
    afters: dict[str, str] = {}
    for after, before in sorted(befores.items()):
        key = "".join(map(re.escape, sorted(before)))
        afters[key] = afters.get(key, "") + re.escape(after)
    pairs = "|".join(f"(?<=[{before}] )[{after}]" for before, after in afters.items())
    return re.compile(f" (?:{pairs})"), re.compile("|".join(sorted(words)))
