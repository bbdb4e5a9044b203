"""Generation beside transformers' `generate`: time of 200 greedy tokens, and whether they are the same.

The model has the widths of the laptop scale, and a context that holds 200 tokens, since theirs cannot slide. Their
GPT-1 has no key-value cache.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import Rounds, summary, timed
from training_arms import DROPOUT, Size, model_of
from turns import transformers_model

from pretrace.settings import load_settings

TOKENS, CONTEXT, PROMPT = 200, 256, 8


class Numbers:
    """A vocabulary whose text is its ids."""

    document_end_id, unknown_id = 1, 0

    def encode(self, text: str) -> list[int]:
        return [int(word) for word in text.split()]

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))


def compare_generation(rounds: int = 7) -> dict[str, Any]:
    """Return seconds for the tokens, ours and theirs in turns, on one thread."""
    import torch

    torch.set_num_threads(1)
    scale = load_settings().scale
    size = Size("", scale.model.model_copy(update={"context": CONTEXT}), scale.vocabulary.size, 1, 1)
    prompt = torch.randint(2, size.vocabulary, (PROMPT,), generator=torch.Generator().manual_seed(0)).tolist()
    with tempfile.TemporaryDirectory() as folder:
        arms = {"ours": our_text(size, prompt), "plain": their_text(size, prompt, Path(folder))}
        seconds: Rounds = {arm: [] for arm in arms}
        texts = {arm: work() for arm, work in arms.items()}
        for number in range(rounds):
            for arm in sorted(arms, reverse=bool(number % 2)):
                seconds[arm].append(timed(arms[arm])[1])
    return summary("generation", f"s for {TOKENS} tokens", seconds, texts["ours"] == texts["plain"], faster=-1)


def our_text(size: Size, prompt: list[int]) -> Callable[[], list[int]]:
    from pretrace.training.engine.generate import generate

    model = model_of(size)

    def work() -> list[int]:
        text = generate(model, Numbers(), " ".join(map(str, prompt)), TOKENS, seed=0, temperature=0)
        return [int(word) for word in text.split()]

    return work


def their_text(size: Size, prompt: list[int], folder: Path) -> Callable[[], list[int]]:
    import torch

    model = transformers_model(model_of(size), folder, DROPOUT).eval()
    ids = torch.tensor([[Numbers.document_end_id, *prompt]])
    rest: dict[str, Any] = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS, "do_sample": False}
    rest |= {"pad_token_id": 0, "suppress_tokens": [Numbers.unknown_id], "attention_mask": torch.ones_like(ids)}

    def work() -> list[int]:
        return model.generate(ids, **rest)[0].tolist()

    return work


if __name__ == "__main__":
    print(compare_generation())
