"""BERT's recipe for text: control characters go, white space becomes spaces, Chinese characters stand alone.

Uncased, letters become small and lose their accents (NFD, marks dropped). As the library tokenizers does it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from pretrace.common.code import code_hash
from pretrace.common.files import sha256_of_json
from pretrace.tokens.byte_bpe import whole_characters

if TYPE_CHECKING:
    from tokenizers.normalizers import Normalizer

NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
SHORT_RUN = 50
"""Characters below which what they become is cached."""


@dataclass(frozen=True)
class BertText:
    """BERT's recipe: a `Recipe`."""

    lower_case: bool

    @property
    def key(self) -> str:
        return sha256_of_json([code_hash(__name__), version("tokenizers"), self.lower_case])

    def __call__(self, text: str) -> str:
        return normalize(text, self.lower_case)


def normalize(text: str, lower_case: bool) -> str:
    """Return raw text as BERT's code makes it; accents go with the capital letters."""

    # The library takes a second a megabyte. What a character becomes depends on no other, but for the order of accents,
    # so ASCII is translated here.
    def run_of(match: re.Match[str]) -> str:
        run = match[0]
        return _short_run(run, lower_case) if len(run) < SHORT_RUN else _run(run, lower_case)

    return NOT_ASCII.sub(run_of, whole_characters(text)).translate(_ascii(lower_case))


def _run(text: str, lower_case: bool) -> str:
    normalized: str = _normalizer(lower_case).normalize_str(text)
    return normalized


@lru_cache(1 << 16)
def _short_run(text: str, lower_case: bool) -> str:
    return _run(text, lower_case)


@cache
def _ascii(lower_case: bool) -> dict[int, str]:
    return {number: _run(chr(number), lower_case) for number in range(128)}


@cache
def _normalizer(lower_case: bool) -> Normalizer:
    from tokenizers.normalizers import BertNormalizer

    return BertNormalizer(lowercase=lower_case)
