"""Small models that write, their vocabulary, and the plainest ways of reading with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model import LanguageModel, Transformer
from pretrace.settings import ModelSettings
from tests.helpers.bigram_model import MadeUpModel

SIZES = {"layers": 2, "width": 16, "heads": 4, "feed_forward": 32, "context": 16}
TRAINING_TEXT = "the quick brown fox jumps over the lazy dog while a cat and the quick dog look at the brown fox"


class Letters:
    """A vocabulary of letters: unknown 0, line end 1, then a to z."""

    size, document_end_id, unknown_id = 28, 1, 0

    def encode(self, text: str) -> list[int]:
        return [ord(letter) - 95 for letter in text if letter.isalpha()]

    def decode(self, ids: list[int]) -> str:
        return "".join("\n" if i == 1 else chr(i + 95) for i in ids)

    def prepare(self, text: str) -> str:
        return "".join(letter for letter in text if letter.isalpha())


def small_gpt(seed: int = 3, **form: Any) -> Transformer:
    """A transformer of random weights, with logits that spread."""
    others: dict[str, Any] = {"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.5}
    return Transformer(ModelSettings(**SIZES | others | form), Letters.size, seed)


def trained_gpt(steps: int = 120, **form: Any) -> Transformer:
    """A transformer that has learned a sentence, but for how it began."""
    model = small_gpt(**{"context": 32, "initial_std": 0.1, "norm": "pre", "embedding_dropout": "sum"} | form)
    ids = torch.tensor([1, *Letters().encode(TRAINING_TEXT)])
    windows = ids.unfold(0, 25, 3)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(steps):
        loss = F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


class Anew(MadeUpModel):
    """A model without a cache that has the logits of another."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model, self.token_embedding, self.context = model, model.token_embedding, model.context

    def forward(self, ids_BT: Tensor) -> Tensor:
        logits_BTV: Tensor = self.model(ids_BT)
        return logits_BTV


def one_by_one(model: LanguageModel, ids: Sequence[int], first: int = 1) -> Tensor:
    """The logits (T, V) after the first tokens, and after each of the others, by the model's decoder."""
    decoder = model.decoder(1, len(ids))
    found = [decoder.read([0], [ids[:first]]), *(decoder.step([index]) for index in ids[first:])]
    return torch.cat(found)
