"""Encode the train and validation text into token shards with a checksummed manifest.

    python stages/shard.py

Reads data/clean/ and models/vocabulary/; writes data/shards/.
"""

from pathlib import Path

from pretrace.shards import write_shards
from pretrace.stage import Run, run_stage
from pretrace.vocabulary import load_vocabulary


def main(run: Run) -> None:
    manifest = write_shards(Path("data/clean"), load_vocabulary(Path("models/vocabulary")), Path("data/shards"))
    run.log_metrics({f"{split}_tokens": numbers["tokens"] for split, numbers in manifest["splits"].items()})


if __name__ == "__main__":
    run_stage("shard", main)
