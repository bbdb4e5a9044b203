"""Encode the train and validation text into token shards with a checksummed manifest.

    python stages/shard.py gpt1

Reads data/clean/ and models/vocabulary/<system>/; writes data/shards/<system>/.
"""

from pathlib import Path

from pretrace.common.files import scratch_folder
from pretrace.corpus import prepared_folder
from pretrace.pipeline.stage import Run, run_stage
from pretrace.tokens import load_vocabulary
from pretrace.tokens.shards import write_shards


def main(run: Run) -> None:
    (system,) = run.cell
    vocabulary = load_vocabulary(Path(f"models/vocabulary/{system}"))
    scratch = scratch_folder() / "shards" / system
    folders = Path("data/clean"), vocabulary, Path(f"data/shards/{system}"), scratch
    manifest = write_shards(*folders, run.settings.workers, prepared_folder(), run.settings.corpus.mix)
    run.log_metrics({f"{split}_tokens": numbers.tokens for split, numbers in manifest.splits.items()})


if __name__ == "__main__":
    run_stage("shard", main, "systems")
