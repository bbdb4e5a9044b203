"""Scores of written answers: exact match, F1, BLEU, chrF and ROUGE."""

from pretrace.sequences.metrics.scores import METRICS, TextScore, score_texts

__all__ = ["METRICS", "TextScore", "score_texts"]
