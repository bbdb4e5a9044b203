"""Build or read the rows of a task, check them, and try rules that should not answer it.

    python stages/tasks.py source

Reads data/clean/probes/ or what the task names; writes data/tasks/<task>/ and reports/tasks/<task>.json.
"""

from pathlib import Path

from pretrace.corpus import Gpt1Words, PreparedText, prepared_folder
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.tasks.prepare import prepare_task


def main(run: Run) -> None:
    (task,) = run.cell
    prepared = PreparedText(Gpt1Words(run.settings.text.language), prepared_folder(), run.settings.workers)
    documents = prepared.pairs(Path("data/clean/probes"))
    report = prepare_task(run.settings, task, documents, Path(f"data/tasks/{task}"))
    write_record(f"reports/tasks/{task}.json", report)


if __name__ == "__main__":
    run_stage("tasks", main, "tasks")
