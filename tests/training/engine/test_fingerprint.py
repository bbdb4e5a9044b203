"""The name of a training run covers the code that its result depends on, and no more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pretrace.common import code
from pretrace.common.code import closure, code_hash

PRETRAINING = ("pretrace.training.pretraining.trainer", "pretrace.training.objectives.causal_lm")
FINETUNE = "pretrace.training.finetuning.finetune"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of pretrace that is read in its place."""
    copy = tmp_path / "pretrace"
    shutil.copytree(code.ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "ROOT", copy)
    return copy


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edited", "pretraining", "finetuning"),
    [
        ("model/transformer.py", True, True),
        ("model/lstm.py", True, True),
        ("model/build.py", True, True),
        ("model/kernels/linear.py", True, True),
        ("model/kernels/cross_entropy.py", True, True),
        ("training/engine/loop.py", True, True),
        ("training/engine/optimizer.py", True, True),
        ("training/engine/schedule.py", True, True),
        ("training/engine/device.py", True, True),
        ("training/engine/checkpoint.py", True, False),
        ("training/engine/state_dict.py", True, False),
        ("training/distributed/data_parallel.py", True, False),
        ("training/objectives/causal_lm.py", True, False),
        ("tokens/shards/sampler.py", True, False),
        ("training/finetuning/task_head.py", False, True),
        ("training/finetuning/batching.py", False, True),
        ("tasks/rows/input_formats.py", False, True),
        ("training/pretraining/run.py", False, False),
        ("training/pretraining/evaluate.py", False, False),
        ("training/pretraining/monitor.py", False, False),
        ("training/pretraining/progress_line.py", False, False),
        ("training/distributed/launch.py", False, False),
        ("training/finetuning/run.py", False, False),
        ("training/finetuning/predictions.py", False, True),
        ("tasks/probes/build.py", False, False),
        ("corpus/text/clean.py", False, False),
        ("report/benchmark.py", False, False),
        ("settings/scale.py", False, False),
        ("common/progress.py", False, False),
    ],
)
def test_edit_changes_the_name_of_the_runs_it_decides(
    sources: Path, edited: str, pretraining: bool, finetuning: bool
) -> None:
    before = [code_hash(module) for module in PRETRAINING], code_hash(FINETUNE)
    with (sources / edited).open("a") as stream:
        stream.write("\nEDITED = True\n")
    after = [code_hash(module) for module in PRETRAINING], code_hash(FINETUNE)
    assert (after[0] != before[0], after[1] != before[1]) == (pretraining, finetuning)


def test_pretraining_depends_on_no_text_or_tasks() -> None:
    """A vocabulary and token ids are data to it."""
    trainer = code.ROOT / "training" / "pretraining" / "trainer.py"
    packages = {path.relative_to(code.ROOT).parts[0] for path in closure(trainer)}
    assert not packages & {"corpus", "tasks", "report", "evaluation", "settings", "tracking"}
