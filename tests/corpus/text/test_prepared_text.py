"""Prepared text: what the recipe gives, made once, and made again where it is missing or damaged."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from pretrace.corpus import Document, Gpt1Words, PreparedText, clean_documents, read_documents
from pretrace.corpus.documents import document_parts, write_documents
from pretrace.corpus.text import prepared_text
from pretrace.settings import Corpus, Workers

TEXTS = [f"Text {n} — it's “HERE”.\r\n\n\tÉtude no. {n}" for n in range(40)]


@dataclass(frozen=True)
class Shouted:
    """A recipe that counts how often it is used."""

    calls: Path
    key: str = "shouted"

    def __call__(self, text: str) -> str:
        with self.calls.open("a") as stream:
            stream.write(".")
        return text.upper()


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pretrace.corpus.documents.PART_BYTES", 600)
    write_documents(tmp_path / "raw", [Document(str(n), "ab"[n % 2], text) for n, text in enumerate(TEXTS)])
    assert len(document_parts(tmp_path / "raw")) > 2
    return tmp_path / "raw"


def test_each_part_is_prepared_once_and_again_if_damaged(raw: Path, tmp_path: Path) -> None:
    recipe = Shouted(tmp_path / "calls")
    prepared = PreparedText(recipe, tmp_path / "prepared")
    expected = [Document(str(n), "ab"[n % 2], text.upper()) for n, text in enumerate(TEXTS)]
    for _ in range(2):
        assert list(prepared.documents(raw)) == expected
    assert recipe.calls.stat().st_size == len(TEXTS)
    first, *others = document_parts(raw)
    kept = prepared.parts([first])[first]
    content = bytearray(kept.read_bytes())
    content[40] ^= 1
    kept.write_bytes(content)
    assert list(prepared.documents(raw)) == expected
    assert recipe.calls.stat().st_size == len(TEXTS) + len(list(read_documents(first)))
    other = PreparedText(Shouted(recipe.calls, "other"), prepared.folder)
    assert list(other.documents(first)) == expected[: len(list(read_documents(first)))]
    assert len(list(prepared.folder.iterdir())) == len(others) + 2


def test_without_a_recipe_text_stays_itself(raw: Path, tmp_path: Path) -> None:
    assert [document.text for document in PreparedText(None, tmp_path / "none").documents(raw)] == TEXTS
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_workers_and_the_stage_clean_prepare_the_same_bytes(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Corpus(packages=["unused"], validation_share=0.1, probe_share=0.3)
    clean_documents(raw, tmp_path / "clean", corpus, None, prepared=tmp_path / "clean-made")
    monkeypatch.setattr(prepared_text, "WORKERS_FROM_BYTES", 0)
    monkeypatch.setattr(prepared_text, "BATCH_CHARACTERS", 100)
    made = {}
    for name, workers in (("clean-made", None), ("alone", None), ("two", Workers(count=2))):
        prepared = PreparedText(Gpt1Words(), tmp_path / name, workers)
        with monkeypatch.context() as patch:
            if name == "clean-made":
                patch.setattr("pretrace.corpus.text.recipe.clean_text", None)  # nothing is left to prepare
            for split in ("train", "validation", "probes"):
                list(prepared.documents(tmp_path / "clean" / split))
        made[name] = {path.parent.name: path.read_bytes() for path in (tmp_path / name).rglob("*.parquet")}
    assert made["clean-made"] == made["alone"] == made["two"]


def test_what_is_long_unused_is_deleted(raw: Path, tmp_path: Path) -> None:
    prepared = PreparedText(Shouted(tmp_path / "calls"), tmp_path / "prepared")
    old, new = (prepared.parts([part])[part].parent for part in document_parts(raw)[:2])
    os.utime(old, (0, 0))
    prepared.forget_old()
    assert (old.exists(), new.exists()) == (False, True)
