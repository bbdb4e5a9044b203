"""Score a linear classifier on the states of a system's frozen pre-trained transformer, on the rows of a task.

    python stages/frozen.py source gpt1

Reads data/encoded/<system>/<task>/ and models/pretrained/<system>/; writes data/frozen/<task>-<system>.parquet, the
predictions on the test rows, and reports/frozen/<task>-<system>.json.
"""

from pathlib import Path

from pretrace.evaluation.frozen.run import score_frozen
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.training.engine.device import choose_device


def main(run: Run) -> None:
    task, system = run.cell
    settings = run.settings.of_system(system)
    scale, name = settings.scale, f"{task}-{system}"
    device = choose_device(scale.pretrain.precision, scale.threads)
    folders = Path(f"data/encoded/{system}/{task}"), Path(f"models/pretrained/{system}")
    report = score_frozen(settings, *folders, device, Path(f"data/frozen/{name}.parquet"))
    write_record(f"reports/frozen/{name}.json", report)
    run.log_metrics({name: scored.score for name, scored in report.scores.items()})
    run.cost["device"] = device.name


if __name__ == "__main__":
    run_stage("frozen", main, "tasks", "systems")
