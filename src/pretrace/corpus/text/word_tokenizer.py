"""What spaCy's English tokenizer makes of a chunk, which is what stands between two spaces: worked out once, and kept.

spaCy takes chunks apart independently of each other, but for the spaces that `JoiningSpaces` finds.
"""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import Any

from pretrace.corpus.text.token_joins import GLUE

# spaCy's patterns never part two ASCII letters, and always a sign from them that stands here at the end or in front; a
# full stop from small ones only. A rule of its own could say otherwise: words with one are not taken for easy.
EASY = re.compile(r"('?)([A-Za-z]+)('s|:|\.?'?)")


class Chunks:
    """What is known of chunks: their tokens in lower case, joined by a space; learned as they are asked for."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer, self._rules = tokenizer, tokenizer.rules
        self._known: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, chunks: list[str]) -> list[str]:
        """The tokens of each chunk; new ones are tokenised together, which is several times faster."""
        found: list[Any] = list(map(self._known.get, chunks))
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


def import_spacy() -> type:
    """spaCy's `English`, without what it would load besides: PyTorch if it finds it, and its commands for a shell.

    That is a second and a third, and 200 MB in each worker.
    """
    commands = ModuleType("spacy.cli.info")
    commands.info = None  # type: ignore[attr-defined]
    hidden = {"torch": None, "spacy.cli": ModuleType("spacy.cli"), "spacy.cli.info": commands}
    hidden = {name: module for name, module in hidden.items() if name not in sys.modules}
    sys.modules.update(hidden)  # type: ignore[arg-type]
    try:
        from spacy.lang.en import English
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
    return English


def new_spacy_tokenizer() -> Any:
    """spaCy's tokenizer for English, with nothing remembered."""
    tokenizer = import_spacy()().tokenizer
    # Where words part depends on their letters alone. What else spaCy would note of each new word (whether it is like a
    # number, its shape and so on) takes longer than all the rest.
    tokenizer.vocab.lex_attr_getters = {}
    return tokenizer
