"""A project of a few files with the shape of the real one: stages of a line each, so that DVC runs it in seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SCORES = {"full": [0.70, 0.72, 0.71], "scratch": [0.50, 0.52, 0.51], "tfidf": [0.60]}
FILES = {
    ".gitignore": "/data/\n/.pretrace/\n",
    ".dvcignore": "__pycache__/\n",
    "params.yaml": (
        "scale: small\nsystems: [gpt1]\nlr: 0.001\ntasks:\n  rte:\n    kind: entailment\nvariants:\n  full: {}\n"
    ),
    "scales/small.yaml": "pretrain:\n  steps: 10\n",
    "requirements.txt": "torch==2.13.0   # the models\nnumpy==2.4.6\n",
    "src/words.txt": "a few words\n",
    "src/report.json": json.dumps(
        {"task": "rte", "kind": "entailment", "variant": "full", "metric": "accuracy", "unavailable": None}
        | {"n_train": 500, "n_dev": 100, "n_eval": 1000, "seeds": [1, 2, 3], "lr": 0.001, "epochs": 3}
        | {"lm_weight": 0.5, "stderr": 0.01, "cut": {}, "tokens": 1000, "flops": 2_000_000}
    ),
    "stages/tasks.py": (
        "import pathlib, sys\n"
        "folder = pathlib.Path('data/tasks', sys.argv[1])\n"
        "folder.mkdir(parents=True)\n"
        "(folder / 'rows.txt').write_text(pathlib.Path('src/words.txt').read_text())\n"
    ),
    # The score also depends on something that nobody declared, as in a test of a result that does not come out again.
    "stages/finetune.py": (
        "import json, os, pathlib\n"
        "pathlib.Path('data/tasks/rte/rows.txt').read_text()\n"
        "scores = [0.7 + float(os.environ.get('UNDECLARED', 0)), 0.72, 0.71]\n"
        "for name, text in (('data/predictions/rte-full.parquet', str(scores)), ('reports/finetune/rte-full.json',\n"
        "    json.dumps({**json.loads(pathlib.Path('src/report.json').read_text()), 'score': sorted(scores)[1],\n"
        "    'scores': scores}))):\n"
        "    pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)\n"
        "    pathlib.Path(name).write_text(text)\n"
    ),
    "stages/report.py": (
        "import json, pathlib\n"
        "report = json.loads(pathlib.Path('reports/finetune/rte-full.json').read_text())\n"
        "keys = ('task', 'kind', 'variant', 'metric', 'score', 'scores', 'stderr', 'n_train', 'n_eval')\n"
        "row = {key: report[key] for key in keys}\n"
        "pathlib.Path('reports/benchmark.json').write_text(json.dumps({'rows': [row]}))\n"
    ),
    "dvc.yaml": """stages:
  tasks:
    matrix: {task: "${tasks}"}
    cmd: python stages/tasks.py ${item.task}
    deps: [stages/tasks.py, src/words.txt]
    params: ["tasks.${item.task}"]
    outs: ["data/tasks/${item.task}"]
  finetune:
    matrix: {task: "${tasks}", variant: "${variants}"}
    cmd: python stages/finetune.py
    deps: [stages/finetune.py, "data/tasks/${item.task}"]
    params: [lr, {"scales/${scale}.yaml": [pretrain]}]
    outs:
    - data/predictions/${item.task}-${item.variant}.parquet
    - reports/finetune/${item.task}-${item.variant}.json:
        cache: false
  report:
    cmd: python stages/report.py
    deps: [stages/report.py, reports/finetune]
    outs:
    - reports/benchmark.json:
        cache: false
""",
}


def make_project(folder: Path) -> Path:
    """Write the files, initialize git and DVC, commit."""
    for name, text in FILES.items():
        write(folder / name, text)
    run(folder, "git", "init", "--quiet", "--initial-branch=main")
    run(folder, sys.executable, "-m", "dvc", "init", "--quiet")
    commit(folder, "files")
    return folder


def row(task: str, variant: str, **changes: Any) -> dict[str, Any]:
    scores = changes.get("scores", SCORES.get(variant, [0.5]))
    known = {"task": task, "kind": "entailment", "variant": variant, "metric": "accuracy", "scores": scores}
    known |= {"stderr": 0.01, "n_train": 500, "n_eval": 2000}
    return {**known, "score": sorted(scores)[len(scores) // 2] if scores else None, **changes}


def benchmark(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"rows": list(rows)}


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def commit(folder: Path, message: str) -> str:
    """Commit all that git does not ignore; the commit's 40 digits."""
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--allow-empty", "--message", message)
    return run(folder, "git", "rev-parse", "HEAD").strip()


def run(folder: Path, *command: str, **more: str) -> str:
    """Run a command that has to succeed, with the Python of the tests as `python`; what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    own = {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**kept, **own, "GIT_CONFIG_GLOBAL": os.devnull, "PATH": path, "DVC_NO_ANALYTICS": "1", **more}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def repro(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, "-m", "dvc", "repro", *arguments)
