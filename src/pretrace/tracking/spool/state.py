"""State files of the upload queue, beside the records: running stages, open experiments, the last error.

running/<record>.json     a stage that has started; if its process is gone, it was killed outright
open/<experiment>.json    an experiment whose MLflow run is still to be ended, with the DVC process that works on it
published/<settings>-...  a result that has been queued or uploaded
error.txt                 why the last upload stopped
warning.txt               the same as a warning for the next stage to print; renamed to warned.txt once printed
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.common.processes import Process, is_alive
from pretrace.schemas.record import parse_record
from pretrace.schemas.tracking import RunRecord, StateFile
from pretrace.tracking.config import queued_records

RUNNING, OPEN, PUBLISHED = "running", "open", "published"
LAST_ERROR, WARNING, WARNED = "error.txt", "warning.txt", "warned.txt"


def open_experiments(folder: Path) -> list[Path]:
    """Return a file for each experiment whose MLflow run has not been ended."""
    return sorted(folder.glob(f"{OPEN}/*.json"))


def running_stages(folder: Path) -> list[Path]:
    """Return a file for each stage that has started and queued no final record."""
    return sorted(folder.glob(f"{RUNNING}/*.json"))


def killed_stages(folder: Path) -> list[Path]:
    """Return the files of stages that were killed outright."""
    return [path for path in running_stages(folder) if not is_alive(process_of(path))]


def abandoned(folder: Path) -> list[Path]:
    """Return the files of experiments that no DVC works on any more, and of stages that were killed outright."""
    experiments = [path for path in open_experiments(folder) if not is_alive(process_of(path, "dvc"))]
    return experiments + killed_stages(folder)


def process_of(path: Path, key: Literal["process", "dvc"] = "process") -> Process | None:
    """Return the process that a state file names."""
    try:
        state = parse_record(read_json(path), StateFile, str(path), unknown="ignore")
    except PretraceError:
        return None  # it was deleted in this moment
    return state.process if key == "process" else state.dvc


def read_run(path: Path) -> RunRecord:
    """Read the record of a run; keys that only another version of the code has are ignored.

    Raises:
        PretraceError: it is missing, damaged, or lacks a key.
    """
    return parse_record(read_json(path), RunRecord, str(path), unknown="ignore")


def next_job(folder: Path, skipped: set[Path]) -> Path | None:
    """Return the next thing to upload: a record, a killed stage, or an abandoned experiment."""
    killed = killed_stages(folder)  # before the records: a stage that is gone has queued its record before
    for path in (*queued_records(folder), *killed, *abandoned(folder)):
        if path not in skipped and path.exists():
            return path
    return None


def save_error(folder: Path, reason: str) -> None:
    """Save why uploading stopped, for the next stage to print once; "" clears it, as uploading works again."""
    (folder / LAST_ERROR).unlink(missing_ok=True)
    if not reason:
        (folder / WARNING).unlink(missing_ok=True)
        (folder / WARNED).unlink(missing_ok=True)
        return
    text = (
        f"MLflow is unreachable; training continues. Runs are queued in {folder} and uploaded when it answers, or by "
        f"`pretrace track --resend` ({reason})\n"
    )
    (folder / LAST_ERROR).write_text(reason + "\n", encoding="utf-8")
    if not (folder / WARNED).exists():
        (folder / WARNING).write_text(text, encoding="utf-8")


def warn_once(folder: Path) -> None:
    """Print the warning of an uploader in the background, which has no terminal to print it to."""
    warning = folder / WARNING
    if warning.exists():
        print(f"pretrace: {warning.read_text(encoding='utf-8').strip()}", file=sys.stderr)
        warning.rename(folder / WARNED)
