"""Score a linear classifier on the states of the frozen pre-trained transformer, on the rows of a task.

    python stages/frozen.py source

Reads data/tasks/<task>/ and models/pretrained/; writes data/frozen/<task>.parquet, the predictions on the test rows,
and reports/frozen/<task>.json.
"""

from pathlib import Path

from pretrace.evaluation.frozen.run import score_frozen
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.training.engine.device import choose_device


def main(run: Run) -> None:
    (task,) = run.cell
    scale = run.settings.scale
    device = choose_device(scale.pretrain.precision, scale.threads)
    folders = Path(f"data/tasks/{task}"), Path("models/pretrained")
    report = score_frozen(run.settings, *folders, device, Path(f"data/frozen/{task}.parquet"))
    write_record(f"reports/frozen/{task}.json", report)
    run.log_metrics({name: scored.score for name, scored in report.scores.items()})
    run.cost["device"] = device.name


if __name__ == "__main__":
    run_stage("frozen", main, "tasks")
