"""Inputs of a stage are the outputs of the stages before it, or it does not start."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder
from pretrace.pipeline.check_inputs import check_inputs, record_outputs
from tests.helpers.plain_yaml import write_yaml

AXES = {"systems": ["gpt1", "bert"], "tasks": ["one", "two"], "variants": ["full"]}
STAGES = {
    "clean": {"outs": ["data/clean", {"reports/clean.json": {"cache": "false"}}]},
    "tasks": {"matrix": {"task": "${tasks}"}, "deps": ["data/clean/probes"], "outs": ["data/tasks/${item.task}"]},
    "encode": {"matrix": {"system": "${systems}"}, "deps": ["data/tasks"], "outs": ["data/encoded/${item.system}"]},
    "baselines": {"matrix": {"task": "${tasks}"}, "deps": ["data/encoded/${systems[0]}/${item.task}"], "outs": []},
    "cells": {"deps": ["data/encoded"], "outs": ["data/cells"]},
    "finetune": {"matrix": {"task": "${tasks}"}, "deps": ["data/cells/${item.task}-full.json"], "outs": []},
    "report": {"deps": ["src", "data/tasks", "reports/clean.json"], "outs": ["data/table"]},
}


@pytest.fixture(autouse=True)
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_yaml(tmp_path / "dvc.yaml", {"stages": STAGES})
    write("data/clean/train/a", "train")
    write("data/clean/probes/a", "probes")
    write("reports/clean.json", "{}")
    write("data/tasks/one/rows", "rows of one")


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def lock(cache: bool, **outs: dict[str, str]) -> None:
    """A dvc.lock with these files as outputs, by stage and path; with DVC's cache of the folders or without."""
    stages = {}
    for stage, listing in outs.items():
        content = json.dumps([{"md5": md5(text), "relpath": name} for name, text in sorted(listing.items())])
        value = md5(content)
        if cache:
            write(f".dvc/cache/files/md5/{value[:2]}/{value[2:]}.dir", content)
        stages[stage] = {"outs": [{"path": WRITTEN[stage], "md5": f"{value}.dir"}]}
    write_yaml(Path("dvc.lock"), {"stages": stages})


WRITTEN = {"clean": "data/clean", "tasks@one": "data/tasks/one", "tasks@gone": "data/tasks/gone"}
WRITTEN |= {"encode@gpt1": "data/encoded/gpt1", "encode@bert": "data/encoded/bert", "cells": "data/cells"}
CLEAN = {"train/a": "train", "probes/a": "probes"}


def refused(stage: str, *cell: str) -> str:
    with pytest.raises(PretraceError) as said:
        check_inputs(stage, cell, AXES)
    return str(said.value)


def test_inputs_without_records_are_accepted() -> None:
    check_inputs("report", (), AXES)
    check_inputs("unheard_of", (), AXES)
    Path("dvc.yaml").unlink()
    check_inputs("report", (), AXES)


@pytest.mark.parametrize("cache", [True, False])
def test_inputs_must_match_dvc_lock(cache: bool) -> None:
    lock(cache, clean=CLEAN)
    check_inputs("tasks", ("one",), AXES)
    write("data/clean/probes/a", "prober")
    said = refused("tasks", "one")
    assert said.startswith(
        f"data/clean{'/probes/a' if cache else ''}: does not match the recorded output of stage `clean`; "
    )
    assert "delete data/clean and run `dvc repro`" in said
    assert "`dvc commit clean`" in said


def test_missing_or_extra_file_is_named() -> None:
    lock(True, clean=CLEAN)
    write("data/clean/probes/b", "more")
    assert refused("tasks", "one").startswith("data/clean/probes/b: is not among the recorded outputs of stage `clean`")
    Path("data/clean/probes/a").unlink()
    Path("data/clean/probes/b").unlink()
    assert refused("tasks", "one") == ("data/clean/probes/a: missing, but stage `clean` wrote it; run `dvc repro`")


def test_inputs_are_compared_where_they_are_read_only() -> None:
    lock(True, clean=CLEAN)
    write("data/clean/train/a", "other")
    check_inputs("tasks", ("one",), AXES)
    lock(False, clean=CLEAN)
    Path(".dvc/cache").rename("elsewhere")
    assert refused("tasks", "one").startswith("data/clean: does not match")


def test_each_system_has_inputs_of_its_own() -> None:
    """A stage that runs once reads those of the first."""
    for system in ("gpt1", "bert"):
        write(f"data/encoded/{system}/one/ids", system)
    lock(True, **{f"encode@{system}": {"one/ids": system} for system in ("gpt1", "bert")})
    check_inputs("cells", (), AXES)
    write("data/encoded/bert/one/ids", "other")
    check_inputs("baselines", ("one",), AXES)
    assert refused("cells").startswith(
        "data/encoded/bert/one/ids: does not match the recorded output of stage `encode@"
    )
    write("data/encoded/gpt1/one/ids", "other")
    assert refused("baselines", "one").startswith("data/encoded/gpt1/one/ids: does not match")


@pytest.mark.parametrize("cache", [True, False])
def test_one_file_of_a_folder_is_compared_alone(cache: bool) -> None:
    cells = {"one-full.json": "a cell", "two-full.json": "another"}
    for name, text in cells.items():
        write(f"data/cells/{name}", text)
    lock(cache, cells=cells)
    check_inputs("finetune", ("one",), AXES)
    write("data/cells/one-full.json", "a sell")
    assert refused("finetune", "one").startswith(f"data/cells{'/one-full.json' * cache}: does not match the recorded ")
    if cache:
        check_inputs("finetune", ("two",), AXES)
        Path("data/cells/one-full.json").unlink()
        said = "data/cells/one-full.json: missing, but stage `cells` wrote it; run `dvc repro`"
        assert refused("finetune", "one") == said


def test_outputs_of_removed_tasks_are_ignored() -> None:
    lock(True, **{"tasks@gone": {"rows": "x"}, "tasks@one": {"rows": "rows of one"}})
    check_inputs("report", (), AXES)
    write("data/tasks/one/rows", "")
    assert refused("report").startswith("data/tasks/one/rows: does not match the recorded output of stage `tasks@one`")


@pytest.mark.parametrize("locked", [True, False])
def test_record_of_a_manual_run_holds_until_dvc_lock_changes(locked: bool) -> None:
    if locked:
        lock(True, clean={"probes/a": "as DVC made it"})
    record_outputs("clean", ())
    check_inputs("tasks", ("one",), AXES)
    write("data/clean/probes/a", "half")
    assert refused("tasks", "one").startswith("data/clean/probes/a: does not match")
    write("data/clean/probes/a", "probes")
    lock(True, clean={"probes/a": "DVC made it again"})
    assert refused("tasks", "one").startswith("data/clean/probes/a: does not match")


def test_outputs_are_not_recorded_under_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "clean")
    record_outputs("clean", ())
    assert not Path(".pretrace").exists()


@pytest.mark.parametrize("text", ["stages: [", "\x00"])
def test_damaged_dvc_lock_is_one_line(text: str) -> None:
    write("dvc.lock", text)
    assert refused("report").startswith("dvc.lock: not readable as YAML")


@pytest.mark.parametrize("text", ["", "[]", "stages: 3", "stages: {clean: 3}", "stages: {clean: {outs: [3]}}"])
def test_malformed_dvc_lock_does_not_raise(text: str) -> None:
    """DVC itself refuses it."""
    write("dvc.lock", text)
    check_inputs("report", (), AXES)


def test_unreadable_input_is_named() -> None:
    lock(True, clean=CLEAN)
    Path("data/clean/probes/a").unlink()
    Path("data/clean/probes/a").symlink_to("a")
    assert refused("tasks", "one").startswith("data/clean/probes/a: cannot be read (")


def test_folder_written_twice_must_match_the_second_record(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with atomic_folder("data/clean") as out:
            (out / "probes").mkdir()
            (out / "probes" / "a").write_text(text)
        record_outputs("clean", ())
    check_inputs("tasks", ("two",), AXES)
    write("data/clean/probes/a", "first")
    assert refused("tasks", "two").startswith("data/clean/probes/a: does not match")
