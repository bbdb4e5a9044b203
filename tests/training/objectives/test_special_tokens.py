"""Special tokens of a vocabulary, and the tokens at which its sentences end."""

from __future__ import annotations

from pretrace.tokens.vocabulary import SpecialIds
from pretrace.training.objectives.special_tokens import SpecialTokens, special_tokens


class Signs(SpecialIds):
    """A vocabulary of three signs; a fourth has two tokens."""

    unknown_id, document_end_id = 1, 3

    def encode(self, text: str) -> list[int]:
        return {".": [10], "?": [11], "…": [10, 10]}.get(text, [1])


class SignsWithMasks(Signs):
    mask_id, first_id, separator_id = 4, 2, 3


def test_sentences_end_at_signs_of_one_known_token_and_at_the_ends_of_documents() -> None:
    found = special_tokens(SignsWithMasks())  # type: ignore[arg-type]
    assert found == SpecialTokens(mask=4, first=2, separator=3, padding=3, sentence_ends=(3, 10, 11))


def test_a_vocabulary_without_masks_has_none() -> None:
    assert special_tokens(Signs()) is None  # type: ignore[arg-type]
