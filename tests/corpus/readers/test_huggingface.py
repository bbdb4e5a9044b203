"""A data set of the Hub as a corpus: with a stand-in for `datasets`, and with the real one where it is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, collect_text, read_corpus, read_documents
from pretrace.settings import Corpus, Dataset

REVISION = "0123456789abcdef0123456789abcdef01234567"
ROWS = [{"body": "one", "who": "A"}, {"body": "", "who": "B"}, {"body": 3, "who": "C"}, {"body": "two", "who": None}]


def corpus(name: str = "owner/name", text: str = "body", on_bad_input: str = "stop", **more: Any) -> Corpus:
    columns = {"text": text, "source": "who"}
    dataset = Dataset(name=name, revision=REVISION, **more)
    return Corpus(source="huggingface", dataset=dataset, columns=columns, on_bad_input=on_bad_input)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `load_dataset` was called with; its rows come one at a time, and "breaks" breaks off after two."""
    calls: list[Any] = []

    def load_dataset(name: str, config: str | None, **options: Any) -> Iterator[dict[str, Any]]:
        calls.append((name, config, options))
        if name == "nowhere":
            raise FileNotFoundError("no such\ndata set")
        for number, row in enumerate(ROWS):
            if name == "breaks" and number == 2:
                raise ConnectionError("reset by peer")
            yield row

    module = ModuleType("datasets")
    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    return calls


def test_dataset_rows_are_documents(asked: list[Any], tmp_path: Path) -> None:
    report = collect_text(corpus(config="small", split="validation", on_bad_input="skip"), tmp_path / "out")
    assert asked == [("owner/name", "small", {"split": "validation", "revision": REVISION, "streaming": True})]
    assert list(read_documents(tmp_path / "out")) == [
        Document("owner/name:1", "A", "one"),
        Document("owner/name:4", "owner/name", "two"),
    ]
    assert (report.documents, report.empty_rows, report.rejected) == (2, 1, {"not_text": 1})


def test_dataset_is_streamed(asked: list[Any]) -> None:
    assert next(read_corpus(corpus("breaks"))).text == "one"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "owner/name: row 3: column 'body' takes text, got int"),
        ({"text": "text"}, "owner/name: no column 'text'; has 'body', 'who'"),
        ({"text": "text", "on_bad_input": "skip"}, "no column 'text'"),
        ({"name": "nowhere"}, "corpus.dataset: nowhere: cannot be read (FileNotFoundError: no such"),
        ({"name": "breaks", "on_bad_input": "skip"}, "breaks: cannot be read (ConnectionError: reset by peer)"),
    ],
)
def test_dataset_errors_stop_the_run(asked: list[Any], tmp_path: Path, options: Any, said: str) -> None:
    with pytest.raises(PretraceError) as caught:
        collect_text(corpus(**options), tmp_path / "out")
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_missing_datasets_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(PretraceError, match="pip install datasets"):
        next(read_corpus(corpus()))


def test_dataset_with_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets", reason="needs the package datasets, which is optional")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "train.jsonl").write_text('{"body": "one", "who": "A"}\n{"body": "two", "who": "B"}\n')
    assert [d.source for d in read_corpus(corpus(str(tmp_path)))] == ["A", "B"]
