"""params.yaml, scales/ and dvc.yaml fit each other, the code and DVC."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pretrace.settings import load_settings
from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny

SOURCE = REPOSITORY / "src"
STAGES: dict[str, dict[str, Any]] = tiny.load(REPOSITORY / "dvc.yaml")["stages"]
SCALES = sorted(path.stem for path in (REPOSITORY / "scales").glob("*.yaml"))
TRACKING = SOURCE / "pretrace" / "tracking"
NAMES = ("alive", "errors", "files", "origin", "parent", "progress", "run", "spent", "stage", "workers", "written")
FRAME = {f"pretrace/{name}.py" for name in NAMES}
FRAME |= {
    path.relative_to(SOURCE).as_posix()
    for package in ("schemas", "settings", "tracking")
    for path in (SOURCE / "pretrace" / package).glob("*.py")
}
"""How a stage is run, written down and watched, not what comes out of it: no dependency."""
RESTS_NOT_ON = {
    "pretrain": (
        "training/finetuning/finetune.py",
        "training/finetuning/run.py",
        "training/finetuning/task_head.py",
        "tasks/",
        "report/",
        "corpus/readers/prose.py",
    ),
    "finetune": (
        "training/pretraining/run.py",
        "training/pretraining/init_from.py",
        "tasks/probes/build.py",
        "corpus/",
        "report/",
    ),
}
"""The expensive stages, and what people edit without meaning to repeat them."""


def test_params_yaml_keeps_all_other_lines_when_dvc_edits_one(tmp_path: Path) -> None:
    """Comments stay, too: DVC loses one that follows a list."""
    from dvc.utils.hydra import apply_overrides

    text = (REPOSITORY / "params.yaml").read_text()
    copy = tmp_path / "params.yaml"
    copy.write_text(text)
    apply_overrides(copy, ["lr=1e-5"])
    assert copy.read_text() == text.replace("\nlr:\n", "\nlr: 1e-05\n")
    apply_overrides(copy, ["lr=null"])
    assert copy.read_text() == text


@pytest.mark.parametrize(("key", "sets"), [("tasks", "suites"), ("variants", "ablations")])
def test_set_replaces_tasks_or_variants(tmp_path: Path, key: str, sets: str) -> None:
    from dvc.utils.hydra import apply_overrides

    for name, members in tiny.load(REPOSITORY / "params.yaml")[sets].items():
        copy = tmp_path / "params.yaml"
        shutil.copytree(REPOSITORY / "scales", tmp_path / "scales", dirs_exist_ok=True)
        copy.write_bytes((REPOSITORY / "params.yaml").read_bytes())
        apply_overrides(copy, [f"{key}=${{{sets}.{name}}}"])
        assert tiny.load(copy)[key] == members
        assert set(getattr(load_settings(tmp_path), key)) == set(members)


@pytest.mark.parametrize("scale", SCALES)
def test_scale_files_load(tmp_path: Path, scale: str) -> None:
    folder = tmp_path / "project"
    (folder / "scales").mkdir(parents=True)
    for name in ("params.yaml", f"scales/{scale}.yaml"):
        (folder / name).write_bytes((REPOSITORY / name).read_bytes())
    tiny.change_params(folder, scale=scale)
    assert load_settings(folder).scale_name == scale


@pytest.mark.parametrize("stage", STAGES)
def test_stage_parameters_exist(stage: str) -> None:
    for item in STAGES[stage].get("params", []):
        for file, keys in item.items() if isinstance(item, dict) else [("params.yaml", [item])]:
            for name in SCALES if "${scale}" in file else [""]:
                values = tiny.load(REPOSITORY / file.replace("${scale}", name))
                for key in keys:
                    assert found(values, key.replace("${item.task}", "*").replace("${item.variant}", "*")), key


@pytest.mark.parametrize("stage", STAGES)
def test_stage_depends_on_the_code_it_runs(stage: str) -> None:
    """A module outside of the dependencies could be edited, and `dvc repro` would say that all is up to date."""
    deps = [Path(dep) for dep in STAGES[stage]["deps"]]
    for path in modules_of(REPOSITORY / "stages" / f"{stage}.py"):
        name = path.relative_to(REPOSITORY)
        if name.relative_to("src").as_posix() not in FRAME:
            assert any(dep == name or dep in name.parents for dep in deps), (
                f"{stage} imports {name}: add it to dvc.yaml"
            )


@pytest.mark.parametrize("stage", STAGES)
def test_stage_runs_the_code_beside_it(tmp_path: Path, stage: str) -> None:
    """As in DVC's copy of the repository, where the installed package is the original's."""
    command = STAGES[stage]["cmd"].split()[:3]
    assert command == ["PYTHONPATH=src", "python", f"stages/{stage}.py"]
    for name, text in ((f"stages/{stage}.py", "import pretrace"), ("src/pretrace/__init__.py", "print('the copy')")):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    assert tiny.must(tmp_path, "sh", "-c", " ".join(command)) == "the copy\n"


@pytest.mark.parametrize("stage", RESTS_NOT_ON)
def test_expensive_stage_depends_on_nothing_else(stage: str) -> None:
    deps = [dep for dep in STAGES[stage]["deps"] if dep.startswith("src/")]
    assert not [dep for dep in deps if f"{dep.removeprefix('src/pretrace/')}".startswith(RESTS_NOT_ON[stage])]
    assert all((REPOSITORY / dep).exists() for dep in deps)


@pytest.mark.parametrize("stage", STAGES)
def test_stage_outputs_can_be_restored_and_stay_out_of_git(stage: str) -> None:
    """DVC's run cache passes over a stage without a cached output; an output is ignored by git or in git."""
    outs = [item for kind in ("outs", "metrics", "plots") for item in STAGES[stage].get(kind, [])]
    cached = [item for item in outs if isinstance(item, str)]
    assert cached
    assert all(item.startswith(("data/", "models/")) for item in cached)
    for item in outs:
        if isinstance(item, dict):
            ((path, options),) = item.items()
            assert path.startswith("reports/")
            assert options == {"cache": False}


def test_readme_table_matches_the_stages() -> None:
    rows = [f"| {name} | {stage['desc']} |" for name, stage in STAGES.items()]
    assert "\n".join(rows) in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def found(values: Any, key: str) -> bool:
    for part in key.split("."):
        if part != "*" and (not isinstance(values, dict) or part not in values):
            return False
        values = next(iter(values.values())) if part == "*" else values[part]
    return True


def modules_of(script: Path) -> set[Path]:
    """The files of pretrace that a script imports, directly or not.

    A name that a package only passes on (`from pretrace.corpus import clean_text`) stands for the module it is from.
    What only watches a stage is not followed: nothing that it imports decides what comes out.
    """
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        for path in imports_of(waiting.pop()):
            if path not in seen:
                seen.add(path)
                if TRACKING not in path.parents:
                    waiting.append(path)
    return seen


def imports_of(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "pretrace":
            yield from (origin(node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            ours = [alias.name for alias in node.names if alias.name.split(".")[0] == "pretrace"]
            yield from (file_of(name) for name in ours)


def origin(module: str, name: str) -> Path:
    file = file_of(module)
    if file.name != "__init__.py":
        return file
    below = SOURCE.joinpath(*module.split("."), name)
    if below.is_dir() or below.with_suffix(".py").exists():
        return file_of(f"{module}.{name}")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            return origin(str(node.module), name)
    return file


def file_of(module: str) -> Path:
    place = SOURCE.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
