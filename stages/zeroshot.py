"""Score the pre-trained language model of a system without fine-tuning: tasks by heuristics, and language tests.

    python stages/zeroshot.py gpt1

Reads models/pretrained/<system>/, data/tasks/ and the files of the language tests; writes
reports/zeroshot/<system>.json and, for the final weights of each pre-training,
data/zeroshot/<system>/<task>.parquet: the predictions for the test rows scored.
"""

from pathlib import Path

from pretrace.common.files import atomic_folder
from pretrace.evaluation.zero_shot.run import zero_shot
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.models import PretrainReport
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.zero_shot import ZeroShotReport
from pretrace.training.engine.device import choose_device


def main(run: Run) -> None:
    (system,) = run.cell
    settings = run.settings.of_system(system)
    scale = settings.scale
    device = choose_device(scale.pretrain.precision, scale.threads)
    trained = read_record(f"reports/pretrain/{system}.json", PretrainReport)
    with atomic_folder(f"data/zeroshot/{system}") as out:
        report = zero_shot(settings, Path(f"models/pretrained/{system}"), Path("data/tasks"), trained, device, out)
    write_record(f"reports/zeroshot/{system}.json", report)
    run.log_metrics(numbers(report))
    run.cost["device"] = device.name


def numbers(report: ZeroShotReport) -> dict[str, float]:
    """Return the scores as MLflow shows them: `cloze.lm_zero_shot.transformer`, `lambada.transformer.accuracy`."""
    scores = {
        f"{name}.{column}.{model}": row.score
        for name, by_column in report.tasks.items()
        for column, rows in by_column.items()
        for model, row in rows.items()
    }
    for name, rows in report.language_tests.items():
        values = {model: row.as_json() for model, row in rows.items()}
        scores |= {f"{name}.{model}.{key}": value for model, own in values.items() for key, value in own.items()}
    return scores


if __name__ == "__main__":
    run_stage("zeroshot", main, "systems")
