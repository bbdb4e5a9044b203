"""Thresholds of the filters that drop documents and lines of the corpus."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pretrace.settings.section import Count, PathString, Positive, Section, Seed, Share


class LengthRules(Section):
    """Bounds on the length of a document (Gopher: Rae et al. 2021, A.1.1). Null switches one rule off."""

    least_words: Count | None = 50
    """Drop documents with fewer words, as separated by white space."""
    most_words: Count | None = 100_000
    """Drop documents with more words. Meant for web pages: most novels are longer."""
    shortest_mean_word: Positive | None = 3.0
    """Mean characters per word."""
    longest_mean_word: Positive | None = 10.0


class RepetitionRules(Section):
    """Largest shares of repeated text in a document (Gopher: Rae et al. 2021, Table A1). Null: off."""

    duplicate_lines: Share | None = 0.30
    """Lines that occurred earlier in the document, of all lines."""
    duplicate_paragraphs: Share | None = 0.30
    """The same for paragraphs, separated by blank lines."""
    duplicate_line_characters: Share | None = 0.20
    """Characters in lines that occurred earlier."""
    duplicate_paragraph_characters: Share | None = 0.20
    top_ngrams: dict[Annotated[int, Field(ge=2, le=1000)], Share] = Field(default={2: 0.20, 3: 0.18, 4: 0.16})
    """By n: characters in the most frequent n-gram of words."""
    duplicate_ngrams: dict[Annotated[int, Field(ge=2, le=1000)], Share] = Field(
        default={5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
    )
    """By n: characters in n-grams of words that occurred earlier, each character counted once."""


class SymbolRules(Section):
    """Signs that text is not prose (Gopher: Rae et al. 2021, A.1.1; `digits` is ours). Null switches one rule off."""

    hashes_a_word: Share | None = 0.1
    """Most `#` per word."""
    ellipses_a_word: Share | None = 0.1
    """Most ellipses per word."""
    bullet_lines: Share | None = 0.9
    """Largest share of lines that begin with a bullet."""
    ellipsis_lines: Share | None = 0.3
    """Largest share of lines that end with an ellipsis."""
    words_with_letters: Share | None = 0.8
    """Least share of words with at least one letter."""
    digits: Share | None = None
    """Largest share of digits among the characters that are not white space."""


class LanguageRules(Section):
    """Detection of other languages by their lack of stop words (Gopher: Rae et al. 2021, A.1.1)."""

    stop_words: Annotated[list[str], Field(min_length=1)] = Field(
        default=["the", "be", "to", "of", "and", "that", "have", "with"]
    )
    """In lower case; the default is Gopher's, for English."""
    least: Count = 2
    """Least number of different stop words in a document."""
    least_share: Share | None = None
    """Least share of stop words among all words (ours): detects a whole book that quotes some English."""


class ExampleTexts(Section):
    """Documents that show what text is wanted, or what is not."""

    sources: list[str] = Field(default_factory=list)
    """Sources of the corpus (those in `data/documents`)."""
    files: list[PathString] = Field(default_factory=list)
    """Files, folders, globs or URLs; formats, columns and where a document ends are those of the corpus."""

    @model_validator(mode="after")
    def _has_some(self) -> ExampleTexts:
        if not self.sources and not self.files:
            raise ValueError("needs `sources` of the corpus, or `files`")
        return self


class ClassifierRules(Section):
    """Quality classifier: logistic regression of hashed words (GPT-3: Brown et al. 2020, appendix A)."""

    positives: ExampleTexts
    """Text that is wanted (GPT-3: WebText, Wikipedia and books)."""
    negatives: ExampleTexts
    """Text as it comes (GPT-3: Common Crawl)."""
    sources: list[str] | None = None
    """Sources that are filtered; null: all but those among the positives (GPT-3 filtered Common Crawl alone)."""
    pareto_shape: Positive = 9.0
    """A document stays if a draw from a Pareto distribution of this shape exceeds 1 - score (GPT-3: 9, which keeps 1 of
    512 documents with score 0, and all with score 1). The larger, the fewer low scores stay."""
    seed: Seed = 0
    """Of the draws. A document's is a function of this and its text alone."""
    features: Annotated[int, Field(ge=2, le=1 << 24)] = 1 << 18
    """Features that words are hashed to (default of Spark's HashingTF, which GPT-3 used)."""
    most_examples: Count = 20_000
    """Most documents of each side that the classifier is fitted on, drawn by the hash of their text (ours)."""

    @model_validator(mode="after")
    def _sides_differ(self) -> ClassifierRules:
        for what in ("sources", "files"):
            both = sorted(set(getattr(self.positives, what)) & set(getattr(self.negatives, what)))
            if both:
                raise ValueError(f"{both[0]!r} is among the {what} of positives and of negatives; take it out of one")
        return self

    @property
    def named_sources(self) -> dict[str, list[str]]:
        """Sources of the corpus that the rules name, by key."""
        named = {"positives.sources": self.positives.sources, "negatives.sources": self.negatives.sources}
        return named | ({"sources": self.sources} if self.sources else {})


class BoilerplateRules(Section):
    """Removal of lines that occur in many documents, such as menus and license texts (ours)."""

    documents: Annotated[int, Field(ge=2, le=10**9)] = 10
    """Least number of documents that share the line."""
    least_words: Count = 5
    """Shorter lines stay: "chapter i" and "no ." occur in many books and belong there."""


class NearDuplicateRules(Section):
    """Near-duplicate documents: candidates by MinHash, then compared exactly."""

    threshold: Annotated[float, Field(ge=0.3, le=1.0)] = 0.8
    """Least Jaccard similarity of the two sets of shingles."""
    shingle_words: Annotated[int, Field(ge=1, le=1000)] = 5
    """Words in a shingle."""
    action: Literal["drop", "group"] = "drop"
    """`drop`: keep the first in the corpus; `group`: keep all, in the same split (train, validation or probes)."""


class ContaminationRules(Section):
    """Documents that share an n-gram of words with dev or test text of a task that is read from files."""

    words: Annotated[int, Field(ge=4, le=1000)] | None = None
    """Words in the n-gram. Null: 13; with `report` as many as all but a twentieth of a task's rows have in their
    longest text, from 8 to 13 (GPT-3). Rows with fewer words are not searched for; the report counts them."""
    action: Literal["drop", "cut", "report"] = "drop"
    """`drop` the document, or `cut` the lines that contain the n-gram; `report` keeps all and notes the rows, so that
    the benchmark shows scores on all test rows and on those that were not found (GPT-3: Brown et al. 2020, C)."""
    most_documents: Count | None = None
    """With `report`: n-grams that more documents of the training text have are ignored, such as lines of a license.
    Null: none are, as in GPT-3's analysis; when it removed text, GPT-3 had 10."""

    @model_validator(mode="after")
    def _counts_for_the_report_alone(self) -> ContaminationRules:
        if self.most_documents is not None and self.action != "report":
            raise ValueError(f"`most_documents` takes `action: report`; got `{self.action}`, which counts no documents")
        return self


class Quality(Section):
    """Filters besides those for empty documents and exact copies. GPT-1 used none; `{}` switches one on with the
    thresholds of its source; `classifier` needs examples.
    """

    length: LengthRules | None = None
    repetition: RepetitionRules | None = None
    symbols: SymbolRules | None = None
    language: LanguageRules | None = None
    classifier: ClassifierRules | None = None
    boilerplate: BoilerplateRules | None = None
    near_duplicates: NearDuplicateRules | None = None
    contamination: ContaminationRules | None = None
