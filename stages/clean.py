"""Filter the documents, drop copies, and split them into train, validation and probes; their text stays as it is.

    python stages/clean.py

Reads data/documents/ and data/evaluation/; writes data/clean/ and reports/clean.json.
"""

from pathlib import Path

from pretrace.common.files import scratch_folder
from pretrace.corpus import clean_documents, prepared_folder, read_evaluation_texts
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record


def main(run: Run) -> None:
    evaluation = read_evaluation_texts(Path("data/evaluation"))
    folders = (Path("data/documents"), Path("data/clean"))
    corpus, workers, language = run.settings.corpus, run.settings.workers, run.settings.text.language
    scratch, prepared = scratch_folder() / "clean", prepared_folder()
    examples = Path("data/evaluation/classifier") if corpus.quality.classifier else None
    report = clean_documents(*folders, corpus, workers, evaluation, scratch, prepared, language, examples)
    write_record("reports/clean.json", report)
    run.log_metrics(report.as_json())


if __name__ == "__main__":
    run_stage("clean", main)
