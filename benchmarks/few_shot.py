"""Few-shot scoring beside lm-evaluation-harness' model of transformers: rows with choices behind the same examples.

Both read the same token ids on one thread, with the same weights, and give the sum of the log-probabilities of each
choice. The model has the widths of the laptop scale, and a context for eight examples. Without lm-eval, which is no
requirement, there is no result.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from measure import in_turns, summary
from training_arms import DROPOUT, Size, model_of
from turns import transformers_model

from pretrace.settings import load_settings

ROWS, CHOICES, SHOTS, CONTEXT, SEED = 1000, 4, 8, 256, 1
EXAMPLE, CHOICE = (8, 20), (1, 6)
"""Fewest and most tokens of an example or a row, and of a choice."""
BATCH = 64
"""Texts that the harness reads at once."""
CLOSE = 1e-4
Asked = list[tuple[list[int], list[list[int]]]]
"""Tokens of the prompt of each row, and of its choices."""


def compare_few_shot(rows: int = ROWS, rounds: int = 3) -> Iterator[dict[str, Any]]:
    """Yield seconds for all rows, ours and theirs in turns."""
    if importlib.util.find_spec("lm_eval") is None:
        print("few_shot: skipped, as it needs lm-eval 0.4.13", file=sys.stderr)
        return
    import torch

    torch.set_num_threads(1)
    scale = load_settings().scale
    form = scale.model.model_copy(update={"context": CONTEXT, "norm": "pre"})
    size = Size("", form, scale.vocabulary.size, 1, 1)
    asked = made_rows(size.vocabulary, rows)
    with tempfile.TemporaryDirectory() as folder:
        ways = {"ours": our_sums(size, asked), "plain": their_sums(size, asked, Path(folder))}
        seconds, made = in_turns(ways, rounds)
    apart = max(abs(a - b) for a, b in zip(made["ours"], made["plain"], strict=True))
    work = f"few-shot scoring, {rows} rows x {CHOICES} choices, K = {SHOTS}"
    result = summary(work, "s for all rows", seconds, apart < CLOSE, faster=-1, other="plain")
    yield result | {"largest_difference": float(f"{apart:.2g}")}


def made_rows(vocabulary: int, rows: int) -> Asked:
    """Return rows of random tokens, each behind examples of its own."""
    import numpy as np

    random = np.random.default_rng(SEED)

    def text(sizes: tuple[int, int], count: int) -> list[int]:
        lengths = random.integers(sizes[0], sizes[1] + 1, count)
        ids: list[int] = random.integers(2, vocabulary, int(lengths.sum())).tolist()
        return ids

    return [([1, *text(EXAMPLE, SHOTS + 1)], [text(CHOICE, 1) for _ in range(CHOICES)]) for _ in range(rows)]


def our_sums(size: Size, asked: Asked) -> Callable[[], list[float]]:
    import numpy as np
    import torch

    from pretrace.evaluation.log_likelihood import Question
    from pretrace.evaluation.token_trees import score_groups
    from pretrace.training.engine.device import Device

    model, device = model_of(size).eval(), Device("cpu", torch.float32, "")
    groups = [[Question(np.array(given), np.array(choice)) for choice in choices] for given, choices in asked]
    return lambda: score_groups(model, groups, device).sums.tolist()


def their_sums(size: Size, asked: Asked, folder: Path) -> Callable[[], list[float]]:
    from lm_eval.models.huggingface import HFLM
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    names = {str(number): number for number in range(size.vocabulary)}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(names, unk_token="0")), eos_token="1", pad_token="0"
    )
    model = transformers_model(model_of(size), folder, DROPOUT).eval()
    harness = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=BATCH, max_length=CONTEXT - 1)
    requests = [(("", ""), given, choice) for given, choices in asked for choice in choices]
    return lambda: [total for total, _ in harness._loglikelihood_tokens(requests, disable_tqdm=True)]


if __name__ == "__main__":
    for result in compare_few_shot(int(sys.argv[1]) if sys.argv[1:] else ROWS, 1):
        print(result)
