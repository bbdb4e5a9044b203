"""Gather text from elsewhere that `clean` compares with: dev and test text of tasks, examples of good and bad text.

    python stages/evaluation.py

Reads the files of the tasks if `corpus.quality.contamination` is on, and the files of `corpus.quality.classifier`;
writes data/evaluation/, without rows if both are off. This is a stage of its own, so that a change of the files cleans
the corpus again only if their text has changed.
"""

from collections.abc import Iterable
from pathlib import Path

from pretrace.corpus import EvaluationText, write_evaluation_texts
from pretrace.corpus.example_texts import write_example_texts
from pretrace.pipeline.stage import Run, run_stage


def main(run: Run) -> None:
    texts: Iterable[EvaluationText] = ()
    if run.settings.corpus.quality.contamination:
        from pretrace.tasks.decontamination_texts import (
            evaluation_texts,  # brings pandas, which nothing else here needs
        )

        texts = evaluation_texts(run.settings)
    write_evaluation_texts(Path("data/evaluation"), texts)
    if run.settings.corpus.quality.classifier:
        write_example_texts(Path("data/evaluation/classifier"), run.settings.corpus)


if __name__ == "__main__":
    run_stage("evaluation", main)
