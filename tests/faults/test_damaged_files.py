"""Each file that a stage reads: missing, empty, cut in half, one bit flipped, of an older version, of another run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import tiny_project as tiny
from tests.helpers.fault_records import Faults
from tests.helpers.faulty_machine import (
    STAGES,
    SYSTEM,
    TASK,
    Machine,
    Reference,
    copy,
    files_below,
    inputs,
    make,
    name_of,
    outputs,
)

Stage = tuple[str, ...]
KINDS = ("missing", "empty", "cut in half", "one bit flipped", "of an older version", "of another run")
SEED = 9


@pytest.fixture(scope="module")
def other(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """A run of another package with other numbers, whose files have the same names."""
    folder = make(tmp_path_factory.mktemp("other") / "project", seeds=[3], lr=0.001)
    params = tiny.load(folder / "params.yaml")
    corpus, pretrain = params["corpus"], params["pretrain"] | {"seeds": [77]}
    tiny.change_params(folder, corpus={**corpus, "probe_share": 0.45, "validation_share": 0.1}, pretrain=pretrain)
    scale = tiny.load(folder / "scales" / "tiny.yaml")
    scale["vocabulary"]["size"] = 480
    tiny.save(folder / "scales" / "tiny.yaml", scale)
    return Reference(folder).run_all(machine)


def read_by(stage: Stage, folder: Path) -> list[str]:
    """The files of other stages that a stage reads."""
    made = [path for earlier in STAGES[: STAGES.index(stage)] for path in outputs(earlier)]
    files = files_below(folder, [path for path in inputs(stage) if (folder / path).exists()])
    names = [file.relative_to(folder) for file in files]
    return sorted({str(name) for name in names if any(name.is_relative_to(path) for path in made)})


def damage(kind: str, path: Path, another: Path, chance: random.Random) -> bool:
    """Do it to a file; whether it is another one now."""
    content = path.read_bytes()
    path.unlink()  # it is a hard link
    if kind == "missing":
        return True
    changed = bytearray(content)
    if kind == "one bit flipped" and content:
        changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif kind == "of another run":
        changed = bytearray(another.read_bytes() if another.exists() else content + b"\n")
    elif kind == "of an older version":
        changed = bytearray(content[: len(content) * 9 // 10] + content[len(content) * 9 // 10 :][::-1] + b"\n")
    else:
        changed = bytearray() if kind == "empty" else changed[: len(content) // 2]
    path.write_bytes(changed)
    return bytes(changed) != content


def tries(stage: Stage, folder: Path, every: bool) -> Iterator[tuple[str, str]]:
    """File and kind of damage: all, or for each file one that changes from file to file, without another run."""
    for number, name in enumerate(read_by(stage, folder)):
        kinds = KINDS if every else (KINDS[(number + STAGES.index(stage)) % (len(KINDS) - 1)],)
        yield from ((name, kind) for kind in kinds)


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.nightly)], ids=["some", "all"])
@pytest.mark.parametrize("stage", [s for s in STAGES if inputs(s)], ids=name_of)
def test_damaged_input_is_refused_by_name(
    stage: Stage,
    every: bool,
    machine: Machine,
    reference: Reference,
    place: Path,
    faults: Faults,
    request: pytest.FixtureRequest,
) -> None:
    other = request.getfixturevalue("other").folder if every else Path("none")
    reference.before(stage, place)
    chance = random.Random(f"{SEED} {stage}")
    todo = list(tries(stage, place, every))
    assert todo
    for name, kind in todo:
        if damage(kind, place / name, other / name, chance):
            ended = machine.run(place, stage)
            assert ended.clear, (name, kind, ended)
            assert f"{name}: " in ended.said, (name, kind, ended)
            assert not any((place / path).exists() for path in outputs(stage)), (name, kind)
        (place / name).unlink(missing_ok=True)
        copy(reference.folder / name, place / name)
        if (name, kind) != todo[-1]:
            faults.check(f"a file that a stage reads is {kind}", [], stopped=True)
    machine.well(place, stage)
    faults.check(f"a file that a stage reads is {todo[-1][1]}", reference.differences(place, [stage]), stopped=True)


KEPT = {
    ("pretrain", SYSTEM): ("checkpoints", "*/step-*"),
    ("finetune", TASK, "full"): ("seeds", "*/*/*"),
}
"""State between two runs of a stage, below .pretrace/."""


@pytest.mark.parametrize("kind", KINDS[:-1])
@pytest.mark.parametrize("stage", KEPT, ids=name_of)
def test_damaged_checkpoint_or_seed_is_not_used(
    stage: Stage, kind: str, machine: Machine, reference: Reference, place: Path, faults: Faults
) -> None:
    """A checkpoint or a finished seed, as they lie there when a stage is run again. (Shards: tests/tokens/shards.)"""
    reference.before(stage, place)
    folder, pattern = KEPT[stage]
    copy(reference.folder / ".pretrace" / folder, place / ".pretrace" / folder)
    files = [path for path in sorted((place / ".pretrace" / folder).glob(pattern)) if path.is_file()]
    assert files
    chance = random.Random(f"{SEED} {stage} {kind}")
    damage(kind, chance.choice(files), Path("none"), chance)
    machine.well(place, stage)
    faults.check(f"a kept file of a stage is {kind}", reference.differences(place, [stage]))
