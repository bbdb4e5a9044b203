"""Names and sizes that harm before a stage could say no: in DVC's commands, in folders, in memory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny

STAGES: dict[str, dict[str, Any]] = tiny.load(REPOSITORY / "dvc.yaml")["stages"]
PROBE = {"kind": "classification", "probe": "acceptability"}
HOSTILE = ("x; touch pwned", "$(touch pwned)", "`touch pwned`")
ELSEWHERE = "../../pwned"


def outs(stage: dict[str, Any]) -> list[str]:
    items = [item for kind in ("outs", "metrics", "plots") for item in stage.get(kind, [])]
    return [item if isinstance(item, str) else next(iter(item)) for item in items]


def before(name: str) -> set[str]:
    """The stages that have to run before a stage."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for dep in STAGES[waiting.pop()]["deps"]:
            for other, stage in STAGES.items():
                made = any(f"{dep}/".startswith(f"{out}/") or f"{out}/".startswith(f"{dep}/") for out in outs(stage))
                if made and other not in found:
                    found.add(other)
                    waiting.append(other)
    return found


@pytest.mark.parametrize("name", [name for name, stage in STAGES.items() if "matrix" in stage])
def test_name_is_checked_before_it_is_in_a_command(name: str) -> None:
    """DVC puts it there as it is, and a shell reads it. A stage with no such command, which every name is a parameter
    of, has to come first: it loads the settings, and they refuse what a shell would obey."""
    for key in STAGES[name]["matrix"].values():
        names = key.strip("${}")
        guards = [other for other in before(name) if names in STAGES[other].get("params", [])]
        assert [other for other in guards if "matrix" not in STAGES[other]], names


@pytest.mark.slow
def test_name_is_never_run_by_a_shell(tmp_path: Path) -> None:
    folder = tiny.make_project(tmp_path / "project")
    tiny.commit(folder, "tiny")
    names = {name: PROBE for name in HOSTILE}
    tiny.change_params(folder, tasks=names, variants={name: {} for name in HOSTILE})
    done = tiny.run(folder, sys.executable, "-m", "dvc", "repro")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line.startswith("pretrace: ")]
    assert len(lines) == 1, said
    assert f"params.yaml: tasks.{HOSTILE[0]}: a name takes lower-case letters, digits and underscores" in lines[0]
    assert not list(tmp_path.rglob("*pwned*"))
    assert not (folder / "data").exists()


@pytest.mark.slow
def test_name_is_never_a_path_elsewhere(tmp_path: Path) -> None:
    """DVC itself may refuse it, as two stages would have one output."""
    folder = tiny.make_project(tmp_path / "project")
    tiny.commit(folder, "tiny")
    tiny.change_params(folder, tasks={ELSEWHERE: PROBE}, variants={ELSEWHERE: {}})
    done = tiny.run(folder, sys.executable, "-m", "dvc", "repro")
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    assert not list(tmp_path.rglob("*pwned*"))
    assert not (folder / "data").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        ("model", {"width": 10**9}, "scales/tiny.yaml: model.width: got 1000000000; "),
        ("model", {"width": 1 << 20, "heads": 1 << 10}, "needs about"),
        ("pretrain", {"steps": 10**30}, "scales/tiny.yaml: pretrain.steps: got a number of 100 bits"),
        ("vocabulary", {"size": 10**9}, "scales/tiny.yaml: vocabulary.size: got 1000000000; "),
    ],
)
def test_impossible_sizes_are_one_line_of_check(
    tmp_path: Path, section: str, values: dict[str, Any], said: str
) -> None:
    folder = tiny.make_project(tmp_path / "project")
    scale = tiny.load(folder / "scales" / "tiny.yaml")
    scale[section] |= values
    tiny.save(folder / "scales" / "tiny.yaml", scale)
    done = tiny.run(folder, sys.executable, "-m", "pretrace.cli", "check", PYTHONPATH="src")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("pretrace: check: ")
    assert said in line
