"""A stage that ends as its first argument says, and the files that its run leaves."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

PATIENCE = 30.0
STAGE = """
import errno, os, sys, time
from pathlib import Path
from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder
from pretrace.pipeline.stage import Run, run_stage

how = sys.argv.pop(1)

def main(run: Run) -> None:
    Path("main-ran").touch()
    run.cost["device"] = "cpu"
    if how == "bad":
        raise PretraceError("rows.csv: row 3: no label;\\n give one")
    if how == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out.bin")
    if how == "broken":
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    if how == "not allowed":
        raise RuntimeError("SafetensorError: Permission denied (os error 13)")
    if how == "memory":
        raise MemoryError
    if how == "torch's memory":
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
    if how == "defect":
        raise ZeroDivisionError
    if how == "wait":
        with atomic_folder("out"):
            print("waiting")
            time.sleep(60)

if __name__ == "__main__":
    run_stage("clean", main, *("tasks", "variants")[: len(sys.argv) - 1])
"""


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=PATIENCE)


def costs() -> Any:
    return json.loads(Path("reports/cost.json").read_text())
