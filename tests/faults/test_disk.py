"""A disk that is full, may not be written to, or cannot be read in the middle: one line, and nothing lost."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.helpers.fault_records import Faults
from tests.helpers.faulty_machine import (
    STAGES,
    Machine,
    Reference,
    files_below,
    inputs,
    left_over,
    name_of,
    needs_shim,
    outputs,
)

Stage = tuple[str, ...]
IN_A_ROW = 8
SEED = 10
QUICK = ("evaluation", "shard", "tasks", "encode", "baselines", "cells")
SOME = [pytest.param(s, id=name_of(s), marks=[] if s[0] in QUICK else [pytest.mark.nightly]) for s in STAGES]
FULL = "the disk is full"
MEANT = (".pretrace", "data", "models", "reports")


def writes_of(machine: Machine, reference: Reference, stage: Stage, place: Path) -> int:
    """How many times a stage writes something in its project, as an undisturbed run shows."""
    needs_shim()
    count = place.parent / f"{place.name}.count"
    count.write_bytes(bytes(8))
    reference.before(stage, place)
    machine.well(place, stage, FAULT_ROOT=str(place), FAULT_COUNT=str(count))
    return int.from_bytes(count.read_bytes(), "little")


def fails_at(machine: Machine, stage: Stage, place: Path, number: int):
    count = place.parent / f"{place.name}.count"
    count.write_bytes(bytes(8))
    return machine.run(place, stage, FAULT_ROOT=str(place), FAULT_COUNT=str(count), FAULT_WRITE=str(number))


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.nightly)], ids=["some", "all"])
@pytest.mark.parametrize("stage", STAGES, ids=name_of)
def test_full_disk_at_each_write(
    stage: Stage, every: bool, machine: Machine, reference: Reference, place: Path, faults: Faults
) -> None:
    """At each write of the stage, from then on; some: one that is drawn.

    Several failures follow each other in one folder before the stage may end; each begins with what another left.
    """
    writes = writes_of(machine, reference, stage, place / "counted")
    assert writes > 3
    chance = random.Random(f"{SEED} {stage}")
    numbers = chance.sample(range(1, writes + 1), writes) if every else [chance.randint(2, writes)]
    for start in range(0, len(numbers), IN_A_ROW):
        project = reference.before(stage, place / str(start))
        stopped = []
        for number in numbers[start : start + IN_A_ROW]:
            ended = fails_at(machine, stage, project, number)
            assert not ended.left
            assert ended.code == 0 or (ended.clear and FULL in ended.said), (number, writes, ended)
            assert not left_over(project), (number, writes)
            stopped.append(ended.code != 0)
        machine.well(project, stage)
        differences = reference.differences(project, [stage])
        for one in stopped:
            faults.check("the disk is full at a write", differences, one)


@pytest.mark.parametrize("stage", SOME)
def test_file_size_limit_of_one_page(
    stage: Stage, machine: Machine, reference: Reference, place: Path, faults: Faults
) -> None:
    """The system's own limit, which is also met by what the C library writes."""
    reference.before(stage, place)
    ended = machine.run(place, stage, limits={"RLIMIT_FSIZE": 4096})
    assert ended.code == 0 or (ended.clear and FULL in ended.said), ended
    assert not left_over(place)
    machine.well(place, stage)
    faults.check("files may not be larger than 4 KB", reference.differences(place, [stage]), stopped=ended.code != 0)


@pytest.mark.parametrize("stage", SOME)
def test_read_only_folder(stage: Stage, machine: Machine, reference: Reference, place: Path, faults: Faults) -> None:
    reference.before(stage, place)
    for name in MEANT:
        (place / name).mkdir(exist_ok=True)
    folders = [place, *(path for name in MEANT for path in (place / name).rglob("*") if path.is_dir())]
    folders += [place / name for name in MEANT]
    rights = {folder: folder.stat().st_mode for folder in folders}
    try:
        for folder in folders:
            folder.chmod(0o555)
        ended = machine.run(place, stage, rights="owner")
    finally:
        for folder, mode in rights.items():
            folder.chmod(mode)
    assert ended.clear, ended
    assert "Permission denied" in ended.said, ended
    machine.well(place, stage)
    faults.check("the folder is read-only", reference.differences(place, [stage]), stopped=True)


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.nightly)], ids=["some", "all"])
@pytest.mark.parametrize("stage", STAGES, ids=name_of)
def test_read_error_in_the_middle_of_a_file(
    stage: Stage, every: bool, machine: Machine, reference: Reference, place: Path, faults: Faults
) -> None:
    """The disk gives an input/output error in the middle of a file, whoever reads it: Python, Arrow, Rust, C++."""
    needs_shim()
    reference.before(stage, place)
    paths = [path for path in inputs(stage) if (place / path).exists()] + ["params.yaml", "scales/tiny.yaml"]
    names = [str(file.relative_to(place)) for file in files_below(place, paths)]
    names = [name for name in names if (place / name).stat().st_size]
    chance = random.Random(f"{SEED} {stage}")
    for name in names if every else chance.sample(names, 1):
        half = (place / name).stat().st_size // 2
        ended = machine.run(place, stage, FAULT_READ=f"{place}/{name}", FAULT_AFTER=str(half))
        assert ended.clear, (name, ended)
        assert name in ended.said and "Input/output error" in ended.said, (name, ended)
        assert not any((place / path).exists() for path in outputs(stage)), name
        faults.check("a file cannot be read to its end", [], stopped=True)
    machine.well(place, stage)
    assert not reference.differences(place, [stage])


@pytest.mark.nightly
def test_read_error_stops_the_stage_without_input_check(
    machine: Machine, reference: Reference, place: Path, faults: Faults
) -> None:
    """Where nothing is known of what was written, the error is met in the middle of the work."""
    needs_shim()
    for stage in STAGES:
        project = reference.before(stage, place / name_of(stage))
        for note in (project / ".pretrace").glob("written/*"):
            note.unlink()
        files = files_below(project, [path for path in inputs(stage) if (project / path).exists()])
        for file in (file for file in files if file.stat().st_size):
            name = str(file.relative_to(project))
            for path in outputs(stage):
                remove(project / path)
            ended = machine.run(project, stage, FAULT_READ=f"{project}/{name}", FAULT_AFTER="0")
            assert ended.code == 0 or "Traceback" not in ended.said, (stage, name, ended)
            if ended.code == 0:  # it did not read that file
                assert not reference.differences(project, [stage]), (stage, name)
            else:
                assert ended.clear, (stage, name, ended)
            faults.check("a file cannot be read, and nothing is known of it", [], stopped=ended.code != 0)


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
