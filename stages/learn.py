"""Train one learner on one task from text to text, with every seed, and score what it writes.

    python stages/learn.py restore transformer

Reads data/sequences/<task>/ and, for a learner that is pre-trained, models/pretrained/<system>/. Writes
models/sequences/<task>-<learner>/ (the model that is best on dev, and the curves),
data/written/<task>-<learner>.parquet (what was written for the test rows) and reports/sequences/<task>-<learner>.json.
A finished training is cached in .pretrace/ and not run again after a crash; a killed one resumes.
"""

from pathlib import Path

from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.training.sequences.run import learn_all_seeds


def main(run: Run) -> None:
    task, learner = run.cell
    name = f"{task}-{learner}"
    out, written = Path(f"models/sequences/{name}"), Path(f"data/written/{name}.parquet")
    rows, pretrained = Path(f"data/sequences/{task}"), Path("models/pretrained")
    report = learn_all_seeds(run.settings, task, learner, rows, pretrained, out, written)
    write_record(f"reports/sequences/{name}.json", report)
    run.log_params({"system": report.system, "pretrained": report.pretrained, "steps": report.steps})
    run.log_metrics({metric: one.score for metric, one in report.metrics.items()} | report.as_json())
    run.log_curve(out / "curve.jsonl")


if __name__ == "__main__":
    run_stage("learn", main, "sequences", "learners")
