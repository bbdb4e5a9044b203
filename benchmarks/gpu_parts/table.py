"""The results of gpu.py in a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from pretrace.common.units import readable_bytes
from pretrace.schemas.machines.gpu import GpuPart, GpuRecord


def line_of(name: str, part: GpuPart) -> str:
    """Return how a part ended."""
    return f"{name}: {part.seconds:.0f} s" + (f"; {part.error}" if part.error else "")


def table_of(record: GpuRecord) -> str:
    """Return the results as lines of Markdown, such as docs/gpu.md has."""
    head = [f"| {record.device}, PyTorch {record.torch} | scale | result |", "| --- | --- | --- |"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in _rows(record))])


def _rows(record: GpuRecord) -> Iterator[tuple[str, str, str]]:
    for scale, parity in record.parity.items():
        values = f"loss {parity.loss:g}, logits {parity.logits:g}, gradients {parity.gradients:g}"
        auto = f"{'compiled, ' if parity.compiled else ''}`auto`: loss {parity.auto_loss:g}"
        yield "float32 against the CPU", scale, f"{_same(parity.same)}: {values}; {auto}"
    for scale, speed in record.speed.items():
        for arm, rate in speed.tokens_per_second.items():
            share = "" if speed.mfu is None else f", MFU {speed.mfu[arm]:.0%}"
            memory = readable_bytes(speed.peak_memory_bytes[arm])
            yield arm, scale, f"{rate:,.0f} tokens/s{share}, {memory}, batches of {speed.batch_size}"
        yield "ours to plain", scale, f"{speed.ratio:.2f} times as fast; {_same(speed.same)} loss"
    for scale, check in record.check.items():
        share = "" if check.mfu is None else f", MFU {check.mfu:.0%}"
        memory = f"{readable_bytes(check.memory_bytes)}, micro-batches of {check.micro_batch}"
        yield "`pretrace check`", scale, f"{check.tokens_per_second:,.0f} tokens/s{share}, {memory}; {check.compiled}"
    for scale, resume in record.resume.items():
        what = "same bytes" if resume.same_bytes else f"weights differ by up to {resume.largest_difference:g}"
        yield "killed and resumed", scale, f"{what}, from step {resume.resumed_from} of {resume.steps}"
    for scale, tuned in record.finetuning.items():
        if tuned.seconds_at_once is None:
            yield "fine-tuning", scale, f"{tuned.rows:,} pairs: one seed {tuned.seconds_alone:.0f} s"
            continue
        memory = "" if tuned.peak_memory_bytes is None else f", {readable_bytes(tuned.peak_memory_bytes)}"
        both = f"one seed {tuned.seconds_alone:.0f} s, {tuned.seeds} at once {tuned.seconds_at_once:.0f} s{memory}"
        yield "fine-tuning", scale, f"{tuned.rows:,} pairs: {both}"


def _same(same: bool) -> str:
    return "same" if same else "DIFFERENT"
