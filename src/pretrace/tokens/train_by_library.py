"""Training of byte-level byte-pair encodings and of WordPiece, by the library tokenizers.

The result depends on the texts alone: not on their order, nor on the number of processes or threads. tokenizers gives
the `##` characters of a WordPiece vocabulary ids, and so a rank in ties, in the order of a hash that changes from run
to run; so they are passed to it as tokens that are there before it begins (tokenizers issue 1794).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder
from pretrace.schemas.record import write_record
from pretrace.tokens.bert_text import normalize
from pretrace.tokens.byte_bpe import (
    END_OF_TEXT,
    FILES,
    byte_level,
    bytes_of_tokens,
    characters_of_bytes,
    describe,
    spans,
    text_of,
)
from pretrace.tokens.load import DESCRIPTION
from pretrace.tokens.train_bpe import KEY
from pretrace.tokens.wordpiece import FILE, INSIDE, SPECIALS, WordPieceVocabulary, word_pieces

Texts = Callable[[], Iterable[str]]
"""Gives the prepared text of every document, and does so again when it is called again."""
BYTES = 256
PART_CHARACTERS = 50_000
"""Text that a thread counts the words of at a time."""
VERSION = "#version: 0.2"
ALPHABET_SHARE = 4
"""Of so many tokens of a WordPiece vocabulary, at most one is a character that begins words; as many go on."""


def train_byte_bpe(texts: Texts, out: Path, size: int) -> dict[str, Any]:
    """Train `size` tokens in GPT-2's order, bytes first, merges, and <|endoftext|> last, into the folder `out`.

    Returns:
        Numbers for the report: size, and the longest token.

    Raises:
        PretraceError: there is no text, or too little for so many tokens.
    """
    from tokenizers.trainers import BpeTrainer

    least = BYTES + 1
    if size < least:
        raise PretraceError(f"{KEY}: {size} tokens have no room for all bytes; the least is {least}")
    tokenizer = byte_level({}, [])
    trainer = BpeTrainer(
        vocab_size=size - 1, initial_alphabet=characters_of_bytes(), special_tokens=[], show_progress=False
    )
    # In parts, so that threads which count words end together.
    parts = (text[start:end] for text in _not_empty(texts()) for start, end in spans(text, PART_CHARACTERS))
    tokenizer.train_from_iterator(parts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    ids: dict[str, int] = model["vocab"]
    ids[END_OF_TEXT] = len(ids)
    _check_size(len(ids), size)
    with atomic_folder(out) as temporary:
        encoder, merges = (temporary / name for name in FILES)
        encoder.write_text(json.dumps(dict(sorted(ids.items(), key=lambda item: item[1]))), encoding="utf-8")
        lines = [VERSION, *(f"{first} {second}" for first, second in model["merges"]), ""]
        merges.write_text("\n".join(lines), encoding="utf-8")
        write_record(temporary / DESCRIPTION, describe(size, encoder, merges))
        tokens = bytes_of_tokens(ids, encoder)[BYTES:-1]
    return {"size": size, "longest_piece": _longest(list(map(text_of, tokens)))}


def train_wordpiece(texts: Texts, out: Path, size: int, lower_case: bool = True) -> dict[str, Any]:
    """Train `size` tokens into the folder `out`: BERT's five special ones, characters, and what they are joined to.

    Texts are prepared (`BertText`), with letters as `lower_case` says.
    If a corpus has more characters than a quarter of the tokens, words with the rarest are unknown.

    Returns:
        Numbers for the report: size, and the longest token.

    Raises:
        PretraceError: there is no text, or too little for so many tokens.
    """
    characters: Counter[str] = Counter()
    for text in _not_empty(texts()):
        characters.update(text)
    del characters[" "]
    ranked = sorted(characters, key=lambda character: (-characters[character], character))
    ids, asked = _word_pieces(texts(), ranked, size), size
    while len(ids) < asked:  # fewer tokens are fewer characters, so the most is found by trying
        ids, asked = _word_pieces(texts(), ranked, len(ids)), len(ids)
    _check_size(len(ids), size)
    with atomic_folder(out) as temporary:
        (temporary / FILE).write_text("".join(f"{token}\n" for token in sorted(ids, key=ids.__getitem__)), "utf-8")
        write_record(temporary / DESCRIPTION, WordPieceVocabulary(temporary, lower_case).description)
    tokens = [token.removeprefix(INSIDE) for token in ids if token not in SPECIALS]
    return {"size": size, "longest_piece": _longest(tokens)}


def _word_pieces(prepared: Iterable[str], ranked: list[str], size: int) -> dict[str, int]:
    """Return the ids of at most `size` tokens; characters are ranked by how often they are there."""
    from tokenizers.trainers import WordPieceTrainer

    alphabet = sorted(ranked[: size // ALPHABET_SHARE])
    alone = {character for character in alphabet if normalize(character, False) != character}  # Chinese: spaces around
    tokenizer = word_pieces({name: number for number, name in enumerate(SPECIALS)})
    trainer = WordPieceTrainer(
        vocab_size=size,
        special_tokens=[*SPECIALS, *(INSIDE + character for character in alphabet if character not in alone)],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        continuing_subword_prefix=INSIDE,
        show_progress=False,
    )
    tokenizer.train_from_iterator(prepared, trainer)
    ids: dict[str, int] = json.loads(tokenizer.to_str())["model"]["vocab"]
    return ids


def _longest(tokens: list[str]) -> str:
    return max(tokens, key=lambda token: (len(token), token), default="")


def _not_empty(texts: Iterable[str]) -> Iterable[str]:
    """Yield the texts. Raises `PretraceError` if all are empty."""
    empty = True
    for text in texts:
        empty = empty and not text.strip()
        yield text
    if empty:
        raise PretraceError("no text to train a vocabulary from; is the corpus empty?")


def _check_size(found: int, size: int) -> None:
    if found < size:
        raise PretraceError(f"{KEY}: {size} tokens are more than this corpus gives; the most is {found}")
