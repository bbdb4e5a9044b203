"""Measure every policy on the test prompts, and write the chapter.

    sh stages/run ../assistant/stages/compare

Reads data/assistant, models/assistant and data/shards/<system>; writes reports/assistant/compare.json,
reports/assistant/chapter.md and reports/assistant/rewards.svg.
"""

from pretrace.common.files import write_text
from pretrace.feedback.chapter import FIGURE, chapter
from pretrace.feedback.figure import reward_figure
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.alignment.records import PromptsReport, RewardReport, SftReport
from pretrace.schemas.record import read_record, write_record
from pretrace.training.alignment.stages.compare import compare
from pretrace.training.alignment.stages.open import open_project


def main(run: Run) -> None:
    project = open_project(run.settings)
    report, folder = compare(project), project.reports
    write_record(folder / "compare.json", report)
    write_text(folder / FIGURE, reward_figure(report))
    prompts = read_record(folder / "prompts.json", PromptsReport)
    sft, reward = read_record(folder / "sft.json", SftReport), read_record(folder / "reward.json", RewardReport)
    write_text(folder / "chapter.md", chapter(prompts, sft, reward, report))
    run.log_artifact(folder)
    points = {f"{name}-{one.seed}": one.point for name, arm in report.arms.items() for one in arm.seeds}
    run.log_metrics({f"{name}.proxy": point.proxy.mean for name, point in points.items()})
    run.log_metrics({f"{name}.gold": point.gold.mean for name, point in points.items() if point.gold})


if __name__ == "__main__":
    run_stage("assistant_compare", main)
