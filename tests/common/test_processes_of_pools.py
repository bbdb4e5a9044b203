"""Workers of a pool end with the process that has the pool."""

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


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
