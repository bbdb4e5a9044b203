"""Scores by the libraries that define them: BLEU and chrF by sacrebleu, of all rows at once; ROUGE by rouge-score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version

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

    kind = BLEU if metric == "bleu" else CHRF
    most = max(map(len, references))
    streams = [[own[number] if number < len(own) else None for own in references] for number in range(most)]
    scorer = kind()
    score = scorer.corpus_score(list(answers), streams).score / 100  # type: ignore[arg-type] # None: no such reference
    signature = str(scorer.get_signature())
    if len(answers) < 2:
        return score, 0.0, signature
    again = kind()
    resampled = again.corpus_score(list(answers), streams, n_bootstrap=RESAMPLES)  # type: ignore[arg-type]
    half = json.loads(resampled.format(width=6, signature=again.get_signature().format(), is_json=True))
    return score, float(half.get("confidence_var", 0.0)) / 100 / CONFIDENCE, signature  # missing where all are 0


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
