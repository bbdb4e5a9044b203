"""`pretrace lineage`: several systems in one table at equal tokens, and in a second one at equal FLOPs (ours).

Two experiments of DVC with the variants of `ablations.lineage`, each of which names its system. The first reads as many
tokens with every system as the scale says; the second spends with each the FLOPs that the first system took in it. A
training that is the same in both runs once. Results are commits below refs/exps, as of any experiment, and stay until
`dvc exp remove`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.git import git
from pretrace.settings import Settings
from pretrace.training.pretraining.plan import Plan, flops_a_token

VARIANTS = "lineage"
"""The set of `ablations` whose systems are compared."""
TOKENS, FLOPS = "lineage-tokens", "lineage-flops"
"""Names of the experiments."""


def compare_systems(settings: Settings, root: Path = Path()) -> list[tuple[str, str, str]]:
    """Run both experiments; return (name, commit, table as Markdown) of each.

    Raises:
        PretraceError: there is no set of variants for it, a file is named that the experiments would not find, or one
            of them fails.
    """
    _check_paths(settings)
    found = []
    for name, changes in experiments(settings).items():
        _dvc(root, "exp", "remove", name, fails=True)  # of before
        _dvc(root, "exp", "run", "--temp", "--name", name, *(part for one in changes for part in ("-S", one)))
        commit = _commit(root, name)
        table = git(root, "cat-file", "blob", f"{commit}:./reports/benchmark.md") or b""
        found.append((name, commit, table.decode()))
    return found


def experiments(settings: Settings) -> dict[str, list[str]]:
    """Return what each experiment changes in the settings, by its name."""
    variants = settings.ablations.get(VARIANTS)
    if not variants:
        raise PretraceError(f"params.yaml: ablations.{VARIANTS}: no such set; takes variants that name their `system`")
    systems = list(dict.fromkeys(variant.system or settings.first_system for variant in variants.values()))
    changes = [f"systems=[{','.join(systems)}]", f"variants=${{ablations.{VARIANTS}}}"]
    scale, section = f"scales/{settings.scale_name}.yaml", settings.scale.pretrain
    flops = Plan(settings.scale).tokens * flops_a_token(settings.scale)
    length = next(name for name in ("steps", "tokens", "flops") if getattr(section, name) is not None)
    budget = [f"{scale}:pretrain.{length}=null", f"{scale}:{'' if length == 'flops' else '+'}pretrain.flops={flops}.0"]
    return {TOKENS: changes, FLOPS: changes + budget}


def _check_paths(settings: Settings) -> None:
    """Check that no path leads out of the repository from where it stands: DVC runs the experiments in another folder.

    Raises:
        PretraceError: one does.
    """
    tasks = {name: task.model_dump() for name, task in settings.tasks.items()}
    for key, value in _texts({"corpus": settings.corpus.model_dump(), "tasks": tasks}):
        if value.startswith("../"):
            raise PretraceError(
                f"params.yaml: {key}: {value}: the experiments run in another folder, from where this leads elsewhere; "
                f"takes an absolute path ({Path(value).resolve()}), or one within the repository"
            )


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _texts(one, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, key)


def _commit(root: Path, name: str) -> str:
    lines = (git(root, "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps") or b"").decode().splitlines()
    commits = [line.split()[0] for line in lines if line.rpartition("/")[2] == name]
    if not commits:
        raise PretraceError(f"{name}: the experiment has ended without a commit; its output is above")
    return commits[-1]


def _dvc(root: Path, *arguments: str, fails: bool = False) -> None:
    """Run DVC with its output on standard error; with `fails`, it may fail and says nothing."""
    where = {"capture_output": True} if fails else {"stdout": 2}
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=root, **where)
    if done.returncode and not fails:
        raise PretraceError(f"dvc {' '.join(arguments[:2])} failed; its output is above")
