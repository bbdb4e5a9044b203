"""The benchmark table in Markdown, and the sentences under it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.report import benchmark_markdown, build_benchmark, update_readme
from pretrace.report.markdown import APART, BEGIN, END, escape, findings, reading
from pretrace.schemas.benchmark import Benchmark
from pretrace.settings import load_settings
from tests.helpers import made_up_results as made_up


def build(reports: Path) -> Benchmark:
    return build_benchmark(load_settings(), reports, reports.parent / "data")


def test_findings_say_where_it_is_decided_and_where_not(reports: Path) -> None:
    primary, against_scratch, against_majority, against_tfidf = findings(build(reports))
    assert primary.startswith("**Named beforehand: full - scratch on the mean over 2 tasks is +13.8 ±")
    assert primary.endswith(": above.**")
    assert "scratch: above on source (+27.0" in against_scratch
    assert "not told apart on follows (+0.7" in against_scratch
    assert "on the mean" not in against_scratch
    assert "not told apart on follows" in against_majority
    assert "; on the mean over 2 tasks +20.5 ±" in against_majority and against_majority.endswith(", above.")
    assert "above on source" in against_tfidf
    assert "below on follows (-29.0" in against_tfidf


@pytest.mark.slow
def test_table(reports: Path) -> None:
    lines = benchmark_markdown(build(reports)).splitlines()
    assert lines[0] == "| task | format | metric | n test | full | scratch | majority | TF-IDF |"
    assert (
        lines[2]
        == "| source | classification | accuracy | 1,000 | **50.0 ± 2.2** | 23.0 ± 6.2 | 10.0 ± 1.9 | 45.0 ± 3.1 |"
    )
    assert (
        lines[3]
        == "| follows | ordered pair | accuracy | 1,000 | 51.0 ± 2.2 | 50.3 ± 1.9 | 50.0 ± 3.1 | **80.0 ± 2.5** |"
    )
    assert lines[4] == "| mean |  |  |  | 50.5 ± 1.5 | 36.7 ± 2.8 | 30.0 ± 1.8 | 62.5 ± 2.0 |"


def test_winner_is_beyond_the_noise(reports: Path) -> None:
    assert build(reports).winners == {"source": "full", "follows": "tfidf"}
    # The bag of words has 45: on 1,000 rows, 47 is not beyond the noise.
    made_up.write_predictions(reports.parent / "data", "source", "full", [made_up.right_on(0.47, s) for s in range(3)])
    assert build(reports).winners["source"] is None


def test_language_model_without_fine_tuning_is_a_baseline(reports: Path) -> None:
    made_up.write_zero_shot(reports)
    benchmark = build(reports)
    (row,) = [row for row in benchmark.rows if row.variant == "lm_zero_shot"]
    assert (row.task, row.score, row.n_train, row.n_eval) == ("source", 0.4, 0, 500)
    assert row.stderr == pytest.approx(0.0219, abs=1e-4)
    (pair,) = [pair for pair in benchmark.comparisons if pair.against == "lm_zero_shot"]
    assert 0.02 < pair.noise < 0.12
    assert "lm_zero_shot" not in benchmark.averages
    head, _, source, follows, *_ = benchmark_markdown(benchmark).splitlines()
    assert head.endswith("| TF-IDF | LM, zero-shot |")
    assert re.search(r"\| 39\.\d ± 4\.3 \|$", source)
    assert follows.endswith("| n/a |")


def test_classifier_on_frozen_states_is_a_column(reports: Path) -> None:
    for name in made_up.KINDS:
        made_up.write_frozen(reports, name, 0.6)
    benchmark = build(reports)
    rows = [row for row in benchmark.rows if row.variant == "frozen"]
    assert [(row.score, row.scores, row.n_train, row.n_eval) for row in rows] == [(0.6, [0.6], 3000, 1000)] * 2
    assert benchmark.averages["frozen"] == 0.6
    assert len([pair for pair in benchmark.comparisons if pair.against == "frozen"]) == 2
    assert "| frozen LM + LR |" in benchmark_markdown(benchmark)


def test_threshold_chosen_on_labels_is_said(reports: Path) -> None:
    made_up.write_zero_shot(reports)
    path = reports / "zeroshot" / "gpt1.json"
    assert "threshold" not in benchmark_markdown(build(reports))
    made = read_json(path)
    made["tasks"]["source"]["lm_zero_shot"]["transformer"] |= {"threshold": 0.5, "n_dev": 400, "extra_variance": 4e-4}
    made_up.write(path, made)
    benchmark = build(reports)
    assert [row.extra_variance for row in benchmark.rows if row.variant == "lm_zero_shot"] == [4e-4]
    said = "Zero-shot on source has a threshold chosen with the labels of the dev rows"
    assert f"LM, zero-shot: on at most 500 of the rows. {said}" in benchmark_markdown(benchmark)


def test_unavailable_task_is_in_no_mean(reports: Path) -> None:
    made_up.write(reports / "tasks" / "follows.json", made_up.task("follows", unavailable="too small"))
    for variant in ("full", "scratch"):
        gone = made_up.result("follows", variant, score=None, unavailable="too small")
        made_up.write(reports / "finetune" / f"follows-{variant}.json", gone)
    benchmark = build(reports)
    assert benchmark.averages["full"] == 0.5
    assert [pair.tasks for pair in benchmark.overall] == [1, 1, 1]


@given(text=st.text())
def test_escaped_text_stays_in_its_cell(text: str) -> None:
    escaped = escape(text).replace(APART, "")
    assert "\n" not in escaped
    assert "<" not in escaped
    assert escaped.replace("\\\\", "").replace("\\|", "").count("|") == 0


def test_readme_changes_between_its_marks_only(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        update_readme(readme, "| a |\n")
        assert readme.read_text() == f"before\n{BEGIN}\n\n| a |\n\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_readme_without_its_marks_is_left_alone(tmp_path: Path, text: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(PretraceError, match=r"README\.md"):
        update_readme(readme, "| a |")
    assert readme.read_text() == text


def with_seeds(reports: Path, pretrain_seeds: list[int], seeds: int) -> Benchmark:
    """The table where `full` starts from these pre-trainings, each fine-tuned with so many seeds."""
    data = reports.parent / "data"
    for task in ("source", "follows"):
        for variant, level in (("full", 0.5), ("scratch", 0.4)):
            starts = pretrain_seeds if variant == "full" else [None]
            scores = [level + start / 25 + seed / 1000 for start in range(len(starts)) for seed in range(seeds)]
            own = [start for start in starts for _ in range(seeds)]
            report = made_up.result(task, variant, scores=scores, score=sorted(scores)[len(scores) // 2])
            report |= {"pretrain_seeds": [start for start in own if start is not None], "seeds": list(range(seeds))}
            made_up.write(reports / "finetune" / f"{task}-{variant}.json", report)
            path = data / "predictions" / f"{task}-{variant}.parquet"
            made_up.write_predictions(data, task, variant, [made_up.right_on(s, i) for i, s in enumerate(scores)])
            table = pd.read_parquet(path)
            run = np.repeat(np.arange(len(scores)), made_up.ROWS)
            table["seed"], table["pretrain_seed"] = run % seeds, np.array(own, object)[run]
            table.to_parquet(path)
    settings = load_settings()
    return build_benchmark(settings.model_copy(update={"seeds": list(range(seeds))}), reports, data)


def test_one_seed_gives_no_verdict(reports: Path) -> None:
    benchmark = with_seeds(reports, [42], 1)
    text = benchmark_markdown(benchmark)
    assert "One seed: no verdict, and no bold." in text and "| **" not in text
    assert all(pair.beyond is None for pair in [*benchmark.comparisons, *benchmark.overall])
    assert "full against TF-IDF: one seed: no verdict on source (+" in text
    assert "above on" not in text and "not told apart on" not in text


def test_one_pretraining_is_said_and_two_are_in_the_intervals(reports: Path) -> None:
    said = "One pre-training: how much another would differ is not in these intervals."
    one = with_seeds(reports, [42], 3)
    assert said in reading(one) and "the mean over 3 seeds ±" in reading(one)
    two = with_seeds(reports, [42, 43], 3)
    assert said not in reading(two)
    assert "the mean over 3 seeds of each of 2 pre-trainings ±" in reading(two)
    assert "the test documents and of the pre-trainings" in reading(two)
    widths = [next(row.interval for row in table.rows if row.variant == "full") for table in (one, two)]
    assert widths[1] > 2 * widths[0]  # means 4 points apart, one degree of freedom


def test_table_and_sentences_have_the_same_sign(reports: Path) -> None:
    """A median would be above the other column here, and the mean is below."""
    made_up.write_predictions(
        reports.parent / "data", "source", "full", [made_up.right_on(s, i) for i, s in enumerate((0.46, 0.46, 0.40))]
    )
    benchmark = build(reports)
    means = {row.variant: row.mean for row in benchmark.rows if row.task == "source"}
    for pair in benchmark.comparisons:
        if pair.task == "source":
            assert pair.difference == pytest.approx(means["full"] - means[pair.against], abs=2e-6)
    assert means["full"] < means["tfidf"] < 0.46
