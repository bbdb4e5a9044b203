"""MLflow watches and never decides: a stage leaves a record, a process in the background sends it.

    python -m pretrace.tracking send      # send what waits, quietly: started by every stage
    python -m pretrace.tracking wait      # the same, and say how it went: `make repro` ends with it

Importing MLflow and opening its database costs 2.5 s of processor time, in each of some twenty stages. So a stage only
writes what MLflow should know to `.pretrace/tracking/<id>/` and starts a low-priority process of its own session; the
next stage runs meanwhile. One sender works at a time, under a lock, and takes all that waits. What cannot be sent (a
server is down) stays there for the next sender: the files are the truth.

Where: MLFLOW_TRACKING_URI, else SQLite in `.pretrace/`. `PRETRACE_TRACKING=off` switches all of it off.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrace.errors import PretraceError
from pretrace.files import (
    atomic_folder,
    locked,
    project_root,
    read_json,
    scratch_folder,
    sha256_of_file,
    sha256_of_json,
)
from pretrace.origin import git_revision

if TYPE_CHECKING:
    from pretrace.settings import Settings
    from pretrace.stage import Run

WAIT_SECONDS = 60.0
FAILURES_IN_A_ROW = 2
LOWEST_PRIORITY = 19


def hand_over(run: Run, status: str) -> None:
    """Leave what MLflow should know about a run, and see to it that it is sent.

    `status` is MLflow's: RUNNING, FINISHED, FAILED or KILLED. A record left while the run is going is brought up to
    date by the next one of the same run.
    """
    if is_off():
        return
    folder = _waiting_room()
    with atomic_folder(folder / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}") as record:
        artifacts = record / "artifacts"
        for path in run.artifacts if status == "FINISHED" else []:
            if path.is_dir():
                shutil.copytree(path, artifacts / path.name)
            elif path.exists():
                artifacts.mkdir(exist_ok=True)
                shutil.copy(path, artifacts / path.name)
        text = json.dumps(_describe(run, status), allow_nan=False, default=str)
        (record / "record.json").write_text(text, encoding="utf-8")
    told = folder / "unsent.txt"
    if told.exists():
        print(f"pretrace: {told.read_text().strip()}", file=sys.stderr)
        told.rename(folder / "told.txt")
    _start_sender(folder)


def is_off() -> bool:
    """Whether the user wants no tracking."""
    return os.environ.get("PRETRACE_TRACKING", "").lower() in ("off", "0", "false", "no")


def tracking_uri() -> str:
    """Where runs go. Never MLflow's own default, which lies in DVC's temporary copies and goes with them."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{scratch_folder() / 'mlflow.db'}"


def record_id(run: Run) -> str:
    """The value of the tag `pretrace.record` by which MLflow finds the run of a stage."""
    return sha256_of_json([run.name, _experiment()[1], os.getpid(), run.started])[:32]


def send_pending(folder: Path | None = None) -> str:
    """Send all records that wait, oldest first; stop when MLflow does not answer. Returns why it stopped, or "".

    Only one sender works at a time: when another one does, this returns at once and leaves the records to it. A
    sender looks again after it has let go of the lock, so a record left in that moment is not left behind.
    """
    folder = folder or _waiting_room()
    reason = ""
    while not reason and _pending(folder):
        try:
            with locked(folder / "lock", wait=False):
                reason = _send_all(folder)
        except PretraceError:
            return ""
    return reason


def wait_until_sent(seconds: float = WAIT_SECONDS) -> str:
    """Send what waits, or wait for the sender at work. Returns one line that says how it went."""
    if is_off():
        return "MLflow: switched off by PRETRACE_TRACKING"
    folder, deadline, reason = _waiting_room(), time.monotonic() + seconds, ""
    while not reason and _pending(folder) and time.monotonic() < deadline:
        reason = send_pending(folder)
        time.sleep(0.1)
    left = len(_pending(folder))
    if left:
        return f"MLflow: {left} runs wait in {folder} ({reason or 'a sender is still at work'})"
    return "MLflow: all runs sent; `make ui` shows them"


def _describe(run: Run, status: str) -> dict[str, Any]:
    """What MLflow should know about a run, as JSON."""
    settings = _flat(run.settings)
    baseline, experiment = _experiment()
    lock = Path("dvc.lock")
    numbers = {key: value for key, value in run.cost.items() if isinstance(value, int | float)}
    return {
        "id": record_id(run),
        "name": run.name,
        "status": status,
        "started_ms": int(run.started * 1000),
        "ended_ms": int(time.time() * 1000),
        "experiment": {
            "name": experiment,
            "settings": settings,
            "key": sha256_of_json([experiment, baseline, settings])[:32],
        },
        "tags": {
            "dvc.exp_name": experiment,
            "dvc.baseline_rev": baseline,
            "dvc.stage": run.name,
            "dvc.lock": sha256_of_file(lock) if lock.exists() else "none",
            "device": str(run.cost.get("device", "cpu")),
        },
        "params": {"scale": run.settings.scale_name, **run.params},
        "metrics": {**_finite(run.metrics), **_finite({f"cost/{key}": value for key, value in numbers.items()})},
        "points": list(_points(run.curves)),
        "parent_metrics": _finite(run.parent_metrics),
        "ends_experiment": run.ends_experiment,
    }


def _experiment() -> tuple[str, str]:
    """The commit that the experiment started from, and its name: DVC's own, or that of the workspace."""
    baseline = os.environ.get("DVC_EXP_BASELINE_REV") or git_revision()
    return baseline, os.environ.get("DVC_EXP_NAME") or f"workspace-{baseline[:8]}"


def _points(curves: list[Path]) -> Iterator[tuple[str, float, int]]:
    """(metric, value, step) of curves; several curves, or several seeds in one, get names of their own."""
    for path in curves:
        before = f"{path.stem}/" if len(curves) > 1 else ""
        for number, row in enumerate(read_rows(path)):
            step = int(row.get("step", row.get("epoch", number)))
            after = f"/seed{row['seed']}" if "seed" in row else ""
            values = {key: row[key] for key in row if key not in ("step", "epoch", "seed")}
            for key, value in _finite(values).items():
                yield f"{before}{key}{after}", value, step


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a curve, JSONL (but for a last line still being written) or a JSON list; no file, no rows."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if path.suffix == ".json":
        return json.loads(text or "[]")
    whole = text[: text.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines()]


def _finite(values: dict[str, Any]) -> dict[str, float]:
    """The numbers that JSON and every database can hold."""
    kept = {key: value for key, value in values.items() if isinstance(value, int | float)}
    return {key: float(value) for key, value in kept.items() if math.isfinite(value)}


def _flat(settings: Settings) -> dict[str, Any]:
    """Settings as {"scale.model.layers": 4, ...}; what is null or empty is left out."""
    flat: dict[str, Any] = {}

    def walk(value: Any, *keys: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, *keys, key)
        elif value not in (None, []):
            flat[".".join(keys)] = value

    walk(settings.in_use(exclude_defaults=True))
    return flat


def _waiting_room() -> Path:
    return scratch_folder() / "tracking"


def _pending(folder: Path) -> list[Path]:
    """Whole records, oldest first: their names begin with the time."""
    return sorted(path.parent for path in folder.glob("[0-9]*/record.json"))


def _start_sender(folder: Path) -> None:
    """Start a sender that outlives DVC, holds none of its pipes and gives way to whatever else wants to run.

    It runs the owner's code: the copy of the repository that a queued experiment lives in may be gone by then.
    """
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with (folder / "log.txt").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "pretrace.tracking", "send"],
            cwd=project_root(),
            env={**inherited, "DVC_ROOT": str(project_root())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _send_all(folder: Path) -> str:
    """Send while there is something to send. The lock is held. Returns why it gave up, or ""."""
    from pretrace.tracking_mlflow import Tracker

    reason, failures, tracker, skipped = "", 0, None, set()
    while records := [record for record in _pending(folder) if record.name not in skipped]:
        try:
            tracker = tracker or Tracker(tracking_uri(), scratch_folder() / "artifacts")
            tracker.send(read_json(records[0] / "record.json"), records[0] / "artifacts")
            shutil.rmtree(records[0])
            failures = 0
        except Exception as error:
            reason = f"{tracking_uri()}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
            skipped.add(records[0].name)
            failures += 1
            if tracker is None or failures == FAILURES_IN_A_ROW:
                break
    _remember(folder, reason)
    return reason


def _remember(folder: Path, reason: str) -> None:
    """Leave the reason for the next stage to say, once; forget it when sending works again."""
    if not reason:
        (folder / "unsent.txt").unlink(missing_ok=True)
        (folder / "told.txt").unlink(missing_ok=True)
    elif not (folder / "told.txt").exists():
        text = f"MLflow is not reached, runs wait in {folder} and are sent when it is ({reason})\n"
        (folder / "unsent.txt").write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """`send` or `wait`; 0 also when MLflow is not reached, as nothing may depend on it."""
    if arguments == ["send"]:
        with contextlib.suppress(OSError):
            os.nice(LOWEST_PRIORITY)
            # Where the kernel shares out time by session, a nice number counts within the session only.
            Path("/proc/self/autogroup").write_text(str(LOWEST_PRIORITY))
        reason = send_pending()
        if reason:
            print(reason)
    elif arguments == ["wait"]:
        print(wait_until_sent())
    elif arguments == ["open"]:
        from pretrace.tracking_mlflow import Tracker

        with locked(_waiting_room() / "lock"):
            Tracker(tracking_uri(), scratch_folder() / "artifacts")
    else:
        print("usage: python -m pretrace.tracking send|wait|open", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
