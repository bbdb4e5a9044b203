"""The names of a stage's cell: DVC's address or arguments, and nothing that the settings do not have."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.pipeline.cell import read_cell
from pretrace.settings import load_settings
from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny

TABLE = ("tasks", "variants")


@pytest.mark.parametrize(
    "address",
    ["finetune@source-full", "dvc.yaml:finetune@source-full", "../dvc.yaml:finetune@source-full"],
)
def test_cell_is_in_the_address_that_dvc_gives(project: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("DVC_STAGE", address)
    assert read_cell("finetune", TABLE, [], load_settings()) == ("source", "full")


def test_arguments_come_before_the_address(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "finetune@source-full")
    (name,) = load_settings().variants.keys() - {"full"}
    assert read_cell("finetune", TABLE, ["source", name], load_settings()) == ("source", name)


def test_cell_of_a_system(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "frozen@source-gpt1")
    assert read_cell("frozen", ("tasks", "systems"), [], load_settings()) == ("source", "gpt1")
    with pytest.raises(PretraceError, match="systems: there is no 'bert'; has gpt1"):
        read_cell("pretrain", ("systems",), ["bert"], load_settings())
    with pytest.raises(PretraceError, match=r"by hand: python stages/pretrain\.py SYSTEM$"):
        read_cell("pretrain", ("systems",), [], load_settings())


@pytest.mark.parametrize(
    ("address", "arguments", "said"),
    [
        ("", [], "which one? DVC says which, and does not run; by hand: python stages/finetune.py TASK VARIANT"),
        ("tasks@source", [], "which one? DVC runs tasks@source, which is no cell of it"),
        ("finetune", [], "which one? DVC runs finetune, which is no cell of it"),
        ("finetune@source", [], "takes TASK VARIANT, got 1 names: source"),
        ("finetune@source-full-full", [], "takes TASK VARIANT, got 3 names"),
        ("finetune@source-x; touch pwned", [], "params.yaml: variants: there is no 'x; touch pwned'; has full"),
        ("finetune@../../x-full", [], "params.yaml: tasks: there is no '../../x'"),
        ("", ["source", "full", "full"], "takes TASK VARIANT, got 3 names"),
        ("", ["", "full"], "params.yaml: tasks: there is no ''"),
        ("", ["\x1b[2J", "full"], r"params.yaml: tasks: there is no '\x1b[2J'"),
    ],
)
def test_other_names_are_refused_in_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, address: str, arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("DVC_STAGE", address)
    with pytest.raises(PretraceError) as caught:
        read_cell("finetune", TABLE, arguments, load_settings())
    assert str(caught.value).startswith(said)


@pytest.mark.slow
def test_stage_script_takes_its_cell_from_dvc(project: Path) -> None:
    """A person who starts the script gets one line that says how."""
    (project / "stages").mkdir()
    shutil.copy(REPOSITORY / "stages" / "tasks.py", project / "stages")
    command = (sys.executable, "stages/tasks.py")
    done = tiny.run(project, *command, PYTHONPATH=str(REPOSITORY / "src"))
    assert done.returncode == 1
    assert done.stderr == (
        "pretrace: tasks: which one? DVC says which, and does not run; by hand: python stages/tasks.py TASK\n"
    )
    done = tiny.run(project, *command, PYTHONPATH=str(REPOSITORY / "src"), DVC_STAGE="tasks@source")
    assert done.stderr.startswith("pretrace: tasks@source: data/clean/probes")
