"""Models of the pre-training text without a network: n-grams of its token ids, and LSA of its words.

They read what pre-training reads: `full` is better than them only if the network learns more from the same text. Of a
large corpus they read a part: ten million tokens take 1.5 GB and 20 seconds to count, and as much memory to use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from pretrace.baselines.lsa import PASSAGE_WORDS, fit_lsa, write_lsa
from pretrace.baselines.ngrams import count_ngrams, write_ngrams
from pretrace.baselines.seen_text import write_seen_ngrams
from pretrace.common.files import atomic_folder
from pretrace.corpus.documents import Document
from pretrace.corpus.text.prepared_text import PreparedText
from pretrace.schemas.baselines import TextModelsReport
from pretrace.tokens.shards import open_shards, read_manifest

MOST_TOKENS, MOST_PASSAGES = 10_000_000, 50_000
"""Of the n-gram model, from the beginning of the shards, whose documents are in random order; and of LSA, evenly spaced
over the text."""


def build_text_models(shards: Path, prepared: PreparedText, documents: Path, out: Path) -> TextModelsReport:
    """Write the n-gram model and LSA of the training text into a folder, whole or not at all.

    Args:
        shards: folder of token ids.
        prepared: makes the words of the documents.
        documents: folder of the training text, from which the shards were made.
        out: the folder.

    Raises:
        PretraceError: text is missing or damaged.
    """
    manifest = read_manifest(shards)
    stream = open_shards(shards, "train")
    ids = stream.read(0, min(stream.tokens, MOST_TOKENS))
    numbers = manifest.splits["train"]
    step = -(
        -(numbers.words // PASSAGE_WORDS + numbers.documents) // MOST_PASSAGES
    )  # at least 1, as there are documents
    with atomic_folder(out) as temporary:
        levels = count_ngrams(ids, manifest.vocabulary_size)
        write_ngrams(temporary, levels)
        passages = list(islice(_passages(prepared.documents(documents)), 0, None, max(1, step)))
        lsa = fit_lsa(passages)
        write_lsa(temporary, lsa)
        write_seen_ngrams(temporary, prepared.documents(documents))
    return TextModelsReport(
        tokens=len(ids),
        tokens_of=stream.tokens,
        ngrams=[int((level.counts > 0).sum()) for level in levels],
        passages=len(passages),
        words=len(lsa.words),
        dimensions=lsa.vectors.shape[1] if lsa.words else 0,
    )


def _passages(documents: Iterable[Document]) -> Iterator[str]:
    for document in documents:
        words = document.text.split()
        for start in range(0, len(words), PASSAGE_WORDS):
            yield " ".join(words[start : start + PASSAGE_WORDS])
