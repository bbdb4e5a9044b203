"""Scores by the libraries that define them: BLEU and chrF by sacrebleu, of all rows at once; ROUGE by rouge-score."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

RESAMPLES = 500
CONFIDENCE = 1.96
"""Standard errors in half an interval of 95 %, which is what sacrebleu reports."""
Texts = Sequence[Sequence[str]]


def corpus_score(metric: str, answers: Sequence[str], references: Texts) -> tuple[float, float, str]:
    """Return `bleu` or `chrf` of a corpus as a share of 1, its standard error by resampling rows, and the signature.

    Args:
        references: of each answer, one or more.
    """
    from sacrebleu.metrics import BLEU, CHRF
    from sacrebleu.significance import _bootstrap_resample, estimate_ci

    scorer = BLEU() if metric == "bleu" else CHRF()
    most = max(map(len, references))
    streams = [[own[number] if number < len(own) else None for own in references] for number in range(most)]
    found = scorer.corpus_score(list(answers), streams)  # type: ignore[arg-type] # None: no such reference
    score, signature = float(found.score) / 100, str(scorer.get_signature())
    if len(answers) < 2:
        return score, 0.0, signature
    # The interval of its own `n_bootstrap` fails where some resamples score 0 and others do not.
    statistics = scorer._extract_corpus_statistics(list(answers), streams)  # type: ignore[arg-type]
    _, resampled = _bootstrap_resample(statistics, scorer, RESAMPLES)
    _, half = estimate_ci(np.array([float(one.score) for one in resampled]))
    return score, float(half) / 100 / CONFIDENCE, signature


class Rouge:
    """F-measures of ROUGE with Porter's stemmer, as in the papers on summaries (-m) and in lm-evaluation-harness.

    Only ASCII letters and digits count: a text of another script has no words.

    Args:
        kinds: of rouge-score: rouge1, rouge2, rougeL, rougeLsum.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        from rouge_score.rouge_scorer import RougeScorer

        self._kinds = list(kinds)
        self._scorer = RougeScorer(self._kinds, use_stemmer=True)
        self.signature = f"stemmer:yes|rouge-score:{version('rouge-score')}"

    def scores(self, answer: str, references: Sequence[str]) -> dict[str, float]:
        """Return each score of an answer, its best among the references."""
        found = self._scorer.score_multi(list(references) or [""], answer)
        return {kind: float(found[kind].fmeasure) for kind in self._kinds}
