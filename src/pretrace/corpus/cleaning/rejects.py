"""Account of rejects: a line for each document that was dropped or lost lines, and the sums.

`rejects.jsonl` has one object per line: `id`, `source`, `reason` (the key of the setting that decided), `value` (the
measured number), `detail`, `cut` (true if the document stays without some lines) and `text`, the beginning of what was
removed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol

from pretrace.corpus.filters.base import BEGINNING, CleanedDocument, Reason

EXAMPLES = 10
"""Documents per reason in the report; all of them are in the file."""


class Named(Protocol):
    """A document at any stage of its way."""

    @property
    def id(self) -> str: ...

    @property
    def source(self) -> str: ...


class Rejects:
    """Writes the file, if there is anything to write, and counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: IO[str] | None = None
        self.dropped: Counter[str] = Counter({"empty": 0, "repeated": 0})
        """Documents by reason."""
        self.cut: dict[str, Counter[str]] = {}
        """By reason: documents that lost lines, the lines, their words."""
        self.evaluation_rows: Counter[tuple[str, str]] = Counter()
        """Documents that share words with a dev or test row, by task and row."""
        self.contaminated: Counter[str] = Counter()
        """The same by task."""
        self.by_source: dict[str, Counter[str]] = defaultdict(Counter)
        self._examples: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def __enter__(self) -> Rejects:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream:
            self._stream.close()

    def keep(self, documents: Iterable[CleanedDocument]) -> Iterator[CleanedDocument]:
        """Yield the documents that no step dropped; write down the others, and all lines that were cut."""
        for document in documents:
            if document.evaluation_rows:
                self.evaluation_rows.update(document.evaluation_rows)
                self.contaminated.update({task for task, _ in document.evaluation_rows})
            for reason, lines in document.cuts:
                self.cut_lines(document, reason, lines)
            if document.reason:
                self.drop(document, document.reason, document.beginning)
            else:
                yield document

    def drop(self, document: Named, reason: Reason, text: str) -> None:
        """Write down a document that is dropped, with the beginning of `text`."""
        self.dropped[reason.rule] += 1
        self.by_source[document.source][reason.rule] += 1
        self._write(document, reason, False, text)

    def cut_lines(self, document: Named, reason: Reason, lines: list[str]) -> None:
        """Write down a document that stays without `lines`."""
        sums = self.cut.setdefault(reason.rule, Counter())
        sums.update(documents=1, lines=len(lines), words=sum(len(line.split()) for line in lines))
        self._write(document, reason, True, "\n".join(lines))

    def report(self) -> dict[str, Any]:
        """Return the part of `reports/clean.json` by source, with examples, cut lines and contaminated tasks."""
        return {
            "left_out_by_source": {source: dict(sorted(n.items())) for source, n in sorted(self.by_source.items())},
            "examples": dict(sorted(self._examples.items())),
            "contamination": {
                task: {"documents": documents, "rows": sum(name == task for name, _ in self.evaluation_rows)}
                for task, documents in sorted(self.contaminated.items())
            },
            "cut": {reason: dict(sums) for reason, sums in sorted(self.cut.items())},
        }

    def _write(self, document: Named, reason: Reason, cut: bool, text: str) -> None:
        row = {"id": document.id, "source": document.source, "reason": reason.rule, "value": reason.value}
        row |= {"detail": reason.detail, "cut": cut}
        if self._stream is None:
            self._stream = self._path.open("w", encoding="utf-8", newline="\n")
        self._stream.write(json.dumps({**row, "text": text[:BEGINNING]}, ensure_ascii=False) + "\n")
        examples = self._examples[f"{reason.rule} (cut)" if cut else reason.rule]
        example = {"id": document.id, "source": document.source, "value": reason.value}
        examples.append(example | ({"detail": reason.detail} if reason.detail else {}))
        # By a rank that has nothing to do with names: the first ten of the corpus would often be of one source.
        examples.sort(key=_rank)
        del examples[EXAMPLES:]


def _rank(example: dict[str, Any]) -> bytes:
    return hashlib.sha256(f"{example['source']}\0{example['id']}".encode()).digest()
