"""Train a system's vocabulary on the training text, or copy that of weights from elsewhere (`pretrain.init_from`).

    python stages/bpe.py gpt1

Reads data/clean/; writes models/vocabulary/<system>/ and reports/bpe/<system>.json.
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
    (system,) = run.cell
    settings = run.settings.of_system(system)
    clean, out = Path("data/clean"), Path(f"models/vocabulary/{system}")
    start = settings.pretrain.weights
    if start:
        numbers: dict[str, Any] = {"size": copy_vocabulary(vocabulary_folder(start), out).size}
    else:
        chosen, scratch = settings.scale.vocabulary, scratch_folder() / "bpe" / system
        more = scratch, prepared_folder(), settings.workers, settings.text.language
        numbers = train_on_documents(chosen, clean / "train", out, *more)
    vocabulary = load_vocabulary(out)
    prepared = PreparedText(vocabulary.recipe, prepared_folder(), settings.workers)
    texts = (document.text for document in prepared.documents(clean / "validation"))
    kind = vocabulary.description.kind
    report = VocabularyReport(kind=kind, **numbers, **measure_vocabulary(vocabulary, texts))
    write_record(f"reports/bpe/{system}.json", report)
    run.log_metrics(report.as_json())


if __name__ == "__main__":
    run_stage("bpe", main, "systems")
