"""Name the files that each fine-tuning reads: those of its variant's system.

    python stages/cells.py

Reads data/encoded/ and models/pretrained/; writes data/cells/<task>-<variant>.json, on which the stage `finetune`
depends, and reports/cells.json. So a new system or a new task has only its own fine-tunings run.
"""

from pathlib import Path

from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.training.finetuning.cells import write_cells


def main(run: Run) -> None:
    folders = Path("data/encoded"), Path("models/pretrained"), Path("data/cells")
    write_record("reports/cells.json", write_cells(run.settings, *folders))


if __name__ == "__main__":
    run_stage("cells", main)
