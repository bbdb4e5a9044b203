"""Gather the dev and test text of the tasks that are read from files, for `corpus.quality.contamination`.

    python stages/evaluation.py

Reads the files of the tasks if that setting is on; writes data/evaluation/, without rows if it is off. This is a stage
of its own, so that a change of the tasks cleans the corpus again only if this text has changed.
"""

from collections.abc import Iterable
from pathlib import Path

from pretrace.corpus import EvaluationText, write_evaluation_texts
from pretrace.pipeline.stage import Run, run_stage


def main(run: Run) -> None:
    texts: Iterable[EvaluationText] = ()
    if run.settings.corpus.quality.contamination:
        from pretrace.tasks.decontamination_texts import (
            evaluation_texts,  # brings pandas, which nothing else here needs
        )

        texts = evaluation_texts(run.settings)
    write_evaluation_texts(Path("data/evaluation"), texts)


if __name__ == "__main__":
    run_stage("evaluation", main)
