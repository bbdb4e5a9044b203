"""All steps together, on a corpus in which everything that is to go was planted: nothing else goes, each is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pretrace.corpus import Document, EvaluationText, clean_documents, clean_text, read_documents, write_documents
from pretrace.corpus.cleaning.split import SPLITS
from pretrace.settings import (
    BoilerplateRules,
    ClassifierRules,
    ContaminationRules,
    Corpus,
    ExampleTexts,
    LanguageRules,
    LengthRules,
    NearDuplicateRules,
    Quality,
    RepetitionRules,
    SymbolRules,
    Workers,
)
from tests.helpers.planted_text import changed, text

pytestmark = pytest.mark.slow

WORDS = "subscribe ", "therefore "
NOTICE = "this page was made by the society for the making of pages"
ROW = text("row", 30, line=30)
EVALUATION = [EvaluationText("mrpc", "test.parquet:3", ROW), EvaluationText("cola", "dev.parquet:1", "too short")]
RULES = {
    "length": LengthRules(),
    "symbols": SymbolRules(),
    "language": LanguageRules(),
    "repetition": RepetitionRules(),
    "boilerplate": BoilerplateRules(documents=5),
    "near_duplicates": NearDuplicateRules(),
    "contamination": ContaminationRules(),
}
PLANTED = {
    "short": ("the and of", "length.least_words"),
    "german": (" ".join(["Wort"] * 60), "language.least"),
    "loop": ("\n".join([text("loop", 12)] * 20), "repetition.duplicate_lines"),
    "blank": (" \n ", "empty"),
    "again": (text("d3").upper(), "repeated"),
    "nearly": (changed(text("d20"), "new", 2), "near_duplicates"),
    "test row": (f"{text('leak', 60)}\n{ROW}\n{text('leaked', 60)}", "contamination"),
}


@pytest.fixture(scope="module", autouse=True)
def _tokenizer() -> None:
    clean_text("once")  # loads spaCy here, so that no process of a pool has to


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    documents = [Document(f"d{n}", "abc"[n % 3], text(f"d{n}") + (f"\n{NOTICE}" if n < 8 else "")) for n in range(40)]
    documents[3] = Document("d3", "a", text("d3"))
    documents += [Document(name, "planted", planted) for name, (planted, _) in PLANTED.items()]
    write_documents(tmp_path / "raw", documents)
    return tmp_path / "raw"


def run(raw: Path, out: Path, workers: int = 1, **rules: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    corpus = Corpus(packages=["unused"], validation_share=0.1, probe_share=0.3, quality=Quality(**rules))
    report = clean_documents(raw, out, corpus, Workers(count=workers), EVALUATION)
    path = out / "rejects.jsonl"
    return report.as_json(), [json.loads(row) for row in path.read_text().split("\n") if row] if path.exists() else []


def written(out: Path) -> dict[str, tuple[str, str]]:
    """By id: the split and text."""
    return {document.id: (split, document.text) for split in SPLITS for document in read_documents(out / split)}


def test_rejects_are_the_planted_documents_only(raw: Path, tmp_path: Path) -> None:
    report, rows = run(raw, tmp_path / "out", **RULES)
    dropped = {row["id"]: row["reason"] for row in rows if not row["cut"]}
    assert dropped == {name: reason for name, (_, reason) in PLANTED.items()}
    assert set(written(tmp_path / "out")) == {f"d{n}" for n in range(40)}
    assert report["left_out"] == dict.fromkeys(["empty", "repeated", *dropped.values()], 1)
    assert report["left_out_by_source"] == {"planted": dict.fromkeys(sorted(dropped.values()), 1)}
    by_id = {row["id"]: row for row in rows}
    assert by_id["short"]["value"] == 3
    assert by_id["nearly"]["detail"] == "c: d20"
    assert 0.8 <= by_id["nearly"]["value"] < 1
    assert by_id["again"]["detail"] == "a: d3"
    assert (by_id["test row"]["value"], by_id["test row"]["detail"]) == (
        30 - 13 + 1,
        f"mrpc: test.parquet:3: {' '.join(ROW.split()[:13])}",
    )
    assert report["evaluation_texts"] == {"looked_for": 1, "too_short": 1}
    assert report["contamination"] == {"mrpc": {"documents": 1, "rows": 1}}
    assert report["examples"]["length.least_words"] == [{"id": "short", "source": "planted", "value": 3}]


def test_boilerplate_is_cut_from_kept_documents(raw: Path, tmp_path: Path) -> None:
    report, rows = run(raw, tmp_path / "out", boilerplate=RULES["boilerplate"])
    assert {row["id"] for row in rows if row["cut"]} == {f"d{n}" for n in range(8) if n != 3}
    assert not [text for _, text in written(tmp_path / "out").values() if NOTICE in text]
    assert report["cut"] == {"boilerplate": {"documents": 7, "lines": 7, "words": 7 * 12}}
    assert written(tmp_path / "out")["d1"][1] == f"{text('d1')}\n"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"probes", "rejects.jsonl", "train", "validation"}
    more, _ = run(raw, tmp_path / "rarer", boilerplate=BoilerplateRules(documents=8))
    assert more["cut"] == {}


def test_contaminated_lines_can_be_cut(raw: Path, tmp_path: Path) -> None:
    report, rows = run(raw, tmp_path / "out", contamination=ContaminationRules(action="cut"))
    assert written(tmp_path / "out")["test row"][1] == f"{text('leak', 60)}\n{text('leaked', 60)}"
    assert report["cut"] == {"contamination": {"documents": 1, "lines": 1, "words": 30}}
    assert [row["text"] for row in rows if row["reason"] == "contamination"] == [ROW[:300]]


def test_rows_in_the_training_text_can_be_noted_only(tmp_path: Path) -> None:
    """Of documents that are left in it: not of copies, and not of validation and probe documents."""
    rows = {n: text(f"row{n}", 20, line=20) for n in range(60)}
    documents = [Document(f"d{n}", "abc"[n % 3], f"{text(f'd{n}')}\n{row}") for n, row in rows.items()]
    write_documents(tmp_path / "raw", [*documents, Document("again", "c", documents[7].text.upper())])
    corpus = {"packages": ["unused"], "validation_share": 0.1, "probe_share": 0.3}
    texts = [EvaluationText("mine", f"test.csv:{n}", row) for n, row in rows.items()]
    texts += [EvaluationText("mine", "test.csv:70", rows[5]), EvaluationText("other", "dev.csv:1", "of no document")]
    quality = Quality(contamination=ContaminationRules(action="report"))
    reports = []
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        reports.append(
            clean_documents(tmp_path / "raw", out, Corpus(**corpus, quality=quality), Workers(count=workers), texts)
        )
    plain = clean_documents(tmp_path / "raw", tmp_path / "plain", Corpus(**corpus), Workers(count=1))
    report = reports[0].as_json()
    assert reports[1].as_json() == report
    assert report["left_out"] == {"empty": 0, "repeated": 1}
    assert report["splits"] == plain.as_json()["splits"]
    in_train = {name for name, (split, _) in written(tmp_path / "out1").items() if split == "train"}
    expected = {f"test.csv:{n}" for n in rows if f"d{n}" in in_train} | ({"test.csv:70"} if "d5" in in_train else set())
    assert report["found_rows"] == {"mine": {"words": 13, "rows": sorted(expected)}}
    assert 20 < len(expected) < 50
    assert "found_rows" not in plain.as_json()


def test_what_many_training_documents_have_is_junk(tmp_path: Path) -> None:
    """A row with a license alone is clean if more of them have it; one with words of its own is not."""
    license, own = text("license", 14, line=14), text("own", 14, line=14)
    ends = ["\n" + (license if n % 2 else own if n == 0 else "") for n in range(30)]
    write_documents(tmp_path / "raw", (Document(f"d{n}", "a", f"{text(f'd{n}')}{end}") for n, end in enumerate(ends)))
    texts = [EvaluationText("mine", "t:1", license), EvaluationText("mine", "t:2", f"{license} {own}")]

    def found_rows(most: int | None) -> dict[str, Any]:
        rules = Quality(contamination=ContaminationRules(action="report", words=13, most_documents=most))
        corpus = Corpus(packages=["unused"], validation_share=0.1, probe_share=0.3, quality=rules)
        report = clean_documents(tmp_path / "raw", tmp_path / "out", corpus, Workers(count=1), texts)
        return report.as_json()["found_rows"]["mine"]

    assert found_rows(None) == {"words": 13, "rows": ["t:1", "t:2"]}
    in_train = [body for split, body in written(tmp_path / "out").values() if split == "train"]
    count = sum(license in body for body in in_train)
    assert 2 < count < 15, "some are probes"
    assert any(own in body for body in in_train)
    limit = {"words": 13, "most_documents": count}
    assert found_rows(count) == limit | {"rows": ["t:1", "t:2"], "junk": 0}
    assert found_rows(count - 1) == limit | {"most_documents": count - 1, "rows": ["t:2"], "junk": 2}


def test_near_duplicates_can_stay_in_one_split(raw: Path, tmp_path: Path) -> None:
    report, rows = run(raw, tmp_path / "out", near_duplicates=NearDuplicateRules(action="group"))
    assert report["near_duplicate_groups"] == {"groups": 1, "documents": 2}
    documents = written(tmp_path / "out")
    assert documents["nearly"][0] == documents["d20"][0]
    assert "near_duplicates" not in {row["reason"] for row in rows}


def test_rejects_without_rules_are_empty_or_repeated(raw: Path, tmp_path: Path) -> None:
    report, rows = run(raw, tmp_path / "out")
    assert {row["id"] for row in rows} == {"blank", "again"}
    assert report["left_out"] == {"empty": 1, "repeated": 1}
    assert report["evaluation_texts"] is None


@pytest.mark.parametrize("cut_lines", [False, True])
def test_classifier_drops_by_its_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_lines: bool) -> None:
    """With any number of workers, in any order of the documents, in one pass over them or two."""
    good = [Document(f"g{n}", "wiki", f"{text(f'g{n}')}\n{WORDS[1] * 9}") for n in range(60)]
    bad = [Document(f"b{n}", "crawl", f"{text(f'b{n}')}\n{WORDS[0] * 9}") for n in range(60)]
    mixed = [Document(f"m{n}", "mixed", f"{text(f'm{n}')}\n{WORDS[n % 2] * 9}") for n in range(60)]
    sides = {"positives": ExampleTexts(sources=["wiki"]), "negatives": ExampleTexts(sources=["crawl"])}
    rules = {"classifier": ClassifierRules(**sides)} | ({"boilerplate": RULES["boilerplate"]} if cut_lines else {})
    monkeypatch.setattr("pretrace.corpus.cleaning.input_spans.BATCH_BYTES", 3_000)
    ran = []
    for workers, documents in ((1, good + bad + mixed), (2, (good + bad + mixed)[::-1])):
        write_documents(tmp_path / f"raw{workers}", documents)
        ran.append(run(tmp_path / f"raw{workers}", tmp_path / f"out{workers}", workers, **rules))
    (report, rows), (other, other_rows) = ran
    kept = set(written(tmp_path / "out1"))
    assert kept == set(written(tmp_path / "out2"))
    assert sorted(rows, key=str) == sorted(other_rows, key=str)
    assert report["classifier"]["sources"].keys() == other["classifier"]["sources"].keys() == {"crawl", "mixed"}
    assert {row["reason"] for row in rows if not row["cut"]} == {"classifier"}
    assert bool(report["cut"]) == cut_lines
    assert {document.id for document in good} <= kept
    assert report["classifier"]["accuracy"] == 1.0
    for source, of_source in (("crawl", bad), ("mixed", mixed)):
        numbers = report["classifier"]["sources"][source]
        assert numbers["documents"] == 60
        assert numbers["kept"] == sum(document.id in kept for document in of_source) < 60
        assert numbers["kept"] == 60 - report["left_out_by_source"][source]["classifier"]
    by_word = [sum(document.id in kept for document in mixed[first::2]) for first in (0, 1)]
    assert by_word[1] > 2 * by_word[0]
    values = {row["id"]: row["value"] for row in rows if not row["cut"]}
    assert all(value < 0.5 for name, value in values.items() if name.startswith("b"))


@pytest.mark.parametrize("action", ["drop", "group"])
def test_rejects_are_the_same_for_any_worker_count(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr("pretrace.corpus.cleaning.input_spans.BATCH_BYTES", 3_000)
    rules = {**RULES, "near_duplicates": NearDuplicateRules(action=action)}
    reports = [run(raw, tmp_path / f"{action}{workers}", workers, **rules) for workers in (1, 2)]
    assert reports[0] == reports[1]
    one, two = tmp_path / f"{action}1", tmp_path / f"{action}2"
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert len(files) == 4
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)


def test_examples_are_ten_per_reason_from_the_whole_corpus(tmp_path: Path) -> None:
    documents = [Document(f"d{n}", "a", text(f"d{n}")) for n in range(20)]
    write_documents(tmp_path / "raw", [*documents, *(Document(f"s{n:02}", "b", "of") for n in range(60))])
    report, rows = run(tmp_path / "raw", tmp_path / "out", length=LengthRules())
    names = [example["id"] for example in report["examples"]["length.least_words"]]
    assert report["left_out"]["length.least_words"] == len(rows) == 60
    assert len(set(names)) == 10
    assert max(names) > "s20"


def test_reject_is_one_line_whatever_its_text_and_name(tmp_path: Path) -> None:
    hostile = 'a\nb\u2028c "d" \x00'
    documents = [Document(f"d{n}", "a", text(f"d{n}")) for n in range(20)]
    write_documents(tmp_path / "raw", [*documents, Document(hostile, hostile, hostile)])
    _, rows = run(tmp_path / "raw", tmp_path / "out", length=LengthRules())
    lines = (tmp_path / "out" / "rejects.jsonl").read_text().split("\n")
    assert len(lines) == 2
    assert (json.loads(lines[0])["id"], json.loads(lines[0])["text"]) == (hostile, hostile)
    assert len(rows) == 1
