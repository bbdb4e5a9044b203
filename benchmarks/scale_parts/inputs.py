"""Rates and assumptions of docs/scale.md, each with its unit and source. Change one, and run scale.py again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from pretrace.corpus.filters.minhash import PERMUTATIONS, band_rows
from pretrace.preflight.disk import TEXT_COPIES

LOG = "docs/log.md, 2026-12-01"


@dataclass(frozen=True)
class Input:
    """A number that others are reckoned from."""

    value: float
    unit: str
    meaning: str
    source: str


@dataclass(frozen=True)
class Text:
    """The text."""

    bytes: Input = Input(1e12, "bytes", "raw text", "the question")
    a_document: Input = Input(3037, "bytes", "of a document", "reports/clean.json: bytes_in over documents_in")
    a_token: Input = Input(4.3, "bytes", "of a token, 50,257 tokens", "scales/gpt2-1.5b.yaml")
    an_id: Input = Input(2, "bytes", "of a token id", "src/pretrace/tokens/shards/write.py")
    text_copies: Input = Input(
        TEXT_COPIES, "copies", "of the text on disk, its largest number", "src/pretrace/preflight/disk.py"
    )


@dataclass(frozen=True)
class Rates:
    """Rates measured here, of one process on one core unless said otherwise."""

    clean: Input = Input(9.4e6, "bytes/s", "cleaning with near duplicates, long documents", "docs/log.md, 2026-11-30")
    clean_parent: Input = Input(25e-6, "s/document", "of `clean` in its one parent process, near duplicates on", LOG)
    clean_memory: Input = Input(1100, "bytes/document", "in the parent of `clean`", LOG)
    duplicates: Input = Input(
        4.3 / 40_000, "s/member", "exact comparison of a document that shares a bucket, one process", LOG
    )
    members: Input = Input(0.1, "share", "of documents that share a bucket with another", "assumed")
    band_sort: Input = Input(130e-9, "s/document", "to sort a band of signatures", LOG)
    bands: Input = Input(
        PERMUTATIONS // band_rows(0.8),
        "bands",
        "of a signature at the threshold of 0.8",
        "src/pretrace/corpus/filters/minhash.py",
    )
    encode: Input = Input(8.5e6, "bytes/s", "text to ids, byte-level vocabulary", "docs/log.md, 2026-11-30")
    count: Input = Input(
        7.5e6 / 4.2, "bytes/s", "training of a byte-level vocabulary, two cores", "docs/log.md, 2026-11-30"
    )
    shard_parent: Input = Input(45e-6, "s/document", "of `shard` in its one parent process", LOG)
    shard_memory: Input = Input(250, "bytes/document", "in the parent of `shard`: rank, file, number", LOG)
    md5: Input = Input(770e6, "bytes/s", "MD5, with which DVC names a file", LOG)
    sha256: Input = Input(1900e6, "bytes/s", "SHA-256, which is checked before shards are used", LOG)


@dataclass(frozen=True)
class Node:
    """One node of eight H100, and what it costs; prices are assumptions to be replaced by your own."""

    gpus: Input = Input(8, "GPUs", "H100, 80 GB each", "the question")
    gpu_memory: Input = Input(80e9, "bytes", "of a GPU", "NVIDIA's data sheet")
    cores: Input = Input(96, "cores", "of the node", "two processors of 48, as such nodes have")
    memory: Input = Input(2e12, "bytes", "of the node", "as such nodes have")
    disk: Input = Input(30e12, "bytes", "of local NVMe", "as such nodes have")
    network: Input = Input(1.25e9, "bytes/s", "from and to the object store (10 Gbit/s)", "assumed")
    node_hour: Input = Input(30, "USD", "an hour of the node", "assumed; prices lie between 16 and 100")
    core_hour: Input = Input(0.04, "USD", "an hour of a core of a machine without GPUs", "assumed")
    store_month: Input = Input(0.023, "USD", "a GB and month in an object store", "assumed; a usual list price")


@dataclass(frozen=True)
class Inputs:
    """All of them."""

    text: Text = Text()
    rates: Rates = Rates()
    node: Node = Node()

    def all(self) -> list[Input]:
        """Return the inputs in order."""
        sections: list[Any] = [self.text, self.rates, self.node]
        return [getattr(section, field.name) for section in sections for field in fields(section)]
