"""What lies in `.pretrace/tracking/` besides the records: what is not over yet, and why something could not be sent.

running/<record>.json     a stage that has begun; its process is gone if it was killed outright
open/<experiment>.json    an experiment whose run in MLflow is to be ended, with the DVC that works on it
shown/<settings>-...      a result that MLflow gets or has got
problem.txt               why sending stopped; unsent.txt: for the next stage to say; told.txt: it has
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.common.processes import is_alive
from pretrace.tracking.config import pending


def open_experiments(folder: Path) -> list[Path]:
    """A file for each experiment whose run in MLflow has not been ended."""
    return sorted(folder.glob("open/*.json"))


def lost_runs(folder: Path) -> list[Path]:
    """What runs that were killed outright have left."""
    return [path for path in sorted(folder.glob("running/*.json")) if not is_alive(process_of(path))]


def what_is_over(folder: Path) -> list[Path]:
    """Experiments that nobody works on any more, and runs that are gone without a word."""
    return [path for path in open_experiments(folder) if not is_alive(process_of(path, "dvc"))] + lost_runs(folder)


def process_of(path: Path, key: str = "process") -> Any:
    """The process that a file names."""
    try:
        return read_json(path).get(key)
    except PretraceError:
        return None  # it has been taken away in this moment


def next_to_do(folder: Path, skipped: set[Path]) -> Path | None:
    """What to do next: a record, a run that is gone, an experiment that is over."""
    lost = lost_runs(folder)  # before the records: a stage that is gone has left its record before
    for path in (*pending(folder), *lost, *what_is_over(folder)):
        if path not in skipped and path.exists():
            return path
    return None


def remember(folder: Path, reason: str) -> None:
    """Leave the reason for the next stage to say, once; forget it when sending works again."""
    (folder / "problem.txt").unlink(missing_ok=True)
    if not reason:
        (folder / "unsent.txt").unlink(missing_ok=True)
        (folder / "told.txt").unlink(missing_ok=True)
        return
    text = (
        f"MLflow is not reached, and training goes on without it: runs wait in {folder} and are sent when it is, or "
        f"by `pretrace track --resend` ({reason})\n"
    )
    (folder / "problem.txt").write_text(reason + "\n", encoding="utf-8")
    if not (folder / "told.txt").exists():
        (folder / "unsent.txt").write_text(text, encoding="utf-8")
