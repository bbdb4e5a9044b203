"""Score the baselines on the rows of a task.

    python stages/baselines.py source

Reads data/tasks/<task>/, its ids in data/encoded/ of the first system and models/text_models/; writes
data/baselines/<task>.parquet, the predictions on the test rows, and reports/baselines/<task>.json.
"""

from pathlib import Path

from pretrace.baselines.run import score_baselines
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record


def main(run: Run) -> None:
    (task,) = run.cell
    rows, encoded = Path(f"data/tasks/{task}"), Path(f"data/encoded/{run.settings.first_system}/{task}")
    report = score_baselines(rows, encoded, Path("models/text_models"), Path(f"data/baselines/{task}.parquet"))
    write_record(f"reports/baselines/{task}.json", report)
    run.log_metrics({name: baseline.score for name, baseline in report.baselines.items()})


if __name__ == "__main__":
    run_stage("baselines", main, "tasks")
