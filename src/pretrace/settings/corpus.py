"""The text: where it comes from, which of it stays, how it is divided."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pretrace.settings.columns import Columns
from pretrace.settings.quality import Quality
from pretrace.settings.section import PathString, Section

Package = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
"""As it is imported, without dots."""


class HubDataset(Section):
    """A data set of the Hugging Face Hub."""

    name: str | None = None
    """As the Hub has it: owner/name."""
    config: str | None = None
    """One of its configurations (subsets); null: its default."""
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    """The commit to read, so that everyone gets the same text: the 40 digits under "Files and versions"."""


class Dataset(HubDataset):
    """One of its splits."""

    split: str = "train"


class Corpus(Section):
    """Where the text comes from and how it is divided."""

    source: Literal["installed", "files", "huggingface"] = "installed"
    """`installed`: the documentation inside installed packages; `files`: text of your own; `huggingface`: a data set
    of the Hugging Face Hub."""
    packages: list[Package] = Field(default_factory=list)
    """For `installed`: names of installed Python packages, each one source."""
    path: PathString | None = None
    """For `files`: a file, a folder, a glob, or a URL that fsspec reads (s3://) of .txt, .jsonl or .parquet, each also
    with .gz or .zst."""
    dataset: Dataset = Dataset()
    """For `huggingface`: which data set."""
    columns: Columns = Columns()
    """For .jsonl, .parquet and data sets: which columns are the text, the id and the source."""
    documents: Literal["file", "piece", "blank_line", "line"] = "file"
    """What a document of plain text is: a file; a piece of about 100 kB of it, which ends at a blank line if there is
    one; what stands between blank lines; or a line."""
    on_bad_input: Literal["stop", "skip"] = "stop"
    """What becomes of a file or row that is no text: it stops the run, or it is left out and written down in
    data/documents/rejects.jsonl."""
    validation_share: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.03
    """Share of the documents' text kept for validation loss (ours)."""
    probe_share: Annotated[float, Field(gt=0.0, lt=0.8)] = 0.25
    """Share of the documents' text that pre-training never sees and the probes are made from (ours)."""
    quality: Quality = Quality()
    """Which documents and lines do not stay."""


class Workers(Section):
    """Who cleans the corpus. No byte of a result depends on it, so it is no parameter of any stage (dvc.yaml)."""

    engine: Literal["processes", "ray"] = "processes"
    """`processes` of this machine, or `ray`: the cluster that RAY_ADDRESS names, else one on this machine."""
    count: Annotated[int, Field(ge=1, le=4096)] = 2
    """Each takes a core, and about 0.5 GB of memory."""
