"""Small models that write, their vocabulary, and the plainest ways of reading with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.generation import Prompt
from pretrace.generation.continuation import Continuation
from pretrace.model import LanguageModel, Transformer
from pretrace.settings import ModelSettings
from pretrace.settings.models.generation import GenerationSettings
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


def plain_search(model: Any, prompt: list[int], form: GenerationSettings) -> list[tuple[list[int], float]]:
    """The ids and the score of each finished hypothesis of beam search, the best first; each beam is read anew.

    `model` has a `context`, and returns logits for ids (1, T).
    """
    B = form.beams

    def scored(sums: float, ids: list[int]) -> tuple[list[int], float]:
        return ids, sums / ((5 + len(ids)) / 6) ** form.length_penalty

    def ended(ids: list[int]) -> bool:
        one = Continuation(Letters(), Prompt(prompt), form.model_copy(update={"tokens": 10**6}))
        for index in ids:
            one.add(index)
        return one.reason is not None

    beams: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[tuple[list[int], float]] = []
    for length in range(1, form.tokens + 1):
        candidates = []
        for sums, ids in beams:
            with torch.no_grad():
                log_p = torch.log_softmax(model(torch.tensor([(prompt + ids)[-model.context + 1 :]]))[0, -1], -1)
            candidates += [(sums + float(log_p[n]), [*ids, n]) for n in range(len(log_p)) if n != Letters.unknown_id]
        candidates = sorted(candidates, key=lambda one: -one[0])[: 2 * B]
        finished += [scored(*one) for one in candidates[:B] if ended(one[1])]
        beams = [one for one in candidates if not ended(one[1])][:B]
        finished = sorted(finished, key=lambda one: -one[1])[:B]
        best = beams[0][0] / ((5 + form.tokens) / 6) ** form.length_penalty if beams else -math.inf
        if len(finished) == B and best <= finished[-1][1]:
            return finished
        if length == form.tokens:
            finished += [scored(*one) for one in beams]
    return sorted(finished, key=lambda one: -one[1])[:B]
