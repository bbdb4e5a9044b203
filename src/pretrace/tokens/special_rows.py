"""Special tokens added at the end of a vocabulary that has none: a masked model reads the same ids of text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.tokens.word_cache import id_type

ROLES = {"[PAD]": "padding_id", "[CLS]": "first_id", "[SEP]": "separator_id", "[MASK]": "mask_id"}
"""The attribute of `Vocabulary` that each special token is for. Names are BERT's."""


class SpecialTokensError(PretraceError):
    """Special tokens that a vocabulary cannot have."""


class ExtendedVocabulary:
    """A vocabulary with special tokens after its own; its members are those of `Vocabulary`.

    Args:
        base: the vocabulary of text. Its ids stay what they are, and so does the end of a document.
        names: of `ROLES`, in the order of their ids. Each is for something that the base has no token for.

    Raises:
        SpecialTokensError: a name is unknown, is there twice, or is for what the base has a token for.
    """

    kind = "extended"

    def __init__(self, base: Vocabulary, names: Sequence[str] = tuple(ROLES)) -> None:
        self.base, self.names = base, tuple(names)
        self.mask_id, self.first_id = base.mask_id, base.first_id
        self.separator_id, self.padding_id = base.separator_id, base.padding_id
        for number, name in enumerate(names):
            if name not in ROLES or name in names[:number] or getattr(base, ROLES[name]) is not None:
                raise SpecialTokensError(
                    f"special tokens: got {', '.join(names)}; takes of {', '.join(ROLES)} those that the vocabulary "
                    "does not have, each once"
                )
            setattr(self, ROLES[name], base.size + number)
        self.files, self.released_names, self.recipe = base.files, base.released_names, base.recipe
        self.between = base.between
        self.document_end_id, self.unknown_id = base.document_end_id, base.unknown_id
        self.size = base.size + len(names)
        self.fingerprint = hashlib.sha256(" ".join([base.fingerprint, *names]).encode()).hexdigest()
        self.description = VocabularyRecord(
            kind=self.kind,
            size=self.size,
            fingerprint=self.fingerprint,
            specials=list(names),
            base=base.description,
        )
        self._type = id_type(self.size)

    def prepare(self, text: str) -> str:
        return self.base.prepare(text)

    def encode(self, text: str) -> list[int]:
        return self.base.encode(text)

    def encode_arrays(self, prepared: list[str]) -> list[np.ndarray]:
        return [ids.astype(self._type, copy=False) for ids in self.base.encode_arrays(prepared)]

    def encode_array(self, prepared: str) -> np.ndarray:
        return self.base.encode_array(prepared).astype(self._type, copy=False)

    def decode(self, ids: list[int]) -> str:
        """Return the text of the base, and the names of special tokens, apart by spaces."""
        parts: list[str] = []
        for of_text, run in groupby(ids, lambda index: index < self.base.size):
            run_ids = list(run)
            parts += [self.base.decode(run_ids)] if of_text else [self.names[i - self.base.size] for i in run_ids]
        return " ".join(parts)
