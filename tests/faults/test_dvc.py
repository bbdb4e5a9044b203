"""DVC killed, doubled, with stale locks, with damaged files: `dvc repro` again, and bytes and dvc.lock are right."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import tiny_project as tiny
from tests.helpers.fault_records import Faults
from tests.helpers.faulty_machine import STAGES, SYSTEM, TASK, Reference, copy, left_over, name_of, wait_for
from tests.helpers.process_table import command_of, processes_in, session

SHARED_BYTES = ("data", "models", "reports", "src", ".dvc/cache")
"""Files that may be hard links in a copy: they are replaced as a whole, never written into."""
SEED = 11


@pytest.fixture(scope="module")
def locked(reference: Reference) -> Reference:
    """The undisturbed run, as DVC has it in its lock and cache."""
    tiny.commit(reference.folder, "tiny")
    tiny.dvc(reference.folder, "commit", "--force", "--quiet")
    tiny.commit(reference.folder, "ran")
    return reference


def clone(locked: Reference, folder: Path) -> Path:
    """All of a project, with its history and DVC's cache, as after the run."""
    skipped = shutil.ignore_patterns("__pycache__", "tmp", ".pretrace", *SHARED_BYTES[:4], "cache")
    shutil.copytree(locked.folder, folder, ignore=skipped, dirs_exist_ok=True)
    for name in SHARED_BYTES:
        copy(locked.folder / name, folder / name)
    return folder


def without_results(folder: Path, *stages: tuple[str, ...]) -> Path:
    """As before these stages ran: no outputs, no lock of them, no cache to bring them back."""
    lock = tiny.load(folder / "dvc.lock")
    for stage in stages:
        for out in lock["stages"].pop(name_of(stage))["outs"]:
            path = folder / out["path"]
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    tiny.save(folder / "dvc.lock", lock)
    shutil.rmtree(folder / ".dvc" / "cache" / "runs", ignore_errors=True)
    return folder


def same_as(locked: Reference, folder: Path) -> list[str]:
    """Return the files that differ from the undisturbed run, dvc.lock included."""
    one, other = (tiny.load(place / "dvc.lock")["stages"] for place in (locked.folder, folder))
    lock = [f"dvc.lock: {name}" for name in {*one, *other} if one.get(name) != other.get(name)]
    return locked.differences(folder) + lock + left_over(folder)


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen:
    names = ("DVC_", "GIT_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept |= {"PATH": path, "PRETRACE_TRACKING": "off", "DVC_NO_ANALYTICS": "1", **environment}
    log = (folder / "data" / "log").open("a")
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, env=kept, stdout=log, stderr=log, start_new_session=True
    )


def said(folder: Path) -> str:
    return (folder / "data" / "log").read_text(errors="replace")


def test_damaged_outputs_are_restored(locked: Reference, place: Path, faults: Faults) -> None:
    folder = clone(locked, place / "project")
    for name, content in (
        ("data/clean/train/part-00000.parquet", None),
        (f"models/pretrained/{SYSTEM}/transformer/model.safetensors", b"half"),
        (f"data/tasks/{TASK}/train.parquet", b""),
        (f"reports/pretrain/{SYSTEM}.json", b"{"),
    ):
        (folder / name).unlink()  # it is a link
        if content is not None:
            (folder / name).write_bytes(content)
    tiny.dvc(folder, "repro")
    for _ in range(4):
        faults.check("files are damaged between two runs of DVC", same_as(locked, folder))


@pytest.mark.nightly
def test_flipped_bit_is_noticed_even_if_dvc_does_not(locked: Reference, place: Path, faults: Faults) -> None:
    """DVC looks at size and time of change; the stage looks at the bytes."""
    folder = clone(locked, place / "project")
    path = folder / "data" / "clean" / "train" / "part-00000.parquet"
    content = bytearray(path.read_bytes())
    path.unlink()  # it is a link
    path.write_bytes(content)
    tiny.dvc(folder, "status")  # now DVC has seen the file
    before = path.stat()
    content[100] ^= 4
    with path.open("r+b") as stream:
        stream.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = tiny.run(folder, sys.executable, "-m", "dvc", "repro", "--force", "--single-item", f"bpe@{SYSTEM}")
    assert done.returncode != 0
    assert (
        "data/clean/train/part-00000.parquet: does not match the recorded output of stage `clean`; delete data/clean"
        in done.stderr
    )
    shutil.rmtree(folder / "data" / "clean")
    tiny.dvc(folder, "repro")
    faults.check("a bit flips on the disk, and DVC does not see it", same_as(locked, folder), stopped=True)


KILLS = [
    pytest.param(number, marks=[] if number < 1 else [pytest.mark.nightly], id=str(number)) for number in range(10)
]


@pytest.mark.parametrize("number", KILLS)
def test_killed_repro_is_run_again(number: int, locked: Reference, place: Path, faults: Faults) -> None:
    chance = random.Random(f"{SEED} {number}")
    first = chance.randrange(len(STAGES) - 2)
    folder = without_results(clone(locked, place / "project"), *(STAGES[first:] if number else STAGES[4:6]))
    kind = chance.choice([signal.SIGKILL, signal.SIGTERM])
    process = start(folder, "repro")
    # From when a stage runs, not from when DVC begins to think.
    wait_for(lambda: "Running stage" in said(folder) or process.poll() is not None)
    time.sleep(chance.random() * 6)
    process.send_signal(kind)
    process.wait()
    wait_for(lambda: not session(process.pid))  # the stage hears of it
    tiny.dvc(folder, "repro")
    faults.check(f"{kind.name} of DVC", same_as(locked, folder))


def test_two_repros_at_once_and_a_stale_lock(locked: Reference, place: Path, faults: Faults) -> None:
    folder = without_results(clone(locked, place / "project"), *STAGES[4:6])
    stale = {"write": {str(folder / "data" / "shards" / SYSTEM): {"pid": gone(), "cmd": "dvc repro"}}, "read": {}}
    (folder / ".dvc" / "tmp").mkdir(exist_ok=True)
    (folder / ".dvc" / "tmp" / "rwlock").write_text(json.dumps(stale))
    (folder / ".dvc" / "tmp" / "lock").touch()
    first = start(folder, "repro")
    wait_for(lambda: "Running stage" in said(folder) or first.poll() is not None)
    second = tiny.run(folder, sys.executable, "-m", "dvc", "repro")
    assert first.wait() == 0, said(folder)
    assert second.returncode == 0 or "lock" in second.stderr, second
    assert "Traceback" not in second.stderr
    assert not same_as(locked, folder)
    faults.check("`dvc repro` twice at once", [], stopped=second.returncode != 0)
    faults.check("a stale lock of DVC", [])


def gone() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.nightly
@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM])
def test_killed_queue_worker(kind: signal.Signals, locked: Reference, place: Path, faults: Faults) -> None:
    """And the experiment is queued again, under another name: docs/experiments.md."""
    folder = without_results(clone(locked, place / "project"), *STAGES[4:])
    tiny.commit(folder, "before")
    tiny.dvc(folder, "exp", "run", "--queue", "--name", "one")
    started = start(folder, "queue", "start")
    started.wait()
    wait_for(lambda: any("stages/pretrain.py" in command_of(process) for process in processes_in(folder)))
    for process in processes_in(folder):
        if "exec-run" in command_of(process) or "celery" in command_of(process) or "worker" in command_of(process):
            os.kill(process, kind)
    wait_for(lambda: not any("stages/" in command_of(process) for process in processes_in(folder)))
    for process in processes_in(folder):
        os.kill(process, signal.SIGKILL)
    tiny.run(folder, sys.executable, "-m", "dvc", "queue", "kill", "one")
    tiny.run(folder, sys.executable, "-m", "dvc", "queue", "remove", "one")
    tiny.dvc(folder, "exp", "run", "--queue", "--name", "two")
    start(folder, "queue", "start").wait()
    wait_for(lambda: "Success" in tiny.dvc(folder, "queue", "status"))
    tiny.dvc(folder, "exp", "apply", "two")
    for process in processes_in(folder):
        os.kill(process, signal.SIGKILL)
    faults.check(f"{kind.name} of a queue worker", locked.differences(folder))
