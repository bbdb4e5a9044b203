"""Which documents a batch is of."""

from __future__ import annotations

from pathlib import Path

from pretrace.tokens.shards import batch_sequences, open_shards
from pretrace.tokens.shards.batch_documents import batch_documents, document_names
from tests.helpers.small_shards import TEXTS, Words


def test_batch_documents_have_names(folder: Path, tmp_path: Path) -> None:
    shards = open_shards(folder, "train")
    for step in range(12):
        numbers = batch_documents(shards, 16, range(4 * step, 4 * step + 4), 5)
        assert numbers == sorted(set(numbers))
        names = document_names(numbers, tmp_path / "clean" / "train")
        ids = set(batch_sequences(shards, 16, range(4 * step, 4 * step + 4), 5).ravel().tolist()) - {1, 2}
        assert {int(name.removeprefix("s/")) for name in names} >= {number - 10 for number in ids}
        whole = [[*Words().encode_array(TEXTS[name.removeprefix("s/")]).tolist(), 1] for name in names]
        starts = shards.document_starts()
        assert whole == [shards.read(starts[n], starts[n + 1] - starts[n]).tolist() for n in numbers]
    assert document_names([3, 4], tmp_path / "gone") == ["number 3", "number 4"]
