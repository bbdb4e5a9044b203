"""Fine-tune the pre-trained model on demonstrations: the first step of InstructGPT.

    sh stages/run ../assistant/stages/sft

Reads data/assistant/prompts and models/pretrained/<system>; writes models/assistant/sft, reports/assistant/sft.json and
reports/assistant/curves/sft. Resumes after a kill.
"""

from functools import partial

from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.tracking.publish import publish_progress
from pretrace.training.alignment.stages.open import open_project
from pretrace.training.alignment.stages.prepare import run_sft
from pretrace.training.engine.curves import write_rows


def main(run: Run) -> None:
    project = open_project(run.settings)
    report, curve = run_sft(project, partial(publish_progress, run))
    write_record(project.reports / "sft.json", report)
    write_rows(project.reports / "curves" / "sft.json", curve)
    run.log_curve(project.reports / "curves" / "sft.json")
    run.log_metrics(report.as_json())


if __name__ == "__main__":
    run_stage("assistant_sft", main)
