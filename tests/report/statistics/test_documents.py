"""How far each document moves a score, against leaving it out, the sandwich, and the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from pretrace.report.statistics.documents import moves
from pretrace.tasks.rows.metrics import score

METRICS = ["accuracy", "matthews", "f1", "pearson", "spearman"]


def rows(metric: str, groups: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, predictions and documents of unequal size, whose rows are alike: what is hard is so for all of them."""
    random = np.random.default_rng(seed)
    documents_N = np.repeat(np.arange(groups), random.integers(1, 9, groups))
    hard_N = random.random(groups)[documents_N]
    if metric in ("pearson", "spearman"):
        labels_N = random.integers(0, 6, len(documents_N)).astype(float)
        return labels_N, labels_N + random.normal(size=len(labels_N)) * (1 + 4 * hard_N), documents_N
    labels_N = random.integers(0, 2, len(documents_N))
    return labels_N, np.where(random.random(len(labels_N)) < 0.6 * hard_N, 1 - labels_N, labels_N), documents_N


@pytest.mark.parametrize("metric", METRICS)
def test_moves_are_what_leaving_out_a_document_does(metric: str) -> None:
    labels_N, predictions_N, documents_N = rows(metric)
    kept = [documents_N != document for document in range(60)]
    without = np.array([score(metric, labels_N[rows], predictions_N[rows]) for rows in kept])
    jackknife = (without.mean() - without) * np.sqrt(59 / 60)
    result = moves(metric, labels_N, predictions_N, documents_N)
    # The accuracy has the linear form, which agrees with leaving out as far as the documents' sizes do.
    assert np.allclose(result, jackknife, atol=2e-3 if metric == "accuracy" else 1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_variance_is_that_of_a_bootstrap_of_documents(metric: str) -> None:
    labels_N, predictions_N, documents_N = rows(metric)
    random, draws = np.random.default_rng(1), []
    members = [np.flatnonzero(documents_N == document) for document in range(60)]
    for _ in range(1500):
        drawn = np.concatenate([members[document] for document in random.integers(0, 60, 60)])
        draws.append(score(metric, labels_N[drawn], predictions_N[drawn]))
    result = np.sqrt(np.sum(moves(metric, labels_N, predictions_N, documents_N) ** 2))
    assert result == pytest.approx(np.std(draws), rel=0.12)


def test_accuracy_is_the_cluster_robust_regression() -> None:
    """The sandwich of a regression on a constant, or on a dummy for each class, with G / (G - K) for small samples."""
    labels_N, predictions_N, documents_N = rows("accuracy")
    right_N = (labels_N == predictions_N).astype(float)
    for balanced, design in ((False, np.ones((len(labels_N), 1))), (True, np.eye(2)[labels_N])):
        bread = np.linalg.inv(design.T @ design)
        coefficients = bread @ design.T @ right_N
        sums = np.array(
            [(design * (right_N - design @ coefficients)[:, None])[documents_N == g].sum(0) for g in range(60)]
        )
        shares = design.mean(0)
        columns = design.shape[1]
        variance = shares @ bread @ (sums.T @ sums) @ bread @ shares * 60 / (60 - columns)
        result = np.sum(moves("accuracy", labels_N, predictions_N, documents_N, balanced) ** 2)
        assert result == pytest.approx(variance)


def test_rows_of_their_own_documents_have_the_variance_of_a_mean() -> None:
    labels_N, predictions_N, _ = rows("accuracy")
    count = len(labels_N)
    right_N = labels_N == predictions_N
    result = np.sum(moves("accuracy", labels_N, predictions_N, np.arange(count)) ** 2)
    assert result == pytest.approx(np.var(right_N, ddof=1) / count)


def test_rows_that_are_alike_count_once() -> None:
    labels_N, predictions_N, documents_N = rows("accuracy")
    once = moves("accuracy", labels_N, predictions_N, documents_N)
    thrice = moves("accuracy", *(np.repeat(values, 3) for values in (labels_N, predictions_N, documents_N)))
    assert thrice == pytest.approx(once)


@pytest.mark.parametrize("metric", METRICS)
def test_constant_answer_of_a_balanced_split_does_not_move(metric: str) -> None:
    labels_N, documents_N = np.arange(80) % 2, np.arange(80) // 4
    constant_N = np.zeros(80) if metric in ("pearson", "spearman") else np.zeros(80, int)
    assert np.abs(moves(metric, labels_N, constant_N, documents_N, balanced=True)).max() == 0


def test_spearman_of_many_documents_is_left_out_in_blocks() -> None:
    labels_N, predictions_N, _ = rows("spearman", groups=300)
    count = len(labels_N)
    result = moves("spearman", labels_N, predictions_N, np.arange(count))
    assert len(result) == count > 1000
    reference = np.sum(
        moves("pearson", *(np.argsort(np.argsort(v)) for v in (labels_N, predictions_N)), np.arange(count)) ** 2
    )
    assert np.sum(result**2) == pytest.approx(reference, rel=0.3)


def test_one_document_tells_no_variance() -> None:
    assert moves("accuracy", np.ones(4), np.ones(4), np.zeros(4, int)).tolist() == [0.0]
