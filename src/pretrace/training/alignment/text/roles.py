"""Roles of a conversation as special rows after a vocabulary's own: no text becomes one, whatever it spells."""

from __future__ import annotations

import hashlib
from typing import Literal

from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.special_rows import ExtendedVocabulary
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.tokens.word_cache import id_type

Role = Literal["system", "user", "assistant"]
"""Speakers of a conversation."""
NAMES = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>", "end": "<|end|>"}
"""Names of the rows, in the order of their ids; the last one ends every turn."""


class RoleVocabulary(ExtendedVocabulary):
    """A vocabulary with roles and an end mark after its own tokens.

    Generation stops at `document_end_id`, which is the end mark; `base.document_end_id` begins a conversation, as it
    stands before each document in pre-training.

    Args:
        base: the vocabulary of text.
    """

    kind = "roles"

    def __init__(self, base: Vocabulary) -> None:
        super().__init__(base, ())
        self.names = tuple(NAMES.values())
        self.roles = {role: base.size + number for number, role in enumerate(NAMES)}
        """Ids by role, and that of the end mark under `end`."""
        self.document_end_id = self.end_id = self.roles["end"]
        self.size = base.size + len(NAMES)
        self.fingerprint = hashlib.sha256(" ".join([base.fingerprint, *self.names]).encode()).hexdigest()
        self.description = VocabularyRecord(
            kind=self.kind,
            size=self.size,
            fingerprint=self.fingerprint,
            specials=list(self.names),
            base=base.description,
        )
        self._type = id_type(self.size)
