"""Pre-train the transformer, and the LSTM when a variant needs it; or start from other weights.

    python stages/pretrain.py
    torchrun --nproc-per-node 8 stages/pretrain.py      # with several GPUs, here or on several machines

Reads data/shards/ and models/vocabulary/; writes models/pretrained/<model>/, reports/pretrain.json, the curves under
reports/curves/ and samples of generated text. Goes on from the last checkpoint under .pretrace/ after a kill.
"""

import json
import shutil
from pathlib import Path

from pretrace.common.files import atomic_folder, write_json, write_text
from pretrace.model import save_model
from pretrace.pipeline.stage import Run, run_stage
from pretrace.settings import Settings
from pretrace.tokens import Vocabulary, load_vocabulary
from pretrace.tracking.publish import publish
from pretrace.training.engine.curves import write_curve
from pretrace.training.engine.generate import samples
from pretrace.training.pretraining.init_from import init_from
from pretrace.training.pretraining.run import Pretrained, pretrain

SHARDS, VOCABULARY, CURVES = Path("data/shards"), Path("models/vocabulary"), Path("reports/curves")


def main(run: Run) -> None:
    settings, vocabulary = run.settings, load_vocabulary(VOCABULARY)
    kinds = ["transformer", *({v.model for v in settings.variants.values() if v.pretrained} - {"transformer"})]
    for kind in kinds:
        run.log_curve(CURVES / f"{kind}.json")
        run.log_curve(CURVES / f"{kind}-validation.json")
    results = {kind: train(kind, run, vocabulary) for kind in kinds}
    if not run.is_rank_zero:
        return
    with atomic_folder("models/pretrained") as out:
        for kind, result in results.items():
            (out / kind).mkdir()
            save_model(out / kind, result.model)
            shutil.copytree(VOCABULARY, out / kind / "vocabulary")
            if result.steps:
                shutil.copytree(result.steps, out / kind / "steps")
    for kind, result in results.items():
        write_curve(CURVES, kind, result.curve, result.metrics["steps"])
        if result.samples:
            rows = [json.dumps(row, ensure_ascii=False) + "\n" for row in result.samples]
            write_text(CURVES / f"{kind}-samples.jsonl", "".join(rows))
    write_json("reports/samples.json", sampled(results["transformer"].model, settings, vocabulary))
    report = results["transformer"].metrics | {kind: results[kind].metrics for kind in kinds[1:]}
    run.cost |= results["transformer"].cost | {kind: results[kind].cost for kind in kinds[1:]}
    write_json("reports/pretrain.json", report)
    run.log_metrics(report)


def train(kind: str, run: Run, vocabulary: Vocabulary) -> Pretrained | None:
    """The language model of this kind, trained or started from; None in a process that is not to write it."""
    if kind == "transformer" and run.settings.pretrain.init_from:
        return init_from(run.settings, SHARDS)
    return pretrain(
        kind, run.settings, SHARDS, lambda: publish(run), CURVES, lambda model: sampled(model, run.settings, vocabulary)
    )


def sampled(model: object, settings: Settings, vocabulary: Vocabulary) -> list[dict[str, str]]:
    """Texts of a model as it is now, from the same seed each time."""
    return samples(model, vocabulary, settings.scale.pretrain.seed)


if __name__ == "__main__":
    run_stage("pretrain", main)
