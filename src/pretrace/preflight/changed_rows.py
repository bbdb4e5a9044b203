"""Have DVC read a task's rows again where their files have changed: the first step of `make repro`.

    python -m pretrace.preflight.changed_rows

DVC cannot take a task's own files as dependencies of its cell of a matrix. So the report of a task whose files are no
longer those that it was made from is deleted here: DVC makes it again, after the stages before it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pretrace.common.errors import printable
from pretrace.common.frame import run_command
from pretrace.settings import load_settings
from pretrace.tasks.raw_files import changed_files, read_task_reports


def main() -> int:
    """Run it; return the exit code."""
    return run_command("", delete_reports)


def delete_reports() -> None:
    """Delete the reports of tasks whose files have changed, and say so."""
    for name, report in read_task_reports(load_settings().tasks).items():
        if changed := changed_files(report):
            print(f"task {printable(name)}: {printable(', '.join(changed))} changed: its rows are read again")
            Path("reports", "tasks", f"{name}.json").unlink()


if __name__ == "__main__":
    sys.exit(main())
