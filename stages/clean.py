"""Clean the documents, drop what the settings say, divide them into train, validation and probes, count the words.

    python stages/clean.py

Reads data/documents/ and data/evaluation/; writes data/clean/ and reports/clean.json.
"""

from pathlib import Path

from pretrace.common.files import scratch_folder, write_json
from pretrace.corpus import clean_documents, read_evaluation_texts
from pretrace.pipeline.stage import Run, run_stage


def main(run: Run) -> None:
    evaluation = read_evaluation_texts(Path("data/evaluation"))
    places = (Path("data/documents"), Path("data/clean"))
    report = clean_documents(*places, run.settings.corpus, run.settings.workers, evaluation, scratch_folder() / "clean")
    write_json("reports/clean.json", report)
    run.log_metrics(report)


if __name__ == "__main__":
    run_stage("clean", main)
