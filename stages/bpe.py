"""Train the vocabulary on the training text, or copy that of weights (`pretrain.init_from`, `pretrain.continue_from`).

    python stages/bpe.py

Reads data/clean/; writes models/vocabulary/ and reports/bpe.json.
"""

from pathlib import Path
from typing import Any

from pretrace.common.files import scratch_folder
from pretrace.corpus import PreparedText, prepared_folder
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.schemas.tokens import VocabularyReport
from pretrace.tokens import (
    copy_vocabulary,
    load_vocabulary,
    measure_vocabulary,
    train_on_documents,
    vocabulary_folder,
)


def main(run: Run) -> None:
    clean, out = Path("data/clean"), Path("models/vocabulary")
    start = run.settings.pretrain.weights
    if start:
        numbers: dict[str, Any] = {"size": copy_vocabulary(vocabulary_folder(start), out).size}
    else:
        chosen, scratch = run.settings.scale.vocabulary, scratch_folder() / "bpe"
        more = scratch, prepared_folder(), run.settings.workers, run.settings.text.language
        numbers = train_on_documents(chosen, clean / "train", out, *more)
    vocabulary = load_vocabulary(out)
    prepared = PreparedText(vocabulary.recipe, prepared_folder(), run.settings.workers)
    texts = (document.text for document in prepared.documents(clean / "validation"))
    report = VocabularyReport(**numbers, **measure_vocabulary(vocabulary, texts))
    write_record("reports/bpe.json", report)
    run.log_metrics(report.as_json())


if __name__ == "__main__":
    run_stage("bpe", main)
