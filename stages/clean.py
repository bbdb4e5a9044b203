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
    scratch = scratch_folder() / "clean"
    settings = run.settings
    more = settings.workers, evaluation, scratch, prepared_folder(), settings.text.language
    report = clean_documents(*folders, settings.corpus, *more)
    write_record("reports/clean.json", report)
    run.log_metrics(report.as_json())


if __name__ == "__main__":
    run_stage("clean", main)
