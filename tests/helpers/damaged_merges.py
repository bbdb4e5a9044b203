"""Faults of a vocabulary's two files, tokens with their ids and merges, whatever their names."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

Change = Callable[[Path], object]
"""Spoils a folder."""
Fault = tuple[Change, str, str]
"""A change, the file that the error names, and a part of its reason."""


class Files:
    """Changes of the files of these names."""

    def __init__(self, names: Sequence[str]) -> None:
        self.encoder, self.merges = names

    def edited(self, change: Callable[[dict], object]) -> Change:
        def apply(folder: Path) -> None:
            ids = json.loads((folder / self.encoder).read_text())
            change(ids)
            (folder / self.encoder).write_text(json.dumps(ids))

        return apply

    def added_merge(self, line: str) -> Change:
        return lambda folder: (folder / self.merges).write_text((folder / self.merges).read_text() + line + "\n")

    def faults(self) -> dict[str, Fault]:
        """Those that every kind of vocabulary with such files refuses."""
        encoder, merges = self.encoder, self.merges
        return {
            "no merges": (lambda folder: (folder / merges).unlink(), merges, "no such file"),
            "no tokens": (lambda folder: (folder / encoder).unlink(), encoder, "no such file"),
            "cut JSON": (lambda folder: (folder / encoder).write_text('{"a": 0, '), encoder, "not a whole JSON file"),
            "a list": (lambda folder: (folder / encoder).write_text('["a", "b"]'), encoder, "an object of tokens"),
            "a hole": (self.edited(lambda ids: ids.pop("e")), encoder, "0 to their number less one, each once"),
            "an id twice": (self.edited(lambda ids: ids.update(e=ids["f"])), encoder, "each once"),
            "a merge to nothing": (self.added_merge("q z"), merges, "takes two symbols whose merge is a token"),
            "a merge of three": (self.added_merge("t h e"), merges, "'t h e'"),
            "bytes": (lambda folder: (folder / merges).write_bytes(b"#version\nt h\xff\n"), merges, "not UTF-8"),
        }
