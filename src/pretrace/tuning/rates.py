"""`pretrace rates`: short pre-trainings of every system with the same few learning rates (ours).

Systems differ in the rate that suits them, so a comparison at one rate for all would be one of rates. The best rate of
a short training stands for that of a whole one. It goes into the system's file by hand, under `at` with the scale's
name. Finished trainings are found in `.pretrace/checkpoints/`, so a search goes on where it was stopped.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.progress import progress
from pretrace.common.provenance import provenance
from pretrace.schemas.models import RatesRecord, SystemRates, TriedRate
from pretrace.schemas.record import write_record
from pretrace.settings import Settings, read_yaml
from pretrace.tokens import load_vocabulary
from pretrace.training.objectives.special_tokens import special_tokens
from pretrace.training.pretraining.plan import Plan
from pretrace.training.pretraining.run import pretrain

LENGTHS = ("steps", "tokens", "flops", "warmup_steps", "warmup_tokens", "decay_tokens")
"""Settings of a pre-training that say how long something lasts."""


def search_rates(settings: Settings, root: Path = Path()) -> RatesRecord:
    """Pre-train every system with every rate of `settings.rates`, write reports/rates.json and return it.

    Args:
        root: of the project, with the scale's file, vocabularies and shards.

    Raises:
        PretraceError: the shards of a system are not there, or a training fails.
    """
    if settings.pretrain.weights:
        raise PretraceError(
            "params.yaml: pretrain: a search for rates begins with random weights; remove `init_from` and "
            "`continue_from`"
        )
    started = time.monotonic()
    lr = float(read_yaml(root / "scales" / f"{settings.scale_name}.yaml")["pretrain"]["lr"])
    systems: dict[str, SystemRates] = {}
    names = [name for name, one in settings.systems.items() if one.scale.kind != "word2vec"]  # has a rate of its own
    trainings = len(names) * len(settings.rates.lr_factors)
    with progress(total=trainings, unit="training", description="rates") as bar:
        for name in names:
            tried = []
            special = special_tokens(load_vocabulary(root / "models" / "vocabulary" / name))
            for rate in (lr * factor for factor in settings.rates.lr_factors):
                own = shortened(settings.of_system(name), rate)
                result = pretrain(own.pretrain.seeds[0], own, root / "data" / "shards" / name, special=special)
                assert result is not None, "torchrun does not start this"
                kind, loss = result.metrics.loss
                steps = result.metrics.steps
                tried.append(TriedRate(lr=rate, loss=loss))
                bar.update(1)
            best = min(tried, key=lambda one: one.loss).lr
            systems[name] = SystemRates(loss=kind, steps=steps, tried=tried, best=best)
    known_here: dict[str, Any] = provenance()
    record = RatesRecord(
        scale=settings.scale_name,
        seed=settings.pretrain.seeds[0],
        lr=lr,
        lr_factors=settings.rates.lr_factors,
        systems=systems,
        seconds=round(time.monotonic() - started, 1),
        **known_here,
    )
    write_record(root / "reports" / "rates.json", record)
    return record


def shortened(settings: Settings, rate: float) -> Settings:
    """Return the settings of one short pre-training: its rate, and the share of the scale's lengths."""
    section, share = settings.scale.pretrain, settings.rates.share
    lengths = {name: value for name in LENGTHS if (value := getattr(section, name)) is not None}
    lengths.setdefault("steps", Plan(settings.scale).steps)
    changes: dict[str, Any] = {name: max(1, round(value * share)) for name, value in lengths.items()}
    changes |= {"lr": rate, "tokens": None, "flops": None, "save_at_powers_of_two": False, "sample_every": None}
    trained = section.model_copy(update=changes)
    return settings.model_copy(update={"scale": settings.scale.model_copy(update={"pretrain": trained})})


def rates_lines(record: RatesRecord) -> list[str]:
    """Return the search as a table in Markdown, the best loss of each system in bold."""
    lines = [
        f"Validation loss of short pre-trainings by peak learning rate, scale {record.scale}:",
        "",
        "| system | loss | steps | " + " | ".join(f"{record.lr * factor:g}" for factor in record.lr_factors) + " |",
        "| --- | --- | ---: |" + " ---: |" * len(record.lr_factors),
    ]
    for name, system in record.systems.items():
        cells = [f"**{one.loss:.4f}**" if one.lr == system.best else f"{one.loss:.4f}" for one in system.tried]
        lines.append(f"| {name} | {system.loss} | {system.steps:,} | {' | '.join(cells)} |")
    return lines
