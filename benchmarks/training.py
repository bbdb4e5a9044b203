"""Pre-training beside transformers: time, memory and losses of an update.

The same weights, tokens, batch, dropout and optimiser in all arms, and none cuts the batch, as `micro_batch: null` does
not where memory allows. Each has a process of its own; they take turns.
`plain` is transformers as it comes (float32, AdamW), `plain_best` is compiled, in bfloat16 and with the fused AdamW;
`ours` is what `precision: auto` gives, `ours_float32` is without bfloat16. How much bfloat16 gains hangs on the CPU:
with AMX its products are six times as fast as float32's, with AVX-512 BF16 alone about twice.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from measure import Rounds, summary
from training_arms import DROPOUT, Size, ours, plain

from pretrace.settings import ModelSettings, load_settings

ARMS = ("plain", "plain_best", "ours_float32", "ours")
EXACT_STEPS = 2
"""Updates without dropout, whose losses are compared; after them the first with dropout warms up."""
SAME_LOSS = {"plain": 0.0, "ours_float32": 1e-4, "ours": 0.02, "plain_best": 0.02}
"""Nats by which losses without dropout may differ from those of `plain`: rounding in float32 and in bfloat16."""


def sizes() -> dict[str, Size]:
    """What is measured, by name: with dropout, on one thread, as with two a busy machine decides."""
    scale = load_settings().scale
    laptop = scale.model.model_copy(update={"dropout": DROPOUT})
    rest = {"dropout": DROPOUT, "embedding_dropout": "sum", "initial_std": 0.02}
    wide = ModelSettings(layers=4, width=256, heads=4, feed_forward=1024, context=128, **rest)
    gpt1 = ModelSettings(layers=12, width=768, heads=12, feed_forward=3072, context=512, **rest)
    return {
        "laptop": Size("laptop scale", laptop, scale.vocabulary.size, 16, 1),
        "wide": Size("4 layers of 256", wide, 8192, 16, 1),
        "gpt1": Size("GPT-1's size", gpt1, 40478, 2, 1),
    }


def compare_training(size: Size, rounds: int, steps: int, arms: tuple[str, ...] = ARMS) -> dict[str, Any]:
    """Milliseconds an update of every arm, their peak memory, and their losses without dropout."""
    context = multiprocessing.get_context("spawn")
    pipes, workers, exact = {}, [], {}
    with tempfile.TemporaryDirectory() as folder:
        for arm in arms:
            pipes[arm], other = context.Pipe()
            (Path(folder) / arm).mkdir()
            workers.append(context.Process(target=work, args=(arm, size, Path(folder) / arm, other), daemon=True))
            workers[-1].start()
            exact[arm] = pipes[arm].recv()
        milliseconds: Rounds = {arm: [] for arm in arms}
        for number in range(rounds):
            for arm in arms if number % 2 else reversed(arms):
                pipes[arm].send(steps)
                milliseconds[arm].append(1000 * pipes[arm].recv() / steps)
        for pipe in pipes.values():
            pipe.send(0)
        memory = {arm: pipe.recv() for arm, pipe in pipes.items()}
        for worker in workers:
            worker.join()
    apart = {arm: max(abs(a - b) for a, b in zip(exact[arm], exact["plain"], strict=True)) for arm in arms}
    same = all(apart[arm] <= SAME_LOSS[arm] for arm in arms)
    return described(
        summary(f"pre-training, {size.name}", "ms an update", milliseconds, same, faster=-1), memory, apart
    )


def described(result: dict[str, Any], memory: dict[str, dict], apart: dict[str, float]) -> dict[str, Any]:
    """The result with the other ratios, memory and losses."""
    medians = result["medians"]
    peaks = {arm: values["peak"] for arm, values in memory.items()}
    return {
        **result,
        "times_as_fast": {
            f"{arm}_to_{other}": round(medians[other] / medians[arm], 2)
            for arm, other in (("ours", "plain"), ("ours", "plain_best"), ("ours_float32", "plain"))
            if other in medians
        },
        "peak_mb": memory,
        "memory_share": {arm: round(peaks[arm] / peaks["plain"], 3) for arm in ("ours", "ours_float32")},
        "largest_difference_of_losses": {arm: float(f"{value:.2g}") for arm, value in apart.items()},
        "processor_has": instruction_sets(),
    }


def work(arm: str, size: Size, folder: Path, pipe: Connection) -> None:
    """Send the losses without dropout; then make as many updates as asked for and send the time; 0 ends."""
    if arm.startswith("ours"):
        update = ours(size, "float32" if arm == "ours_float32" else "auto")
    else:
        update = plain(size, folder, best=arm == "plain_best")
    loaded = memory_now("VmRSS")
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
    pipe.send({"peak": memory_now("VmHWM"), "with_the_model_loaded": loaded})


def instruction_sets() -> list[str]:
    """Those of this CPU that matrix products are made with. Linux only."""
    flags = set(Path("/proc/cpuinfo").read_text().split())
    return [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]


def memory_now(key: str) -> float:
    """Resident memory of this process, MB: now (VmRSS) or at most so far (VmHWM). Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(round(int(line.split()[1]) / 1000) for line in lines if line.startswith(key))
