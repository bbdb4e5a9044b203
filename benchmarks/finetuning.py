"""Fine-tuning beside a plain loop over transformers: time of an update on rows of CoLA, RTE and RACE.

The same weights, batches, losses, dropout and optimiser in all arms. `plain` pads a batch to its longest sequence and
reads a context once for each choice; `ours_float32` packs, `ours` does so in what precision `auto` gives.
Each arm has a process of its own; they take turns. The rows are development data (PRETRACE_DATA, else ../shared/data).
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from finetuning_arms import Job, ours, plain
from measure import Rounds, summary
from training import instruction_sets

from pretrace.settings import load_settings

DATA = Path(os.environ.get("PRETRACE_DATA", Path(__file__).parents[2] / "shared" / "data")) / "tasks"
ARMS = ("plain", "ours_float32", "ours")
CONTEXT, PIECES = 512, 4000
ROWS = {"cola": 8192, "rte": 512, "race": 96}
BATCHES = {"cola": (32, 8), "rte": (32, 4), "race": (8, 1)}
"""Examples of an update, and updates of a round: about as long for each."""
ROUNDS = 5
EXACT_STEPS = 2
SAME_LOSS = {"plain": 0.0, "ours_float32": 1e-4, "ours": 0.03}
"""Nats by which losses without dropout may differ from those of `plain`."""


def compare_finetuning(_: Any = None) -> Iterator[dict[str, Any]]:
    """Milliseconds an update by task; nothing where the data are not there."""
    for task in ROWS if DATA.is_dir() else ():
        yield compare(task)


def compare(task: str) -> dict[str, Any]:
    batch, steps = BATCHES[task]
    context = multiprocessing.get_context("spawn")
    exact, pipes, workers = {}, {}, []
    with tempfile.TemporaryDirectory() as name:
        job = make_job(task, batch, Path(name))
        for arm in ARMS:
            pipes[arm], other = context.Pipe()
            workers.append(context.Process(target=work, args=(arm, job, other), daemon=True))
            workers[-1].start()
            exact[arm] = pipes[arm].recv()
        milliseconds: Rounds = {arm: [] for arm in ARMS}
        for number in range(ROUNDS):
            for arm in ARMS if number % 2 else reversed(ARMS):
                pipes[arm].send(steps)
                milliseconds[arm].append(1000 * pipes[arm].recv() / steps)
        for arm, worker in zip(ARMS, workers, strict=True):
            pipes[arm].send(0)
            worker.join()
    apart = {arm: max(abs(a - b) for a, b in zip(exact[arm], exact["plain"], strict=True)) for arm in ARMS}
    same = all(apart[arm] <= SAME_LOSS[arm] for arm in ARMS)
    result = summary(f"fine-tuning, {task}", "ms an update", milliseconds, same, faster=-1)
    medians = result["medians"]
    return {
        **result,
        "times_as_fast": {arm: round(medians["plain"] / medians[arm], 2) for arm in ARMS[1:]},
        "largest_difference_of_losses": {arm: float(f"{value:.2g}") for arm, value in apart.items()},
        "processor_has": instruction_sets(),
    }


def make_job(task: str, batch: int, folder: Path) -> Job:
    """Rows of the task as ids, by a vocabulary of their own words, and a model of laptop scale."""
    import pandas as pd

    from pretrace.corpus import clean_text
    from pretrace.vocabulary import load_vocabulary, train_vocabulary

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
    train_vocabulary(folder / "counts.tsv", folder / "vocabulary", min(PIECES, len(counts)))
    vocabulary = load_vocabulary(folder / "vocabulary")
    encoded = [[vocabulary.encode_array(part) for part in row] for row in texts]
    kind = {"cola": "classification", "rte": "entailment", "race": "multiple_choice"}[task]
    model = load_settings().scale.model.model_copy(update={"context": CONTEXT, "embedding_dropout": "sum"})
    return Job(kind, model, vocabulary.size, encoded, batch, folder)


def work(arm: str, job: Job, pipe: Connection) -> None:
    """Send the losses without dropout; then make as many updates as asked for and send the time; 0 ends."""
    update = plain(job) if arm == "plain" else ours(job, "float32" if arm == "ours_float32" else "auto")
    losses = [update(step, False) for step in range(EXACT_STEPS)]
    update(EXACT_STEPS, True)
    pipe.send(losses)
    step = EXACT_STEPS + 1
    while count := pipe.recv():
        started = time.perf_counter()
        for number in range(count):
            update(step + number, True)
        pipe.send(time.perf_counter() - started)
        step += count
