"""Make prompts, demonstrations and the gold reward from documents, or read files of instructions and preferences.

    sh stages/run ../assistant/stages/prompts

Reads data/clean, data/shards/<system>, models/vocabulary/<system> and models/pretrained/<system>; writes
data/assistant/prompts and reports/assistant/prompts.json.
"""

from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record
from pretrace.training.alignment.stages.open import open_project
from pretrace.training.alignment.stages.prepare import prepare_prompts


def main(run: Run) -> None:
    project = open_project(run.settings)
    report = prepare_prompts(project)
    write_record(project.reports / "prompts.json", report)
    run.log_metrics(report.as_json())


if __name__ == "__main__":
    run_stage("assistant_prompts", main)
