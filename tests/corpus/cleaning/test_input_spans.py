"""Spans are all documents, once and in order, and are read in the same batches however many workers there are."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, write_documents
from pretrace.corpus.cleaning.input_spans import Reader, Span, spans_of
from pretrace.corpus.documents import bytes_of_documents

LENGTHS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 300)), min_size=1, max_size=6)
"""Runs of documents: how many, and how long each."""


@pytest.mark.slow
@settings(max_examples=60)
@given(LENGTHS, st.sampled_from([100, 3_000, 50_000]), st.integers(2, 9), st.randoms(use_true_random=False))
def test_spans_cover_all_documents(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[tuple[int, int]], batch: int, workers: int, draw: object
) -> None:
    folder = tmp_path_factory.mktemp("documents")
    sizes = list(chain.from_iterable([length] * count for count, length in lengths)) * 3
    documents = [Document(str(number), "a", f"{number} " * length) for number, length in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pretrace.corpus.cleaning.input_spans.BATCH_BYTES", batch)
        patch.setattr("pretrace.corpus.documents.PART_BYTES", 40_000)
        write_documents(folder, documents)
        one, many = spans_of(folder), spans_of(folder, workers)
    batches = [list(span.read()) for span in many]
    assert list(chain.from_iterable(chain.from_iterable(batches))) == documents
    assert list(chain.from_iterable(batches)) == [found for span in one for found in span.read()]
    assert [span.number for span in many] == list(range(len(many)))
    places = list(range(len(many)))
    draw.shuffle(places)
    assert [list(many[place].read()) for place in places] == [batches[place] for place in places]


def test_span_is_a_row_group_until_little_is_left(tmp_path: Path) -> None:
    write_documents(tmp_path, [Document(str(number), "a", f"{number} " * 2_000) for number in range(256 * 5)])
    assert [(span.start, span.stop) for span in spans_of(tmp_path)] == [(n, n + 256) for n in range(0, 1280, 256)]
    spans = spans_of(tmp_path, 2)
    assert [(span.start, span.stop) for span in spans[:3]] == [(0, 256), (256, 512), (512, 768)]
    sizes = [span.stop - span.start for span in spans]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] <= spans[-1].step < 100
    assert sum(sizes) == 1280 and 10_000_000 < bytes_of_documents(tmp_path) < 14_000_000


def test_reader_resumes_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_documents(tmp_path, [Document(str(number), "a", "text") for number in range(100)])
    opened = []
    monkeypatch.setattr(Reader, "_open", lambda *place, open=Reader._open: (opened.append(place[2]), open(*place)))
    part = tmp_path / "part-00000.parquet"
    reader = Reader()
    monkeypatch.setattr("pretrace.corpus.cleaning.input_spans._reader", lambda: reader)
    for start in (0, 40, 80, 20):
        (found,) = Span(0, part, start, start + 20, 20).read()
        assert [document.id for document in found] == [str(number) for number in range(start, start + 20)]
    assert opened == [0, 20]


def test_span_of_a_damaged_or_missing_part(tmp_path: Path) -> None:
    write_documents(tmp_path, [Document("1", "a", "text " * 1000)])
    (span,) = spans_of(tmp_path)
    part = tmp_path / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    for read in (lambda: list(span.read()), lambda: spans_of(tmp_path)):
        with pytest.raises(PretraceError, match=r"part-00000\.parquet: not a whole Parquet file of documents"):
            read()
    part.unlink()
    with pytest.raises(PretraceError, match="no documents there"):
        spans_of(tmp_path)
