"""Pre-train the transformer, and the LSTM when a variant needs it; or start from other weights.

    python stages/pretrain.py

Reads data/shards/ and models/vocabulary/; writes models/pretrained/<model>/, reports/pretrain.json, the curves under
reports/curves/ and samples of generated text. Goes on from the last checkpoint under .pretrace/ after a kill.
"""

import shutil
from pathlib import Path

from pretrace.files import atomic_folder, write_json
from pretrace.model import save_model
from pretrace.stage import Run, run_stage
from pretrace.training.curves import write_curve
from pretrace.training.generate import samples
from pretrace.training.pretrain import pretrain
from pretrace.training.start import start_from
from pretrace.vocabulary import load_vocabulary


def main(run: Run) -> None:
    vocabulary_folder = Path("models/vocabulary")
    vocabulary = load_vocabulary(vocabulary_folder)
    models = ["transformer", *({v.model for v in run.settings.variants.values() if v.pretrained} - {"transformer"})]
    report = {}
    with atomic_folder("models/pretrained") as out:
        for kind in models:
            if kind == "transformer" and run.settings.pretrain.start_from:
                result = start_from(run.settings, Path("data/shards"))
            else:
                result = pretrain(kind, run.settings, Path("data/shards"), run.publish)
            (out / kind).mkdir()
            save_model(out / kind, result.model)
            shutil.copytree(vocabulary_folder, out / kind / "vocabulary")
            write_curve(Path("reports/curves"), kind, result.curve)
            run.log_curve(Path(f"reports/curves/{kind}.json"))
            run.log_curve(Path(f"reports/curves/{kind}-validation.json"))
            if kind == "transformer":
                report |= result.metrics
                run.cost |= result.cost
                write_json("reports/samples.json", samples(result.model, vocabulary, run.settings.scale.pretrain.seed))
            else:
                report[kind] = result.metrics
                run.cost[kind] = result.cost
    write_json("reports/pretrain.json", report)
    run.log_metrics(report)


if __name__ == "__main__":
    run_stage("pretrain", main)
