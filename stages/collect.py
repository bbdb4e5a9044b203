"""Collect the documents: the documentation inside installed packages, your own text, or a data set.

    python stages/collect.py

Reads `corpus` in params.yaml; writes data/documents/ and reports/collect.json.
"""

import sys
from pathlib import Path

from pretrace.corpus import collect_installed, collect_text
from pretrace.corpus.collect import REJECTS
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record


def main(run: Run) -> None:
    corpus, out = run.settings.corpus, Path("data/documents")
    installed = corpus.source == "installed"
    workers = run.settings.workers.count
    report = collect_installed(corpus.packages, out, workers) if installed else collect_text(corpus, out)
    write_record("reports/collect.json", report)
    if rejected := report.rejected:
        reasons = ", ".join(f"{reason} {count}" for reason, count in rejected.items())
        print(f"collect: {sum(rejected.values())} rejected ({reasons}): {out / REJECTS}", file=sys.stderr)


if __name__ == "__main__":
    run_stage("collect", main)
