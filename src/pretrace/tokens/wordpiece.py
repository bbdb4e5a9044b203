"""BERT's WordPiece (Devlin et al. 2018, section 3; ids as transformers' BertTokenizerFast gives them).

    vocab.txt    one token a line; the line's number, from 0, is its id

Control characters go, white space becomes spaces, Chinese characters stand alone; uncased, letters become small and
lose their accents. Words are what spaces and punctuation part, each sign by itself. A word is the longest token that
begins it, then the longest that goes on, marked by `##`, and so forth; a word that cannot be had so, or has more than
100 characters, is unknown. (BERT's code has 200 there; transformers has 100, and older Unicode tables than Python.)
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json, sha256_of_file
from pretrace.common.open_file import SETTINGS_BYTES, VOCABULARY_BYTES, read_text
from pretrace.corpus.text.recipe import Recipe
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.bert_text import BertText
from pretrace.tokens.byte_bpe import ids_of_each
from pretrace.tokens.openai_bpe import MISSING
from pretrace.tokens.vocabulary import SpecialIds
from pretrace.tokens.word_cache import WordIds

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "vocab.txt"
CONFIG = "tokenizer_config.json"
"""Hugging Face's; says whether a vocabulary is cased."""
PADDING, UNKNOWN, FIRST, SEPARATOR, MASK = SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
INSIDE = "##"
"""Begins a token that does not begin a word."""
LONGEST_WORD = 100


class WordPieceVocabulary(SpecialIds):
    """The released vocabulary, or one that `train_wordpiece` made; its members are those of `Vocabulary`.

    Args:
        lower_case: True for an uncased vocabulary; None: as `tokenizer_config.json` beside it says, and without that,
            cased if it has a token with a capital letter.
    """

    kind = "wordpiece"
    between = ""

    def __init__(self, folder: Path, lower_case: bool | None = None) -> None:
        path = folder / FILE
        ids = _read_tokens(path)
        self.lower_case = _lower_case(folder, ids) if lower_case is None else lower_case
        self.files: tuple[Path, ...] = (path,)
        self.released_names: tuple[str, ...] = (FILE,)
        self.fingerprint = hashlib.sha256(f"{sha256_of_file(path)} {self.lower_case}".encode()).hexdigest()
        self.size, self.tokens = len(ids), list(ids)
        self.unknown_id: int | None = ids[UNKNOWN]
        self.mask_id, self.padding_id = ids[MASK], ids[PADDING]
        self.first_id, self.separator_id = ids[FIRST], ids[SEPARATOR]
        self.document_end_id = ids[SEPARATOR]
        self.description = VocabularyRecord(
            kind=self.kind, size=self.size, fingerprint=self.fingerprint, lower_case=self.lower_case
        )
        self._prepare = BertText(self.lower_case)
        self.recipe: Recipe | None = self._prepare
        self._tokenizer = word_pieces(ids)
        self._words = WordIds(self.size, [], self._encode)

    def prepare(self, text: str) -> str:
        return self._prepare(text)

    def encode(self, text: str) -> list[int]:
        return self.encode_array(self.prepare(text)).tolist()

    def encode_arrays(self, prepared: list[str]) -> list[np.ndarray]:
        return self._words.of_many(prepared)

    def encode_array(self, prepared: str) -> np.ndarray:
        return self._words.of(prepared)

    def decode(self, ids: list[int]) -> str:
        return " ".join([self.tokens[index] for index in ids]).replace(" " + INSIDE, "")

    def _encode(self, words: list[str]) -> list[list[int]]:
        return ids_of_each(self._tokenizer, words)


def word_pieces(ids: dict[str, int]) -> Tokenizer:
    """Return the tokenizer of normalized text with these tokens; no special token is among those of its text."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import BertPreTokenizer

    model = WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=LONGEST_WORD, continuing_subword_prefix=INSIDE)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def _read_tokens(path: Path) -> dict[str, int]:
    """Return the ids of the tokens, in their order."""
    lines = read_text(path, VOCABULARY_BYTES, MISSING).replace("\r\n", "\n").removesuffix("\n").split("\n")
    ids = {token: number for number, token in enumerate(lines)}
    for number, token in enumerate(lines, 1):
        if not token:
            raise PretraceError(f"{path}: line {number}: is empty; takes one token a line")
        if ids[token] != number - 1:
            raise PretraceError(f"{path}: line {ids[token] + 1}: the token {token[:40]!r} is also in line {number}")
    for token in SPECIALS:
        if token not in ids:
            raise PretraceError(f"{path}: has no token {token}, so it is not a vocabulary of BERT's form")
    return ids


def _lower_case(folder: Path, ids: dict[str, int]) -> bool:
    if not (folder / CONFIG).exists():
        return not any(token != token.lower() for token in ids if token[:1] != "[")
    values: Any = read_json(folder / CONFIG, SETTINGS_BYTES)
    config = values if isinstance(values, dict) else {}
    lower = config.get("do_lower_case", True)
    for key, accepted in (("do_lower_case", (True, False)), ("strip_accents", (None, lower))):
        if key in config and not any(config[key] is value for value in accepted):
            raise PretraceError(f"{folder / CONFIG}: {key}: got {config[key]!r}; takes {_listed(accepted)}")
    for key in ("tokenize_chinese_chars", "do_basic_tokenize"):
        if config.get(key, True) is not True:
            raise PretraceError(f"{folder / CONFIG}: {key}: got {config[key]!r}; takes true")
    return bool(lower)


def _listed(values: tuple[Any, ...]) -> str:
    return " or ".join(str(value).lower().replace("none", "null") for value in values)
