"""Generative pre-training (paper, sections 3.1 and 4.1): next-token prediction on randomly sampled contiguous sequences.

Resumes by itself: the same settings, data, vocabulary and code find the last checkpoint; anything else starts fresh.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pretrace.errors import PretraceError
from pretrace.files import locked, read_json, sha256_of_code
from pretrace.model.loss import language_model_loss
from pretrace.model.weights import build_model
from pretrace.progress import progress
from pretrace.settings import Settings
from pretrace.shards import Shards, batch_sequences, open_shards
from pretrace.training.checkpoint import Checkpoints, fingerprint
from pretrace.training.devices import Device, choose_device
from pretrace.training.loop import train
from pretrace.training.optimiser import build_optimiser, warmup_cosine

QUICK_SEQUENCES = 128
"""Validation sequences read for the curve; the figure at the end is over all of them."""


@dataclass(frozen=True)
class Pretrained:
    """What pre-training leaves behind."""

    model: nn.Module
    metrics: dict[str, Any]
    """The same for every run of the same thing: losses, sizes, FLOPs."""
    curve: list[dict[str, float]]
    """Rows of `step`, `lr`, `loss`, and on some rows `val_loss` (nats a token)."""
    cost: dict[str, Any]
    """What depends on the clock and the machine."""


def pretrain(kind: str, settings: Settings, shards_folder: Path) -> Pretrained:
    """Train a language model of `kind` (`transformer` or `lstm`) on the shards."""
    scale, section = settings.scale, settings.scale.pretrain
    manifest = read_json(shards_folder / "manifest.json")
    device = choose_device(section.precision, scale.threads)
    print(f"{kind}: {device.name}, {str(device.dtype).removeprefix('torch.')} ({device.reason})", file=sys.stderr)
    checkpoints = Checkpoints(
        fingerprint(
            kind=kind,
            model=(scale.model if kind == "transformer" else scale.lstm).model_dump(),
            context=scale.model.context,
            # Where checkpoints fall does not change the weights.
            pretrain=section.model_dump(exclude={"checkpoint_every"}),
            threads=scale.threads,
            precision=str(device),
            shards=manifest,
            code=sha256_of_code("model", "shards", "training"),
        )
    )
    with locked(checkpoints.lock, wait=False):
        return _pretrain(kind, settings, shards_folder, manifest, device, checkpoints)


def _pretrain(
    kind: str, settings: Settings, shards_folder: Path, manifest: dict, device: Device, checkpoints: Checkpoints
) -> Pretrained:
    scale, section = settings.scale, settings.scale.pretrain
    context = scale.model.context
    shards = open_shards(shards_folder, "train")
    validation = _windows(open_shards(shards_folder, "validation"), context)
    model = build_model(kind, scale, manifest["vocabulary_size"], section.seed).to(device.name)
    optimiser = build_optimiser(model, section)
    done = checkpoints.restore(model, optimiser)
    if done:
        print(f"{kind}: goes on from the checkpoint at update {done} in {checkpoints.folder.name}", file=sys.stderr)
    checkpoints.rewind_curve(done)
    rate = lambda step: section.lr * warmup_cosine(step, section.steps, section.warmup_steps)  # noqa: E731
    started, bar = time.monotonic(), progress(total=section.steps, initial=done, unit="step", description=kind)

    def losses(step: int) -> Any:
        ids = torch.from_numpy(batch_sequences(shards, context, section.batch_sequences, section.seed, step))
        for micro in ids.to(device.name).split(section.micro_batch):
            yield sequence_loss(model, micro, device, scale.model.dropout, section.batch_sequences)

    def after_step(step: int, loss: float) -> None:
        row = {"step": step, "lr": rate(step - 1), "loss": round(loss, 6)}
        if step % section.validate_every == 0 or step == section.steps:
            row["val_loss"] = round(validation_loss(model, validation[:QUICK_SEQUENCES], device), 6)
        checkpoints.append(row)
        if step % section.checkpoint_every == 0 or step == section.steps:
            checkpoints.save(step, model, optimiser)
        tokens_per_second = (step - done) * section.batch_sequences * context / (time.monotonic() - started)
        bar.set_postfix_str(f"loss {loss:.3f}, perplexity {math.exp(loss):.1f}, {tokens_per_second:,.0f} tokens/s")
        bar.update(1)

    train(
        model,
        optimiser,
        range(done, section.steps),
        losses=losses,
        rate=rate,
        clip_norm=section.clip_norm,
        seed=section.seed,
        after_step=after_step,
    )
    seconds = time.monotonic() - started
    bar.close()
    val_loss = validation_loss(model, validation, device)
    tokens = section.steps * section.batch_sequences * context
    flops = tokens * flops_per_token(model)
    metrics = {
        "val_loss": round(val_loss, 6),
        "val_perplexity": round(math.exp(val_loss), 4),
        "val_bits_per_byte": round(_bits_per_byte(val_loss, manifest["splits"]["validation"]), 6),
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": section.steps,
        "tokens": tokens,
        "epochs": round(tokens / len(shards), 4),
        "flops": flops,
        "petaflop_s_days": flops / 1e15 / 86400,
    }
    share_done_now = (section.steps - done) / section.steps
    achieved = flops * share_done_now / seconds if done < section.steps else None
    cost = {
        "device": device.name,
        "precision": str(device.dtype).removeprefix("torch."),
        "tokens_per_second": round(tokens * share_done_now / seconds, 1) if achieved else None,
        "mfu": round(achieved / peak_flops(device), 4) if achieved else None,
    }
    return Pretrained(model, metrics, checkpoints.rows(section.steps), cost)


def sequence_loss(model: Any, ids_BT: Tensor, device: Device, dropout: float, sequences: int) -> Tensor:
    """Mean loss a token over a batch of `sequences`, of which `ids_BT` are some (nats)."""
    B, T = ids_BT.shape
    weights_BT = torch.full((B, T), 1.0 / (sequences * (T - 1)), device=ids_BT.device)
    with device.autocast():
        h_BTC = model.hidden(ids_BT, dropout)
        return language_model_loss(model, h_BTC, ids_BT, weights_BT, device.dtype)


@torch.no_grad()
def validation_loss(model: Any, ids_NT: Tensor, device: Device, batch: int = 32) -> float:
    """Mean loss a token (nats) over sequences (N, T), without dropout."""
    losses = [sequence_loss(model, ids.to(device.name), device, 0.0, len(ids_NT)) for ids in ids_NT.split(batch)]
    return float(sum(loss.double() for loss in losses))


def flops_per_token(model: nn.Module) -> int:
    """Floating-point operations of training on one token: 6 for each weight that is multiplied, and attention.

    Embedding look-ups are not counted, the tied output is. Attention is 6 x layers x width x context, as half of the
    products are masked.
    """
    multiplied = sum(p.numel() for name, p in model.named_parameters() if p.dim() > 1 and "position" not in name)
    layers = len(getattr(model, "blocks", ()))
    return 6 * multiplied + 6 * layers * model.width * model.context


def peak_flops(device: Device, seconds: float = 0.3) -> float:
    """Floating-point operations a second of large matrix products here: measured, as CPUs state none."""
    a, b = (torch.randn(2048, 1024, device=device.name).to(device.dtype) for _ in range(2))
    count, started = 0, time.monotonic()
    while (spent := time.monotonic() - started) < seconds or count < 3:
        a @ b.T
        if device.name == "cuda":
            torch.cuda.synchronize()
        count += 1
    return count * 2 * 2048 * 2048 * 1024 / spent


def _windows(shards: Shards, context: int) -> Tensor:
    """The validation text as sequences that follow each other, (N, context)."""
    count = len(shards) // context
    if not count:
        raise PretraceError(
            f"validation has {len(shards)} tokens, fewer than one sequence of {context}; give more text, or raise "
            "corpus.validation_share in params.yaml"
        )
    return torch.from_numpy(shards.read(0, count * context)).view(count, context)


def _bits_per_byte(loss: float, validation: dict[str, int]) -> float:
    return loss / math.log(2) * validation["tokens"] / validation["bytes"]
