"""Encode the rows of every task with the vocabulary of a system.

    python stages/encode.py gpt1

Reads data/tasks/ and models/vocabulary/<system>/; writes data/encoded/<system>/.
"""

from pathlib import Path

from pretrace.common.files import atomic_folder
from pretrace.corpus import Gpt1Words
from pretrace.pipeline.stage import Run, run_stage
from pretrace.tasks.encoded import encode_rows
from pretrace.tokens import load_vocabulary


def main(run: Run) -> None:
    (system,) = run.cell
    vocabulary, words = load_vocabulary(Path(f"models/vocabulary/{system}")), Gpt1Words(run.settings.text.language)
    with atomic_folder(f"data/encoded/{system}") as out:
        for task in run.settings.tasks:
            encode_rows(Path(f"data/tasks/{task}"), vocabulary, words, out / task)


if __name__ == "__main__":
    run_stage("encode", main, "systems")
