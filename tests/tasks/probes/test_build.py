"""Probes: the same rows each time, no text in two rows or two splits, and nothing that gives the answer away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, Gpt1Words
from pretrace.tasks.probes.build import PROBES, make_probe
from pretrace.tasks.probes.continuations import CHOICES
from pretrace.tasks.probes.source import MASK
from pretrace.tasks.probes.texts import divide
from pretrace.tasks.probes.units import common_words
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData
from tests.helpers.pseudo_text import as_text, documents, probe_sizes

SIZES = probe_sizes(3000, 3000, 3000)
KINDS = {
    "source": "classification",
    "acceptability": "classification",
    "follows": "entailment",
    "same": "similarity",
    "nearness": "regression",
    "cloze": "multiple_choice",
}
every_probe = pytest.mark.parametrize("name", PROBES)


def make(name: str, corpus: Sequence[Document], wanted: int = 3000) -> TaskData:
    settings = SIZES, KINDS[name], "accuracy", lambda text: text
    return make_probe(name, zip(corpus, corpus, strict=True), dict.fromkeys(SPLITS, wanted), *settings)


@cache
def probe(name: str) -> TaskData:
    return make(name, documents())


@pytest.mark.slow
@every_probe
def test_probe_rows_have_the_right_form(name: str) -> None:
    task = probe(name)
    assert task.unavailable is None
    assert task.kind == KINDS[name]
    parts = {"classification": 1, "multiple_choice": CHOICES + 1}.get(task.kind, 2)
    for split in SPLITS:
        assert len(task.splits[split]) > 60
        for row in task.splits[split]:
            assert len(row.parts) == parts
            assert all(part and part == " ".join(part.split()) for part in row.parts)
    assert len(task.splits["train"]) > len(task.splits["test"]) > len(task.splits["dev"])


@pytest.mark.slow
@every_probe
def test_probe_is_deterministic(name: str) -> None:
    again = make(name, documents())
    assert again == probe(name)
    assert make(name, documents()[::-1]) == again  # whatever the order of the files


@pytest.mark.slow
@every_probe
def test_probe_with_fewer_rows_has_the_first_of_them(name: str) -> None:
    few = make(name, documents(), 60)
    for split in SPLITS:
        assert 50 <= len(few.splits[split]) <= 60
        if name != "source":  # there, the number of rows decides which sources have enough
            assert few.splits[split] == probe(name).splits[split][: len(few.splits[split])]


@pytest.mark.slow
@every_probe
def test_probe_splits_have_different_documents(name: str) -> None:
    origins = {split: {row.origin for row in probe(name).splits[split]} for split in SPLITS}
    known = {document.id for document in documents()}
    assert all(found <= known for found in origins.values())
    for a, b in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not origins[a] & origins[b]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["follows", "same", "nearness", "cloze"])
def test_probe_parts_are_from_the_documents_of_their_split(name: str) -> None:
    divided = divide(as_text(document) for document in documents())
    for split in SPLITS:
        text = "\n".join(f" {' '.join(member.words)} " for member in divided[split])
        assert all(f" {part} " in text for row in probe(name).splits[split] for part in row.parts)


@every_probe
def test_probe_has_no_passage_twice(name: str) -> None:
    parts = Counter(part for split in SPLITS for row in probe(name).splits[split] for part in row.parts)
    assert parts.most_common(1)[0][1] == 1


def test_acceptability_has_no_sentence_also_perturbed() -> None:
    times = Counter(" ".join(words) for d in documents() for words in as_text(d).sentences())
    task = probe("acceptability")
    assert max(times.values()) > 5  # the corpus does have sentences that stand in several documents
    for split in SPLITS:
        for row in task.splits[split]:
            assert times[row.parts[0]] == (1 if task.labels[row.label] == "as written" else 0)


@pytest.mark.parametrize("name", ["source", "acceptability", "follows", "same", "nearness"])
def test_probe_classes_are_balanced(name: str) -> None:
    for split in SPLITS:
        counts = Counter(row.label for row in probe(name).splits[split])
        assert len(counts) == (len(probe(name).labels) if probe(name).labels else 4)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_cloze_label_takes_every_value() -> None:
    for split in SPLITS:
        counts = Counter(row.label for row in probe("cloze").splits[split])
        assert set(counts) == set(range(CHOICES))
        expected = sum(counts.values()) / CHOICES
        assert all(abs(count - expected) < 3.5 * (expected * 0.75) ** 0.5 for count in counts.values())


@pytest.mark.slow
def test_probe_labels_are_true() -> None:
    texts = {document.id: f" {' '.join(as_text(document).words)} " for document in documents()}
    for split in ("dev", "test"):
        for row in probe("follows").splits[split]:
            joined = f" {row.parts[0]} {row.parts[1]} "
            assert any(joined in text for text in texts.values()) == bool(row.label)
        for row in probe("cloze").splits[split]:
            fits = [any(f" {row.parts[0]} {c} " in text for text in texts.values()) for c in row.parts[1:]]
            assert fits == [i == row.label for i in range(CHOICES)]
        for row in probe("same").splits[split]:
            assert all(f" {part} " in texts[row.origin] for part in row.parts) == bool(row.label)
        for row in probe("nearness").splits[split]:
            inside = f" {row.parts[1]} " in texts[row.origin]
            assert inside == (row.label >= 2)
            assert (f" {row.parts[0]} {row.parts[1]} " in texts[row.origin]) == (row.label == 3)
            source = row.origin.split("/")[0]
            assert any(f" {row.parts[1]} " in t for i, t in texts.items() if i.startswith(source)) == (row.label >= 1)


@pytest.mark.parametrize("name", ["same", "nearness", "follows"])
def test_pairs_share_only_the_most_common_words(name: str) -> None:
    common = common_words(divide(as_text(document) for document in documents()))
    for split in SPLITS:
        rows = probe(name).splits[split]
        shared = [set(row.parts[0].split()) & set(row.parts[1].split()) for row in rows]
        assert set().union(*shared) <= common
        assert any(shared)


def test_source_masks_names_and_words_of_one_source() -> None:
    task = probe("source")
    corpus = [
        Document(d.id, d.source, d.text.replace(" the ", f" {d.source} ", 3).replace(" of ", f" only{d.source} "))
        for d in documents()
    ]
    named = make("source", corpus)
    words = {word for split in SPLITS for row in named.splits[split] for word in row.parts[0].split()}
    assert MASK in words
    assert not words & {*task.labels, *(f"only{name}" for name in task.labels)}
    assert named.details["masked_words"] > task.details["masked_words"]


# Give-aways. What is not meant to tell the label is given to a linear model, which has to stay at chance on test.

Features = Callable[[list[Row]], csr_matrix]


def words_of(part: int, train: list[Row]) -> Features:
    """The words of one part alone."""
    vectorizer = CountVectorizer(token_pattern=r"\S+", binary=True, min_df=2).fit(row.parts[part] for row in train)
    return lambda rows: vectorizer.transform(row.parts[part] for row in rows)


def lengths_of(parts: Sequence[int]) -> Features:
    """Lengths in words and characters, and the marks and masks in them."""

    def features(rows: list[Row]) -> csr_matrix:
        texts = [[row.parts[part] for part in parts] for row in rows]
        values = [[f(t) for t in row for f in (len, lambda t: len(t.split()), lambda t: t.count(","))] for row in texts]
        table = np.array(values, float)
        return csr_matrix((table - table.mean(0)) / np.maximum(table.std(0), 1e-9))

    return features


def excess(rows: dict[str, list[Row]], features: Features) -> float:
    """How far above chance a logistic regression is on the test rows, in standard errors."""
    labels = {split: np.array([row.label for row in rows[split]]) for split in rows}
    model = LogisticRegression(C=0.1, max_iter=200).fit(features(rows["train"]), labels["train"])
    accuracy = (model.predict(features(rows["test"])) == labels["test"]).mean()
    chance = max(Counter(labels["test"].tolist()).values()) / len(labels["test"])
    return float((accuracy - chance) / (chance * (1 - chance) / len(labels["test"])) ** 0.5)


ALONE = 3.0
"""Standard errors; the rows are always the same, so this passes or fails for good."""


@pytest.mark.parametrize("name", ["follows", "same"])
@pytest.mark.parametrize("part", [0, 1])
def test_pair_label_is_at_chance_from_one_part(name: str, part: int) -> None:
    rows = probe(name).splits
    assert excess(rows, words_of(part, rows["train"])) < ALONE


@pytest.mark.parametrize("name", ["acceptability", "follows", "same"])
def test_label_is_at_chance_from_lengths(name: str) -> None:
    rows = probe(name).splits
    assert excess(rows, lengths_of(range(len(rows["train"][0].parts)))) < ALONE


def choices_alone(rows: list[Row]) -> list[Row]:
    """Each choice as a row of its own: is it the right one?"""
    return [Row((choice,), int(i == row.label)) for row in rows for i, choice in enumerate(row.parts[1:])]


@pytest.mark.parametrize("what", ["words", "lengths"])
def test_cloze_label_is_at_chance_from_choices_alone(what: str) -> None:
    rows = probe("cloze").splits
    train, test = choices_alone(rows["train"]), choices_alone(rows["test"])
    features = words_of(0, train) if what == "words" else lengths_of([0])
    model = LogisticRegression(C=0.1, max_iter=200).fit(features(train), [row.label for row in train])
    chosen = model.decision_function(features(test)).reshape(-1, CHOICES).argmax(1)
    accuracy = float(np.mean(chosen == [row.label for row in rows["test"]]))
    assert accuracy < 1 / CHOICES + ALONE * (0.25 * 0.75 / len(chosen)) ** 0.5


def test_cloze_label_is_at_chance_from_context_alone() -> None:
    rows = probe("cloze").splits
    assert excess(rows, words_of(0, rows["train"])) < ALONE


@pytest.mark.parametrize("part", [0, 1])
def test_nearness_is_at_chance_from_one_part(part: int) -> None:
    rows = probe("nearness").splits
    features = words_of(part, rows["train"])
    labels = {split: np.array([row.label for row in rows[split]]) for split in rows}
    model = Ridge(alpha=30.0).fit(features(rows["train"]), labels["train"])
    r = np.corrcoef(model.predict(features(rows["test"])), labels["test"])[0, 1]
    assert r < ALONE / len(labels["test"]) ** 0.5


def test_pair_label_is_learned_from_both_parts() -> None:
    """The pseudo-text has what the probes ask for, so being at chance above says something."""

    users: dict[str, set[str]] = {}
    for document in documents():
        for word in document.text.split():
            users.setdefault(word, set()).add(document.source)

    def related(rows: list[Row]) -> csr_matrix:
        """Pairs of words, one of each part, of which each is used by one source alone, and that the same."""
        sources = [[[u for w in part.split() if len(u := users[w]) == 1] for part in row.parts] for row in rows]
        return csr_matrix([[float(sum(x == y for x in a for y in b))] for a, b in sources])

    assert excess(probe("follows").splits, related) > ALONE
    assert excess(probe("same").splits, related) > ALONE
    rows = probe("source").splits
    assert excess(rows, words_of(0, rows["train"])) > 10


@pytest.mark.parametrize("give_away", ["a word", "a length"])
def test_planted_give_away_is_detected(give_away: str) -> None:
    planted = {
        split: [
            Row((row.parts[0], f"{row.parts[1]} {'zz' if give_away == 'a word' else 'the'}"), row.label)
            if row.label and number % 4 == 1
            else row
            for number, row in enumerate(rows)
        ]
        for split, rows in probe("follows").splits.items()
    }
    features = words_of(1, planted["train"]) if give_away == "a word" else lengths_of([1])
    assert excess(planted, features) > ALONE


# What a corpus is too small for.


def test_probe_of_a_small_corpus_is_unavailable_with_a_reason() -> None:
    few = [Document(d.id, d.source, d.text[:300]) for d in documents()[:5]]
    for name in PROBES:
        task = make(name, few)
        assert task.unavailable
        assert task.splits == {split: [] for split in SPLITS}


def test_source_probe_needs_two_sources() -> None:
    task = make("source", [d for d in documents() if d.source == "elm"])
    assert "needs two sources" in task.unavailable
    assert make("acceptability", [d for d in documents() if d.source == "elm"]).unavailable is None


def test_probe_without_documents() -> None:
    assert all(make(name, []).unavailable for name in PROBES)


def test_probe_of_another_kind_is_refused() -> None:
    with pytest.raises(PretraceError, match="the probe 'follows' is of kind entailment, got similarity"):
        make_probe("follows", [], dict.fromkeys(SPLITS, 10), SIZES, "similarity", "accuracy", Gpt1Words())
