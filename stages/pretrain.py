"""Pre-train a system's model, or take other weights instead.

    python stages/pretrain.py gpt1
    torchrun --nproc-per-node 8 stages/pretrain.py gpt1     # with several GPUs, here or on several machines

Reads data/shards/<system>/ and models/vocabulary/<system>/; writes models/pretrained/<system>/<model>/,
reports/pretrain/<system>.json, the curves under reports/curves/<system>/ and samples of generated text. Names of
further seeds end in theirs: models/pretrained/<system>/<model>-seed-43/. Resumes from the last checkpoint under
.pretrace/ after a kill; a finished seed is not trained again.
"""

from functools import partial
from pathlib import Path
from typing import Any

from pretrace.generation.samples import generate_samples
from pretrace.pipeline.stage import Run, run_stage
from pretrace.tokens import load_vocabulary
from pretrace.tracking.publish import publish_progress
from pretrace.training.objectives.special_tokens import special_tokens
from pretrace.training.pretraining.artifacts import total_cost, write_results
from pretrace.training.pretraining.init_from import init_from
from pretrace.training.pretraining.run import pretrain
from pretrace.training.word2vec.run import pretrain_words

REPORTS = Path("reports")


def main(run: Run) -> None:
    (system,) = run.cell
    settings = run.settings.of_system(system)
    shards, folder = Path(f"data/shards/{system}"), Path(f"models/vocabulary/{system}")
    results: dict[str, Any] = {}
    vocabulary = load_vocabulary(folder)
    sample = partial(generate_samples, vocabulary=vocabulary, seed=settings.pretrain.seeds[0])
    special = special_tokens(vocabulary)
    publish, curves = partial(publish_progress, run), REPORTS / "curves" / system
    chosen = settings.pretrainings()
    for name in [f"{name}{part}" for name in chosen for part in ("", "-validation")]:
        run.log_curve(curves / f"{name}.json")
    for name, seed in chosen.items():
        if settings.scale.kind == "word2vec":
            results[name] = pretrain_words(seed or 0, settings, shards, vocabulary)
        elif seed is None:
            results[name] = init_from(settings, shards, special)
        else:
            results[name] = pretrain(seed, settings, shards, publish, curves, sample, special)
    if run.is_rank_zero:  # under torchrun, rank 0 writes
        report = write_results(results, folder, Path(f"models/pretrained/{system}"), REPORTS, system, sample)
        run.log_metrics(report.as_json())
        run.cost |= total_cost(results)


if __name__ == "__main__":
    run_stage("pretrain", main, "systems")
