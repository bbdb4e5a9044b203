"""Generation beside transformers' `generate`: time of 200 greedy tokens of one and of 64 prompts, and whether they are
the same.

The model has the widths of the laptop scale, and a context that holds 200 tokens, since theirs cannot slide. One prompt
is continued by GPT-1, which has no key-value cache there, and 64 by GPT-2, which has one. All prompts have the same
length, so that theirs needs no padding. Initial weights predict some tokens with a lead within rounding, which then
differ; the seed of the prompts is one without.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from measure import in_turns, summary
from training_arms import DROPOUT, Size, model_of
from turns import transformers_model

from pretrace.settings import load_settings

TOKENS, CONTEXT, PROMPT, PROMPTS, SEED = 200, 256, 8, 64, 1
Ids = list[list[int]]


class Numbers:
    """A vocabulary whose text is its ids."""

    document_end_id, unknown_id = 1, 0

    def encode(self, text: str) -> list[int]:
        return [int(word) for word in text.split()]

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))


def compare_generation(rounds: int = 7) -> Iterator[dict[str, Any]]:
    """Yield seconds for the tokens, ours and theirs in turns, on one thread: of one prompt, and of many."""
    yield compare("generation", 1, {}, rounds)
    yield compare(f"generation, {PROMPTS} prompts", PROMPTS, {"norm": "pre"}, max(1, rounds // 2))


def compare(work: str, count: int, form: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Return seconds for the tokens of so many prompts, by a model of another form than the scale's."""
    import torch

    torch.set_num_threads(1)
    scale = load_settings().scale
    size = Size("", scale.model.model_copy(update={"context": CONTEXT} | form), scale.vocabulary.size, 1, 1)
    generator = torch.Generator().manual_seed(SEED)
    prompts = torch.randint(2, size.vocabulary, (count, PROMPT), generator=generator).tolist()
    prompts = [[Numbers.document_end_id, *ids] for ids in prompts]
    with tempfile.TemporaryDirectory() as folder:
        ways = {"ours": our_ids(size, prompts), "plain": their_ids(size, prompts, Path(folder))}
        in_turns(ways, 1)  # warm-up
        seconds, made = in_turns(ways, rounds)
    return summary(work, f"s for {TOKENS} tokens", seconds, made["ours"] == made["plain"], faster=-1)


def our_ids(size: Size, prompts: Ids) -> Callable[[], Ids]:
    from pretrace.generation import Prompt, generate
    from pretrace.settings.models.generation import GenerationSettings

    model, settings = model_of(size), GenerationSettings(tokens=TOKENS, temperature=0.0)
    asked = [Prompt(ids) for ids in prompts]
    return lambda: [one.ids for one in generate(model, Numbers(), asked, settings)]


def their_ids(size: Size, prompts: Ids, folder: Path) -> Callable[[], Ids]:
    import torch

    model = transformers_model(model_of(size), folder, DROPOUT).eval()
    ids = torch.tensor(prompts)
    rest: dict[str, Any] = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS, "do_sample": False}
    rest |= {"pad_token_id": 0, "suppress_tokens": [Numbers.unknown_id], "attention_mask": torch.ones_like(ids)}
    return lambda: model.generate(ids, **rest)[:, ids.shape[1] :].tolist()


if __name__ == "__main__":
    for result in compare_generation(3):
        print(result)
