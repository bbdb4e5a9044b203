"""Generated text: the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pretrace.model import Transformer
from pretrace.settings import ModelSettings
from pretrace.tokens import load_vocabulary
from pretrace.training.engine.generate import PROMPTS, generate, generate_samples
from tests.helpers.bigram_model import MadeUpModel
from tests.helpers.small_byte_vocabulary import write_byte_vocabulary


class Letters:
    """A vocabulary of letters: unknown 0, line end 1, then a to z."""

    size, document_end_id, unknown_id = 28, 1, 0

    def encode(self, text: str) -> list[int]:
        return [ord(letter) - 95 for letter in text if letter.isalpha()]

    def decode(self, ids: list[int]) -> str:
        return "".join("\n" if i == 1 else chr(i + 95) for i in ids)


class Alphabet(MadeUpModel):
    """Says that the next letter of the alphabet comes next, and likes the unknown token even better."""

    context = 6

    def __init__(self, sure: float) -> None:
        super().__init__()
        self.sure, self.token_embedding = torch.tensor(sure), nn.Embedding(28, 1)
        self.longest = 0

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        self.longest = max(self.longest, ids.shape[1])
        logits = torch.zeros(*ids.shape, 28)
        logits[..., 0] = 99.0
        following = torch.where(ids >= 27, 2, ids + 1)
        return logits + self.sure * nn.functional.one_hot(following, 28)


def test_generate_at_temperature_zero_takes_the_most_likely() -> None:
    model = Alphabet(5.0)
    assert generate(model, Letters(), "wx", 6, seed=0, temperature=0) == "wxyzabcd"
    assert model.longest == 5  # the last place of a context is never trained to predict from


def test_generated_text_depends_on_the_seed_alone() -> None:
    torch.manual_seed(0)
    texts = [generate(Alphabet(0.5), Letters(), "a", 30, seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert "_" not in "".join(texts)
    assert generate(Alphabet(5.0), Letters(), "a", 8, seed=1, temperature=0.05) == "abcdefghi"


def gpt(context: int = 16) -> Transformer:
    settings = ModelSettings(
        **{"layers": 2, "width": 16, "heads": 4, "feed_forward": 32, "context": context},
        **{"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.5},
    )
    return Transformer(settings, Letters.size, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_generated_text_is_the_same_with_a_cache(temperature: float) -> None:
    model = gpt()

    class Anew(MadeUpModel):
        context = model.context

        def __init__(self) -> None:
            super().__init__()
            self.model, self.token_embedding = model, model.token_embedding

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.model(ids)

    texts = [generate(m, Letters(), "abc", 40, seed=2, temperature=temperature) for m in (model, Anew())]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 43


def test_samples_have_every_prompt() -> None:
    samples = generate_samples(Alphabet(1.0), Letters(), seed=4)
    assert [sample["prompt"] for sample in samples] == list(PROMPTS)
    assert samples == generate_samples(Alphabet(1.0), Letters(), seed=4)


def test_bytes_are_continued_after_the_end_of_a_document(tmp_path: Path) -> None:
    vocabulary = load_vocabulary(write_byte_vocabulary(tmp_path))
    read: list[int] = []

    class Same(MadeUpModel):
        """Says that the token comes again that was read last."""

        context = 12

        def __init__(self) -> None:
            super().__init__()
            self.token_embedding = nn.Embedding(vocabulary.size, 1)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            read.append(int(ids[0, 0]))
            return 9.0 * nn.functional.one_hot(ids, vocabulary.size)

    assert generate(Same(), vocabulary, "The cat!", 3, seed=0, temperature=0) == "The cat!!!!"
    assert read[0] == vocabulary.document_end_id
