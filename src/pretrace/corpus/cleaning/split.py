"""Which documents are for training, for validation, and for the probes.

The division is by document and made once, so nothing that is seen in one is in another. It is a pure function of the
documents' names and lengths (and of which are nearly the same, where that is looked for): neither a seed nor the order
of the files has a part in it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pretrace.common.errors import PretraceError

SPLITS = ("train", "validation", "probes")
MINIMUM_DOCUMENTS = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """What the division needs to know of a document."""

    id: str
    source: str
    words: int

    @property
    def rank(self) -> bytes:
        """A place in an order that has nothing to do with names, the same everywhere."""
        return hashlib.sha256(f"{self.source}\0{self.id}".encode()).digest()


def split_documents(
    entries: list[Entry], validation_share: float, probe_share: float, groups: Sequence[int] | None = None
) -> list[str]:
    """The split ("train", "validation" or "probes") of each document, in the order given.

    `groups` has a number for each document; those with the same number go to the same side. The group is divided as
    one document, with the name that ranks first in it and the words of all.

    The shares are of words. Every source with at least two documents is in train and in probes, so that a probe can
    ask for the source of a passage; sources with one document are treated as one source.

    Raises:
        PretraceError: there are too few documents.
    """
    if groups is not None and len(set(groups)) < len(groups):
        members: dict[int, list[Entry]] = defaultdict(list)
        for entry, group in zip(entries, groups, strict=True):
            members[group].append(entry)
        splits = split_documents([_as_one(together) for together in members.values()], validation_share, probe_share)
        side = dict(zip(members, splits, strict=True))
        return [side[group] for group in groups]
    if len(entries) < MINIMUM_DOCUMENTS:
        raise PretraceError(
            f"corpus: {len(entries)} documents are left after cleaning, {MINIMUM_DOCUMENTS} are the least: train, "
            "validation and probes are divided by document; add documents, or cut long ones into chapters"
        )
    by_source: dict[str, list[int]] = defaultdict(list)
    for index in sorted(range(len(entries)), key=lambda index: entries[index].rank):
        by_source[entries[index].source].append(index)
    sources = [by_source[source] for source in sorted(by_source)]
    alone = sorted((indices[0] for indices in sources if len(indices) == 1), key=lambda index: entries[index].rank)
    strata = [indices for indices in [*sources, alone] if len(indices) > 1]
    splits = ["train"] * len(entries)
    for index in _validation(entries, strata, validation_share):
        splits[index] = "validation"
    for stratum in strata:
        rest = [index for index in stratum if splits[index] == "train"]
        for index in _probes(entries, rest, probe_share / (1 - validation_share)):
            splits[index] = "probes"
    return splits


def _as_one(together: list[Entry]) -> Entry:
    return replace(min(together, key=lambda entry: entry.rank), words=sum(entry.words for entry in together))


def _validation(entries: list[Entry], strata: list[list[int]], share: float) -> list[int]:
    """About `share` of the documents of every source, evenly; the first two of a source stay where they are."""
    longest = share * sum(entry.words for entry in entries) / 2  # one document alone shall not be the validation text
    everyone = [index for stratum in strata for index in stratum]
    candidates = [index for stratum in strata for index in stratum[2:]] or everyone
    chosen = []
    due = 0.5
    for index in candidates:
        due += share * len(everyone) / len(candidates)
        if due >= 1 and entries[index].words <= longest:
            chosen.append(index)
            due -= 1
    return chosen or [min(candidates, key=lambda index: (entries[index].words, entries[index].rank))]


def _probes(entries: list[Entry], stratum: list[int], share: float) -> list[int]:
    """Documents of one source that hold about `share` of its words: each goes where most is missing."""
    total = sum(entries[index].words for index in stratum)
    missing = {"train": (1 - share) * total, "probes": share * total}
    chosen: dict[str, list[int]] = {"train": [], "probes": []}
    for index in stratum:
        split = max(missing, key=missing.__getitem__)
        missing[split] -= entries[index].words
        chosen[split].append(index)
    if len(stratum) > 1 and not chosen["train"]:
        return chosen["probes"][:-1]
    if 1 < len(stratum) < 4 or not chosen["probes"]:
        # Too few to come near the share: the shortest is nearest, as one has to be there.
        return [min(stratum, key=lambda index: entries[index].words)] if len(stratum) > 1 else []
    return chosen["probes"]
