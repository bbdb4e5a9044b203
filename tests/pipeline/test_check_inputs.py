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

AXES = {"tasks": {"one": None, "two": None}, "variants": {}}
STAGES = {
    "clean": {"outs": ["data/clean", {"reports/clean.json": {"cache": "false"}}]},
    "tasks": {"matrix": {"task": "${tasks}"}, "deps": ["data/clean/probes"], "outs": ["data/tasks/${item.task}"]},
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
        path = {"clean": "data/clean", "tasks@one": "data/tasks/one", "tasks@gone": "data/tasks/gone"}[stage]
        stages[stage] = {"outs": [{"path": path, "md5": f"{value}.dir"}]}
    write_yaml(Path("dvc.lock"), {"stages": stages})


CLEAN = {"train/a": "train", "probes/a": "probes"}


def refused(stage: str, *cell: str) -> str:
    with pytest.raises(PretraceError) as said:
        check_inputs(stage, cell, AXES)
    return str(said.value)


def test_nothing_is_known_and_nothing_is_refused() -> None:
    check_inputs("report", (), AXES)
    check_inputs("unheard_of", (), AXES)
    Path("dvc.yaml").unlink()
    check_inputs("report", (), AXES)


@pytest.mark.parametrize("cache", [True, False])
def test_what_is_locked_is_taken_and_nothing_else(cache: bool) -> None:
    lock(cache, clean=CLEAN)
    check_inputs("tasks", ("one",), AXES)
    write("data/clean/probes/a", "prober")
    said = refused("tasks", "one")
    assert said.startswith(f"data/clean{'/probes/a' if cache else ''}: changed, not what stage `clean` wrote; ")
    assert "delete data/clean and run `dvc repro`" in said
    assert "`dvc commit clean`" in said


def test_a_file_too_few_or_too_many_is_named() -> None:
    lock(True, clean=CLEAN)
    write("data/clean/probes/b", "more")
    assert refused("tasks", "one").startswith("data/clean/probes/b: unknown, ")
    Path("data/clean/probes/a").unlink()
    Path("data/clean/probes/b").unlink()
    assert refused("tasks", "one") == ("data/clean/probes/a: missing, but stage `clean` wrote it; run `dvc repro`")


def test_only_the_part_that_is_read_counts_where_it_is_known() -> None:
    lock(True, clean=CLEAN)
    write("data/clean/train/a", "other")
    check_inputs("tasks", ("one",), AXES)
    lock(False, clean=CLEAN)
    Path(".dvc/cache").rename("elsewhere")
    assert refused("tasks", "one").startswith("data/clean: changed")


def test_the_outputs_of_tasks_that_are_no_more_do_not_matter() -> None:
    lock(True, **{"tasks@gone": {"rows": "x"}, "tasks@one": {"rows": "rows of one"}})
    check_inputs("report", (), AXES)
    write("data/tasks/one/rows", "")
    assert refused("report").startswith("data/tasks/one/rows: changed, not what stage `tasks@one` wrote")


@pytest.mark.parametrize("locked", [True, False])
def test_what_a_stage_wrote_by_hand_is_taken_until_something_else_is_locked(locked: bool) -> None:
    if locked:
        lock(True, clean={"probes/a": "as DVC made it"})
    record_outputs("clean", ())
    check_inputs("tasks", ("one",), AXES)
    write("data/clean/probes/a", "half")
    assert refused("tasks", "one").startswith("data/clean/probes/a: changed")
    write("data/clean/probes/a", "probes")
    lock(True, clean={"probes/a": "DVC made it again"})
    assert refused("tasks", "one").startswith("data/clean/probes/a: changed")


def test_dvc_notes_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "clean")
    record_outputs("clean", ())
    assert not Path(".pretrace").exists()


@pytest.mark.parametrize("text", ["stages: [", "\x00"])
def test_a_broken_lock_is_one_line(text: str) -> None:
    write("dvc.lock", text)
    assert refused("report").startswith("dvc.lock: not readable as YAML")


@pytest.mark.parametrize("text", ["", "[]", "stages: 3", "stages: {clean: 3}", "stages: {clean: {outs: [3]}}"])
def test_a_lock_without_its_form_says_nothing(text: str) -> None:
    """DVC itself refuses it."""
    write("dvc.lock", text)
    check_inputs("report", (), AXES)


def test_what_cannot_be_read_is_named() -> None:
    lock(True, clean=CLEAN)
    Path("data/clean/probes/a").unlink()
    Path("data/clean/probes/a").symlink_to("a")
    assert refused("tasks", "one").startswith("data/clean/probes/a: cannot be read (")


def test_a_folder_that_was_written_twice_is_the_second(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with atomic_folder("data/clean") as out:
            (out / "probes").mkdir()
            (out / "probes" / "a").write_text(text)
        record_outputs("clean", ())
    check_inputs("tasks", ("two",), AXES)
    write("data/clean/probes/a", "first")
    assert refused("tasks", "two").startswith("data/clean/probes/a: changed")
