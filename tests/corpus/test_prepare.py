"""The stage `clean`: cleaned, divided by document, counted; the same bytes for any number of processes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, clean_documents, clean_text_plainly, read_documents, write_documents
from pretrace.corpus.cleaning.split import SPLITS, Entry, split_documents
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


def test_what_is_written(raw: Path, tmp_path: Path) -> None:
    report = clean_documents(raw, tmp_path / "out", CORPUS, Workers(count=1))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "counts.tsv",
        "probes",
        "rejects.jsonl",
        "train",
        "validation",
    ]
    splits = {split: list(read_documents(tmp_path / "out" / split)) for split in SPLITS}
    texts = {document.id: clean_text_plainly(document.text) for document in read_documents(raw)}
    written = [document for documents in splits.values() for document in documents]
    assert len(written) == len({document.id for document in written}) == 60
    assert all(document.text == texts[document.id] for document in written)
    assert report["left_out"] == {"empty": 1, "repeated": 1}
    assert report["documents_in"] == 62
    assert sum(row["documents"] for row in report["lengths"]) == 60
    for split, documents in splits.items():
        assert report["splits"][split]["documents"] == len(documents)
        assert report["splits"][split]["words"] == sum(len(document.text.split()) for document in documents)
        assert report["splits"][split]["bytes"] == sum(len(document.text.encode()) for document in documents)
        summed = sum(parts[split]["words"] for parts in report["sources"].values())
        assert summed == report["splits"][split]["words"]
    counts = Counter(word for document in splits["train"] for word in document.text.split())
    rows = [row.split("\t") for row in (tmp_path / "out" / "counts.tsv").read_text().splitlines()]
    assert {word: int(count) for word, count in rows} == counts
    assert rows == sorted(rows, key=lambda row: (-int(row[1]), row[0]))


def test_the_same_bytes_for_any_number_of_processes(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.cleaning.input_spans.BATCH_BYTES", 100)
    reports = [clean_documents(raw, tmp_path / str(workers), CORPUS, Workers(count=workers)) for workers in (1, 2)]
    assert reports[0] == reports[1]
    files = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file())
    assert len(files) == 5
    for file in files:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()


def test_too_few_documents(tmp_path: Path) -> None:
    write_documents(tmp_path / "raw", [Document(str(n), "s", f"text {n}") for n in range(11)])
    with pytest.raises(PretraceError, match="corpus: 11 documents are left after cleaning, 12 are the least"):
        clean_documents(tmp_path / "raw", tmp_path / "out", CORPUS, Workers(count=1))
    assert not (tmp_path / "out").exists()


SIZES = st.lists(st.integers(1, 2_000), min_size=1, max_size=30)


@given(st.lists(SIZES, min_size=1, max_size=8).filter(lambda sources: sum(map(len, sources)) >= 12))
def test_every_source_is_in_train_and_in_probes(sources: list[list[int]]) -> None:
    entries = [Entry(str(n), str(s), words) for s, sizes in enumerate(sources) for n, words in enumerate(sizes)]
    splits = split_documents(entries, 0.03, 0.25)
    assert "validation" in splits and set(splits) == set(SPLITS)
    for source, sizes in enumerate(sources):
        of_source = [split for entry, split in zip(entries, splits, strict=True) if entry.source == str(source)]
        if len(sizes) >= 3:
            assert {"train", "probes"} <= set(of_source)


@given(st.permutations(range(40)))
@settings(max_examples=20)
def test_the_split_does_not_depend_on_the_order(order: list[int]) -> None:
    entries = [Entry(str(number), str(number % 5), 50 + number) for number in range(40)]
    expected = dict(zip(entries, split_documents(entries, 0.05, 0.25), strict=True))
    shuffled = [entries[number] for number in order]
    assert dict(zip(shuffled, split_documents(shuffled, 0.05, 0.25), strict=True)) == expected


GROUPS = st.lists(st.integers(0, 30), min_size=40, max_size=40).filter(lambda groups: len(set(groups)) >= 12)


@given(GROUPS, st.permutations(range(40)))
@settings(max_examples=40)
def test_a_group_stays_on_one_side(groups: list[int], order: list[int]) -> None:
    entries = [Entry(str(number), str(number % 5), 50 + number) for number in range(40)]
    splits = split_documents(entries, 0.05, 0.25, groups)
    assert set(splits) == set(SPLITS)
    assert len(set(zip(groups, splits, strict=True))) == len(set(groups))
    # Neither the order nor how the groups are numbered has a part in it.
    names = dict(zip(dict.fromkeys(groups[number] for number in order), range(100, 200), strict=False))
    shuffled = split_documents(
        [entries[number] for number in order], 0.05, 0.25, [names[groups[number]] for number in order]
    )
    assert shuffled == [splits[number] for number in order]


def test_a_group_is_divided_as_one_document_with_the_words_of_all() -> None:
    entries = [Entry(str(number), str(number % 5), 50 + number) for number in range(80)]
    groups = [number // 2 if number < 20 else number for number in range(80)]
    whole = [min(entries[n : n + 2], key=lambda entry: entry.rank) for n in range(0, 20, 2)]
    whole = [Entry(one.id, one.source, 100 + 4 * place + 1) for place, one in enumerate(whole)]
    splits = split_documents(entries, 0.05, 0.25, groups)
    assert splits[:20:2] + splits[20:] == split_documents([*whole, *entries[20:]], 0.05, 0.25)


def test_without_groups_the_split_is_as_it_was() -> None:
    entries = [Entry(str(number), str(number % 5), 50 + number) for number in range(40)]
    assert split_documents(entries, 0.05, 0.25, list(range(40))) == split_documents(entries, 0.05, 0.25)


def test_the_shares_are_of_words() -> None:
    entries = [Entry(str(number), str(number % 7), 100 + number % 50) for number in range(2_000)]
    words = Counter()
    for entry, split in zip(entries, split_documents(entries, 0.03, 0.25), strict=True):
        words[split] += entry.words
    assert abs(words["validation"] / words.total() - 0.03) < 0.002
    assert abs(words["probes"] / words.total() - 0.25) < 0.002
