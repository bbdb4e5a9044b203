"""Learners of a task: what they write is scored; a training that was killed goes on to the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from pretrace.common.errors import PretraceError
from pretrace.model.checkpoints.load import load_model
from pretrace.model.encoder_decoder import load_encoder_decoder
from pretrace.sequences.metrics import score_texts
from pretrace.sequences.rows import SequenceData, SequenceRow, write_rows
from pretrace.tokens import load_vocabulary
from pretrace.training.engine.loop import Step
from pretrace.training.sequences import trainer
from pretrace.training.sequences.run import learn_all_seeds
from tests.helpers.small_sequences import letters, settings_of_learners, write_letters


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def learn(folder: Path, name: str, settings: object, rows: Path):  # type: ignore[no-untyped-def]
    return learn_all_seeds(settings, "sort", name, rows, folder / "none", folder / "model", folder / "found.parquet")  # type: ignore[arg-type]


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["transformer", "gpt"])
def test_report_is_of_what_was_written(tmp_path: Path, name: str) -> None:
    settings, rows = settings_of_learners(seeds=(1, 2)), write_letters(tmp_path / "rows")
    report = learn(tmp_path / "out", name, settings, rows)
    table = pd.read_parquet(tmp_path / "out/found.parquet")
    assert table["seed"].tolist() == [1] * 10 + [2] * 10
    references = [row.targets for row in letters(10, 2)]
    scores = [score_texts(["bleu"], list(own["written"]), references)["bleu"].score for _, own in table.groupby("seed")]
    assert report.metrics["bleu"].scores == pytest.approx(scores, abs=1e-6)
    assert report.metrics["bleu"].signature is not None and "tok:13a" in report.metrics["bleu"].signature
    assert report.best_seed == max((1, 2), key=lambda seed: report.dev_scores[seed - 1])
    assert (report.n_train, report.n_dev, report.n_test, report.left_out) == (60, 8, 10, 0)
    load = load_encoder_decoder if name == "transformer" else load_model
    model = load(tmp_path / "out/model")
    assert sum(p.numel() for p in model.parameters()) == report.parameters
    assert load_vocabulary(tmp_path / "out/model/vocabulary").size == report.vocabulary_size == model.vocabulary_size
    before = files_of(tmp_path / "out")
    assert learn(tmp_path / "out", name, settings, rows) == report  # from the cache
    assert files_of(tmp_path / "out") == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["transformer", "gpt"])
def test_killed_training_resumes_to_the_same_bytes(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, rows = settings_of_learners(), write_letters(tmp_path / "rows")
    whole = learn(tmp_path / "whole", name, settings, rows)
    monkeypatch.chdir((tmp_path / "rows").parent)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    steps = trainer.train_steps

    def killed(*arguments: object, **options: object) -> Iterator[Step]:
        for step in steps(*arguments, **options):  # type: ignore[arg-type]
            yield step
            if step.number == 20:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "train_steps", killed)
        with pytest.raises(KeyboardInterrupt):
            learn(elsewhere, name, settings, rows)
    assert learn(elsewhere, name, settings, rows) == whole
    assert files_of(elsewhere / "model") == files_of(tmp_path / "whole/model")


@pytest.mark.slow
def test_encoder_decoder_learns_to_sort(tmp_path: Path) -> None:
    settings = settings_of_learners(
        {"steps": 400, "batch_tokens": 512, "checkpoint_every": 40, "dropout": 0.0}, width=32
    )
    report = learn(tmp_path / "out", "transformer", settings, write_letters(tmp_path / "rows", 300))
    assert report.metrics["exact"].score >= 0.5


def test_rows_that_are_too_long_are_left_out_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = SequenceRow("a b " * 5000, ("a",), origin="letters.csv:61")
    rows = write_letters(tmp_path / "rows", train=[*letters(60), long], test=[*letters(4, 2), long])
    settings = settings_of_learners({"steps": 2, "checkpoint_every": 1})
    report = learn(tmp_path / "out", "gpt", settings, rows)
    assert (report.n_train, report.left_out, report.cut) == (60, 1, {"dev": 0, "test": 1})
    said = capsys.readouterr().out
    assert "1 of 61 training rows do not fit the context of 32 tokens and are left out" in said
    assert "(letters.csv:61)" in said
    alone = write_letters(
        tmp_path / "alone", train=[SequenceRow(f"{row.source} " * 20, row.targets) for row in letters(30)]
    )
    with pytest.raises(PretraceError, match="each of the 30 training rows is longer than the context of 32 tokens"):
        learn(tmp_path / "out", "gpt", settings, alone)


def test_task_without_rows_has_a_report_without_scores(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows", SequenceData(unavailable="the corpus is too small"), ["bleu"])
    report = learn(tmp_path / "out", "transformer", settings_of_learners(), tmp_path / "rows")
    assert (report.unavailable, report.metrics) == ("the corpus is too small", {})
    assert len(pd.read_parquet(tmp_path / "out/found.parquet")) == 0
