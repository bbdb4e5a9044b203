"""DVC, killed with its stage in the middle of pre-training: every way to run resumes from the same checkpoints."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.nightly
PATIENCE = 120.0
STEPS = {"steps": 3000, "checkpoint_every": 100}
GOES_ON = re.compile(r"resuming from the checkpoint at step (\d+)")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that is ready to pre-train."""
    tasks = {"follows": {"kind": "entailment", "probe": "follows"}}
    folder = tiny.make_project(tmp_path_factory.mktemp("killed") / "project", tasks=tasks)
    scale = tiny.load(folder / "scales" / "tiny.yaml")
    scale["pretrain"] |= STEPS
    tiny.save(folder / "scales" / "tiny.yaml", scale)
    tiny.commit(folder, "tiny")
    tiny.dvc(folder, "repro", "shard")
    tiny.commit(folder, "ready")
    return folder


def checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / ".pretrace" / "checkpoints").glob("*/step-*.json"))


def killed(folder: Path, *arguments: str) -> int:
    """Run DVC until there is a new checkpoint, and kill it and all that it has started; the checkpoint's update."""
    before = checkpoints(folder)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "PYTHON"))}
    environment |= {"PATH": path, "PRETRACE_TRACKING": "off", "DVC_NO_ANALYTICS": "1"}
    command = [sys.executable, "-m", "dvc", *arguments]
    with Path(folder, "data", "killed.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + PATIENCE
        while checkpoints(folder) == before and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert checkpoints(folder) != before, (folder / "data" / "killed.log").read_text()
    time.sleep(1)  # the stage hears of it by a signal of its own
    return int(checkpoints(folder)[-1].stem.removeprefix("step-"))


def test_repro_temp_and_queue_resume_a_killed_run(project: Path) -> None:
    reached = killed(project, "repro", "pretrain")
    tiny.must(project, "git", "checkout", "--quiet", ".")
    for arguments in (("exp", "run", "--temp", "pretrain"), ("repro", "pretrain")):
        again = killed(project, *arguments)
        assert again > reached
        said = (project / "data" / "killed.log").read_text()
        assert [int(n) for n in GOES_ON.findall(said)] == [reached], arguments
        reached = again
        tiny.must(project, "git", "checkout", "--quiet", ".")
    tiny.dvc(project, "exp", "run", "--queue", "--name", "queued", "pretrain")
    tiny.dvc(project, "queue", "start")
    deadline = time.monotonic() + PATIENCE
    while "Success" not in (status := tiny.dvc(project, "queue", "status")) and time.monotonic() < deadline:
        time.sleep(1)
    said = tiny.dvc(project, "queue", "logs", "queued")
    assert [int(n) for n in GOES_ON.findall(said)] == [reached], status
