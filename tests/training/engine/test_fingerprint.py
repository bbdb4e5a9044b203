"""The name of a run covers the code that its result rests on, and no more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pretrace.training.engine import fingerprint
from pretrace.training.engine.fingerprint import imported_by, sha256_of_imports

TRAINER, FINETUNE = "training/pretraining/trainer.py", "training/finetuning/finetune.py"


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sources that is read in their place."""
    copy = tmp_path / "pretrace"
    shutil.copytree(fingerprint.ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "ROOT", copy)
    return copy


def test_what_decides_the_weights_is_covered() -> None:
    modules = set(imported_by(TRAINER))
    for name in ("loop", "optimiser", "devices", "replicas", "checkpoint", "state", "language_model"):
        assert f"training/{name}.py" in modules
    assert modules >= {
        "model/transformer.py",
        "model/lstm.py",
        "model/kernels/cross_entropy.py",
        "model/build.py",
        "tokens/shards/sampler.py",
    }
    assert {"training/finetuning/task_head.py", "training/finetuning/batching.py", "tasks/input_formats.py"} <= set(
        imported_by(FINETUNE)
    )


def test_what_does_not_is_left_out() -> None:
    modules = imported_by(TRAINER)
    assert not [
        path for path in modules if path.startswith(("tasks/", "report/", "corpus/", "vocabulary/", "settings/"))
    ]
    for name in ("finetune", "seeds", "watch", "pretrain", "processes", "curves", "start"):
        assert f"training/{name}.py" not in modules
    assert not {
        "training/pretraining/trainer.py",
        "training/pretraining/monitor.py",
        "training/pretraining/run.py",
    } & set(imported_by(FINETUNE))


@pytest.mark.parametrize(
    ("edited", "trainer", "finetune"),
    [
        ("training/engine/loop.py", True, True),
        ("model/transformer.py", True, True),
        ("tokens/shards/sampler.py", True, False),
        ("training/finetuning/task_head.py", False, True),
        ("training/pretraining/monitor.py", False, False),
        ("progress.py", False, False),
        ("training/finetuning/run.py", False, False),
    ],
)
def test_an_edit_changes_the_names_of_what_rests_on_it(code: Path, edited: str, trainer: bool, finetune: bool) -> None:
    before = sha256_of_imports(TRAINER), sha256_of_imports(FINETUNE)
    with (code / edited).open("a") as stream:
        stream.write("\nEDITED = True\n")
    after = sha256_of_imports(TRAINER), sha256_of_imports(FINETUNE)
    assert (after[0] != before[0], after[1] != before[1]) == (trainer, finetune)


def test_a_module_that_is_new_is_covered(code: Path) -> None:
    before = sha256_of_imports(TRAINER)
    (code / "model" / "new.py").write_text("def f():\n    from pretrace.corpus import clean_text\n")
    assert sha256_of_imports(TRAINER) == before
    path = code / "training" / "loop.py"
    path.write_text(path.read_text() + "\nfrom pretrace.model import new\n")
    modules = imported_by(TRAINER)
    assert {"model/new.py", "corpus/text/clean.py"} <= set(modules)  # and where a package has its names from
    assert "corpus/__init__.py" not in modules
