"""The rows of the benchmark table, and the stage to run where a result is missing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.report import benchmark_markdown, build_benchmark
from pretrace.schemas.benchmark import Benchmark
from pretrace.settings import Pretraining, load_settings
from tests.helpers import made_up_results as made_up


def build(reports: Path) -> Benchmark:
    return build_benchmark(load_settings(), reports, reports.parent / "data")


def test_rows_are_tasks_by_variants_and_baselines_in_the_settings_order(reports: Path) -> None:
    rows = build(reports).rows
    assert [(r.task, r.variant) for r in rows] == [
        (task, variant) for task in ("source", "follows") for variant in ("full", "scratch", "majority", "tfidf")
    ]
    assert rows[0].as_json() == {
        "task": "source",
        "kind": "classification",
        "variant": "full",
        "system": "gpt1",
        "metric": "accuracy",
        "score": 0.5,
        "scores": [0.5, 0.51, 0.49],
        "pretrain_seeds": [],
        "stderr": 0.009182,
        "mean": 0.5,
        "interval": 0.022357,
        "n_train": 3000,
        "n_eval": 1000,
    }
    assert (rows[3].score, rows[3].scores, rows[3].n_eval) == (0.45, [0.45], 1000)


def test_scores_are_also_by_task_and_variant(reports: Path) -> None:
    assert build(reports).scores["source"] == {"full": 0.5, "scratch": 0.23, "majority": 0.1, "tfidf": 0.45}


def test_results_of_a_removed_task_are_not_read(reports: Path) -> None:
    (reports / "finetune" / "removed-full.json").write_text("{ not even JSON")
    assert {r.task for r in build(reports).rows} == {"source", "follows"}


def test_missing_result_names_the_stage_to_run(reports: Path) -> None:
    (reports / "finetune" / "follows-scratch.json").unlink()
    with pytest.raises(PretraceError, match="dvc repro finetune@follows-scratch"):
        build(reports)


def test_missing_task_report_names_the_stage_to_run(reports: Path) -> None:
    (reports / "tasks" / "follows.json").unlink()
    with pytest.raises(PretraceError, match="dvc repro tasks@follows"):
        build(reports)


def test_unavailable_task_says_why(reports: Path) -> None:
    made_up.write(reports / "tasks" / "follows.json", made_up.task("follows", unavailable=made_up.HOSTILE))
    for variant in ("full", "scratch"):
        gone = made_up.result("follows", variant, score=None, unavailable=made_up.HOSTILE)
        made_up.write(reports / "finetune" / f"follows-{variant}.json", gone)
    benchmark = build(reports)
    follows = [r for r in benchmark.rows if r.task == "follows"]
    assert [r.variant for r in follows] == ["full", "scratch"]
    assert all(r.score is None and r.scores == [] for r in follows)
    lines = benchmark_markdown(benchmark).splitlines()
    assert "| follows | ordered pair | accuracy | 1,000 | n/a | n/a | n/a | n/a |" in lines
    assert lines[-1].startswith("- follows could not be made: &lt;script\\>")
    assert len({line.count("|") for line in lines[:4]}) == 1


def test_columns_without_fine_tuning_have_a_score_for_each_pre_training(reports: Path) -> None:
    made_up.write_zero_shot(reports)
    made_up.write_frozen(reports, "source", 0.6)
    zero_shot, frozen = reports / "zeroshot" / "gpt1.json", reports / "frozen" / "source-gpt1.json"
    for path, place in ((zero_shot, ("tasks", "source", "lm_zero_shot")), (frozen, ("scores",))):
        values = inner = read_json(path)
        for key in place:
            inner = inner[key]
        inner["transformer-seed-43"] = {**inner["transformer"], "score": 0.7}
        made_up.write(path, values)
    for path in ("zeroshot/gpt1/source.parquet", "frozen/source-gpt1.parquet"):
        table = pd.read_parquet(reports.parent / "data" / path)
        both = pd.concat([table.assign(pretrain_seed=seed) for seed in (42, 43)])
        made_up.write_table(reports.parent / "data" / path, both)
    settings = load_settings().model_copy(update={"pretrain": Pretraining(seeds=[42, 43])})
    rows = {
        row.variant: row
        for row in build_benchmark(settings, reports, reports.parent / "data").rows
        if row.task == "source"
    }
    for column, first in (("lm_zero_shot", 0.4), ("frozen", 0.6)):
        assert (rows[column].scores, rows[column].pretrain_seeds) == ([first, 0.7], [42, 43])
        assert rows[column].score == pytest.approx((first + 0.7) / 2)


@pytest.mark.parametrize("tied", [False, True])
def test_better_constant_than_the_majority_is_noted(reports: Path, tied: bool) -> None:
    """The majority of made-up `source` is right on a tenth of the rows, and all rows are of class 1."""
    best = {"answer": 1, "score": 1.0}
    made_up.write(
        reports / "baselines" / "source.json",
        made_up.baselines("source", best_constant=best, majority_is_tied=tied),
    )
    (note,) = build(reports).notes
    assert note.startswith(
        "source: the answer 'yes' to every row would score 100.0, more than the majority of train (10.0)"
    )
    assert ("dev decided" in note) == tied
    assert note.replace("'", "") in benchmark_markdown(build(reports)).replace("'", "")


def test_majority_that_is_best_is_not_noted(reports: Path) -> None:
    data = reports.parent / "data" / "baselines" / "source.parquet"
    table = pd.read_parquet(data).assign(majority=1)
    table.to_parquet(data)
    best = {"answer": 1, "score": 1.0}
    made_up.write(reports / "baselines" / "source.json", made_up.baselines("source", best_constant=best))
    assert build(reports).notes == []


def test_text_only_baselines_are_columns(reports: Path) -> None:
    own = made_up.baselines("source")
    own["baselines"] |= {"ngram": {"score": 0.3, "stderr": 0.01}, "lsa": {"score": 0.4, "stderr": 0.01}}
    made_up.write(reports / "baselines" / "source.json", own)
    data = reports.parent / "data" / "baselines" / "source.parquet"
    pd.read_parquet(data).assign(ngram=made_up.right_on(0.3, 1), lsa=made_up.right_on(0.4, 2)).to_parquet(data)
    found = build(reports)
    assert found.scores["source"] | {"ngram": 0.3, "lsa": 0.4} == found.scores["source"]
    head = benchmark_markdown(found).splitlines()[0]
    assert head == "| task | format | metric | n test | full | scratch | majority | TF-IDF | n-gram | LSA |"
    assert {pair.against for pair in found.comparisons if pair.task == "source"} >= {"ngram", "lsa"}


def test_further_system_has_columns_of_its_own(two_systems: Path) -> None:
    made_up.write_zero_shot(two_systems)
    made_up.write_frozen(two_systems, "source", 0.5)
    found = build(two_systems)
    assert list(found.systems) == ["gpt1", "gpt2"] and "Radford" in found.systems["gpt2"]
    models = {row.variant: row.system for row in found.rows if row.task == "source" and row.system}
    assert models == {
        **{"full": "gpt1", "scratch": "gpt1", "gpt2_full": "gpt2"},
        **{"lm_zero_shot": "gpt1", "lm_zero_shot-gpt2": "gpt2", "frozen": "gpt1", "frozen-gpt2": "gpt2"},
    }
    assert found.scores["source"] | {"frozen": 0.5, "frozen-gpt2": 0.6} == found.scores["source"]
    assert {"frozen-gpt2", "lm_zero_shot-gpt2", "gpt2_full"} <= {pair.against for pair in found.comparisons}
    head = benchmark_markdown(found).splitlines()[0]
    assert head.endswith(
        "| full | scratch | gpt2_full | majority | TF-IDF | LM, zero-shot | LM, zero-shot, gpt2 | frozen LM + LR |"
        " frozen LM + LR, gpt2 |"
    )
