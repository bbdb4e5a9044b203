"""Collect the documents: the documentation inside installed packages, or text of one's own.

    python stages/collect.py

Reads `corpus` in params.yaml; writes data/documents/ and reports/collect.json.
"""

from pathlib import Path

from pretrace.corpus import collect_files, collect_installed
from pretrace.files import write_json
from pretrace.stage import Run, run_stage


def main(run: Run) -> None:
    corpus, out = run.settings.corpus, Path("data/documents")
    if corpus.source == "installed":
        report = collect_installed(corpus.packages, out)
    else:
        report = collect_files(corpus.path, corpus.columns, out)
    write_json("reports/collect.json", report)


if __name__ == "__main__":
    run_stage("collect", main)
