"""Word vectors as a system: from documents over the stages' code to vectors, tests of words and a head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, write_documents
from pretrace.evaluation.word_tests.run import score_words
from pretrace.export import export
from pretrace.model import load_model
from pretrace.model.word2vec import Word2Vec
from pretrace.schemas.models import PretrainReport
from pretrace.schemas.record import read_record
from pretrace.schemas.zero_shot import ZeroShotReport
from pretrace.settings import Settings
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData, write_rows
from pretrace.tasks.rows.encoded import encode_rows
from pretrace.tokens import load_vocabulary, train_on_documents
from pretrace.tokens.shards import write_shards
from pretrace.training.features.run import train_heads
from pretrace.training.word2vec.vectors import read_word2vec
from tests.helpers.small_training import settings_with
from tests.helpers.stages_in_process import a_run, stage

SYSTEM = "gpt1"
"""The name that the small settings give their system."""
ANIMALS, TOOLS = ["cat", "dog", "cow", "hen"], ["saw", "axe", "file", "pin"]
CHANGES = {
    "kind": "word2vec",
    "vocabulary": {"size": 100, "kind": "words", "min_count": 2},
    "word2vec": {"width": 12, "window": 2, "epochs": 20, "sample": 0.0, "lr": 0.05},
}


def settings_of(**top: Any) -> Settings:
    variants = {"vectors": {"transfer": "features", "head": {"epochs": 10, "lr": 0.02}}}
    return settings_with(CHANGES, **{"variants": variants, **top})


def sentences(random: np.random.Generator, count: int) -> list[str]:
    """Animals eat and sleep, tools cut and lie."""
    texts = []
    for _ in range(count):
        animal, tool = random.choice(ANIMALS), random.choice(TOOLS)
        texts.append(f"the {animal} will eat and the {tool} must cut well")
    return texts


@pytest.fixture
def project() -> Path:
    """Documents, vocabulary and shards, where the stages have them; the current folder is the test's own."""
    random = np.random.default_rng(0)
    for split, count in (("train", 60), ("validation", 6)):
        texts = ["\n".join(sentences(random, 5)) for _ in range(count)]
        write_documents(Path("clean") / split, [Document(f"{split}{n}", "s", text) for n, text in enumerate(texts)])
    out, chosen = Path(f"models/vocabulary/{SYSTEM}"), settings_of().scale.vocabulary
    train_on_documents(chosen, Path("clean/train"), out, Path("scratch"), Path("prepared"), None)
    write_shards(Path("clean"), load_vocabulary(out), Path(f"data/shards/{SYSTEM}"))
    return Path()


def pretrain(settings: Settings) -> PretrainReport:
    stage("pretrain").main(a_run(settings, SYSTEM))
    return read_record(Path(f"reports/pretrain/{SYSTEM}.json"), PretrainReport)


@pytest.mark.usefixtures("project")
def test_stage_makes_vectors_that_know_the_words_and_their_neighbors() -> None:
    report = pretrain(settings_of(pretrain={"seeds": [3, 4]}))
    assert report.model == "word2vec"
    assert report.loss[0] == "val_pair_loss"
    assert report.seeds == [3, 4]
    assert report.loss[1] < 6 * np.log(2) * 0.8
    assert report.flops > 0
    folder = Path(f"models/pretrained/{SYSTEM}/word2vec")
    model, vocabulary = load_model(folder), load_vocabulary(folder / "vocabulary")
    assert isinstance(model, Word2Vec)
    assert not model.token_embedding.weight[[vocabulary.unknown_id, vocabulary.document_end_id]].any()
    weights = (folder / "model.safetensors").read_bytes()
    other = (folder.parent / "word2vec-seed-4" / "model.safetensors").read_bytes()
    pretrain(settings_of(pretrain={"seeds": [3, 4]}))
    assert (folder / "model.safetensors").read_bytes() == weights != other


@pytest.mark.usefixtures("project")
def test_words_are_tested_and_exported() -> None:
    pairs = [("a", "cat", "dog", 9.0), ("a", "cat", "saw", 1.0), ("a", "hen", "Cow", 8.0), ("a", "x", "cat", 1.0)]
    pd.DataFrame(pairs, columns=["set", "word1", "word2", "score"]).to_csv("pairs.csv", index=False)
    tests = {"pairs": {"protocol": "similarity", "file": "pairs.csv"}, "l": {"protocol": "last_word", "file": "no.csv"}}
    settings = settings_of(language_tests=tests)
    pretrain(settings)
    Path("data/tasks").mkdir()
    stage("zeroshot").main(a_run(settings, SYSTEM))
    report = read_record(Path(f"reports/zeroshot/{SYSTEM}.json"), ZeroShotReport)
    assert report.tasks == report.language_tests == {}
    words = report.words["word2vec"]
    assert (words.similarity["a"].pairs, words.similarity["a"].missing) == (3, 1)
    assert (words.similarity["a"].spearman or 0) > 0
    assert len(words.neighbors["will"]) == 6

    out = export(Path(f"models/pretrained/{SYSTEM}/word2vec"), "word2vec", Path("out"))
    vectors = read_word2vec(out / "vectors.txt")
    assert vectors.words[0] == "the"
    near = vectors.nearest(vectors.directions[[vectors.numbers["cat"]]], [[vectors.numbers["cat"]]], 3)[0]
    assert {vectors.words[number] for number in near} <= {*ANIMALS}
    with pytest.raises(PretraceError, match="the format onnx cannot hold a model of kind word2vec; takes word2vec"):
        export(Path(f"models/pretrained/{SYSTEM}/word2vec"), "onnx", Path("graph"))


@pytest.mark.usefixtures("project")
def test_bad_file_of_a_test_is_named() -> None:
    settings = settings_of(language_tests={"mine": {"protocol": "analogies", "file": "none.csv"}})
    pretrain(settings)
    with pytest.raises(PretraceError, match=r"language_tests\.mine: none\.csv: no such file"):
        score_words(settings, Path(f"models/pretrained/{SYSTEM}"))


@pytest.mark.usefixtures("project")
def test_head_on_word_vectors_tells_animals_from_tools() -> None:
    """With unknown words in each text; the words of the test are not those of training."""
    pretrain(settings_of())
    random = np.random.default_rng(1)
    task = TaskData("classification", "accuracy", ["animal", "tool"])
    for split, words, count in zip(SPLITS, (slice(2), slice(2, 3), slice(3, 4)), (40, 20, 20), strict=True):
        labels = random.integers(0, 2, count).tolist()
        texts = [f"zebra {random.choice((ANIMALS, TOOLS)[label][words])}" for label in labels]
        task.splits[split] = [Row((t,), label) for t, label in zip(texts, labels, strict=True)]
    vocabulary = load_vocabulary(Path(f"models/vocabulary/{SYSTEM}"))
    write_rows(Path("rows"), task)
    encode_rows(Path("rows"), vocabulary, vocabulary.recipe, Path("encoded"))
    pretrained, files = Path(f"models/pretrained/{SYSTEM}"), (Path("head"), Path("head.parquet"))
    report, _ = train_heads(settings_of(), "mine", "vectors", Path("encoded"), pretrained, vocabulary.size, *files)
    assert min(report.scores) > 0.9
    assert report.flops == 0


def test_word_vectors_are_not_fine_tuned() -> None:
    with pytest.raises(ValueError, match=r"variants\.full\.transfer: system gpt1 is of kind `word2vec`"):
        settings_of(variants={"full": {}})
