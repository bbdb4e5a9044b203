"""Make or read the rows of every task, check them, encode them, and score the baselines on them.

    python stages/tasks.py

Reads data/clean/probes/ or the files that a task names, and models/vocabulary/; writes data/tasks/<task>/ and
reports/tasks.json.
"""

from pathlib import Path

from pretrace.files import write_json
from pretrace.stage import Run, run_stage
from pretrace.tasks.prepare import prepare_tasks
from pretrace.vocabulary import load_vocabulary


def main(run: Run) -> None:
    vocabulary = load_vocabulary(Path("models/vocabulary"))
    report = prepare_tasks(run.settings, Path("data/clean/probes"), vocabulary, Path("data/tasks"))
    write_json("reports/tasks.json", {"tasks": report})


if __name__ == "__main__":
    run_stage("tasks", main)
