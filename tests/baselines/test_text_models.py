"""An n-gram model and LSA of made-up text, and their answers on rows of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pretrace.baselines.kneser_ney import KneserNey
from pretrace.baselines.lsa import Lsa, fit_lsa, read_lsa, unit, write_lsa
from pretrace.baselines.lsa_answers import lsa_answer
from pretrace.baselines.ngram_answers import has_form, ngram_answer, values_of
from pretrace.baselines.ngrams import count_ngrams, read_ngrams
from pretrace.baselines.text_models import build_text_models
from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, Gpt1Words, PreparedText, write_documents
from pretrace.tasks.rows.dataset import Row, TaskData
from pretrace.tasks.rows.encoded import EncodedSplit
from tests.helpers.small_training import make_shards

THEMES = {
    "sea": ["ship", "wave", "salt", "sail", "harbor", "tide"],
    "wood": ["tree", "leaf", "root", "moss", "bark", "fern"],
}
KINDS = ("classification", "entailment", "similarity", "regression", "multiple_choice")


def sentence(random: np.random.Generator, theme: str, words: int = 8) -> str:
    return " ".join(random.choice([*THEMES[theme], "the", "of"], words))


@pytest.fixture(scope="module")
def lsa() -> Lsa:
    random = np.random.default_rng(0)
    return fit_lsa([sentence(random, theme, 40) for theme in THEMES for _ in range(40)])


def themed(kind: str, rows: int = 60) -> TaskData:
    """One text: which theme; pairs and choices: the same theme or not. No word is in both parts."""
    random = np.random.default_rng(1)

    def row() -> Row:
        label = int(random.integers(2))
        theme, other = random.permutation(list(THEMES))
        if kind == "classification":
            return Row((sentence(random, "sea" if label else "wood"),), label)
        first, same = (" ".join(random.choice(half, 4)) for half in (THEMES[theme][:3], THEMES[theme][3:]))
        second = (same, sentence(random, other))
        if kind == "multiple_choice":
            return Row((first, *(second if label == 0 else second[::-1])), label)
        return Row((first, second[1 - label]), label)

    return TaskData(
        kind,
        "pearson" if kind == "regression" else "accuracy",
        None,
        {s: [row() for _ in range(rows)] for s in ("train", "dev", "test")},
    )


@pytest.mark.parametrize("kind", KINDS)
def test_lsa_finds_a_theme_without_shared_words(kind: str, lsa: Lsa) -> None:
    task = themed(kind)
    answer = lsa_answer(task, lsa)
    labels = np.array([row.label for row in task.splits["test"]])
    agreement = (
        np.corrcoef(labels, answer.predictions)[0, 1] if kind == "regression" else np.mean(labels == answer.predictions)
    )
    assert agreement > 0.9
    assert max(one.dev for one in answer.candidates) > 0.9


def test_lsa_is_written_and_read(tmp_path: Path, lsa: Lsa) -> None:
    write_lsa(tmp_path, lsa)
    again = read_lsa(tmp_path)
    assert again.words == lsa.words and np.array_equal(again.vectors, lsa.vectors)
    texts = ["ship wave", "unknown words", ""]
    found = again.of_texts(texts)
    assert np.array_equal(found, lsa.of_texts(texts))
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 0, 0])
    (tmp_path / "lsa.parquet").write_bytes(b"PAR1")
    with pytest.raises(PretraceError, match=r"lsa\.parquet: not readable .*; run `dvc repro -f text_models`"):
        read_lsa(tmp_path)


def test_text_of_single_words_has_no_vectors(tmp_path: Path) -> None:
    lsa = fit_lsa(["one", "two"])
    write_lsa(tmp_path, lsa)
    assert read_lsa(tmp_path).words == []
    assert lsa_answer(themed("entailment"), lsa) is None
    assert unit(np.zeros((1, 2))).tolist() == [[0, 0]]


def encoded(rows: list[list[list[int]]], labels: list[int]) -> EncodedSplit:
    parts = [part for row in rows for part in row]
    offsets = np.cumsum([0, *map(len, parts)])
    return EncodedSplit(np.concatenate(parts).astype(np.uint16), offsets, np.array(labels), len(rows[0]))


STREAM = np.tile([0, 1, 2, 3, 4, 5], 200)
"""Each id is followed by the next."""
MODEL = KneserNey(count_ngrams(np.concatenate([STREAM, np.random.default_rng(0).integers(0, 6, 300)]), 6))


def test_values_are_differences_of_log_probabilities() -> None:
    a, b = [0, 1, 2], [3, 4]
    found = values_of(encoded([[a, b]], [0]), MODEL, symmetric=False)
    both = MODEL.log_probabilities(np.array(a + b), np.array([5]))
    alone = MODEL.log_probabilities(np.array(b), np.array([2]))
    gain, mean = found.values()
    assert gain[:, 0] == pytest.approx(both[:, 3:].sum(1) - alone.sum(1))
    assert mean[:, 0] == pytest.approx(both[:, 3:].mean(1))
    one, other = (values_of(encoded([pair], [0]), MODEL, symmetric=True) for pair in ([a, b], [b, a]))
    assert all(one[name] == pytest.approx(other[name]) for name in one)


@pytest.mark.parametrize("kind", KINDS)
def test_ngrams_know_what_follows(kind: str) -> None:
    random = np.random.default_rng(2)
    rows, ids = [], []
    for _ in range(40):
        label, start = int(random.integers(2)), int(random.integers(6))
        run = [(start + i) % 6 for i in range(6)]
        other = [run[4], run[3], run[5]]
        if kind == "classification":
            parts = [run if label else random.permutation(run).tolist()]
        elif kind == "multiple_choice":
            parts = [run[:3], *((run[3:], other) if label == 0 else (other, run[3:]))]
        else:
            parts = [run[:3], run[3:] if label else other]
        ids.append(parts)
        rows.append(Row(("x",) * len(parts), label))
    task = TaskData(
        kind, "pearson" if kind == "regression" else "accuracy", None, dict.fromkeys(("train", "dev", "test"), rows)
    )
    labels = [int(row.label) for row in rows]
    assert has_form(task)
    answer = ngram_answer(task, dict.fromkeys(task.splits, encoded(ids, labels)), MODEL)
    agreement = (
        np.corrcoef(labels, answer.predictions)[0, 1] if kind == "regression" else np.mean(labels == answer.predictions)
    )
    assert agreement > 0.9


def test_one_text_of_many_classes_has_no_form() -> None:
    rows = [Row(("x",), label) for label in range(3)]
    assert not has_form(TaskData("classification", "accuracy", None, {"train": rows}))


def test_text_models_read_the_training_text(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    shards = make_shards(tmp_path / "shards")
    texts = [sentence(random, theme, 500) for theme in THEMES for _ in range(3)]
    write_documents(tmp_path / "clean", [Document(str(i), "made up", text) for i, text in enumerate(texts)])
    prepared = PreparedText(Gpt1Words(), tmp_path / "prepared")
    reports = [build_text_models(shards, prepared, tmp_path / "clean", tmp_path / name) for name in "ab"]
    assert reports[0] == reports[1]
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["lsa.parquet", *(f"ngrams-{n}.parquet" for n in range(1, 6)), "seen_ngrams.uint32"]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)
    assert reports[0].tokens == reports[0].tokens_of == read_ngrams(tmp_path / "a")[0].counts.sum()
    assert reports[0].passages == 12  # 500 words are two passages
    assert reports[0].words == len(read_lsa(tmp_path / "a").words) > 0


def test_large_text_is_read_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.baselines.text_models.MOST_TOKENS", 100)
    monkeypatch.setattr("pretrace.baselines.text_models.MOST_PASSAGES", 3)
    shards = make_shards(tmp_path / "shards")
    texts = [sentence(np.random.default_rng(i), "sea", 30) for i in range(10)]
    write_documents(tmp_path / "clean", [Document(str(i), "made up", text) for i, text in enumerate(texts)])
    report = build_text_models(shards, PreparedText(None, tmp_path), tmp_path / "clean", tmp_path / "out")
    assert report.tokens == 100 < report.tokens_of
    assert 1 <= report.passages <= 3
