"""The stage `clean`: raw text, split by document; the same bytes with any number of workers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, clean_documents, clean_text_plainly, read_documents, write_documents
from pretrace.corpus.cleaning.split import SPLITS
from pretrace.settings import Corpus, Workers

CORPUS = Corpus(packages=["unused"], validation_share=0.1, probe_share=0.3)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    documents = [
        Document(
            f"{source}{number}", source, f"Document {number} of {source}, it's here.\n\nSecond line {'x ' * number}"
        )
        for source in ("a", "b", "c")
        for number in range(20)
    ]
    documents += [Document("blank", "a", " \n "), Document("again", "b", documents[5].text.upper())]
    write_documents(tmp_path / "raw", documents)
    return tmp_path / "raw"


@pytest.mark.slow
def test_clean_writes_raw_text_by_split_and_report(raw: Path, tmp_path: Path) -> None:
    report = clean_documents(raw, tmp_path / "out", CORPUS, Workers(count=1))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "probes",
        "rejects.jsonl",
        "train",
        "validation",
    ]
    splits = {split: list(read_documents(tmp_path / "out" / split)) for split in SPLITS}
    texts = {document.id: document.text for document in read_documents(raw)}
    words = {name: clean_text_plainly(text).split() for name, text in texts.items()}
    written = [document for documents in splits.values() for document in documents]
    assert len(written) == len({document.id for document in written}) == 60
    assert all(document.text == texts[document.id] for document in written)
    assert report.left_out == {"empty": 1, "repeated": 1}
    assert report.documents_in == 62
    assert sum(row.documents for row in report.lengths) == 60
    for split, documents in splits.items():
        assert report.splits[split].documents == len(documents)
        assert report.splits[split].words == sum(len(words[document.id]) for document in documents)
        assert report.splits[split].bytes == sum(len(document.text.encode()) for document in documents)
        summed = sum(parts[split].words for parts in report.sources.values())
        assert summed == report.splits[split].words
    counts = Counter(word for document in splits["train"] for word in words[document.id])
    assert report.distinct_words == len(counts)
    assert dict(report.frequent_words) == {word: n for word, n in counts.items() if any(map(str.isalpha, word))}


@pytest.mark.slow
def test_clean_gives_the_same_bytes_for_any_worker_count(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pretrace.corpus.cleaning.input_spans.BATCH_BYTES", 100)
    reports = [clean_documents(raw, tmp_path / str(workers), CORPUS, Workers(count=workers)) for workers in (1, 2)]
    assert reports[0] == reports[1]
    files = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file())
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()


def test_clean_refuses_too_few_documents(tmp_path: Path) -> None:
    write_documents(tmp_path / "raw", [Document(str(n), "s", f"text {n}") for n in range(11)])
    with pytest.raises(PretraceError, match="corpus: 11 documents are left after cleaning, at least 12 are needed"):
        clean_documents(tmp_path / "raw", tmp_path / "out", CORPUS, Workers(count=1))
    assert not (tmp_path / "out").exists()
