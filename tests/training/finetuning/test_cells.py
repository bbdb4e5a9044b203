"""The files that a fine-tuning reads: named once, by the system of the variant, and compared before it begins."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.schemas.finetuning import CellRecord
from pretrace.schemas.record import read_record
from pretrace.settings import Settings
from pretrace.training.finetuning.cells import check_files, write_cells
from tests.helpers.small_training import SCALE, settings_with

ROWS, MODELS = Path("data/encoded"), Path("models/pretrained")
TASKS = {name: {"kind": "classification", "probe": "source"} for name in ("one", "two")}


def settings_of(*systems: str, **variants: dict[str, object]) -> Settings:
    """Settings with some systems of the same small sizes."""
    known = {name: {"source": "2018", "scale": SCALE} for name in systems}
    own = {"full": {}, "scratch": {"pretrained": False}, **variants}
    return settings_with(systems=known, system_name=systems[0], tasks=TASKS, variants=own)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for system in ("gpt1", "bert"):
        for task in TASKS:
            write(ROWS / system / task / "train.safetensors", f"{system} {task}")
        for file in ("config.json", "model.safetensors", "vocabulary/vocabulary.json"):
            write(MODELS / system / "transformer" / file, f"{system} {file}")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def cells(settings: Settings) -> dict[str, bytes]:
    write_cells(settings, ROWS, MODELS, Path("data/cells"))
    return {path.name: path.read_bytes() for path in Path("data/cells").iterdir()}


def test_cell_names_the_files_of_its_system(made: Path) -> None:
    written = cells(settings_of("gpt1", "bert", masked={"system": "bert"}))
    assert set(written) == {f"{task}-{name}.json" for task in TASKS for name in ("full", "scratch", "masked")}
    full, scratch, masked = (
        read_record(Path(f"data/cells/one-{name}.json"), CellRecord) for name in ("full", "scratch", "masked")
    )
    own = {f"models/pretrained/bert/transformer/{file}" for file in ("config.json", "model.safetensors")}
    own |= {"models/pretrained/bert/transformer/vocabulary/vocabulary.json", "data/encoded/bert/one/train.safetensors"}
    assert (masked.system, set(masked.files)) == ("bert", own)
    assert len(full.files) == 4 and all("/gpt1/" in name for name in full.files)
    assert set(full.files) - set(scratch.files) == {
        f"models/pretrained/gpt1/transformer/{file}" for file in ("config.json", "model.safetensors")
    }
    check_files(masked)


def test_another_system_changes_no_cell_of_the_first(made: Path) -> None:
    before = cells(settings_of("gpt1"))
    after = cells(settings_of("gpt1", "bert", masked={"system": "bert"}))
    assert before.items() <= after.items()
    write(MODELS / "bert" / "transformer" / "model.safetensors", "trained again")
    again = cells(settings_of("gpt1", "bert", masked={"system": "bert"}))
    assert {name for name in after if after[name] != again[name]} == {"one-masked.json", "two-masked.json"}


def test_rows_of_a_task_change_its_cells_alone(made: Path) -> None:
    before = cells(settings_of("gpt1"))
    write(ROWS / "gpt1" / "two" / "train.safetensors", "other rows")
    after = cells(settings_of("gpt1"))
    assert {name for name in after if after[name] != before[name]} == {"two-full.json", "two-scratch.json"}


def test_settings_of_the_system_are_part_of_a_cell(made: Path) -> None:
    before = cells(settings_of("gpt1"))
    settings = settings_of("gpt1")
    tuned = settings.scale.finetune.model_copy(update={"lr": 0.005})
    scale = settings.scale.model_copy(update={"finetune": tuned})
    one = {"gpt1": settings.systems["gpt1"].model_copy(update={"scale": scale})}
    after = cells(settings.model_copy(update={"systems": one, "scale": scale}))
    assert all(before[name] != after[name] for name in before)


def test_what_was_read_and_written_is_said_in_dvcs_checksums(made: Path) -> None:
    known = write_cells(settings_of("gpt1", "bert", masked={"system": "bert"}), ROWS, MODELS, Path("data/cells"))
    folders = {f"{folder}/{system}" for folder in ("data/encoded", "models/pretrained") for system in ("gpt1", "bert")}
    assert {name for name in known if not name.startswith("data/cells/")} == folders
    assert all(known[name].endswith(".dir") for name in folders)
    written = {path.as_posix(): hashlib.md5(path.read_bytes()).hexdigest() for path in Path("data/cells").iterdir()}
    assert written.items() <= known.items()
    assert set(write_cells(settings_of("gpt1", "bert"), ROWS, MODELS, Path("data/cells"))) >= {"models/pretrained/gpt1"}
    assert "models/pretrained/bert" not in write_cells(settings_of("gpt1", "bert"), ROWS, MODELS, Path("data/cells"))


def test_file_that_is_missing_or_another_is_named(made: Path) -> None:
    cells(settings_of("gpt1"))
    cell = read_record(Path("data/cells/one-full.json"), CellRecord)
    weights = MODELS / "gpt1" / "transformer" / "model.safetensors"
    weights.write_text("damaged")
    with pytest.raises(PretraceError, match=rf"{weights}: is not what the stage `cells` has read; delete"):
        check_files(cell)
    weights.unlink()
    with pytest.raises(PretraceError, match=rf"{weights}: no such file; `dvc pull models/pretrained/gpt1` brings"):
        check_files(cell)
    with pytest.raises(PretraceError, match=rf"{weights}: no such file"):
        cells(settings_of("gpt1"))
    assert Path("data/cells/one-full.json").exists()  # the old ones stay


def test_file_that_cannot_be_read_is_named(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells(settings_of("gpt1"))
    cell = read_record(Path("data/cells/one-full.json"), CellRecord)

    def fails(path: Path) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("pretrace.training.finetuning.cells.sha256_of_file", fails)
    with pytest.raises(PretraceError, match=r"^data/encoded/gpt1/one/\S+: cannot be read \(Input/output error\)"):
        check_files(cell)
