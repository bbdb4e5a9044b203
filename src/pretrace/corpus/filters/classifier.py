"""Quality classifier of GPT-3 (Brown et al. 2020, appendix A): which documents are like those that are wanted.

Words are in lower case, divided at white space (Spark's tokenizer), and hashed to counts; a logistic regression tells
examples of wanted text from text as it comes. A document stays if a draw from a Pareto distribution exceeds 1 - score,
so that some with low scores stay, too. The draw is a function of the text and a seed: neither the order of the
documents nor the number of workers changes anything.

Ours, as the paper does not say: counts are brought to length 1, both sides weigh the same, a tenth is held out.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.corpus.documents import Document, document_parts, read_documents, sources_of
from pretrace.corpus.filters.base import DECIMALS, CleanedDocument, Reason
from pretrace.schemas.corpus import ClassifierFit, ClassifierReport, ScoredSource
from pretrace.schemas.record import read_record
from pretrace.schemas.tasks import RawFile

if TYPE_CHECKING:
    from pretrace.settings import ClassifierRules

KEY = "params.yaml: corpus.quality.classifier"
FILES, SIDES = "files.json", ("positives", "negatives")
"""In the folder of examples: the list of files, and folders of documents."""
SHOWN_SOURCES = 20
HELD_OUT = 10
"""One of so many examples is held out."""


@dataclass(frozen=True)
class Classifier:
    """A fitted logistic regression."""

    weights: np.ndarray
    """By feature, float64."""
    intercept: float

    def score(self, text: str) -> float:
        """Return how much a text is like the positives, from 0 to 1."""
        return logistic(float((hashed_words(text, len(self.weights)) @ self.weights)[0]) + self.intercept)

    @property
    def fingerprint(self) -> str:
        """SHA-256 that two classifiers share only if they give the same scores."""
        return hashlib.sha256(self.weights.tobytes() + np.float64(self.intercept).tobytes()).hexdigest()


class ClassifierFilter:
    """Drops documents of the sources that are filtered by their scores and draws."""

    def __init__(self, rules: ClassifierRules, classifier: Classifier) -> None:
        self.rules, self.classifier = rules, classifier

    def __call__(self, document: CleanedDocument) -> Reason | None:
        if not self._is_filtered(document.source) or document.text.isspace() or not document.text:
            return None
        document.score = self.classifier.score(document.text)
        draw = pareto_draw(document.text, self.rules.seed, self.rules.pareto_shape)
        if draw > 1 - document.score:
            return None
        return Reason("classifier", round(document.score, DECIMALS), f"draw {draw:.4f}")

    def _is_filtered(self, source: str) -> bool:
        chosen, wanted = self.rules.sources, self.rules.positives.sources
        return source not in wanted if chosen is None else source in chosen


def hashed_words(text: str, features: int) -> Any:
    """Return the hashed counts of a text's words, brought to length 1: a sparse matrix of one row, float64."""
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(n_features=features, analyzer=_words, alternate_sign=False).transform([text])


def _words(text: str) -> list[str]:
    return text.lower().split()


def logistic(value: float) -> float:
    """Return 1 / (1 + exp(-value)), without an overflow."""
    return 0.5 * (1 + math.tanh(value / 2))


def pareto_draw(text: str, seed: int, shape: float) -> float:
    """Return a text's draw from the Pareto distribution as numpy has it: P(draw > x) = (1 + x)^-shape, x >= 0."""
    digest = hashlib.sha256(f"{seed}\0{text}".encode()).digest()
    uniform = (int.from_bytes(digest[:8], "big") >> 11) * 2.0**-53  # [0, 1)
    return math.expm1(-math.log1p(-uniform) / shape)


def fit_classifier(rules: ClassifierRules, raw: Path, examples: Path | None) -> tuple[Classifier, ClassifierFit]:
    """Fit the classifier, in one thread: the same examples give the same one, whatever their order.

    Args:
        raw: folder of the corpus's documents, for the examples that are sources.
        examples: folder of those from files (`pretrace.corpus.example_texts`).

    Raises:
        PretraceError: a source is not in the corpus, or a side has too few texts, or both have the same.
    """
    check_named_sources(rules, {source for part in document_parts(raw) for source in sources_of(part)})
    sides = _collect(rules, raw, examples)
    for name, side in sides.items():
        if len(side.rows) < 2:
            raise PretraceError(
                f"{KEY}.{name}: {len(side.rows)} different documents with words, at least 2 are needed; name more "
                "sources or files, or cut long texts by corpus.documents"
            )
    numbered = [side.in_order() for side in sides.values()]
    if [rank for rank, _ in numbered[0]] == [rank for rank, _ in numbered[1]]:
        raise PretraceError(f"{KEY}: positives and negatives are the same texts; name others for one of them")
    held_out = [[row for n, (_, row) in enumerate(side) if n % HELD_OUT == 0] for side in numbered]
    fitted = [[row for n, (_, row) in enumerate(side) if n % HELD_OUT] for side in numbered]
    classifier = _fit(*fitted)
    shares = [
        np.mean([(float((row @ classifier.weights)[0]) + classifier.intercept > 0) == wanted for row in rows])
        for wanted, rows in zip((True, False), held_out, strict=True)
    ]
    report = ClassifierFit(
        positives=len(fitted[0]),
        negatives=len(fitted[1]),
        held_out=sum(map(len, held_out)),
        accuracy=round(float(np.mean(shares)), DECIMALS),
    )
    return classifier, report


def classifier_report(
    fit: ClassifierFit, examples: Path | None, scores: Mapping[str, Sequence[float]]
) -> ClassifierReport:
    """Return the report; `scores` has by source the documents, those that were kept, and the sum of scores."""
    files = read_record(examples / FILES, list[RawFile]) if examples else []
    sources = {
        source: ScoredSource(documents=int(count), kept=int(kept), mean_score=round(total / count, DECIMALS))
        for source, (count, kept, total) in sorted(scores.items())
    }
    return ClassifierReport(**fit.as_json(), files=files, sources=sources)


def _fit(positives: list[Any], negatives: list[Any]) -> Classifier:
    import sklearn.linear_model  # before the limit on threads, which applies to loaded libraries
    from scipy.sparse import vstack
    from threadpoolctl import threadpool_limits

    labels = np.repeat([1, 0], [len(positives), len(negatives)])
    with threadpool_limits(1):  # the number of threads would change the last digits
        model = sklearn.linear_model.LogisticRegression(solver="lbfgs", class_weight="balanced", max_iter=1000)
        model.fit(vstack([*positives, *negatives], format="csr"), labels)
    return Classifier(model.coef_[0].astype(np.float64), float(model.intercept_[0]))


class _Examples:
    """The hashed words of a side's documents, each text once: those of the lowest ranks if there are many.

    A text's rank is its hash, so which ones are kept depends on no order.
    """

    def __init__(self, rules: ClassifierRules) -> None:
        self._most, self._features = rules.most_examples, rules.features
        self._kept: list[int] = []
        """Ranks with their signs changed: a heap whose first is the highest rank."""
        self.rows: dict[int, Any] = {}

    def add(self, text: str) -> None:
        rank = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
        full = len(self._kept) == self._most
        if not text.split() or rank in self.rows or (full and rank > -self._kept[0]):
            return
        if full:
            del self.rows[-heapq.heappop(self._kept)]
        heapq.heappush(self._kept, -rank)
        self.rows[rank] = hashed_words(text, self._features)

    def in_order(self) -> list[tuple[int, Any]]:
        """Return the ranks and rows, ascending."""
        return sorted(self.rows.items(), key=lambda item: item[0])


def _collect(rules: ClassifierRules, raw: Path, examples: Path | None) -> Mapping[str, _Examples]:
    sides = {name: _Examples(rules) for name in SIDES}
    side_of = {source: name for name in sides for source in getattr(rules, name).sources}
    for name, side in sides.items():
        if getattr(rules, name).files:
            assert examples
            for document in read_documents(examples / name):
                side.add(document.text)
    for document in _of_sources(raw, side_of):
        sides[side_of[document.source]].add(document.text)
    return sides


def _of_sources(raw: Path, sources: Iterable[str]) -> Iterator[Document]:
    wanted = set(sources)
    for part in document_parts(raw) if wanted else []:
        if wanted & set(sources_of(part)):
            yield from (document for document in read_documents(part) if document.source in wanted)


def check_named_sources(rules: ClassifierRules, known: Collection[str]) -> None:
    """Check that the rules name sources of the corpus, which are known. Raises `PretraceError` if they do not."""
    for key, names in rules.named_sources.items():
        for name in names:
            if name not in known:
                has = ", ".join(sorted(known)[:SHOWN_SOURCES]) + (", ..." if len(known) > SHOWN_SOURCES else "")
                raise PretraceError(f"{KEY}.{key}: {name!r} is no source of the corpus; it has {has}")
