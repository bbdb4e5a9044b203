"""Train the vocabulary from the word counts, or copy that of the weights to start from (`pretrain.init_from`).

    python stages/bpe.py

Reads data/clean/; writes models/vocabulary/ and reports/bpe.json.
"""

from pathlib import Path
from typing import Any

from pretrace.corpus import read_documents
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.schemas.tokens import VocabularyReport
from pretrace.tokens import (
    copy_vocabulary,
    load_vocabulary,
    measure_vocabulary,
    train_vocabulary,
    vocabulary_folder,
)


def main(run: Run) -> None:
    clean, out = Path("data/clean"), Path("models/vocabulary")
    start = run.settings.pretrain.init_from
    if start:
        numbers: dict[str, Any] = {"size": copy_vocabulary(vocabulary_folder(start), out).size}
    else:
        numbers = train_vocabulary(clean / "counts.tsv", out, run.settings.scale.vocabulary.size)
    texts = (document.text for document in read_documents(clean / "validation"))
    report = VocabularyReport(**numbers, **measure_vocabulary(load_vocabulary(out), texts))
    write_record("reports/bpe.json", report)
    run.log_metrics(report.as_json())


if __name__ == "__main__":
    run_stage("bpe", main)
