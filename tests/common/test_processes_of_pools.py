"""Workers of a pool end with the process that has the pool, and at Ctrl-C without a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE = 60.0
POOL = """
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pretrace.common.processes import exit_with_pool_owner

def work(number):
    time.sleep(0.5)
    return os.getpid()

if __name__ == "__main__":
    with ProcessPoolExecutor(2, get_context(sys.argv[1]), initializer=exit_with_pool_owner) as pool:
        print(*set(pool.map(work, range(4))), flush=True)
        time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("context", ["forkserver", "fork"])
def test_idle_workers_exit_when_the_pool_owner_is_killed(context: str, tmp_path: Path) -> None:
    """Those of a fork server, too, which is their parent, and which lives as long as they do."""
    (tmp_path / "pool.py").write_text(POOL)
    process = subprocess.Popen([sys.executable, "pool.py", context], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    workers = [int(number) for number in process.stdout.readline().split()]
    assert workers
    process.kill()
    process.wait()
    deadline = time.monotonic() + PATIENCE
    while alive := [worker for worker in workers if runs(worker)]:
        if time.monotonic() > deadline:
            for worker in alive:
                os.kill(worker, signal.SIGKILL)
        assert time.monotonic() < deadline, "workers outlived the process that had started them"
        time.sleep(0.05)


INTERRUPTED = """
import sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver, get_context
from pretrace.common.processes import exit_with_pool_owner, without_ctrl_c

def work(number):
    print("working", flush=True)
    time.sleep(60)

if __name__ == "__main__":
    context = get_context("forkserver")
    context.set_forkserver_preload(["slow"])
    try:
        with without_ctrl_c():
            forkserver.ensure_running()
        time.sleep(60 if sys.argv[1] == "loading" else 0)
        with ProcessPoolExecutor(2, context, initializer=exit_with_pool_owner) as pool:
            list(pool.map(work, range(2)))
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def heed_ctrl_c() -> None:
    """Tests that a shell runs in the background ignore it, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform != "linux", reason="as above")
@pytest.mark.parametrize("moment", ["loading", "working"])
def test_workers_end_at_ctrl_c_without_a_traceback(moment: str, tmp_path: Path) -> None:
    """The terminal sends it to all processes; also while their fork server loads modules."""
    (tmp_path / "pool.py").write_text(INTERRUPTED)
    (tmp_path / "slow.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(1)\n")
    pipe = subprocess.PIPE
    command = [sys.executable, "pool.py", moment]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True, start_new_session=True, preexec_fn=heed_ctrl_c
    )
    while process.stdout.readline().strip() != moment:
        pass
    os.killpg(process.pid, signal.SIGINT)
    said, errors = process.communicate(timeout=PATIENCE)
    assert said.endswith("interrupted\n")
    assert errors == ""


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
