"""Writing of a mix of sources: its weights as whole numbers, and the source of each document of the stream.

    train-sources.bin        the number of each document's source, little-endian uint32, in the order of the stream

All other files are as without a mix.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_file
from pretrace.corpus.documents import sources_of
from pretrace.schemas.tokens import MixedSource, SourcesFile, SourceWeights
from pretrace.tokens.shards.encode import EncodedPart
from pretrace.tokens.shards.format import SOURCE

LONGEST_PERIOD = 1 << 16
"""Sequences after which the order of sources is repeated, about: weights that need more are rounded."""
SHOWN = 10
"""Sources that an error lists."""


def parts_of(weights: Mapping[str, float]) -> dict[str, int]:
    """Return small whole numbers in the proportions of the weights, by source, in the order of their names.

    They are exact if their sum is at most `LONGEST_PERIOD`; else they are rounded to that sum, those above 0 to at
    least 1.

    Args:
        weights: 0 or more each, not all 0.
    """
    exact = {source: Fraction(str(weights[source])) for source in sorted(weights)}
    total = sum(exact.values())
    shares = {source: weight / total for source, weight in exact.items()}
    period = math.lcm(*(share.denominator for share in shares.values()))
    if period <= LONGEST_PERIOD:
        return {source: int(share * period) for source, share in shares.items()}
    return {source: max(round(share * LONGEST_PERIOD), int(share > 0)) for source, share in shares.items()}


def write_mix(
    order: Iterable[tuple[str, int, int]],
    parts: list[EncodedPart],
    texts: list[Path],
    weights: Mapping[str, float],
    out: Path,
) -> SourceWeights:
    """Write the sources of documents to the folder `out`.

    Args:
        order: documents in the order of the stream: rank, index of the part, number in the part.
        parts: with the tokens of the documents.
        texts: the same parts as text.
        weights: by source.

    Raises:
        PretraceError: the weights are not of the sources of these documents.
    """
    sources = [sources_of(text) for text in texts]
    names = sorted({source for of_part in sources for source in of_part})
    check_weights(weights, names, "the training text")
    weights = {name: weights[name] for name in names}
    numbers = {name: number for number, name in enumerate(names)}
    of_document = np.array([numbers[sources[at][number]] for _, at, number in order], SOURCE)
    path = out / "train-sources.bin"
    path.write_bytes(of_document.tobytes())
    tokens = dict.fromkeys(names, 0)
    for part, of_part in zip(parts, sources, strict=True):
        for source, size in zip(of_part, np.diff(part.index.starts).tolist(), strict=True):
            tokens[source] += size
    documents = np.bincount(of_document, minlength=len(names)).tolist()
    return SourceWeights(
        sources=[
            MixedSource(source=source, part=part, tokens=tokens[source], documents=documents[numbers[source]])
            for source, part in parts_of(weights).items()
        ],
        file=SourcesFile(name=path.name, sha256=sha256_of_file(path)),
    )


def check_weights(weights: Mapping[str, float], names: list[str], of: str) -> None:
    """Check the weights of a mix against the names of the sources in the text that `of` says.

    Raises:
        PretraceError: one of no such source is above 0, or a source has none.
    """
    unknown = [source for source, weight in weights.items() if weight and source not in names]
    if unknown:
        raise PretraceError(
            f"params.yaml: corpus.mix: {unknown[0]!r} has no document in {of}, which has {_listed(names)}"
        )
    missing = [name for name in names if name not in weights]
    if missing:
        raise PretraceError(
            f"params.yaml: corpus.mix: no weight for {_listed(missing)}; give each a weight, or 0 to leave it out"
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + more
