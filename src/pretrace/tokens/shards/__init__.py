"""Token ids on disk: writing and checking shards, reading them, and sampling batches from them."""

from pretrace.tokens.shards.read import Shards, open_shards, read_manifest
from pretrace.tokens.shards.sampler import batch_sequences, sequence_order, sequences_per_epoch
from pretrace.tokens.shards.write import write_shards

__all__ = [
    "Shards",
    "batch_sequences",
    "open_shards",
    "read_manifest",
    "sequence_order",
    "sequences_per_epoch",
    "write_shards",
]
