"""Fine-tuning beside a plain loop over transformers: time per step on rows of CoLA, RTE and RACE.

The same weights, batches, losses, dropout and optimizer in all arms. `plain` pads a batch to its longest sequence and
reads a context once for each choice; `ours_float32` packs sequences, `ours` does so in the precision that `auto`
chooses. Each arm has a process of its own; they take turns. The rows are development data (PRETRACE_DATA, else
../shared/data).
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from finetuning_arms import Job, ours, plain
from turns import take_turns

from pretrace.settings import load_settings

DATA = Path(os.environ.get("PRETRACE_DATA", Path(__file__).parents[2] / "shared" / "data")) / "tasks"
CONTEXT, TOKENS = 512, 4000
ROWS = {"cola": 8192, "rte": 512, "race": 96}
BATCHES = {"cola": (32, 8), "rte": (32, 4), "race": (8, 1)}
"""Batch size, and steps of a round: about the same time for each task."""
ROUNDS = 5
SAME_LOSS = {"plain": 0.0, "ours_float32": 1e-4, "ours": 0.03}
"""Nats by which losses without dropout may differ from those of `plain`."""


def compare_finetuning(_: Any = None) -> Iterator[dict[str, Any]]:
    """Yield milliseconds per step for each task; nothing if the data do not exist."""
    for task in ROWS if DATA.is_dir() else ():
        yield compare(task)


def compare(task: str) -> dict[str, Any]:
    batch, steps = BATCHES[task]
    with tempfile.TemporaryDirectory() as name:
        job = make_job(task, batch, Path(name))
        arms = {
            "plain": partial(plain, job),
            "ours_float32": partial(ours, job, "float32"),
            "ours": partial(ours, job, "auto"),
        }
        result, _ = take_turns(f"fine-tuning, {task}", arms, ROUNDS, steps, SAME_LOSS)
    medians = result["medians"]
    return {**result, "times_as_fast": {arm: round(medians["plain"] / medians[arm], 2) for arm in list(arms)[1:]}}


def make_job(task: str, batch: int, folder: Path) -> Job:
    """Encode rows of the task with a vocabulary of their own words, for a model of the laptop scale."""
    import pandas as pd

    from pretrace.corpus import clean_text
    from pretrace.tokens import load_vocabulary, train_vocabulary

    rows = pd.read_parquet(DATA / task / "train.parquet").sample(ROWS[task], random_state=0)
    if task == "race":
        parts = [
            [f"{c} {q}", *choices]
            for c, q, choices in zip(rows["context"], rows["question"], rows["choices"], strict=True)
        ]
    else:
        parts = rows[["sentence"] if task == "cola" else ["premise", "hypothesis"]].to_numpy().tolist()
    texts = [[" ".join(clean_text(part).split()) for part in row] for row in parts]
    counts = Counter(word for row in texts for part in row for word in part.split())
    (folder / "counts.tsv").write_text("".join(f"{word}\t{count}\n" for word, count in sorted(counts.items())))
    train_vocabulary(folder / "counts.tsv", folder / "vocabulary", min(TOKENS, len(counts)))
    vocabulary = load_vocabulary(folder / "vocabulary")
    encoded = [[vocabulary.encode_array(part) for part in row] for row in texts]
    kind = {"cola": "classification", "rte": "entailment", "race": "multiple_choice"}[task]
    model = load_settings().scale.model.model_copy(update={"context": CONTEXT, "embedding_dropout": "sum"})
    return Job(kind, model, vocabulary.size, encoded, batch, folder)
