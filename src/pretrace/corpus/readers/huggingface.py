"""Rows of a data set on the Hugging Face Hub, streamed at one revision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pretrace.common.errors import PretraceError, printable
from pretrace.corpus.readers.faults import BadInputError
from pretrace.corpus.readers.row import Row, check_columns

if TYPE_CHECKING:
    from pretrace.settings import Dataset


def dataset_rows(dataset: Dataset, wanted: list[str], key: str = "corpus.dataset") -> Iterator[Row]:
    """Yield rows with the columns in `wanted`, or all if it is empty, numbered from 1, in the order of the data set.

    `key` is the key of the data set in params.yaml.

    Raises:
        PretraceError: `datasets` is not installed; the data set is not there, lacks a column or stops answering, which
            skipping it would hide.
    """
    try:
        from datasets import load_dataset
    except ImportError:
        raise PretraceError(
            f"params.yaml: {key}: the Hugging Face Hub needs a package that is not installed: pip install datasets"
        ) from None
    try:
        rows = load_dataset(
            dataset.name, dataset.config, split=dataset.split, revision=dataset.revision, streaming=True
        )
        for number, row in enumerate(rows, 1):
            if number == 1:
                check_columns(wanted, row)
            yield number, {column: row.get(column) for column in wanted or row}
    except BadInputError as bad:
        raise PretraceError(bad.at(str(dataset.name)).line) from None
    except Exception as error:  # of the network, the Hub or the format, each with types of its own
        said = " ".join(printable(f"{type(error).__name__}: {error}").split())
        raise PretraceError(f"params.yaml: {key}: {dataset.name}: cannot be read ({said})") from None
