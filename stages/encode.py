"""Encode the rows of every task with the vocabulary of a system.

    python stages/encode.py gpt1

Reads data/tasks/ and models/vocabulary/<system>/; writes data/encoded/<system>/, and reports/encode/<system>.json with
DVC's checksum of each task's folder, which other stages read alone.
"""

from pathlib import Path

from pretrace.common.files import atomic_folder
from pretrace.corpus import Gpt1Words
from pretrace.pipeline.dvc_hash import dvc_hash
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.tasks.rows.encoded import encode_rows
from pretrace.tokens import load_vocabulary


def main(run: Run) -> None:
    (system,) = run.cell
    vocabulary, words = load_vocabulary(Path(f"models/vocabulary/{system}")), Gpt1Words(run.settings.text.language)
    with atomic_folder(f"data/encoded/{system}") as out:
        for task in run.settings.tasks:
            encode_rows(Path(f"data/tasks/{task}"), vocabulary, words, out / task)
    folders = [Path(f"data/encoded/{system}/{task}") for task in run.settings.tasks]
    write_record(f"reports/encode/{system}.json", {path.as_posix(): dvc_hash(path) for path in folders})


if __name__ == "__main__":
    run_stage("encode", main, "systems")
