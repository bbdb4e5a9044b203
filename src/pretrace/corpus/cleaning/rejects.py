"""The accounts of what did not stay: a line for each document that was dropped or lost lines, and the sums.

`rejects.jsonl` has one object a line: `id`, `source`, `reason` (the key of the setting that decided), `value` (what was
measured), `detail`, `cut` (true where the document stays without some lines) and `text`, the beginning of what went.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from pretrace.corpus.documents import Document
from pretrace.corpus.filters.quality import Verdict

EXAMPLES = 10
"""Documents a reason in the report; all of them are in the file."""
BEGINNING = 300
"""Characters of the text that went."""


class LeftOut:
    """Writes the file (only if there is something to write) and keeps count."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: IO[str] | None = None
        self.dropped: Counter[str] = Counter({"empty": 0, "repeated": 0})
        """Documents by reason."""
        self.cut: dict[str, Counter[str]] = {}
        """By reason: documents that lost lines, the lines, their words."""
        self.shared: Counter[tuple[str, str]] = Counter()
        """Documents that had words of a dev or test row, by task and row."""
        self.shared_by_task: Counter[str] = Counter()
        self.by_source: dict[str, Counter[str]] = defaultdict(Counter)
        self._examples: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def __enter__(self) -> LeftOut:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream:
            self._stream.close()

    def drop(self, document: Document, verdict: Verdict, text: str | None = None) -> None:
        """A document that does not stay; `text` is what to show of it, if not its own."""
        self.dropped[verdict.reason] += 1
        self.by_source[document.source][verdict.reason] += 1
        self._note(document, verdict, False, document.text if text is None else text)

    def cut_lines(self, document: Document, verdict: Verdict, lines: list[str]) -> None:
        """A document that stays, without `lines`."""
        sums = self.cut.setdefault(verdict.reason, Counter())
        sums.update(documents=1, lines=len(lines), words=sum(len(line.split()) for line in lines))
        self._note(document, verdict, True, "\n".join(lines))

    def share(self, rows: Sequence[tuple[str, str]]) -> None:
        """Note the dev and test rows, by task and row, of which one document had words."""
        self.shared.update(rows)
        self.shared_by_task.update({task for task, _ in rows})

    def report(self) -> dict[str, Any]:
        """For `reports/clean.json`, besides the sums: by source, examples by reason, what was cut and shared."""
        return {
            "left_out_by_source": {source: dict(sorted(n.items())) for source, n in sorted(self.by_source.items())},
            "examples": dict(sorted(self._examples.items())),
            "contamination": {
                task: {"documents": documents, "rows": sum(name == task for name, _ in self.shared)}
                for task, documents in sorted(self.shared_by_task.items())
            },
            "cut": {reason: dict(sums) for reason, sums in sorted(self.cut.items())},
        }

    def _note(self, document: Document, verdict: Verdict, cut: bool, text: str) -> None:
        row = {"id": document.id, "source": document.source, "reason": verdict.reason, "value": verdict.value}
        row |= {"detail": verdict.detail, "cut": cut}
        if self._stream is None:
            self._stream = self._path.open("w", encoding="utf-8", newline="\n")
        self._stream.write(json.dumps({**row, "text": text[:BEGINNING]}, ensure_ascii=False) + "\n")
        shown = self._examples[f"{verdict.reason} (cut)" if cut else verdict.reason]
        example = {"id": document.id, "source": document.source, "value": verdict.value}
        shown.append(example | ({"detail": verdict.detail} if verdict.detail else {}))
        # By a rank that has nothing to do with names: the first ten of the corpus would often be of one source.
        shown.sort(key=_rank)
        del shown[EXAMPLES:]


def _rank(example: dict[str, Any]) -> bytes:
    return hashlib.sha256(f"{example['source']}\0{example['id']}".encode()).digest()
