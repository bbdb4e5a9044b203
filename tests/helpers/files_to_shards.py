"""The stages `collect`, `clean`, `bpe` and `shard` on text files, in a separate process, to measure its memory.

    python tests/helpers/files_to_shards.py FOLDER DOCUMENTS PART_BYTES

Reads FOLDER/text; prints documents, words and tokens as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pretrace.corpus import Gpt1Words, PreparedText, clean_documents, collect_text, documents
from pretrace.settings import Corpus, Workers
from pretrace.tokens import load_vocabulary, measure_vocabulary, train_vocabulary, write_word_counts
from pretrace.tokens.shards import write_shards


def main(folder: Path, unit: str, part_bytes: int) -> None:
    documents.PART_BYTES = part_bytes
    corpus = Corpus(source="files", path=str(folder / "text"), documents=unit)
    workers = Workers(count=2)
    collected = collect_text(corpus, folder / "documents")
    report = clean_documents(folder / "documents", folder / "clean", corpus, workers, prepared=folder / "prepared")
    prepared = PreparedText(Gpt1Words(), folder / "prepared", workers)
    write_word_counts(folder / "counts.tsv", folder / "clean" / "train", prepared)
    train_vocabulary(folder / "counts.tsv", folder / "vocabulary", 150)
    vocabulary = load_vocabulary(folder / "vocabulary")
    measure_vocabulary(vocabulary, (document.text for document in prepared.documents(folder / "clean" / "validation")))
    manifest = write_shards(
        folder / "clean", vocabulary, folder / "shards", workers=workers, prepared=folder / "prepared"
    )
    words = {split: numbers.words for split, numbers in report.splits.items()}
    encoded = {split: numbers.words for split, numbers in manifest.splits.items()}
    print(json.dumps({"documents": collected.documents, "words": words, "encoded": encoded}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
