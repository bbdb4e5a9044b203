"""The corpus: where the text comes from, which of it is kept, and how it is split."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pretrace.settings.columns import Columns
from pretrace.settings.quality import Quality
from pretrace.settings.section import NotNegative, PathString, Section

Package = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
"""Name of a Python package as it is imported, without dots."""


class HubDataset(Section):
    """A data set of the Hugging Face Hub."""

    name: str | None = None
    """Name on the Hub: owner/name."""
    config: str | None = None
    """One of its configurations (subsets); null: the default one."""
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    """Commit to read, so that everyone gets the same text: the 40 digits under "Files and versions"."""


class Dataset(HubDataset):
    """One split of a data set of the Hub."""

    split: str = "train"


class Corpus(Section):
    """Where the text comes from, which of it is kept, and how it is split."""

    source: Literal["installed", "files", "huggingface"] = "installed"
    """`installed`: the documentation inside installed packages; `files`: text of your own; `huggingface`: a data set
    of the Hugging Face Hub."""
    packages: list[Package] = Field(default_factory=list)
    """For `installed`: names of installed Python packages. Each is one source."""
    path: PathString | None = None
    """For `files`: a file, a folder, a glob, or a URL that fsspec reads (s3://). Formats are .txt, .jsonl and .parquet,
    plain or as .gz or .zst."""
    dataset: Dataset = Dataset()
    """For `huggingface`: the data set to read."""
    columns: Columns = Columns()
    """For .jsonl, .parquet and data sets: the columns of text, id and source."""
    documents: Literal["file", "piece", "blank_line", "line"] = "file"
    """Where a document of plain text ends. `file`: at the end of the file. `piece`: after about 100 kB, at a blank line
    if there is one. `blank_line`: at each blank line. `line`: at each line end."""
    on_bad_input: Literal["stop", "skip"] = "stop"
    """A file or row that is not text stops the run, or is skipped and listed in data/documents/rejects.jsonl."""
    validation_share: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.03
    """Share of the text held out for the validation loss (ours)."""
    probe_share: Annotated[float, Field(gt=0.0, lt=0.8)] = 0.25
    """Share of the text held out from pre-training to make the probes of (ours)."""
    mix: dict[str, NotNegative] | None = None
    """Weight of each source of the training text, in any unit; 0 leaves it out. Training reads sequences of each source
    by its weight, so that some are read more often than others (GPT-3: Brown et al. 2020, table 2.2); null: all text
    equally often. Validation text is not mixed."""
    quality: Quality = Quality()
    """Which documents and lines are dropped."""

    @model_validator(mode="after")
    def _reads_something(self) -> Corpus:
        if self.mix is not None and not any(self.mix.values()):
            raise ValueError("`mix` needs a weight above 0 for at least one source")
        return self


class TextSettings(Section):
    """The making of GPT-1's words from raw text."""

    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = "en"
    """Language of spaCy's tokenizer, as spaCy calls it: en, fr, de, zh, ar ... English is the paper's."""


class Workers(Section):
    """Processes that clean the corpus. No byte of the result depends on them, so no stage has them as a parameter."""

    engine: Literal["processes", "ray"] = "processes"
    """`processes` on this host, or `ray`: the cluster at RAY_ADDRESS, else a new one on this host."""
    count: Annotated[int, Field(ge=1, le=4096)] = 2
    """Number of workers. Each takes one core and about 0.5 GB of memory."""
