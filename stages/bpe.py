"""Train the vocabulary from the word counts.

    python stages/bpe.py

Reads data/clean/; writes models/vocabulary/ and reports/bpe.json.
"""

from pathlib import Path

from pretrace.corpus import read_documents
from pretrace.files import write_json
from pretrace.stage import Run, run_stage
from pretrace.vocabulary import load_vocabulary, measure_vocabulary, train_vocabulary


def main(run: Run) -> None:
    clean, out = Path("data/clean"), Path("models/vocabulary")
    report = train_vocabulary(clean / "counts.tsv", out, run.settings.scale.vocabulary.size)
    texts = (document.text for document in read_documents(clean / "validation"))
    report |= measure_vocabulary(load_vocabulary(out), texts)
    write_json("reports/bpe.json", report)
    run.log_metrics(report)


if __name__ == "__main__":
    run_stage("bpe", main)
