"""Names and sizes of a hostile params.yaml are one line of the first stage, or of `pretrace check`.

tests/security/test_dvc_names.py has every way in which DVC runs a part.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import tiny_project as tiny

PROBE = {"kind": "classification", "probe": "acceptability"}
HOSTILE = ("x; touch pwned", "$(touch pwned)", "`touch pwned`")
ELSEWHERE = "../../pwned"


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
