"""Train every arm with every seed: PPO, the third step of InstructGPT, and what it is compared with.

    sh stages/run ../assistant/stages/policies

Reads data/assistant, models/assistant/sft, models/assistant/reward and data/shards/<system>; writes
models/assistant/policies/<arm>/seed-<seed> and reports/assistant/curves/policies/<arm>-<seed>.json. Resumes after a
kill; an arm that is finished is not trained again.
"""

from functools import partial

from pretrace.common.files import atomic_folder
from pretrace.pipeline.stage import Run, run_stage
from pretrace.tracking.publish import publish_progress
from pretrace.training.alignment.stages.models import train_arm
from pretrace.training.alignment.stages.open import open_project
from pretrace.training.engine.curves import write_rows


def main(run: Run) -> None:
    project = open_project(run.settings)
    with atomic_folder(project.reports / "curves" / "policies") as out:
        for name in project.settings.arms:
            for seed in project.settings.seeds:
                write_rows(out / f"{name}-{seed}.json", train_arm(project, name, seed, partial(publish_progress, run)))
    for path in sorted((project.reports / "curves" / "policies").glob("*.json")):
        run.log_curve(path)


if __name__ == "__main__":
    run_stage("assistant_policies", main)
