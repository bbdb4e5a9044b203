"""Documents as a tokenizer reads them, kept on disk for the stages that need them: each part is prepared once.

The corpus holds raw text. The stage `clean` prepares all of it to measure it, and leaves what it made here; `bpe`,
`shard`, `text_models` and `tasks` read that. A part's folder is named after the part's checksum and the recipe, and is
whole or absent. One that is missing or damaged is made again, by workers, so no result depends on this folder, and an
interrupted run resumes.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrace.common.files import (
    atomic_folder,
    checksums_match,
    scratch_folder,
    sha256_of_file,
    sha256_of_json,
    write_checksums,
)
from pretrace.common.progress import progress
from pretrace.corpus.documents import (
    Document,
    bytes_of_documents,
    count_documents,
    document_parts,
    in_batches,
    part_path,
    read_documents,
    write_part,
)
from pretrace.corpus.parallel import map_in_order
from pretrace.corpus.text.recipe import Recipe

if TYPE_CHECKING:
    from pretrace.settings import Workers

BATCH_CHARACTERS = 500_000
WORKERS_FROM_BYTES = 16 << 20
"""Bytes of Parquet below which this process prepares alone: workers would take longer to start."""
PRELOAD = ("pretrace.corpus.cleaning.preload",)
KEPT_SECONDS = 7 * 24 * 3600
"""Time after which a part that no stage has used is deleted."""


def prepared_folder() -> Path:
    """Return where the stages keep prepared text."""
    return scratch_folder() / "prepared"


@dataclass(frozen=True)
class PreparedText:
    """Text prepared by a recipe, kept in a folder; without a recipe text stays as it is, and nothing is kept."""

    recipe: Recipe | None
    folder: Path
    workers: Workers | None = None

    def documents(self, folder: Path) -> Iterator[Document]:
        """Yield the documents in a folder, or those of one part, with their text prepared.

        Raises:
            PretraceError: the folder has no parts, or a part is damaged.
        """
        parts = [folder] if folder.is_file() else document_parts(folder)
        for part in self.parts(parts).values():
            yield from read_documents(part)

    def pairs(self, folder: Path) -> Iterator[tuple[Document, Document]]:
        """Yield the documents in a folder as they are, each with itself prepared."""
        return zip(read_documents(folder), self.documents(folder), strict=True)

    def parts(self, parts: Sequence[Path]) -> dict[Path, Path]:
        """Return for each part of raw documents the part with the same documents prepared; missing ones are made."""
        if self.recipe is None:
            return {part: part for part in parts}
        folders = {part: self._folder(part) for part in parts}
        missing = [part for part, folder in folders.items() if not checksums_match(folder)]
        self._make({part: folders[part] for part in missing}, self.recipe)
        for folder in folders.values():
            folder.touch()
        return {part: part_path(folder, 0) for part, folder in folders.items()}

    def keep(self, part: Path, ids: list[str], sources: list[str], texts: Any) -> None:
        """Keep what the recipe made of a part; `texts` are Arrow's `large_string`."""
        with atomic_folder(self._folder(part)) as temporary:
            write_part(part_path(temporary, 0), ids, sources, texts)
            write_checksums(temporary)

    def forget_old(self) -> None:
        """Delete what no stage has used for long; other experiments may be using the rest."""
        for folder in self.folder.glob("*"):
            if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, part: Path) -> Path:
        assert self.recipe
        return self.folder / sha256_of_json([self.recipe.key, sha256_of_file(part)])

    def _make(self, folders: dict[Path, Path], recipe: Recipe) -> None:
        if not folders:
            return
        import pyarrow as pa

        few = sum(part.stat().st_size for part in folders) < WORKERS_FROM_BYTES
        batches = (batch for part in folders for batch in in_batches(read_documents(part), BATCH_CHARACTERS))
        with progress(total=sum(map(bytes_of_documents, folders)), unit="B", description="prepare") as bar:
            done = map_in_order(PrepareBatch(recipe), batches, None if few else self.workers, PRELOAD)
            documents = (document for raw, batch in done for document in _shown(bar.update, raw, batch))
            for part in folders:
                of_part = list(islice(documents, count_documents(part)))
                texts = pa.array([document.text for document in of_part], pa.large_string())
                self.keep(part, [document.id for document in of_part], [document.source for document in of_part], texts)


@dataclass(frozen=True)
class PrepareBatch:
    """The function of a worker: prepare a batch of documents."""

    recipe: Recipe

    def __call__(self, batch: list[Document]) -> list[Document]:
        return [replace(document, text=self.recipe(document.text)) for document in batch]


def _shown(update: Callable[[int], Any], raw: list[Document], prepared: list[Document]) -> list[Document]:
    update(sum(len(document.text) for document in raw))
    return prepared
