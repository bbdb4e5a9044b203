"""Odd machines: another locale, names, one core, little memory, a clock that goes backwards, two at once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import tiny_project as tiny
from tests.helpers.fault_records import Faults
from tests.helpers.faulty_machine import (
    STAGES,
    SYSTEM,
    Ended,
    Machine,
    Reference,
    contents,
    copy,
    left_over,
    name_of,
    needs_shim,
)

STRANGE = "mit Leer und ü 漢"
TRIES = 6
TWO_GB = 2_000_000_000
PRETRAIN = ("pretrain", SYSTEM)
PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def one_core() -> list[str]:
    if not shutil.which("taskset"):
        pytest.skip("needs taskset")
    return ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))]


def latin(folder: Path) -> dict[str, str]:
    """A locale of ISO-8859-1, made in this folder: few machines have one."""
    name = "en_US.ISO-8859-1"
    if not shutil.which("localedef"):
        pytest.skip("needs localedef")
    command = ["localedef", "--inputfile=en_US", "--charmap=ISO-8859-1", str(folder / name)]
    made = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if made.returncode:
        pytest.skip(f"needs the sources of locales (Debian's package `locales`): {made.stderr.strip()}")
    return {**PLAIN, "LC_ALL": name, "LOCPATH": str(folder)}


@contextmanager
def another(*before: str, **environment: str) -> Iterator[Machine]:
    machine = Machine(*before, **environment)
    try:
        yield machine
    finally:
        machine.close()


def through(machine: Machine, reference: Reference, folder: Path, fault: str, faults: Faults, **how: object) -> None:
    """The whole pipeline, which has to come out the same."""
    reference.before(STAGES[0], folder)
    for stage in STAGES:
        ended = machine.run(folder, stage, **how)
        assert ended.code == 0, (name_of(stage), ended)
        faults.check(fault, reference.differences(folder, [stage]))


def test_all_oddities_at_once(reference: Reference, place: Path, faults: Faults) -> None:
    """One core, a folder of an odd name, 2 GB, and the clock going backwards."""
    needs_shim()
    how = {"limits": {"RLIMIT_DATA": TWO_GB}, "FAULT_CLOCK": "1"}
    with another(*one_core()) as machine:
        through(machine, reference, place / STRANGE, "all of: one core, odd name, 2 GB, clock", faults, **how)


def test_locale_that_cannot_encode_the_folder_name(reference: Reference, place: Path, faults: Faults) -> None:
    stage = ("shard", SYSTEM)
    folder = reference.before(stage, place / STRANGE)
    with another(**PLAIN) as machine:
        machine.well(folder, stage)
    faults.check("the locale is C, in a folder with other letters", reference.differences(folder, [stage]))


NIGHTLY: dict[str, Callable[[Path], tuple[list[str], dict[str, str], dict[str, object]]]] = {
    "one core": lambda _: (one_core(), {}, {}),
    "the locale is C": lambda _: ([], PLAIN, {}),
    "the locale is of ISO-8859": lambda folder: ([], latin(folder), {}),
    "2 GB of memory (RLIMIT_DATA)": lambda _: ([], {}, {"limits": {"RLIMIT_DATA": TWO_GB}}),
    "the clock goes backwards": lambda _: ([], {}, {"FAULT_CLOCK": "1"}),
    "a folder with spaces and other letters": lambda _: ([], {}, {}),
}


@pytest.mark.nightly
@pytest.mark.parametrize("fault", NIGHTLY)
def test_each_oddity_alone(fault: str, reference: Reference, place: Path, faults: Faults) -> None:
    before, environment, how = NIGHTLY[fault](place)
    if "clock" in fault:
        needs_shim()
    with another(*before, **environment) as machine:
        odd = "folder" in fault or "locale" in fault
        through(machine, reference, place / (STRANGE if odd else "plain"), fault, faults, **how)


@pytest.mark.nightly
def test_too_little_memory_is_one_line(machine: Machine, reference: Reference, place: Path, faults: Faults) -> None:
    """Where the memory does not do: said so, and nothing half-written."""
    reference.before(("clean",), place)
    stopped = 0
    for megabytes in (60, 100, 140, 180):
        ended = machine.run(place, ("clean",), limits={"RLIMIT_DATA": megabytes << 20})
        assert ended.code == 0 or "Traceback" not in ended.said, (megabytes, ended)
        stopped += ended.code != 0
        assert not left_over(place)
    machine.well(place, ("clean",))
    faults.check("not enough memory", reference.differences(place, [("clean",)]), stopped=stopped > 0)


@pytest.fixture(scope="module")
def second() -> Iterator[Machine]:
    with another() as machine:
        yield machine


TWICE = [pytest.param(s, id=name_of(s), marks=[] if s == PRETRAIN else [pytest.mark.nightly]) for s in STAGES]


@pytest.mark.parametrize("stage", TWICE)
def test_same_stage_twice_at_once(
    stage: tuple[str, ...], machine: Machine, second: Machine, reference: Reference, place: Path, faults: Faults
) -> None:
    """By two hands in one folder: one may say that the other is there; what is in the folder is whole and the same."""
    reference.before(stage, place)
    with ThreadPoolExecutor(2) as pool:
        ends: list[Ended] = list(pool.map(lambda one: one.run(place, stage), (machine, second)))
    assert any(ended.code == 0 for ended in ends), ends
    assert all(ended.code == 0 or ended.clear for ended in ends), ends
    assert not left_over(place)
    for ended in ends:
        faults.check("a stage runs twice at once", reference.differences(place, [stage]), stopped=ended.code != 0)


@pytest.fixture(scope="module")
def pair(machine: Machine, reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that pre-trains with two processes, which have done so."""
    folder = reference.before(PRETRAIN, tmp_path_factory.mktemp("pair"))
    (folder / "scales" / "tiny.yaml").unlink()
    shutil.copy(reference.folder / "scales" / "tiny.yaml", folder / "scales" / "tiny.yaml")
    scale = tiny.load(folder / "scales" / "tiny.yaml")
    scale["processes"] = 2
    scale["pretrain"]["checkpoint_every"] = 2
    tiny.save(folder / "scales" / "tiny.yaml", scale)
    return folder


@pytest.mark.nightly
def test_killed_rank_of_two(machine: Machine, pair: Path, place: Path, faults: Faults) -> None:
    stage = PRETRAIN
    undisturbed = place / "undisturbed"
    copy(pair, undisturbed)
    seconds = machine.well(undisturbed, stage).seconds
    for number in range(TRIES):
        project = place / str(number)
        copy(pair, project)
        chance = random.Random(f"pair {number}")
        kill = (signal.SIGKILL, chance.uniform(0.3, 0.9) * seconds, "other" if number % 2 == 0 else "")
        ended = machine.run(project, stage, kill=kill)
        assert not ended.left
        assert ended.code in (0, -signal.SIGKILL) or ended.clear, ended
        machine.well(project, stage)
        wanted, found = contents(undisturbed, [stage]), contents(project, [stage])
        differences = sorted(path for path in {*wanted, *found} if wanted.get(path) != found.get(path))
        faults.check("one of two training processes is killed", differences, stopped=ended.clear)
