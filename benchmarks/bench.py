"""Our way and the plain way side by side, on this machine.

    make bench                  # all, to reports/bench.json: half an hour
    python benchmarks/bench.py cleaning shards      # some, to the terminal alone

Both do the same work in turns, in one run, so that whatever else the machine does hits both; medians of the rounds and
their ratio go to reports/bench.json, with whether both gave the same. Ratios are worth more than the times.

the corpus      cleaning, vocabulary, ids, shards, memory: see cleaning.py, vocabulary.py, shards.py, memory.py
pre-training    an update of our loop at laptop scale against the same in plain PyTorch: autocast to bfloat16,
                `scaled_dot_product_attention`, `F.cross_entropy`, AdamW as it comes; one process with one thread each
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cleaning import compare_cleaning, compare_workers
from measure import summary
from memory import compare_memory
from peers import train_hugging_face, write_vocabulary
from shards import compare_shards
from texts import read_texts
from vocabulary import compare_encoding, compare_training, lines_of, vocabulary_size

from pretrace.corpus import clean_text
from pretrace.files import write_json
from pretrace.settings import Settings, load_settings

OUT = Path("reports/bench.json")
STEP_ROUNDS, ROUND_STEPS = 8, 5
WARM_UP_STEPS = 2
SAME_LOSS = 0.02
"""Nats by which the two losses may differ: both multiply in bfloat16, but round at other places."""


def main(names: list[str]) -> None:
    """Run the comparisons of these names, print a line for each, and write the file; without names all."""
    unknown = sorted(set(names) - set(COMPARISONS))
    if unknown:
        sys.exit(f"bench.py: no comparison {', '.join(unknown)}; takes {', '.join(COMPARISONS)}")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        inputs = Inputs(Path(folder))
        for name in names or COMPARISONS:
            for result in COMPARISONS[name](inputs):
                medians = ", ".join(f"{arm} {value:.4g}" for arm, value in result["medians"].items())
                same = "same result" if result["same"] else "DIFFERENT RESULTS"
                what = "times as high for ten times the text" if result["work"] == "memory" else "times as fast is ours"
                print(f"{result['work']}: {medians} {result['unit']}; {result['ratio']:.2f} {what}; {same}", flush=True)
                results.append(result)
    if not names:
        write_json(OUT, {"machine": machine(), "results": results})
    if not all(result["same"] for result in results):
        sys.exit(1)


class Inputs:
    """What several comparisons work on, made when the first asks for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def texts(self) -> list[str]:
        return read_texts()

    @cached_property
    def cleaned(self) -> list[str]:
        return [clean_text(text) for text in self.texts]

    @cached_property
    def vocabulary(self) -> Path:
        """A vocabulary in Hugging Face's form."""
        size = vocabulary_size(self.cleaned)
        write_vocabulary(train_hugging_face(lines_of(self.cleaned), size), self._folder)
        return self._folder


COMPARISONS: dict[str, Callable[[Inputs], Iterator[dict[str, Any]]]] = {
    "cleaning": lambda inputs: iter([compare_cleaning(inputs.texts)]),
    "workers": lambda inputs: iter([compare_workers(inputs.texts)]),
    "vocabulary": lambda inputs: iter([compare_training(inputs.cleaned)]),
    "encoding": lambda inputs: iter([compare_encoding(inputs.cleaned, inputs.vocabulary)]),
    "shards": lambda inputs: iter([compare_shards(inputs.texts, inputs.vocabulary)]),
    "memory": lambda inputs: iter([compare_memory(inputs.texts, inputs.vocabulary)]),
    "pre-training": lambda inputs: iter([compare_steps(load_settings())]),
}


def compare_steps(settings: Settings) -> dict[str, Any]:
    """Updates from the same weights on the same made-up tokens; ms an update. Each arm has a process of its own."""
    context = multiprocessing.get_context("spawn")
    pipes, workers = {}, []
    for arm in ("ours", "plain"):
        pipes[arm], other = context.Pipe()
        workers.append(context.Process(target=work, args=(arm, settings, other), daemon=True))
        workers[-1].start()
    milliseconds: dict[str, list[float]] = {"ours": [], "plain": []}
    losses: dict[str, list[float]] = {"ours": [], "plain": []}
    for number in range(STEP_ROUNDS):
        for arm in sorted(pipes, reverse=bool(number % 2)):
            pipes[arm].send(ROUND_STEPS)
            spent, found = pipes[arm].recv()
            milliseconds[arm].append(1000 * spent / ROUND_STEPS)
            losses[arm] += found
    for arm in pipes:
        pipes[arm].send(0)
    for worker in workers:
        worker.join()
    largest = max(abs(a - b) for a, b in zip(losses["ours"], losses["plain"], strict=True))
    result = summary("pre-training", "ms an update", milliseconds, largest < SAME_LOSS, faster=-1)
    return {
        **result,
        "largest_difference_of_losses": round(largest, 5),
        "loss_at_the_end": round(losses["ours"][-1], 4),
    }


def work(arm: str, settings: Settings, pipe: Connection) -> None:
    """Make as many updates as asked for, and say how long they took and what the losses were; 0 ends."""
    update = {"ours": our_update, "plain": plain_update}[arm](settings)
    for step in range(WARM_UP_STEPS):
        update(step)
    step = WARM_UP_STEPS
    while count := pipe.recv():
        started = time.perf_counter()
        losses = [update(step + number) for number in range(count)]
        pipe.send((time.perf_counter() - started, losses))
        step += count


def our_update(settings: Settings) -> Callable[[int], float]:
    """An update as the pipeline makes it."""
    from pretrace.model import build_model
    from pretrace.training.devices import choose_device
    from pretrace.training.language_model import sequence_loss
    from pretrace.training.loop import train
    from pretrace.training.optimiser import build_optimiser

    scale, section = settings.scale, settings.scale.pretrain
    device = choose_device("bfloat16", 1)
    model = build_model("transformer", scale, scale.vocabulary.size, section.seed)
    optimiser = build_optimiser(model, section)
    batch = batches(settings)

    def update(step: int) -> float:
        found = []
        train(
            model,
            optimiser,
            [step],
            losses=lambda step: [sequence_loss(model, batch(step), device, 0.0, section.micro_batch)],
            rate=lambda step: section.lr / 10,
            clip_norm=section.clip_norm,
            seed=section.seed,
            after_step=lambda step, loss: found.append(loss),
        )
        return found[0]

    return update


def plain_update(settings: Settings) -> Callable[[int], float]:
    """The same update with what PyTorch offers, and nothing set that a script would not set."""
    import torch
    import torch.nn.functional as F

    from pretrace.model import build_model, gpt

    scale, section = settings.scale, settings.scale.pretrain
    torch.set_num_threads(1)
    gpt.causal_attention = lambda q, k, v, dropout: F.scaled_dot_product_attention(q, k, v, is_causal=True)
    model = build_model("transformer", scale, scale.vocabulary.size, section.seed)
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": section.weight_decay},
        {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=section.lr / 10, betas=(section.beta1, section.beta2))
    batch = batches(settings)

    def update(step: int) -> float:
        ids_BT = batch(step)
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            logits_BTV = model(ids_BT[:, :-1])
            loss = F.cross_entropy(logits_BTV.flatten(0, 1).float(), ids_BT[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), section.clip_norm)
        optimiser.step()
        return float(loss.detach())

    return update


def batches(settings: Settings) -> Callable[[int], Any]:
    """A micro-batch for each step, the same for both arms: ids drawn as words are, few of them most of the time."""
    import torch

    scale = settings.scale
    weights_V = 1.0 / torch.arange(10, scale.vocabulary.size + 10)

    def batch(step: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(step)
        shape = (scale.pretrain.micro_batch, scale.model.context)
        return torch.multinomial(weights_V, shape[0] * shape[1], True, generator=generator).view(shape)

    return batch


def machine() -> dict[str, Any]:
    """What the figures are of."""
    import os
    import platform

    import torch

    from pretrace.training.devices import cpu_has_bfloat16

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor()
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "bfloat16_in_hardware": cpu_has_bfloat16(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
