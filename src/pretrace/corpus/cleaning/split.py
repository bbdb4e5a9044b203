"""Assignment of documents to the splits: training, validation, and the probes.

It is made once and by document, so nothing in one split is seen in another. It is a pure function of the documents'
names and lengths, and of the groups of near duplicates where those are kept together: it depends neither on a seed nor
on the order of the files.
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
class KeptDocument:
    """A document that stays, as it is held in memory."""

    id: str
    source: str
    words: int

    @property
    def rank(self) -> bytes:
        """A position in an order that has nothing to do with names, the same everywhere."""
        return hashlib.sha256(f"{self.source}\0{self.id}".encode()).digest()


def split_documents(
    documents: list[KeptDocument], validation_share: float, probe_share: float, groups: Sequence[int] | None = None
) -> list[str]:
    """Return the split ("train", "validation" or "probes") of each document, in the order given.

    `groups` has a number for each document; those with the same number go to the same split. A group is split as one
    document, with the name that ranks first in it and the words of all.

    The shares are of words. Every source with at least two documents is in train and in probes, so that a probe can
    ask for the source of a passage; sources with one document are treated as one source.

    Raises:
        PretraceError: there are too few documents.
    """
    if groups is not None and len(set(groups)) < len(groups):
        members: dict[int, list[KeptDocument]] = defaultdict(list)
        for document, group in zip(documents, groups, strict=True):
            members[group].append(document)
        splits = split_documents([_as_one(group) for group in members.values()], validation_share, probe_share)
        split_of = dict(zip(members, splits, strict=True))
        return [split_of[group] for group in groups]
    if len(documents) < MINIMUM_DOCUMENTS:
        raise PretraceError(
            f"corpus: {len(documents)} documents are left after cleaning, at least {MINIMUM_DOCUMENTS} are needed: "
            "train, validation and probes are split by document; add documents, or cut long ones into chapters"
        )
    by_source: dict[str, list[int]] = defaultdict(list)
    for index in sorted(range(len(documents)), key=lambda index: documents[index].rank):
        by_source[documents[index].source].append(index)
    sources = [by_source[source] for source in sorted(by_source)]
    alone = sorted((indices[0] for indices in sources if len(indices) == 1), key=lambda index: documents[index].rank)
    strata = [indices for indices in [*sources, alone] if len(indices) > 1]
    splits = ["train"] * len(documents)
    for index in _validation(documents, strata, validation_share):
        splits[index] = "validation"
    for stratum in strata:
        rest = [index for index in stratum if splits[index] == "train"]
        for index in _probes(documents, rest, probe_share / (1 - validation_share)):
            splits[index] = "probes"
    return splits


def _as_one(group: list[KeptDocument]) -> KeptDocument:
    return replace(min(group, key=lambda document: document.rank), words=sum(document.words for document in group))


def _validation(documents: list[KeptDocument], strata: list[list[int]], share: float) -> list[int]:
    """Return about `share` of the documents of every source, evenly; the first two of a source stay in train."""
    longest = share * sum(document.words for document in documents) / 2  # validation text is never a single document
    everyone = [index for stratum in strata for index in stratum]
    candidates = [index for stratum in strata for index in stratum[2:]] or everyone
    chosen = []
    due = 0.5
    for index in candidates:
        due += share * len(everyone) / len(candidates)
        if due >= 1 and documents[index].words <= longest:
            chosen.append(index)
            due -= 1
    return chosen or [min(candidates, key=lambda index: (documents[index].words, documents[index].rank))]


def _probes(documents: list[KeptDocument], stratum: list[int], share: float) -> list[int]:
    """Return documents of one source with about `share` of its words: each goes to the split that lacks most words."""
    total = sum(documents[index].words for index in stratum)
    missing = {"train": (1 - share) * total, "probes": share * total}
    chosen: dict[str, list[int]] = {"train": [], "probes": []}
    for index in stratum:
        split = max(missing, key=missing.__getitem__)
        missing[split] -= documents[index].words
        chosen[split].append(index)
    if len(stratum) > 1 and not chosen["train"]:
        return chosen["probes"][:-1]
    if 1 < len(stratum) < 4 or not chosen["probes"]:
        # Too few to come near the share: the shortest is nearest, as probes need one.
        return [min(stratum, key=lambda index: documents[index].words)] if len(stratum) > 1 else []
    return chosen["probes"]
