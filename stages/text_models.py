"""Build models of the pre-training text without a network: an n-gram model of its token ids, and LSA of its words.

    python stages/text_models.py

Reads data/shards/ of the first system and data/clean/train/; writes models/text_models/ and reports/text_models.json.
"""

from pathlib import Path

from pretrace.baselines.text_models import build_text_models
from pretrace.corpus import Gpt1Words, PreparedText, prepared_folder
from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.record import write_record


def main(run: Run) -> None:
    prepared = PreparedText(Gpt1Words(run.settings.text.language), prepared_folder(), run.settings.workers)
    shards = Path(f"data/shards/{run.settings.first_system}")
    report = build_text_models(shards, prepared, Path("data/clean/train"), Path("models/text_models"))
    write_record("reports/text_models.json", report)
    run.log_metrics({"tokens": report.tokens, "passages": report.passages, "words": report.words})


if __name__ == "__main__":
    run_stage("text_models", main)
