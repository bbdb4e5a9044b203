"""Workers: the same results in the same order whatever the engine and their number; a lost one is told."""

from __future__ import annotations

import importlib.util
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, clean_documents, write_documents
from pretrace.corpus.parallel import BATCHES_AHEAD, map_in_order
from pretrace.corpus.text.clean import clean_texts
from pretrace.settings import BoilerplateRules, Corpus, NearDuplicateRules, Quality, Workers, load_settings

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed (pretrace[ray])")

pytestmark = pytest.mark.slow
ENGINES = ["processes", pytest.param("ray", marks=needs_ray)]


class Power:
    """Takes longest for the first batches, so that they are done last."""

    def __init__(self, exponent: int) -> None:
        self.exponent = exponent

    def __call__(self, number: int) -> int:
        time.sleep(0.05 if number < 3 else 0)
        return number**self.exponent


def refuse(number: int) -> int:
    if number == 5:
        raise PretraceError("row 5: no number")
    return number


def end(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize(
    ("engine", "count"), [("processes", 1), ("processes", 3), pytest.param("ray", 2, marks=needs_ray)]
)
def test_map_keeps_the_order_of_batches(engine: str, count: int) -> None:
    found = list(map_in_order(Power(2), range(20), Workers(engine=engine, count=count)))
    assert found == [(number, number**2) for number in range(20)]


def test_map_of_no_batches() -> None:
    assert list(map_in_order(Power(2), [], Workers(count=2))) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_map_reads_batches_as_needed(engine: str) -> None:
    taken = []

    def batches() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    for batch, _ in map_in_order(Power(1), batches(), Workers(engine=engine, count=2)):
        assert len(taken) <= batch + 2 + 2 * BATCHES_AHEAD


@pytest.mark.parametrize(
    ("engine", "count"), [("processes", 1), ("processes", 2), pytest.param("ray", 2, marks=needs_ray)]
)
def test_worker_exceptions_are_raised_here(engine: str, count: int) -> None:
    found = []
    with pytest.raises(PretraceError, match="row 5: no number"):
        for number, _ in map_in_order(refuse, range(9), Workers(engine=engine, count=count)):
            found.append(number)
    assert found == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("engine", ENGINES)
def test_lost_worker_is_reported(engine: str) -> None:
    with pytest.raises(PretraceError, match=r"a worker died without an error.*workers\.count"):
        list(map_in_order(end, range(9), Workers(engine=engine, count=2)))


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
def test_missing_ray_is_named() -> None:
    with pytest.raises(PretraceError, match=r"workers\.engine: ray is not installed; `pip install 'pretrace\[ray\]'`"):
        list(map_in_order(refuse, range(9), Workers(engine="ray")))


@pytest.mark.parametrize(("engine", "count"), [("processes", 3), pytest.param("ray", 2, marks=needs_ray)])
def test_clean_gives_the_same_bytes_with_every_engine(
    engine: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pretrace.corpus.cleaning.input_spans.BATCH_BYTES", 200)
    texts = [f"Text {number} — it's “here”.\nÉtude no. {number}, {'x ' * number}" for number in range(40)]
    write_documents(tmp_path / "raw", [Document(str(n), "ab"[n % 2], text) for n, text in enumerate(texts)])
    corpus = Corpus(packages=["unused"], validation_share=0.1, probe_share=0.3)
    clean_documents(tmp_path / "raw", tmp_path / "one", corpus, Workers(count=1))
    clean_documents(tmp_path / "raw", tmp_path / "many", corpus, Workers(engine=engine, count=count))
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) >= 3
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "many" / file).read_bytes()


def test_worker_settings_are_checked(project: Path) -> None:
    assert load_settings().workers == Workers(engine="processes", count=2)
    with (project / "params.yaml").open("a") as stream:
        stream.write("workers: {engine: threads, count: 0}\n")
    with pytest.raises(PretraceError, match=r"params.yaml: workers\.engine: got 'threads'.*'processes' or 'ray'"):
        load_settings()


def test_killed_clean_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.cleaning.input_spans.BATCH_BYTES", 200)
    monkeypatch.setattr("pretrace.corpus.cleaning.run.CACHED_FROM_BYTES", 1)
    rules = Quality(boilerplate=BoilerplateRules(documents=5, least_words=3), near_duplicates=NearDuplicateRules())
    corpus = Corpus(packages=["unused"], validation_share=0.1, probe_share=0.3, quality=rules)
    texts = [f"Text {n} — it's “here”.\nthe same line\nÉtude no. {n}, {f'x{n} ' * n}" for n in range(40)]
    write_documents(tmp_path / "raw", [Document(str(n), "ab"[n % 2], text) for n, text in enumerate(texts)])
    clean_documents(tmp_path / "raw", tmp_path / "whole", corpus)
    cleaned: list[str] = []
    before = 0

    def clean_until_killed(batch: Sequence[str], *_: Any) -> list[str]:
        cleaned.extend(batch)
        if not before and len(cleaned) >= 31:
            raise KeyboardInterrupt
        return clean_texts(batch)

    monkeypatch.setattr("pretrace.corpus.text.recipe.clean_texts", clean_until_killed)
    arguments = (tmp_path / "raw", tmp_path / "again", corpus, None, (), tmp_path / "scratch")
    with pytest.raises(KeyboardInterrupt):
        clean_documents(*arguments)
    before = len(cleaned)
    assert 31 <= before < len(texts)
    kept = sorted((tmp_path / "scratch").iterdir())
    kept[0].write_bytes(kept[0].read_bytes()[:-20])  # damaged: it is done again
    clean_documents(*arguments)
    assert len(texts) - before < len(cleaned) - before < 25
    assert not (tmp_path / "scratch").exists()
    files = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*") if path.is_file()]
    assert len(files) > 3
    for file in files:
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
