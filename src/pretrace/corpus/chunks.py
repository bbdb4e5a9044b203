"""What spaCy's English tokenizer makes of a chunk, which is what stands between two spaces: worked out once, and kept.

spaCy takes chunks apart independently of each other, but for the spaces that `spaces_between` finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

# spaCy's patterns never part two ASCII letters, and always a sign from them that stands here at the end or in front; a
# full stop from small ones only. A rule of its own could say otherwise: words with one are not taken for easy.
EASY = re.compile(r"('?)([A-Za-z]+)('s|:|\.?'?)")
GLUE = "\0"
"""Takes the place of a space that does not part chunks; ftfy leaves none in a text."""


class Chunks:
    """What is known of chunks: their tokens in lower case, joined by a space; learned as they are asked for."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer, self._rules = tokenizer, tokenizer.rules
        self._known: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, chunks: list[str]) -> list[str]:
        """The tokens of each chunk; new ones are tokenised together, which is several times faster."""
        found = list(map(self._known.get, chunks))
        if None in found:
            new = {chunk for chunk, tokens in zip(chunks, found, strict=True) if tokens is None}
            hard = [chunk for chunk in sorted(new) if not self._is_easy(chunk)]
            self._known.update(zip(hard, self._tokenise(hard), strict=True))
            found = list(map(self._known.__getitem__, chunks))
        return found

    def _is_easy(self, chunk: str) -> bool:
        """Whether the tokens are certain without spaCy; then they are remembered."""
        rules = self._rules
        found = EASY.fullmatch(chunk)
        if not found or chunk in rules:
            return chunk == "\n" and not self._known.update({chunk: chunk})
        quote, word, tail = found.groups()
        if word in rules or (quote and tail) or (tail[:1] == "." and (word + "." in rules or not word[-1].islower())):
            return False
        tokens = [quote, word.lower(), *([tail] if tail == "'s" else tail)]
        self._known[chunk] = " ".join([token for token in tokens if token])
        return True

    def _tokenise(self, chunks: list[str]) -> list[str]:
        if not chunks:
            return []
        # Word by word, for the lower case of a letter can depend on its neighbours (the Greek sigma). Of the line ends
        # between the chunks the first space belongs to the word before, the rest is spaCy's token.
        tokens = self._tokenizer(" \n ".join(chunks).replace(GLUE, " "))
        return " ".join([token.text.lower() for token in tokens]).split(" \n  ")


def new_spacy_tokenizer() -> Any:
    """spaCy's tokenizer for English, with nothing remembered."""
    from spacy.lang.en import English

    return English().tokenizer


def pairs_inside_words(tokenizer: Any) -> dict[str, set[str]]:
    """Characters between which a space may stand inside of one of spaCy's special words: the last by the first after.

    spaCy looks for the parts into which the word falls without its rule. Some word has a part that ends with the one
    character, followed by a part that begins with the other.
    """
    from spacy.tokenizer import Tokenizer

    names = ("prefix_search", "suffix_search", "infix_finditer", "token_match", "url_match")
    without_rules = Tokenizer(tokenizer.vocab, rules={}, **{name: getattr(tokenizer, name) for name in names})
    before: dict[str, set[str]] = {}
    for word in tokenizer.rules:
        for left, right in pairwise([token.text for token in without_rules(word)]):
            before.setdefault(right[0], set()).add(left[-1])
    return before


def spaces_between(before: dict[str, set[str]]) -> re.Pattern[str]:
    """A pattern for every space across which spaCy could join the parts of one of its special words, and some more."""
    # What begins with a letter or digit follows few signs, so there the sign is looked at first: seven times faster.
    signs = {after: lasts for after, lasts in before.items() if not after.isalnum()}
    letters = {after: lasts for after, lasts in before.items() if after.isalnum()}
    some_sign, some_last = _any_of(signs), _any_of(set().union(*letters.values()))
    return re.compile(f" (?:(?={some_sign})(?:{_pairs(signs)})|(?<={some_last} )(?:{_pairs(letters)}))")


def _pairs(before: dict[str, set[str]]) -> str:
    return "|".join(f"(?={re.escape(after)})(?<={_any_of(lasts)} )" for after, lasts in sorted(before.items()))


def _any_of(characters: Iterable[str]) -> str:
    return "[" + "".join(map(re.escape, sorted(characters))) + "]"
