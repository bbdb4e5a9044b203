"""The second pipeline at a tiny size, from documents and from files: all of its stages, and the chapter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pretrace.common.errors import PretraceError
from pretrace.feedback.chapter import chapter
from pretrace.feedback.figure import reward_figure
from pretrace.schemas.alignment.records import CompareReport
from pretrace.training.alignment.prompts import store
from pretrace.training.alignment.stages.compare import compare
from pretrace.training.alignment.stages.models import run_reward, train_arm
from pretrace.training.alignment.stages.prepare import make_comparisons, prepare_prompts, run_sft
from pretrace.training.alignment.stages.project import Project
from pretrace.training.alignment.text.chat_template import chat_vocabulary
from tests.helpers.small_alignment import make_assistant_project


def run_all(project: Project) -> tuple[CompareReport, str]:
    """Run every stage; the last report, and the chapter."""
    prompts = prepare_prompts(project)
    sft, _ = run_sft(project)
    make_comparisons(project)
    reward, _ = run_reward(project)
    for name in project.settings.arms:
        train_arm(project, name, 1)
    report = compare(project)
    assert reward_figure(report).startswith("<?xml")
    return report, chapter(prompts, sft, reward, report)


@pytest.mark.slow
def test_pipeline_from_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    project = make_assistant_project(tmp_path)
    report, text = run_all(project)
    assert list(report.arms) == list(project.settings.arms)
    assert report.start.point.kl.mean == 0 and report.best_of["1"].kl.mean == 0
    assert report.best_of_gold["4"].gold and report.best_of_gold["1"].gold
    assert report.best_of_gold["4"].gold.mean > report.best_of_gold["1"].gold.mean
    assert len(report.samples) == 2 and set(report.samples[0].answers) == {"start", "best_of_4", *report.arms}
    assert all(f"| {name} |" in text for name in ("start", "best of 4", *report.arms))
    train, test = (store.read_passages(project.data / "prompts" / f"{name}.parquet") for name in ("train", "test"))
    assert not {one.group for one in train} & {one.group for one in test}
    gold, rows = project.gold(), store.read_compared(project.data / "comparisons" / "test_compared.parquet")
    assert gold
    found = gold.of([answer for row in rows for answer in row.answers])
    assert found.mean() == pytest.approx(0, abs=1e-9) and found.std() == pytest.approx(1)
    np.testing.assert_allclose(found, [score for row in rows for score in row.scores])


@pytest.mark.slow
def test_pipeline_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    asked = [{"instruction": f"abcd {'abcdefghij'[n % 10] * 3}", "output": "ab cd"} for n in range(20)]
    pairs = [{"prompt": row["instruction"], "chosen": "ab", "rejected": "ef gh"} for row in asked]
    files = {"instructions": str(tmp_path / "asked.jsonl"), "preferences": str(tmp_path / "pairs.jsonl")}
    for path, rows in zip(files.values(), (asked, pairs), strict=True):
        Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))
    arms = {"ppo": {"method": "ppo"}, "dpo": {"method": "dpo"}, "rejection": {"method": "rejection", "best_of": 2}}
    project = make_assistant_project(tmp_path, files=files, arms=arms)
    report, text = run_all(project)
    assert report.start.point.gold is None and not report.best_of_gold
    assert project.start().vocabulary_size == project.vocabulary.size == 84
    assert "conversations" in text
    chat = chat_vocabulary(project.models / "policies" / "ppo" / "seed-1")
    assert chat.fingerprint == project.vocabulary.fingerprint


def test_prompt_that_does_not_fit_the_context_is_told_before_training(tmp_path: Path) -> None:
    project = make_assistant_project(tmp_path, prompts={"tokens": 40, "answer_tokens": 30})
    with pytest.raises(PretraceError, match=r"assistant/params.yaml: prompts: 70 tokens of a prompt and an answer"):
        prepare_prompts(project)
