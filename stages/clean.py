"""Clean the documents, drop what the settings say, divide them into train, validation and probes, count the words.

    python stages/clean.py

Reads data/documents/, and the tasks' files for `corpus.quality.contamination`; writes data/clean/ and
reports/clean.json.
"""

from pathlib import Path

from pretrace.corpus import clean_documents
from pretrace.files import write_json
from pretrace.stage import Run, run_stage


def main(run: Run) -> None:
    corpus, evaluation = run.settings.corpus, ()
    if corpus.quality.contamination:
        from pretrace.tasks.evaluation import evaluation_texts  # brings pandas, which nothing else here needs

        evaluation = evaluation_texts(run.settings)
    report = clean_documents(Path("data/documents"), Path("data/clean"), corpus, run.settings.workers, evaluation)
    write_json("reports/clean.json", report)
    run.log_metrics(report)


if __name__ == "__main__":
    run_stage("clean", main)
