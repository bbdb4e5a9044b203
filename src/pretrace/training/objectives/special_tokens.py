"""The tokens of a vocabulary that masked language modeling needs beside those of text."""

from __future__ import annotations

from typing import NamedTuple

from pretrace.common.errors import PretraceError
from pretrace.tokens import Vocabulary

SENTENCE_ENDS = ".!?…。！？؟।"  # noqa: RUF001  # of other scripts, on purpose
"""Characters that end a sentence."""


class SpecialTokens(NamedTuple):
    """Ids, as BERT names the tokens."""

    mask: int
    """[MASK]: the token to predict was here."""
    first: int
    """[CLS]: the beginning of a sequence."""
    separator: int
    """[SEP]: the end of a text."""
    padding: int
    """[PAD]: nothing. It is never attended to, so any id would do."""
    sentence_ends: tuple[int, ...]
    """Tokens that end a sentence, those between documents among them."""


def special_tokens(vocabulary: Vocabulary) -> SpecialTokens | None:
    """Return the special tokens of a vocabulary; None if it has none for masks, beginnings and ends."""
    mask, first, separator = vocabulary.mask_id, vocabulary.first_id, vocabulary.separator_id
    if mask is None or first is None or separator is None:
        return None
    encoded = [vocabulary.encode(character) for character in SENTENCE_ENDS]
    ends = {ids[0] for ids in encoded if len(ids) == 1} - {vocabulary.unknown_id}
    padding = separator if vocabulary.padding_id is None else vocabulary.padding_id
    return SpecialTokens(mask, first, separator, padding, tuple(sorted({*ends, vocabulary.document_end_id})))


def needed(special: SpecialTokens | None) -> SpecialTokens:
    """Return special tokens.

    Raises:
        PretraceError: the vocabulary has none.
    """
    if special is None:
        raise PretraceError(
            "pretrain.objective.kind: `masked` needs a vocabulary with tokens for masks, beginnings and ends of texts "
            "([MASK], [CLS], [SEP]), and models/vocabulary has none"
        )
    return special
