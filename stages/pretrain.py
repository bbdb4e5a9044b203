"""Pre-train the transformer, and the LSTM when a variant needs it; or take other weights instead.

    python stages/pretrain.py
    torchrun --nproc-per-node 8 stages/pretrain.py      # with several GPUs, here or on several machines

Reads data/shards/ and models/vocabulary/; writes models/pretrained/<model>/, reports/pretrain.json, the curves under
reports/curves/ and samples of generated text. Resumes from the last checkpoint under .pretrace/ after a kill.
"""

from functools import partial
from pathlib import Path
from typing import Any

from pretrace.pipeline.stage import Run, run_stage
from pretrace.settings import MAIN_MODEL
from pretrace.tokens import load_vocabulary
from pretrace.tracking.publish import publish_progress
from pretrace.training.engine.generate import generate_samples
from pretrace.training.pretraining.artifacts import models_to_pretrain, total_cost, write_results
from pretrace.training.pretraining.init_from import init_from
from pretrace.training.pretraining.run import pretrain

SHARDS, VOCABULARY, REPORTS = Path("data/shards"), Path("models/vocabulary"), Path("reports")


def main(run: Run) -> None:
    settings = run.settings
    results: dict[str, Any] = {}
    sample = partial(generate_samples, vocabulary=load_vocabulary(VOCABULARY), seed=settings.scale.pretrain.seed)
    kinds = models_to_pretrain(settings)
    for name in [f"{kind}{part}" for kind in kinds for part in ("", "-validation")]:
        run.log_curve(REPORTS / f"curves/{name}.json")
    for kind in kinds:
        if kind == MAIN_MODEL and settings.pretrain.init_from:
            results[kind] = init_from(settings, SHARDS)
        else:
            results[kind] = pretrain(kind, settings, SHARDS, partial(publish_progress, run), REPORTS / "curves", sample)
    if run.is_rank_zero:  # under torchrun, rank 0 writes
        report = write_results(results, VOCABULARY, Path("models/pretrained"), REPORTS, sample)
        run.log_metrics(report.as_json())
        run.cost |= total_cost(results)


if __name__ == "__main__":
    run_stage("pretrain", main)
