"""Clean the documents, drop exact duplicates, divide them into train, validation and probes, count the words.

    python stages/clean.py

Reads data/documents/; writes data/clean/ and reports/clean.json.
"""

from pathlib import Path

from pretrace.corpus import clean_documents
from pretrace.files import write_json
from pretrace.stage import Run, run_stage


def main(run: Run) -> None:
    report = clean_documents(Path("data/documents"), Path("data/clean"), run.settings.corpus)
    write_json("reports/clean.json", report)
    run.log_metrics(report)


if __name__ == "__main__":
    run_stage("clean", main)
