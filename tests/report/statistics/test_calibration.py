"""No true difference: how often one is claimed. The figures of docs/statistics.md are those of the nightly test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from pretrace.report.statistics.estimates import mean
from pretrace.report.statistics.verdicts import compare, find_winners
from tests.helpers.simulated_columns import Column, draw_tasks

CASES = {
    "three seeds, three seeds": (Column("full"), Column("scratch", seed_spread=0.03)),
    "three seeds, single fit": (Column("full", seed_spread=0.02), Column("scratch", seeds=0)),
    "rows of a document alike": (Column("full", document_spread=0.3), Column("scratch", document_spread=0.3)),
    "two pre-trainings": (Column("full", pretrainings=2, pretraining_spread=0.045), Column("scratch")),
    "four pre-trainings": (Column("full", 2, pretrainings=4, pretraining_spread=0.045), Column("scratch")),
}


def share_of_claims(case: str, draws: int, rows: int = 400, tasks: int = 1, seed: int = 0) -> int:
    """Return how often `full - scratch` is claimed on the mean over tasks."""
    random, claims = np.random.default_rng(seed), 0
    for _ in range(draws):
        scores = draw_tasks(random, CASES[case], tasks, rows)
        claims += mean([one.minus("full", "scratch") for one in scores.values()]).difference().beyond
    return claims


def most(draws: int) -> int:
    """Return the largest number of claims that 5 % explain, but for one simulation of a thousand."""
    return int(binom.ppf(0.999, draws, 0.05))


@pytest.mark.parametrize("case", CASES)
def test_differences_that_are_none_are_claimed_in_five_percent_at_most(case: str) -> None:
    assert share_of_claims(case, 150) <= most(150)


def test_mean_over_tasks_that_share_documents_and_pretrainings() -> None:
    assert share_of_claims("two pre-trainings", 60, tasks=4) <= most(60)


def test_any_claim_of_a_table_is_rare_after_holm() -> None:
    """Four columns on four tasks: without a correction one table of four has a claim or more."""
    columns = [Column("full"), Column("scratch"), Column("tfidf", seeds=0), Column("ngram", seeds=0)]
    random, raw, corrected, bold = np.random.default_rng(1), 0, 0, 0
    for _ in range(60):
        scores = draw_tasks(random, columns, tasks=4, rows=200)
        names = {task: [column.name for column in columns] for task in scores}
        comparisons, overall = compare(scores, names)
        others = [*comparisons, *(one for one in overall if not one.primary)]
        raw += any(one.p < 0.05 for one in others)
        corrected += any(one.beyond for one in others)
        bold += any(find_winners(scores, names).values())
    assert raw > 6
    assert corrected <= most(60) and bold <= most(60)


def test_one_pretraining_of_several_points_is_claimed_too_often() -> None:
    """What the sentence under the table is for: with one pre-training its draw is in no interval."""
    one = (Column("full", pretrainings=1, pretraining_spread=0.045), Column("scratch"))
    random = np.random.default_rng(2)
    claims = sum(draw_tasks(random, one)["task 0"].minus("full", "scratch").difference().beyond for _ in range(100))
    assert claims > 2 * most(100)


def test_one_seed_claims_nothing() -> None:
    columns = (Column("full", seeds=1, level=0.9), Column("scratch", seeds=1), Column("tfidf", seeds=0))
    scores = draw_tasks(np.random.default_rng(3), columns, tasks=2)
    names = {task: ["full", "scratch", "tfidf"] for task in scores}
    comparisons, overall = compare(scores, names)
    assert {one.beyond for one in [*comparisons, *overall]} == {None}
    assert set(find_winners(scores, names).values()) == {None}


def test_true_difference_is_found() -> None:
    columns = (Column("full", level=0.75), Column("scratch"), Column("tfidf", seeds=0))
    scores = draw_tasks(np.random.default_rng(4), columns, tasks=3)
    names = {task: ["full", "scratch", "tfidf"] for task in scores}
    comparisons, overall = compare(scores, names)
    assert all(one.beyond for one in [*comparisons, *overall])
    assert [one.primary for one in overall] == [True, False]
    assert set(find_winners(scores, names).values()) == {"full"}
    (primary, _) = overall
    assert primary.p_holm == primary.p
    assert all(one.p_holm >= one.p for one in comparisons)


def test_on_one_task_the_comparison_named_beforehand_is_counted_once() -> None:
    columns = (Column("full"), Column("scratch"), Column("tfidf", seeds=0))
    scores = draw_tasks(np.random.default_rng(5), columns)
    comparisons, overall = compare(scores, {"task 0": ["full", "scratch", "tfidf"]})
    assert [one.p_holm for one in comparisons] == [one.p for one in comparisons] == [one.p for one in overall]


@pytest.mark.nightly
@pytest.mark.parametrize("case", CASES)
def test_calibration_in_the_large(case: str) -> None:
    one, several = share_of_claims(case, 2000, 1200), share_of_claims(case, 500, 1200, tasks=6)
    print(f"{case}: {one / 20:.1f} % on one task, {several / 5:.1f} % on the mean over six")
    assert one <= most(2000) and several <= most(500)
