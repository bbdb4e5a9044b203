"""params.yaml, scales/ and dvc.yaml fit each other, the code and DVC."""

from __future__ import annotations

import functools
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.code import ROOT, closure
from pretrace.settings import load_settings
from pretrace.settings.load import load_scale
from pretrace.settings.system import System
from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny

STAGES: dict[str, dict[str, Any]] = tiny.load(REPOSITORY / "dvc.yaml")["stages"]
SCALES = sorted(path.stem for path in (REPOSITORY / "scales").glob("*.yaml"))
SYSTEMS = sorted(path.stem for path in (REPOSITORY / "systems").glob("*.yaml"))
CODE = {stage: [dep for dep in STAGES[stage]["deps"] if dep.startswith("src/")] for stage in STAGES}
"""The files and folders of pretrace that a stage depends on."""
NOT_BY = {
    "pretrain": (
        "training/finetuning/finetune.py",
        "training/finetuning/run.py",
        "training/finetuning/task_head.py",
        "tasks/rows/dataset.py",
        "tasks/ready/rte.yaml",
        "evaluation/perplexity.py",
        "report/benchmark.py",
        "corpus/readers/prose.py",
        "corpus/filters/quality.py",
        "settings/scale.py",
        "tracking/publish.py",
        "pipeline/stage.py",
        "common/progress.py",
    ),
    "finetune": (
        "training/pretraining/run.py",
        "training/pretraining/init_from.py",
        "training/distributed/launch.py",
        "tasks/probes/build.py",
        "tasks/ready/rte.yaml",
        "tokens/train_bpe.py",
        "evaluation/perplexity.py",
        "report/benchmark.py",
        "corpus/text/clean.py",
        "settings/scale.py",
        "tracking/publish.py",
        "common/progress.py",
    ),
}
"""The expensive stages, and what people edit without meaning to repeat them."""
TRAINS = {
    "pretrain": "training/pretraining/trainer.py",
    "finetune": "training/finetuning/finetune.py",
}
"""The modules whose code is in the name of a finished training."""


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "sets"), [("tasks", "suites"), ("variants", "ablations"), ("sequences", "sequence_suites")]
)
def test_set_replaces_tasks_or_variants(tmp_path: Path, key: str, sets: str) -> None:
    from dvc.utils.hydra import apply_overrides

    for name, members in tiny.load(REPOSITORY / "params.yaml")[sets].items():
        copy = tmp_path / "params.yaml"
        for folder in ("scales", "systems"):
            shutil.copytree(REPOSITORY / folder, tmp_path / folder, dirs_exist_ok=True)
        copy.write_bytes((REPOSITORY / "params.yaml").read_bytes())
        named = ",".join(dict.fromkeys(system for one in members.values() if (system := one.get("system"))))
        apply_overrides(copy, [f"{key}=${{{sets}.{name}}}", *([f"systems=[{named}]"] if named else [])])
        assert tiny.load(copy)[key] == members
        assert set(getattr(load_settings(tmp_path), key)) == set(members)


@pytest.mark.parametrize("scale", SCALES)
def test_scale_files_load(tmp_path: Path, scale: str) -> None:
    folder = tmp_path / "project"
    for name in ("params.yaml", f"scales/{scale}.yaml", "systems/gpt1.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((REPOSITORY / name).read_bytes())
    tiny.change_params(folder, scale=scale)
    assert load_settings(folder).scale_name == scale


@pytest.mark.parametrize("system", SYSTEMS)
def test_system_files_load(system: str) -> None:
    """Each at laptop scale, whose values it takes the place of."""
    assert "20" in load_scale(REPOSITORY, "laptop", system).source  # with its year


def test_gpt1_is_the_scale_itself() -> None:
    sizes = tiny.load(REPOSITORY / "scales" / "laptop.yaml")
    assert System.model_validate(tiny.load(REPOSITORY / "systems" / "gpt1.yaml")).over(sizes, "laptop") == sizes


@pytest.mark.parametrize("stage", STAGES)
def test_stage_parameters_exist(stage: str) -> None:
    for item in STAGES[stage].get("params", []):
        for file, keys in item.items() if isinstance(item, dict) else [("params.yaml", [item])]:
            axis = "item.system" if "${item.system}" in file else "scale" if "${scale}" in file else ""
            for name in {"item.system": SYSTEMS, "scale": SCALES}.get(axis, [""]):
                values = tiny.load(REPOSITORY / file.replace(f"${{{axis}}}", name))
                for key in keys or []:
                    assert has(values, re.sub(r"\$\{item\.\w+\}", "*", key)), key


@pytest.mark.parametrize("stage", STAGES)
def test_stage_depends_on_the_code_it_runs(stage: str) -> None:
    """A module outside of the dependencies could be edited, and `dvc repro` would say that all is up to date."""
    missing = [name for name in modules_of(stage) if not covers(CODE[stage], name)]
    assert not missing, f"stage {stage} imports {', '.join(missing)}: add these, or their folders, to its deps"


@pytest.mark.parametrize("stage", STAGES)
def test_stage_depends_on_no_code_that_it_does_not_run(stage: str) -> None:
    modules = modules_of(stage)
    for dep in CODE[stage]:
        assert (REPOSITORY / dep).exists(), f"stage {stage} depends on {dep}, which does not exist"
        assert any(covers([dep], name) for name in modules), f"stage {stage} imports nothing of {dep}: take it out"
        assert not covers([other for other in CODE[stage] if other != dep], dep), f"stage {stage} has {dep} twice"
    assert f"stages/{stage}.py" in STAGES[stage]["deps"]


@pytest.mark.parametrize("stage", STAGES)
def test_no_value_of_the_settings_is_in_a_command(stage: str) -> None:
    """DVC inserts it as it is, and a shell reads it."""
    assert STAGES[stage]["cmd"] == f"sh stages/run {stage}"
    assert "wdir" not in STAGES[stage]


@pytest.mark.parametrize("stage", STAGES)
def test_stage_script_names_the_axes_of_its_matrix(stage: str) -> None:
    axes = [axis.strip("${}") for axis in STAGES[stage].get("matrix", {}).values()]
    call = ", ".join([f'"{stage}"', "main", *(f'"{axis}"' for axis in axes)])
    assert f"run_stage({call})" in (REPOSITORY / "stages" / f"{stage}.py").read_text()


@pytest.mark.parametrize("stage", STAGES)
def test_stage_runs_the_code_beside_it(tmp_path: Path, stage: str) -> None:
    """As in DVC's copy of the repository, where the installed package is the original's."""
    command = STAGES[stage]["cmd"].split()
    texts = {f"stages/{stage}.py": "import pretrace", "src/pretrace/__init__.py": "print('the copy')"}
    for name, text in {**texts, "stages/run": (REPOSITORY / "stages/run").read_text()}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert tiny.must(tmp_path, *command) == "the copy\n"


@pytest.mark.parametrize(("stage", "edited"), [(stage, name) for stage in NOT_BY for name in NOT_BY[stage]])
def test_edit_elsewhere_does_not_train_again(stage: str, edited: str) -> None:
    name = f"src/pretrace/{edited}"
    assert (REPOSITORY / name).is_file()
    assert not covers(CODE[stage], name)


@pytest.mark.parametrize("stage", TRAINS)
def test_edit_of_what_trains_does_train_again(stage: str) -> None:
    """All that is in the name of a finished training is a dependency of its stage, which else would not look."""
    names = [path.relative_to(REPOSITORY).as_posix() for path in closure(ROOT / TRAINS[stage])]
    assert set(names) <= set(modules_of(stage))
    assert all(covers(CODE[stage], name) for name in names)


@pytest.mark.parametrize("stage", STAGES)
def test_stage_outputs_can_be_restored_and_stay_out_of_git(stage: str) -> None:
    """DVC's run cache passes over a stage without a cached output; an output is ignored by git or in git.

    Those with a name in their path are not deleted by DVC before the stage has checked the name.
    """
    outs: dict[str, dict[str, Any]] = {}
    for item in (item for kind in ("outs", "metrics", "plots") for item in STAGES[stage].get(kind, [])):
        outs |= {item: {}} if isinstance(item, str) else item
    cached = [path for path, options in outs.items() if "cache" not in options]
    assert cached
    assert all(path.startswith(("data/", "models/")) for path in cached)
    for path, options in outs.items():
        assert path in cached or path.startswith("reports/")
        expected = {"persist": True} if "${" in path else {}
        assert options == expected | ({} if path in cached else {"cache": False})
        assert ("${" in path) == ("matrix" in STAGES[stage])


def test_readme_table_matches_the_stages() -> None:
    rows = [f"| {name} | {stage['desc']} |" for name, stage in STAGES.items()]
    assert "\n".join(rows) in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def has(values: Any, key: str) -> bool:
    """True if a dotted key is there; `*` stands for the first one."""
    for part in key.split("."):
        if part != "*" and (not isinstance(values, dict) or part not in values):
            return False
        values = next(iter(values.values())) if part == "*" else values[part]
    return True


@functools.cache
def modules_of(stage: str) -> list[str]:
    """The modules of pretrace that decide what a stage writes, from the repository's root."""
    files = closure(REPOSITORY / "stages" / f"{stage}.py")
    return [path.relative_to(REPOSITORY).as_posix() for path in files if path.is_relative_to(ROOT)]


def covers(deps: list[str], name: str) -> bool:
    """True if a file is one of the dependencies, or in a folder among them."""
    return any(f"{name}/".startswith(f"{dep}/") for dep in deps)
