"""Run stages one after the other, in forks of a process that has imported their modules: most of a tiny stage's time.

    python -m tests.helpers.stage_server    # reads one job per line from stdin, a JSON object; answers on stdout

Faults hit the fork, which has a session of its own, has computed nothing before, and runs the stage's script.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import multiprocessing
import os
import resource
import runpy
import signal
import sys
import time
from typing import Any

from tests.helpers.process_table import session

LOADED = (
    "matplotlib.figure",
    "pandas",
    "pretrace.corpus.cleaning.run",
    "pretrace.corpus.readers.prose",
    "pretrace.report",
    "pretrace.tokens.shards",
    "pretrace.pipeline.stage",
    "pretrace.tasks.rows.encoded",
    "pretrace.tasks.prepare",
    "pretrace.baselines.run",
    "pretrace.baselines.text_models",
    "pretrace.training.pretraining.run",
    "pretrace.training.finetuning.cells",
    "pretrace.training.finetuning.run",
    "pretrace.tokens.train_bpe",
    "pretrace.evaluation.frozen.run",
    "pretrace.evaluation.zero_shot.run",
    "pyarrow.compute",
    "pyarrow.parquet",
    "sklearn.linear_model",
    "scipy.stats",
    "spacy.lang.en",
    "torch._dynamo",
    "torch._inductor.config",
)
PATIENCE = 30.0
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPSET = 126 if os.uname().machine == "x86_64" else 91


def main() -> None:
    for name in LOADED:
        importlib.import_module(name)
    sys.path.insert(0, "src")
    start_workers_with("fork")  # importing PyTorch again for each seed takes longer than all the rest
    answers = os.fdopen(os.dup(1), "w")
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(served(json.loads(line))), file=answers, flush=True)


def start_workers_with(method: str) -> None:
    """Let fine-tuning start the processes of its seeds with a method of multiprocessing."""
    for name in ("seed_jobs", "worker_pool"):
        module = vars(importlib.import_module(f"pretrace.training.finetuning.{name}"))
        assert "prepare_workers" in module, f"{name} has no prepare_workers to replace"
        module["prepare_workers"] = lambda: multiprocessing.get_context(method)


def served(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job to its end, or end it at its moment."""
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        run(job)
    if job["kill"]:
        number, seconds, which = job["kill"]
        time.sleep(seconds)
        others = [process for process in session(child) if process != child]
        victim = others[-1] if which == "other" and others else child
        os.kill(victim, number)
    _, status = os.waitpid(child, 0)
    seconds = time.monotonic() - started
    deadline = time.monotonic() + PATIENCE
    while (left := session(child)) and time.monotonic() < deadline:
        time.sleep(0.01)
    for process in left:
        os.kill(process, signal.SIGKILL)
    return {"code": os.waitstatus_to_exitcode(status), "seconds": seconds, "left": len(left)}


def run(job: dict[str, Any]) -> None:
    os.setsid()
    os.chdir(job["folder"].encode())  # as bytes: the locale may have no such letters
    for name, target in ((os.devnull, 0), (job["log"], 1), (job["log"], 2)):
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(descriptor, target)
    for kind, value in job["limits"].items():
        resource.setrlimit(getattr(resource, kind), (value, value))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if job["rights"] == "owner":
        keep_to_rights()
    os.environ.update(job["environment"])
    script, *arguments = job["stage"]
    sys.argv = [f"stages/{script}.py", *arguments]
    sys.orig_argv = [sys.executable, *sys.argv]
    code: Any = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(bool(code)))


def keep_to_rights() -> None:
    """Even root is then asked for the rights of a file."""
    if os.geteuid() != 0:
        return
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    keep = 0xFFFFFFFF & ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
    sets = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(CAPSET - 1, header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    for place in (0, 1, 2):
        sets[place] &= keep
    if libc.syscall(CAPSET, header, sets):
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    main()
