"""`pretrace ladder`: the same pre-training at several sizes, and the power law of their losses (ours, after GPT-3).

Kaplan et al. 2020 ("Scaling laws for neural language models") and GPT-3's figure 3.1 show the loss as a power of
parameters and of compute. Here the sizes have the scale's proportions and its tokens, and the largest is left out of
the fit, which has to predict it. Finished trainings are found in `.pretrace/checkpoints/`, so a ladder goes on where it
was stopped.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.provenance import provenance
from pretrace.schemas.models import LadderRecord, PowerLaw, Rung
from pretrace.schemas.record import write_record
from pretrace.settings import ModelSettings, Settings
from pretrace.training.pretraining.plan import Plan
from pretrace.training.pretraining.run import pretrain

LEAST_LAYERS = 2
CONFIDENCE = 0.95


def climb(settings: Settings, data: Path = Path("data"), folder: Path = Path("reports")) -> LadderRecord:
    """Pre-train the sizes of `ladder.widths` for the first system, write ladder.json under `folder` and return it.

    Args:
        data: has the shards, in `shards/`.

    Raises:
        PretraceError: the shards are not there, a training fails, or it predicts masked tokens.
    """
    check_next_token(settings)
    started, shards = time.monotonic(), data / "shards" / settings.system_name
    rungs = [_rung(settings_of(settings, width), shards) for width in settings.ladder.widths]
    known_here: dict[str, Any] = provenance()
    record = LadderRecord(
        scale=settings.scale_name,
        seed=settings.pretrain.seeds[0],
        rungs=rungs,
        by_parameters=power_law([rung.parameters for rung in rungs], [rung.val_loss for rung in rungs]),
        by_flops=power_law([rung.flops for rung in rungs], [rung.val_loss for rung in rungs]),
        seconds=round(time.monotonic() - started, 1),
        **known_here,
    )
    write_record(folder / "ladder.json", record)
    return record


def check_next_token(settings: Settings) -> None:
    """Raise `PretraceError` if the system predicts other tokens than the next ones."""
    if settings.scale.pretrain.objective.kind != "next_token":
        raise PretraceError(
            f"a ladder compares losses of next tokens; system {settings.system_name} predicts masked ones, of which a "
            "power law would say something else"
        )


def settings_of(settings: Settings, width: int) -> Settings:
    """Return the settings with a transformer of another width in the scale's proportions.

    Layers and heads grow with the width, the feed-forward network is as many times wider as the scale's, and the rate
    falls with the root of the width (ours).
    """
    scale, model = settings.scale, settings.scale.model
    heads = max(1, round(width * model.heads / model.width))
    wide = heads * max(1, round(width / heads))
    sizes = {
        "width": wide,
        "heads": heads,
        "layers": max(LEAST_LAYERS, round(width * model.layers / model.width)),
        "feed_forward": round(wide * model.feed_forward / model.width),
    }
    rate = min(1.0, scale.pretrain.lr * math.sqrt(model.width / wide))
    own = ModelSettings.model_validate(model.model_dump(exclude_unset=True) | sizes)
    trained = scale.pretrain.model_copy(update={"lr": rate, "save_at_powers_of_two": False, "sample_every": None})
    anew = settings.pretrain.model_copy(update={"init_from": None, "continue_from": None, "old_text": None})
    return settings.model_copy(
        update={"scale": scale.model_copy(update={"model": own, "pretrain": trained}), "pretrain": anew}
    )


def _rung(settings: Settings, shards: Path) -> Rung:
    result = pretrain(settings.pretrain.seeds[0], settings, shards)
    assert result is not None and result.metrics.val_loss is not None, "torchrun does not start this"
    metrics, plan, model = result.metrics, Plan(settings.scale), settings.scale.model
    per_token = metrics.flops / metrics.tokens
    measured = [row for row in result.curve if "val_loss" in row]
    return Rung(
        layers=model.layers,
        width=model.width,
        heads=model.heads,
        lr=settings.scale.pretrain.lr,
        parameters=metrics.parameters,
        tokens=metrics.tokens,
        flops=metrics.flops,
        val_loss=result.metrics.val_loss,
        curve=[[round(plan.tokens_before(int(row["step"])) * per_token), row["val_loss"]] for row in measured],
    )


def power_law(sizes: list[int], losses: list[float]) -> PowerLaw:
    """Fit loss = factor x size^-exponent to all but the last, by least squares of logarithms, and predict the last.

    Intervals are Student's, of the straight line through few points: they know nothing of other seeds.
    """
    from scipy.stats import t as student

    x, y = np.log(np.array(sizes, float)), np.log(np.array(losses))
    fitted, last = x[:-1], x[-1]
    slope, offset = np.polyfit(fitted, y[:-1], 1)
    free, spread = len(fitted) - 2, ((fitted - fitted.mean()) ** 2).sum()
    error = math.sqrt(((y[:-1] - offset - slope * fitted) ** 2).sum() / free)
    reach = float(student.ppf((1 + CONFIDENCE) / 2, free)) * error
    of_last = reach * math.sqrt(1 + 1 / len(fitted) + (last - fitted.mean()) ** 2 / spread)
    predicted = offset + slope * last
    return PowerLaw(
        exponent=round(-slope, 6),
        interval=[round(-slope - reach / math.sqrt(spread), 6), round(-slope + reach / math.sqrt(spread), 6)],
        factor=round(math.exp(offset), 6),
        predicted=round(math.exp(predicted), 6),
        predicted_interval=[round(math.exp(predicted - of_last), 6), round(math.exp(predicted + of_last), 6)],
    )


def ladder_lines(record: LadderRecord) -> list[str]:
    """Return the ladder as lines of text."""
    lines = [
        f"{rung.parameters:>12,} parameters  {rung.flops:.2e} FLOPs  loss {rung.val_loss:.4f}" for rung in record.rungs
    ]
    measured = record.rungs[-1].val_loss
    for name, law in (("parameters", record.by_parameters), ("FLOPs", record.by_flops)):
        low, high = law.predicted_interval
        lines.append(
            f"loss = {law.factor:.3g} x {name}^-{law.exponent:.4f} ({law.interval[0]:.4f} to {law.interval[1]:.4f}) "
            f"without the largest, which it predicts as {law.predicted:.4f} ({low:.4f} to {high:.4f}); it is "
            f"{measured:.4f}"
        )
    return lines
