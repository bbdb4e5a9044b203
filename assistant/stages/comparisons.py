"""Draw answers of the start policy and rank them by the gold reward, or take the comparisons of a file.

    sh stages/run ../assistant/stages/comparisons

Reads data/assistant/prompts and models/assistant/sft; writes data/assistant/comparisons.
"""

from pretrace.pipeline.stage import Run, run_stage
from pretrace.training.alignment.stages.open import open_project
from pretrace.training.alignment.stages.prepare import make_comparisons


def main(run: Run) -> None:
    run.log_metrics({"prompts": make_comparisons(open_project(run.settings))})


if __name__ == "__main__":
    run_stage("assistant_comparisons", main)
