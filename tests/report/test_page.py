"""The page and the figures: the same bytes for the same numbers, whole without a network, safe with any text."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pretrace.common.errors import PretraceError
from pretrace.report import write_page, write_report
from pretrace.report.figures.learning_curves import curves_of
from pretrace.report.markdown import BEGIN, END
from pretrace.report.page import settings_text, shortened
from pretrace.report.page_tables import cost_rows
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.record import parse_record
from pretrace.settings import load_settings
from tests.helpers import made_up_results as made_up

CODE = "from pretrace.report import *; from pretrace.settings import *; write_report(load_settings())"


def locked_bytes(reports: Path) -> dict[str, bytes]:
    names = ("benchmark.json", "benchmark.md", "bpe.json", "pretrain.json")
    paths = [*(reports / name for name in names), *sorted((reports / "figures").iterdir())]
    return {path.name: path.read_bytes() for path in paths}


def page(reports: Path) -> str:
    write_report(load_settings(), reports)
    return write_page(load_settings(), reports).read_text(encoding="utf-8")


class Tags(HTMLParser):
    """Tags, ids, and whether what was opened is closed."""

    VOID = ("meta", "br", "hr", "img", "link", "input")

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.addresses: list[str] = []
        self.feed(html)
        self.targets |= set(re.findall(r"url\(#([^)]+)\)", html))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "xlink:href", "src"):
                self.addresses.append(value or "")
        self.targets |= {address[1:] for address in self.addresses if address.startswith("#")}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.slow
def test_same_results_give_the_same_bytes_in_another_process(reports: Path) -> None:
    write_report(load_settings(), reports)
    first = locked_bytes(reports)
    records = {"benchmark.json", "benchmark.md", "bpe.json", "pretrain.json"}
    assert set(first) == records | {"scores.svg", "curves.svg", "corpus.svg"}
    subprocess.run([sys.executable, "-c", CODE], check=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    assert locked_bytes(reports) == first


@pytest.mark.slow
def test_locked_files_do_not_depend_on_the_clock(reports: Path) -> None:
    write_report(load_settings(), reports)
    before, page_before = locked_bytes(reports), page(reports)
    made_up.write(reports / "cost.json", {"clean": {"seconds": 4321.0, "peak_memory_bytes": 5_000_000_000}})
    write_report(load_settings(), reports)
    assert locked_bytes(reports) == before
    assert page(reports) != page_before
    assert "1 h 12 min" in page(reports)


@pytest.mark.slow
def test_page_is_whole_and_needs_no_network(reports: Path) -> None:
    html = page(reports)
    tags = Tags(html)
    assert tags.open == []
    assert len(set(tags.ids)) == len(tags.ids)
    assert tags.targets <= set(tags.ids)
    assert all(address.startswith("#") for address in tags.addresses)
    assert not tags.names & {"script", "link", "img", "iframe", "object", "base", "form"}
    assert set(re.findall(r"https?://[^/\"]+", html)) <= {"http://www.w3.org"}  # names of XML, never fetched
    assert "@import" not in html


@pytest.mark.slow
def test_page_escapes_text_from_data(reports: Path) -> None:
    html = page(reports)
    assert "<script" not in html
    assert "{{ 7 * 7 }}" in html
    # An example's part and its label, a sample's prompt and text, a source's name in the figure.
    assert html.count("&lt;script&gt;") >= 4
    figure = (write_report(load_settings(), reports), (reports / "figures" / "corpus.svg").read_text())[1]
    assert "&lt;script" in figure
    assert "<script" not in figure


@pytest.mark.slow
def test_page_shows_the_numbers(reports: Path) -> None:
    text = re.sub(r"<[^>]+>", " ", page(reports))
    for number in ("50.0", "± 2.2", "80.0", "66.7", "2.57 M", "+27.0", "23,400", "31 %"):
        assert number in text


@pytest.mark.slow
def test_corpus_card_says_what_was_left_out_and_why(reports: Path) -> None:
    html = page(reports)
    text = " ".join(re.sub(r"<[^>]+>", " ", html[html.index('id="corpus"') :]).split())
    for part in (
        *("Of 40 documents", "1,100 words", "dropped: 9 documents", "0.875", "dropped: 1 document;"),
        *("4 lines with 50 words, in 3 documents", "5 documents are nearly the same as others, in 2 groups"),
        *("408 dev and test texts ( 17 more", "mrpc: 6 rows in 2 documents", "1,234", "words, from", "512", "1k"),
    ):
        assert part.replace("( ", "(") in text, part
    assert f"{9000 / 12.5 / 1e6:.1f} MB/s" in text


@pytest.mark.slow
def test_corpus_card_does_without_keys_that_older_runs_lack(reports: Path) -> None:
    clean = json.loads((reports / "clean.json").read_text())
    for key in made_up.clean_details():
        del clean[key]
    made_up.write(reports / "clean.json", clean)
    html = page(reports)
    assert Tags(html).open == []
    assert "Most frequent words" not in html
    made_up.write(reports / "clean.json", {**clean, **made_up.clean_details(cut={}, contamination={}), "left_out": {}})
    assert "none was found" in page(reports)


@pytest.mark.slow
def test_page_does_without_optional_files(reports: Path) -> None:
    for name in ("samples/gpt1.json", "cost.json", "curves/gpt1/transformer.json"):
        (reports / name).unlink()
    html = page(reports)
    assert Tags(html).open == []
    assert 'id="cost"' not in html


def test_cost_rows_are_those_of_the_settings(reports: Path) -> None:
    cost = json.loads((reports / "cost.json").read_text())
    cost["finetune@removed-full"] = {"seconds": 1e6, "peak_memory_bytes": 1}
    cost["finetune@follows-full"] = {"seconds": 7.5, "peak_memory_bytes": 900_000_000}
    rows = {row.stage: row for row in cost_rows(parse_record(cost, dict[str, CostEntry], "cost.json"), load_settings())}
    assert list(rows) == ["finetune, full", "clean", "pretrain", "together"]
    assert rows["finetune, full"].seconds == 20.0
    assert rows["finetune, full"].peak_memory_bytes == 900_000_000
    assert rows["together"].seconds == 45.0


@pytest.mark.slow
def test_page_shows_the_provenance_of_every_cell(reports: Path) -> None:
    cost = json.loads((reports / "cost.json").read_text())
    cost["finetune@source-full"] |= {
        "commit": "c0ffee0012345678",
        "changed": True,
        "mlflow_record": "ab12",
        "machine": "Z80",
    }
    made_up.write(reports / "cost.json", cost)
    made_up.write(reports / "finetune" / "source-full.json", made_up.result("source", "full"))
    outs = {
        "tasks@source": {"path": "data/tasks/source", "md5": "11112222333.dir"},
        "pretrain@gpt1": {"path": "models/pretrained/gpt1", "md5": "44445555.dir"},
    }
    stages = {name: {"cmd": "python", "outs": [out]} for name, out in outs.items()}
    (reports.parent / "dvc.lock").write_text(json.dumps({"stages": stages}))
    html = page(reports)
    text = " ".join(re.sub(r"<[^>]+>", " ", html[html.index('id="provenance"') :]).split())
    for part in (
        "source: full c0ffee00+ 11112222 44445555",
        "lr 0.001, epochs 2, lm_weight 0.5 1.5 T",
        "ab12 Z80",
    ):
        assert part in text, text
    assert "follows: scratch" in text
    assert "source: baselines" in text


@pytest.mark.slow
def test_errors_are_shown_shortened(reports: Path) -> None:
    html = page(reports)
    text = " ".join(re.sub(r"<[^>]+>", " ", html[html.index('id="errors"') :]).split())
    assert "full: 500 of 1,000 rows wrong" in text
    assert re.search(r"row \d+: predicted no \( ?(89|90) % ?\), label yes", text)
    assert shortened("a" * 400 + "b" * 400 + "c" * 400) == "a" * 400 + "b" * 50 + " … " + "b" * 50 + "c" * 400


@pytest.mark.slow
def test_published_score_stands_beside_a_task_with_a_card(reports: Path) -> None:
    assert "GPT-1, published" not in page(reports)
    paper = {"score": 45.4, "metric": "matthews", "split": "the test server", "table": "Table 4"}
    card = {"source": "https://example.org", "license": "none", "version": "GLUE 1.0", "sizes": {"train": 8551}}
    card |= {"rows": "files", "split": "dev is the test", "paper": paper, "not_comparable": "another split"}
    made_up.write(reports / "tasks" / "source.json", made_up.task("source", card=card))
    text = " ".join(re.sub(r"<[^>]+>", " ", page(reports)).split())
    for part in ("GPT-1, published", "45.4 matthews", "the test server (Table 4)", "another split", "train 8,551"):
        assert part in text, part


@pytest.mark.slow
def test_language_tests_are_shown_with_their_protocol(reports: Path) -> None:
    assert 'id="zeroshot"' not in page(reports)
    made_up.write_zero_shot(reports)
    html = page(reports)
    assert Tags(html).open == []
    assert "<script" not in html
    text = " ".join(re.sub(r"<[^>]+>", " ", html[html.index('id="zeroshot"') :]).split())
    assert "lambada transformer accuracy 0.1234, perplexity 1,234, n 5,153 last word" in text


@pytest.mark.slow
def test_words_are_shown_with_their_neighbors_and_scores(reports: Path) -> None:
    assert 'id="words"' not in page(reports)
    path = reports / "zeroshot" / "gpt1.json"
    near = [{"word": "<b>dog", "cosine": 0.912}, {"word": "hen", "cosine": 0.5}]
    pairs = {
        "MEN": {"pairs": 1200, "missing": 1800, "spearman": 0.314},
        "tiny": {"pairs": 1, "missing": 0, "spearman": None},
    }
    questions = {"family": {"questions": 4, "missing": 1, "right": 1, "accuracy": 0.25}}
    words = {"word2vec": {"similarity": pairs, "analogies": questions, "neighbors": {"cat": near}}}
    path.write_text(json.dumps({**json.loads(path.read_text()), "words": words}))
    html = page(reports)
    text = " ".join(re.sub(r"<[^>]+>", " ", html[html.index('id="words"') :]).split())
    assert "cat &lt;b&gt;dog 0.91, hen 0.50" in text
    assert "MEN 31.4 1,200 1,800 tiny \N{EN DASH} 1 0" in text
    assert "family 25.0 4 1" in text


def test_transfer_figure_is_there_if_variants_transfer_layers(reports: Path, project: Path) -> None:
    assert 'id="transfer"' not in page(reports)
    params = YAML(typ="safe", pure=True).load(project / "params.yaml")
    params["variants"] = {"full": {}, "layers_1": {"layers": 1}}
    with (project / "params.yaml").open("w") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)
    for name in made_up.KINDS:
        made_up.write(
            reports / "finetune" / f"{name}-layers_1.json", made_up.result(name, "scratch") | {"variant": "layers_1"}
        )
        answers = [made_up.right_on(0.3, seed) for seed in range(3)]
        made_up.write_predictions(reports.parent / "data", name, "layers_1", answers)
    html = page(reports)
    assert Tags(html).open == []
    assert "layers transferred" in html


@pytest.mark.slow
def test_learning_curves_are_there_if_variants_have_a_share_of_the_rows(reports: Path, project: Path) -> None:
    assert 'id="learning"' not in page(reports)
    params = YAML(typ="safe", pure=True).load(project / "params.yaml")
    params["variants"] = {"full": {}, "full_10": {"train_share": 0.1}, "scratch": {"pretrained": False}}
    with (project / "params.yaml").open("w") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)
    assert curves_of(load_settings(project)) == {True: ["full", "full_10"]}
    for name in made_up.KINDS:
        result = made_up.result(name, "full") | {"variant": "full_10", "n_train": 40}
        made_up.write(reports / "finetune" / f"{name}-full_10.json", result)
        answers = [made_up.right_on(0.3, seed) for seed in range(3)]
        made_up.write_predictions(reports.parent / "data", name, "full_10", answers)
    html = page(reports)
    assert Tags(html).open == []
    assert "training rows" in html[html.index('id="learning"') :]


def test_benchmark_of_an_older_version_is_named(reports: Path) -> None:
    made_up.write(reports / "benchmark.json", {"scores": {}, "rows": []})
    with pytest.raises(PretraceError, match=r"benchmark\.json: scale: missing, .* older versions; run `dvc repro`"):
        write_page(load_settings(), reports)


def test_cost_rows_are_empty_without_costs(project: Path) -> None:
    assert cost_rows({}, load_settings()) == []


def test_settings_are_shown_as_they_are_read(project: Path) -> None:
    text = settings_text(load_settings())
    assert "follows:\n    kind: entailment" in text
    assert "null" not in text


@pytest.mark.slow
def test_command_prints_the_table_and_updates_the_readme(reports: Path) -> None:
    write_report(load_settings(), reports)
    Path("README.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    done = subprocess.run([sys.executable, "-m", "pretrace.report"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "| source | classification |" in Path("README.md").read_text()
    assert "| source | classification |" in done.stdout
    assert (reports / "index.html").resolve().as_uri() in done.stdout


@pytest.mark.slow
def test_command_without_results_prints_one_line(project: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pretrace.report"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pretrace: report: ")
    assert done.stderr.count("\n") == 1


def test_page_warns_of_rows(reports: Path) -> None:
    """Of what the stage `tasks` found, and of a file that was edited after it."""
    rows = reports.parent / "mine.csv"
    rows.write_text("text,label\na,0\n")
    digest = hashlib.sha256(rows.read_bytes()).hexdigest()
    file = {"path": "mine.csv", "sha256": digest, "bytes": 15, "revision": None}
    shown = {"raw_files": {"train": file}, "warnings": ["3 rows are <b>"]}
    made_up.write(reports / "tasks" / "source.json", made_up.task("source", **shown))
    html = page(reports)
    assert "<b>Warning.</b> source: 3 rows are &lt;b&gt;</p>" in html
    assert html.count("<b>Warning.</b>") == 1
    rows.write_text("text,label\na,1\n")
    assert "<b>Warning.</b> task source: rows changed since the table was made: mine.csv; run" in page(reports)


@pytest.mark.slow
def test_page_and_reports_have_every_system(two_systems: Path) -> None:
    html = page(two_systems)
    assert Tags(html).open == []
    text = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    for part in (
        *("system gpt1 (", "system gpt2 (", "The vocabulary of gpt2 has 400 tokens"),
        *("LM, zero-shot, gpt2", "lambada gpt2 accuracy 0.1234", "more_systems:"),
    ):
        assert part in text, part
    assert {'<th scope="row">gpt1</th>', '<th scope="row">gpt2</th>'} <= set(
        re.findall("<th scope[^>]*>[^<]*</th>", html)
    )
    assert {"<h3>gpt1</h3>", "<h3>gpt2</h3>"} <= set(re.findall("<h3>[^<]*</h3>", html[html.index('id="samples"') :]))
    record = json.loads((two_systems / "pretrain.json").read_text())
    assert (record["val_loss"], record["systems"]["gpt2"]["val_loss"]) == (4.2, 3.9)
    assert json.loads((two_systems / "bpe.json").read_text())["systems"]["gpt2"]["size"] == 400
    curves = (two_systems / "figures" / "curves.svg").read_text()
    assert "gpt1, " in curves and "gpt2, " in curves


def test_loss_by_memory_is_a_figure_where_a_system_has_one(two_systems: Path) -> None:
    page(two_systems)
    assert not (two_systems / "figures" / "memory.svg").exists()
    path = two_systems / "pretrain" / "gpt2.json"
    losses = [{"memory": memory, "val_loss": 4.0 - memory / 1000} for memory in (0, 64, 128)]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"memory_losses": losses}))
    text = " ".join(re.sub(r"<[^>]+>", " ", page(two_systems)).split())
    assert "gpt2 4.000 with 0, 3.936 with 64, 3.872 with 128." in text
    assert "gpt1, windows of" in (two_systems / "figures" / "memory.svg").read_text()


def test_costs_of_several_systems_are_apart(two_systems: Path) -> None:
    entry = {"seconds": 2.0, "peak_memory_bytes": 1}
    names = ("pretrain@gpt1", "pretrain@gpt2", "pretrain@removed", "frozen@source-gpt2", "frozen@follows-gpt2")
    cost = parse_record(dict.fromkeys(names, entry), dict[str, CostEntry], "cost.json")
    seconds = {row.stage: row.seconds for row in cost_rows(cost, load_settings())}
    assert seconds == {"pretrain, gpt1": 2.0, "pretrain, gpt2": 2.0, "frozen, gpt2": 4.0, "together": 8.0}
