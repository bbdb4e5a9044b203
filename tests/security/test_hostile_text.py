"""Text of a corpus or a task as somebody hostile would write it: shown, never obeyed, wherever it comes out."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace import cli
from pretrace.common.errors import LONGEST, PretraceError, printable
from pretrace.report import write_page, write_report
from pretrace.report.glue import write_submissions
from pretrace.report.markdown import escape
from pretrace.report.scores_csv import write_scores
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.record import read_record
from pretrace.settings import Task, load_settings, with_ready
from pretrace.settings.ready import ReadySource
from tests.helpers import made_up_results as made_up

pytestmark = pytest.mark.slow

RUNS = "document.title='ran'"
HOSTILE = "".join(
    [
        f'</p></pre></summary></title></style><script>{RUNS}</script><img src=x onerror="{RUNS}"><svg onload={RUNS}>',
        f"--><script>{RUNS}</script><!-- ]]> <a href='javascript:{RUNS}'>x</a> &lt;script&gt;{RUNS}&lt;/script&gt;",
        f'" onmouseover="{RUNS}" autofocus onfocus=\'{RUNS}\' {{{{ 7 * 7 }}}} {{% raw %}} ${{x}} $\\frac{{1}}{{$ $x^2$',
        "\n\n| a | **b** | [c](javascript:x) ![d](http://e/f) `g` <https://h> \r\x1b[2J\x1b]0;t\x07\x00\u202etxt.exe",
        " https://example.org/x www.example.org a@example.org @everyone fixes #123 GH-7 \x9b5n\u2028\u200f\u061c\u200e",
    ]
)
STRANGE = set(map(chr, [*range(9), *range(11, 32), *range(127, 160), 0x2028, 0x2029, 0x61C, 0x200E, 0x200F]))
STRANGE |= set(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
BROWSER = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom")


@pytest.fixture
def reports(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(made_up, "HOSTILE", HOSTILE)
    made_up.write_results(project / "reports")
    tasks = project / "reports" / "tasks"
    card = {name: HOSTILE for name in ("source", "license", "version", "split", "not_comparable", "unverified")}
    made_up.write(
        tasks / "source.json",
        made_up.task(
            "source", labels=[HOSTILE, "yes"], card={**card, "rows": "own", "sizes": {HOSTILE: 3}, "paper": None}
        ),
    )
    made_up.write(tasks / "follows.json", made_up.task("follows", unavailable=HOSTILE))
    for variant in ("full", "scratch"):
        gone = made_up.result("follows", variant, unavailable=HOSTILE)
        made_up.write(project / "reports" / "finetune" / f"follows-{variant}.json", gone)
    write_report(load_settings(), project / "reports")
    return project / "reports"


def rendered(page: Path, folder: Path) -> str:
    """The page's tree after a browser has run what it would run."""
    if CHROMIUM is None:
        pytest.skip("needs a browser: apt-get install chromium")
    command = [CHROMIUM, *BROWSER, f"--user-data-dir={folder / 'browser'}", page.resolve().as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, env={"HOME": str(folder)})
    return done.stdout


def test_page_runs_no_script_of_data(reports: Path, tmp_path: Path) -> None:
    """Without the page's own ban on scripts, as that would hide what got through; and the test would see it."""
    html = write_page(load_settings(), reports).read_text(encoding="utf-8")
    bare = re.sub(r"<meta http-equiv[^>]*>", "", html)
    assert bare != html
    (tmp_path / "bare.html").write_text(bare, encoding="utf-8")
    tree = rendered(tmp_path / "bare.html", tmp_path)
    assert "<title>pretrace: benchmark" in tree
    assert not re.search(r"<(script|img|iframe|object)\b", tree)
    assert not re.search(r"<[^>]*\son(error|load|mouseover|focus)\s*=", tree)
    assert not re.search(r"<a [^>]*javascript:", tree)
    (tmp_path / "broken.html").write_text(bare.replace("</header>", f"<script>{RUNS}</script></header>"))
    assert "<title>ran" in rendered(tmp_path / "broken.html", tmp_path)
    (tmp_path / "banned.html").write_text(html.replace("</header>", f"<script>{RUNS}</script></header>"))
    assert "<title>pretrace: benchmark" in rendered(tmp_path / "banned.html", tmp_path)


def test_page_has_no_control_characters_and_no_marks_of_direction(reports: Path) -> None:
    html = write_page(load_settings(), reports).read_text(encoding="utf-8")
    assert not set(html) & STRANGE
    assert "\\x1b[2J" in html and "\\u202etxt.exe" in html and "\\u200f" in html
    assert html.count("\n") > 100, "lines stay lines"


def test_figures_are_well_formed_xml(reports: Path) -> None:
    for path in (reports / "figures").glob("*.svg"):
        names = {element.tag.rpartition("}")[2] for element in ElementTree.parse(path).iter()}
        assert "text" in names or path.name == "curves.svg"
        assert not names & {"script", "image", "foreignObject", "a"}


def test_markdown_table_stays_whole(reports: Path) -> None:
    text = (reports / "benchmark.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert "follows could not be made" in text
    (reason,) = [line for line in text.splitlines() if "could not be made" in line]
    assert not re.search(r"(?<!\\)[<`\[\]|*]", reason.removeprefix("- ").replace("<!-- -->", ""))
    assert not set(text) & STRANGE
    assert not re.search(r"\w://|www\.|@\w|#\d|GH-\d", reason)


@given(st.text(max_size=30), st.sampled_from(["://", "@", "www.", "#12", "GH-1", "WWW.", "gh-1"]), st.text(max_size=30))
def test_nothing_in_escaped_markdown_becomes_a_link(before: str, middle: str, after: str) -> None:
    """GitHub's own linking sees the text without backslashes, and stops at a comment."""
    found = escape(before + middle + after).replace("\\", "")
    assert not re.search(r"://|\bwww\.|@(?!<!-- -->)|#\d|\bGH-\d", found, re.IGNORECASE)


ESCAPED = ["\x1b[31m", "a\nb", "\u202ea", "\u200fa", "\u061ca", "<b>", "| x", "`a`", "[a](b)", "\ud800", "\x9b31m"]


@pytest.mark.parametrize("text", ESCAPED)
def test_escaped_markdown_is_one_harmless_line(text: str) -> None:
    found = escape(text)
    found.encode()
    assert found.isprintable()
    assert not re.search(r"(?<!\\)[<`\[\]|]", found)


def test_scores_csv_has_no_formula(reports: Path, tmp_path: Path) -> None:
    """Its cells are names that the settings allow, words of ours, and numbers."""
    write_scores(tmp_path / "scores.csv", read_record(reports / "benchmark.json", Benchmark))
    rows = list(csv.reader((tmp_path / "scores.csv").open()))
    assert len(rows) > 5
    for cell in (cell for row in rows for cell in row):
        assert re.fullmatch(r"[a-z][a-z0-9_]*|-?[0-9.e-]+|", cell), cell


@pytest.mark.parametrize("bad", ["=cmd|'/c calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "a\tb", "a\nb", "", "\x1b[31m"])
def test_glue_submission_has_no_formula(project: Path, bad: str) -> None:
    """GLUE's form has no quotes: what is none of its cells is refused, not changed."""
    settings = load_settings(project)
    ready = Task.model_validate(with_ready("cola", {"ready": "cola"}, ReadySource()))
    settings = settings.model_copy(update={"tasks": {"cola": ready}})
    folder = project / "finetuned" / "cola-full"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(made_up.finetuned_config(["unacceptable", "acceptable"])))
    for ids, raises in ((["0", "1"], False), (["0", bad], True)):
        pd.DataFrame({"id": ids, "prediction": np.array([0, 1])}).to_parquet(folder / "unlabeled.parquet")
        if raises:
            with pytest.raises(PretraceError, match="is no index and no prediction that GLUE's server takes"):
                write_submissions(settings, project / "finetuned", project / "glue")
        else:
            write_submissions(settings, project / "finetuned", project / "glue")
            assert (project / "glue/full/CoLA.tsv").read_text() == "index\tprediction\n0\t0\n1\t1\n"


def test_error_is_one_line_without_terminal_codes() -> None:
    said = str(PretraceError(f"{HOSTILE}: not readable\n  File 'x'"))
    assert said.isprintable() or all(ord(c) > 31 for c in said)
    assert "\\x1b[2J" in said and "\\u202e" in said and not set(said) & STRANGE
    assert len(str(PretraceError("x" * 10**6))) <= LONGEST + 3
    assert printable("plain, naïve, 文, שלום") == "plain, naïve, 文, שלום"


@pytest.mark.parametrize(
    ("command", "patched", "found"),
    [
        (["predict", "mine-full"], "pretrace.inference.predict.predict_file", lambda *_: [["\x1b[2J\nspam"], [3]]),
        (["check"], "pretrace.preflight.check.preflight", lambda *_: [("task \u202e", "\x1b[2J")]),
        (["trace", "a/b"], "pretrace.review.trace_score", lambda *_: [("note", "\x1b[2J\u202e\u200f\u061c")]),
    ],
)
def test_command_output_has_no_terminal_codes(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    patched: str,
    found: Callable,
) -> None:
    monkeypatch.setattr(patched, found)
    assert cli.main(command) == 0
    out = capsys.readouterr().out
    assert "\\x1b[2J" in out
    assert not set(out) & STRANGE
    assert len(out.splitlines()) == len(found())
