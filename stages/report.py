"""Make the tables, the figures and the page from what the other stages wrote under reports/.

    python stages/report.py

Writes reports/benchmark.{json,md}, reports/figures/, reports/index.html, reports/model-card.md, data/benchmark.csv
and, for GLUE's server, data/glue/. `make repro` then puts the table into the README.
"""

from pathlib import Path

from pretrace.pipeline.stage import Run, run_stage
from pretrace.report import benchmark_markdown, write_page, write_report
from pretrace.report.glue import write_submissions
from pretrace.report.scores_csv import write_scores
from pretrace.tracking import best_models, experiment_metrics


def main(run: Run) -> None:
    benchmark = write_report(run.settings)
    write_scores("data/benchmark.csv", benchmark)
    write_submissions(run.settings, Path("models/finetuned"), Path("data/glue"))
    page = write_page(run.settings)
    card = page.with_name("model-card.md")
    for path in (page, card, Path("reports/benchmark.json"), Path("reports/figures")):
        run.log_artifact(path)
    scores = experiment_metrics(benchmark)
    run.log_metrics(scores)
    run.log_experiment_metrics(scores)
    run.log_models(best_models(benchmark))
    run.describe_experiment(benchmark_markdown(benchmark))
    run.ends_experiment = True


if __name__ == "__main__":
    run_stage("report", main)
