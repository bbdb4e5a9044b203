"""Scores of written answers beside those of the libraries, called as their own documentation does."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from pretrace.common.errors import PretraceError
from pretrace.sequences.metrics import METRICS, score_texts

ANSWERS = ["the cat sat on the mat", "a dog barks at night", "it rains", "nothing was said about it"]
REFERENCES = [["the cat sat on a mat"], ["the dog barks at night"], ["it is raining"], ["nothing was said about it"]]


def test_scores_of_corpora_are_those_of_sacrebleu() -> None:
    scores = score_texts(["bleu", "chrf"], ANSWERS, REFERENCES)
    streams = [[one for (one,) in REFERENCES]]
    assert 100 * scores["bleu"].score == pytest.approx(sacrebleu.corpus_bleu(ANSWERS, streams).score)
    assert 100 * scores["chrf"].score == pytest.approx(sacrebleu.corpus_chrf(ANSWERS, streams).score)
    assert scores["bleu"].signature == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"
    assert 0 < scores["bleu"].stderr < 0.5


def test_rows_may_have_different_numbers_of_references() -> None:
    several = [[*REFERENCES[0], ANSWERS[0]], *REFERENCES[1:]]
    assert (
        score_texts(["bleu"], ANSWERS, several)["bleu"].score > score_texts(["bleu"], ANSWERS, REFERENCES)["bleu"].score
    )


def test_rouge_is_the_library_s_with_its_stemmer() -> None:
    names = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    scorer, scores = RougeScorer(names, use_stemmer=True), score_texts(names, ANSWERS, REFERENCES)
    for name in names:
        rows = [scorer.score(one, answer)[name].fmeasure for answer, (one,) in zip(ANSWERS, REFERENCES, strict=True)]
        assert scores[name].score == pytest.approx(np.mean(rows))
        assert "stemmer:yes" in (scores[name].signature or "")


@pytest.mark.parametrize("metric", METRICS)
def test_the_reference_itself_has_the_highest_score(metric: str) -> None:
    right = ["nothing was said about it", "it is raining again today"]
    assert score_texts([metric], right, [[one] for one in right], right)[metric].score == pytest.approx(1)


def test_standard_error_is_that_of_a_mean() -> None:
    score = score_texts(["exact"], ["a", "b", "c", "d"], [["a"], ["b"], ["c"], ["x"]])["exact"]
    assert score.score == 0.75
    assert score.stderr == pytest.approx(0.25)
    assert score.rows_N is not None and score.rows_N.tolist() == [1, 1, 1, 0]


def test_no_rows_are_refused() -> None:
    with pytest.raises(PretraceError, match="at least one row"):
        score_texts(["bleu"], [], [])


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_score_that_is_0_in_some_resamples_has_an_interval(metric: str) -> None:
    answers = ["the cat sat on the mat", *["zzz"] * 5]
    found = score_texts([metric], answers, [["the cat sat on the mat"], *[["a b c d"]] * 5])[metric]
    assert 0 < found.stderr < 1
    assert score_texts([metric], ["zzz"] * 4, [["a b c d"]] * 4)[metric].stderr == 0.0
