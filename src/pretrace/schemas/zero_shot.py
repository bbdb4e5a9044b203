"""Pre-trained models without fine-tuning: scores on tasks by the paper's heuristics, and language tests."""

from __future__ import annotations

from pydantic import Field

from pretrace.schemas.record import Record


class ScoreAtStep(Record):
    """A model's score with the weights after some optimizer steps."""

    step: int
    """Optimizer steps; 0 for weights from elsewhere."""
    score: float
    """In units of the metric."""


class ZeroShotScore(Record):
    """The score of one model on the test rows of one task."""

    heuristic: str
    """Heuristic that reads the answer from the model: acceptability, sentiment, choice, choice_pmi ..."""
    metric: str
    """Name of the metric."""
    score: float
    """With the final weights, in units of the metric."""
    stderr: float
    """Standard error from the draw of the test rows."""
    extra_variance: float = 0.0
    """Variance of `score` from the draw of the dev rows that chose the threshold; 0 where nothing was chosen."""
    chance: float
    """The score of guessing."""
    n: int
    """Test rows that were scored."""
    cut: int
    """Questions whose beginning did not fit the context."""
    threshold: float | None
    """Least value of the class that high values stand for, chosen on dev; null for heuristics that compare choices."""
    n_dev: int
    """Labeled dev rows that chose the threshold; 0 where nothing was chosen."""
    updates: list[ScoreAtStep]
    """The score after each number of optimizer steps whose weights were saved, the final ones last."""


class LanguageTestScore(Record):
    """The figures of one model on a language test; which keys there are depends on the protocol."""

    protocol: str
    """The quantity and how it was measured, in words."""
    accuracy: float | None = None
    """Last word, choice: share of rows that are right."""
    stderr: float | None = None
    """Standard error of `accuracy` over the rows."""
    chance: float | None = None
    """Choice: accuracy of guessing."""
    loss: float | None = None
    """Perplexity of a text: nats/token."""
    perplexity: float | None = None
    """Last word: per word. Perplexity of a text: per token. Null if no floating-point number can hold it."""
    token_perplexity: float | None = None
    """Last word: per token."""
    word_perplexity: float | None = None
    """Perplexity of a text: per word."""
    published_word_perplexity: float | None = None
    """Perplexity of a text that is published as words: of the plain text, per published word."""
    published_token_perplexity: float | None = None
    """The same per published word and line end."""
    published_words: int | None = None
    """Published words of the text."""
    lost_words: int | None = None
    """Those that the plain text does not give back."""
    last_token_accuracy: float | None = None
    """Last word: share of rows whose last token is right, given those before it."""
    bits_per_byte: float | None = None
    """Perplexity of a text: per UTF-8 byte of the text as it is."""
    bits_per_clean_byte: float | None = None
    """Perplexity of a text: per UTF-8 byte of the clean text."""
    n: int
    """Rows; for the perplexity of a text the scored tokens."""
    tokens: int | None = None
    """Tokens of the last words, or of the text."""
    words: int | None = None
    """Perplexity of a text: words of the text."""
    reachable: int | None = None
    """Last word: rows whose word the tokenizer has tokens for."""
    cut: int | None = None
    """Rows whose beginning did not fit the context."""


class SimilarityScore(Record):
    """Rank correlation of cosines with people's judgments, of one set of pairs."""

    pairs: int
    """Pairs whose two words have vectors; the others count nothing."""
    missing: int
    """Pairs with a word that has none."""
    spearman: float | None
    """Spearman's rho; null with fewer than three pairs, or where all judgments or all cosines are the same."""


class AnalogyScore(Record):
    """Questions "a is to b as c is to what?" of one category, answered by the word nearest to b - a + c."""

    questions: int
    """Questions whose four words have vectors; the others count nothing."""
    missing: int
    """Questions with a word that has none."""
    right: int
    """Questions answered with the fourth word."""
    accuracy: float | None
    """`right` over `questions`; null without questions."""


class Neighbor(Record):
    """A word near another."""

    word: str
    cosine: float


class WordTests(Record):
    """All tests of one table of word vectors."""

    similarity: dict[str, SimilarityScore] = Field(default_factory=dict)
    """By set of pairs."""
    analogies: dict[str, AnalogyScore] = Field(default_factory=dict)
    """By category, and `all`: the sums."""
    neighbors: dict[str, list[Neighbor]] = Field(default_factory=dict)
    """Of some frequent words, the nearest first."""


class ZeroShotReport(Record):
    """All pre-trained models without fine-tuning."""

    tasks: dict[str, dict[str, dict[str, ZeroShotScore]]]
    """By task, column of the table (`lm_zero_shot`, `lm_zero_shot_pmi`) and pre-training (`transformer`,
    `transformer-seed-43`, `lstm`)."""
    language_tests: dict[str, dict[str, LanguageTestScore]]
    """By language test and pre-training."""
    words: dict[str, WordTests] = Field(default_factory=dict)
    """Of word vectors, by pre-training; missing for other models."""
