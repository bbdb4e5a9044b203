"""Build or read the rows of the tasks from text to text (`sequences` in params.yaml; none by default).

    python stages/sequences.py

Reads data/clean/probes/, installed packages or what a task names; writes data/sequences/ and
reports/sequences/rows.json.
"""

from pathlib import Path

from pretrace.common.files import atomic_folder
from pretrace.corpus import Gpt1Words, PreparedText, prepared_folder
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.sequences.prepare import prepare_sequences


def main(run: Run) -> None:
    prepared = PreparedText(Gpt1Words(run.settings.text.language), prepared_folder(), run.settings.workers)
    with atomic_folder("data/sequences") as out:
        report = prepare_sequences(run.settings, lambda: prepared.pairs(Path("data/clean/probes")), out)
    write_record("reports/sequences/rows.json", report)


if __name__ == "__main__":
    run_stage("sequences", main)
