"""Train the reward model on comparisons: the second step of InstructGPT.

    sh stages/run ../assistant/stages/reward

Reads data/assistant/comparisons, data/assistant/prompts and models/assistant/sft; writes models/assistant/reward,
reports/assistant/reward.json and reports/assistant/curves/reward.json. Resumes after a kill.
"""

from functools import partial

from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.tracking.publish import publish_progress
from pretrace.training.alignment.stages.models import run_reward
from pretrace.training.alignment.stages.open import open_project
from pretrace.training.engine.curves import write_rows


def main(run: Run) -> None:
    project = open_project(run.settings)
    report, curve = run_reward(project, partial(publish_progress, run))
    write_record(project.reports / "reward.json", report)
    write_rows(project.reports / "curves" / "reward.json", curve)
    run.log_curve(project.reports / "curves" / "reward.json")
    run.log_metrics(report.as_json())


if __name__ == "__main__":
    run_stage("assistant_reward", main)
