"""`make diff`: one comment, from git alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from pretrace.review import diff_as_markdown
from tests.helpers.made_up_project import benchmark, commit, row, run, write

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x> | **a** @everyone\n\n| b"
CURVE = [{"step": step, "loss": 9 - step / 10, "lr": 0.1} for step in range(1, 30)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, tagged `base`, in which the test stands; no DVC."""
    run(tmp_path, "git", "init", "--quiet", "--initial-branch=main")
    write(
        tmp_path / "params.yaml",
        "scale: small\nsystems: [gpt1]\nlr:\ntasks: {rte: {kind: entailment}}\nsuites: {a: {b: {}}}\n",
    )
    write(tmp_path / "scales/small.yaml", "pretrain: {steps: 10}\n")
    write(tmp_path / "systems/gpt1.yaml", "source: paper\n")
    write(tmp_path / "requirements.txt", "numpy==2.4.6  # arrays\n")
    write(tmp_path / "reports/benchmark.json", benchmark(row("rte", "full"), row("cola", "full"), row("rte", "tfidf")))
    write(tmp_path / "reports/pretrain.json", {"val_loss": 4.5, "parameters": 1_300_000})
    write(tmp_path / "reports/cost.json", {"pretrain@gpt1": cost(100, "A"), "finetune@rte-full": {}})
    write(tmp_path / "reports/curves/gpt1/transformer.json", CURVE)
    write(tmp_path / "reports/curves/gpt1/transformer-validation.json", [{"step": 20, "val_loss": 7.5}])
    commit(tmp_path, "base")
    run(tmp_path, "git", "tag", "base")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cost(seconds: float, machine: str) -> dict[str, Any]:
    return {"seconds": seconds, "peak_memory_bytes": 10**8, "machine": machine}


def lines(text: str, *cells: str) -> list[str]:
    """The lines of a table that begin with these cells."""
    return [line for line in text.splitlines() if line.startswith("| " + " | ".join(cells) + " |")]


def test_diff_without_changes(project: Path) -> None:
    text = diff_as_markdown("base", Path("out"))
    assert "**Scores: 3 same.**" in text and "### Parameters\n\nNone changed." in text
    assert "both curves are the same." in text


def test_diff_shows_every_change(project: Path) -> None:
    write(
        project / "params.yaml",
        "scale: large\nsystems: [gpt1]\nlr: 1e-4\ntasks: {mrpc: {kind: similarity}}\nsuites: {}\nnew:\n",
    )
    write(project / "scales/large.yaml", "pretrain: {steps: 20}\n")
    write(project / "requirements.txt", "numpy==2.5.0  # arrays\n")
    worse = row("rte", "full", scores=[0.5, 0.52, 0.51])
    write(project / "reports/benchmark.json", benchmark(worse, row("rte", "tfidf"), row("mrpc", "full")))
    write(project / "reports/pretrain.json", {"val_loss": 4.05, "parameters": 1_300_000})
    write(project / "reports/cost.json", {"pretrain@gpt1": cost(50, "B")})
    write(project / "reports/curves/gpt1/transformer.json", CURVE[:20])
    text = diff_as_markdown("base", Path("out"))
    assert "**Scores: 1 lower, 1 same, 1 added, 1 removed.**" in text
    (line,) = lines(text, "rte", "full", "accuracy", "71.0 ± 1.0", "51.0 ± 1.0")
    assert re.search(r"\| -20\.0 ± \d\.\d \| \*\*lower\*\* \|$", line)
    assert lines(text, "cola", "full", "accuracy", "71.0 ± 1.0", "", "", "removed")
    assert lines(text, "mrpc", "full", "accuracy", "", "71.0 ± 1.0", "", "added")
    changed = [("lr", "null", "0.0001"), ("scale", '"small"', '"large"'), ("scale.pretrain.steps", "10", "20")]
    changed += [("requirements.numpy", '"2.4.6"', '"2.5.0"'), ("tasks.mrpc.kind", "", '"similarity"')]
    for cells in changed:
        assert lines(text, *(cell.replace("_", r"\_") for cell in cells)), cells
    assert "suites" not in text and "| new |" not in text
    assert lines(text, "validation loss, nats/token", "4.5000", "4.0500", "-10.0%")
    assert lines(text, "time of pre-training", "1 min 40 s", "50.0 s", "-50.0%") and "A before, B" in text
    image = re.search(r"!\[.*\]\((.*)\)", text)
    assert image and "<svg" in Path(image[1]).read_text() and "both curves" not in text
    assert diff_as_markdown("base", Path("out")) == text, "the same files give the same bytes"


def test_base_that_is_older_than_systems_is_compared(project: Path) -> None:
    """One system, `system`, with its reports at the top."""
    text = "scale: small\nsystem: gpt1\nlr:\ntasks: {rte: {kind: entailment}}\nsuites: {a: {b: {}}}\n"
    now = (project / "params.yaml").read_text()
    write(project / "params.yaml", text)
    write(project / "reports/cost.json", {"pretrain": cost(100, "A")})
    (project / "reports/curves").rename(project / "curves")
    (project / "curves/gpt1").rename(project / "reports/curves")
    commit(project, "older")
    (project / "reports/curves").rename(project / "curves/gpt1")
    (project / "curves").rename(project / "reports/curves")
    write(project / "params.yaml", now + "variants: {other: {system: bert}}\n")
    write(project / "systems/bert.yaml", "source: another paper\n")
    write(project / "params.yaml", (project / "params.yaml").read_text().replace("[gpt1]", "[gpt1, bert]"))
    write(project / "reports/cost.json", {"pretrain@gpt1": cost(50, "A"), "pretrain@bert": cost(70, "A")})
    shown = diff_as_markdown("HEAD", Path("out"))
    assert lines(shown, "time of pre-training", "1 min 40 s", "50.0 s", "-50.0%")
    assert "both curves are the same." in shown
    assert lines(shown, "systems.bert.source", "", '"another paper"') and "systems.gpt1" not in shown
    assert lines(shown, "system", '"gpt1"')


def test_diff_names_another_metric_and_other_test_rows(project: Path) -> None:
    changed = [row("rte", "full", n_eval=500), row("cola", "full", metric="matthews"), row("rte", "tfidf")]
    write(project / "reports/benchmark.json", benchmark(*changed))
    text = diff_as_markdown("base", Path("out"))
    assert lines(text, "rte", "full", "accuracy, 2000 → 500 rows")
    (line,) = lines(text, "cola", "full", "accuracy → matthews")
    assert line.endswith("| another metric |")
    assert "**lower**" not in text


@pytest.mark.parametrize("revision", ["origin/main", "--help", "base~9", "$(date)"])
def test_missing_revision_is_a_first_run(project: Path, revision: str) -> None:
    text = diff_as_markdown(revision, Path("out"))
    assert "No baseline: no revision " in text and lines(text, "rte", "full", "accuracy", "", "71.0 ± 1.0")
    assert "### Parameters" not in text and (project / "out/curves-transformer.svg").exists()


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"rows": 3}', '{"rows": [{"task": 1}]}', "\x00"])
def test_base_with_broken_reports_is_a_first_run(project: Path, text: str | None) -> None:
    kept = {path: path.read_text() for path in (project / "reports").rglob("*.json")}
    for path in kept:
        path.unlink()
        if text is not None:
            write(path, text)
    commit(project, "broken")
    run(project, "git", "tag", "broken")
    for path, own in kept.items():
        write(path, own)
    shown = diff_as_markdown("broken", Path("out"))
    assert "No baseline: " in shown and lines(shown, "rte", "full", "accuracy", "", "71.0 ± 1.0")
    assert "None changed." in shown, "the parameters can be compared all the same"


def test_text_from_data_is_escaped_and_notifies_nobody(project: Path) -> None:
    hostile = benchmark(row(HOSTILE, HOSTILE, metric=HOSTILE))
    write(project / "reports/benchmark.json", hostile)
    write(project / "params.yaml", {"scale": "small", "systems": ["gpt1"], "lr": HOSTILE, HOSTILE: 1})
    write(project / "reports/cost.json", {"pretrain@gpt1": cost(1, HOSTILE)})
    text = diff_as_markdown("base", Path("out"))
    assert "<img" not in text and "@everyone" not in text and "**a**" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {4, 5, 8}


def test_long_list_shows_removed_and_added_items(project: Path) -> None:
    packages = [f"package_{number}" for number in range(30)]
    write(project / "params.yaml", {"scale": "small", "packages": packages})
    commit(project, "many")
    write(project / "params.yaml", {"scale": "small", "packages": [*packages[1:], "another"]})
    (line,) = [line for line in diff_as_markdown("HEAD", Path("out")).splitlines() if line.startswith("| packages |")]
    assert line == r'| packages | with \["package\_0"\] | with \["another"\] |'


def test_command_prints_and_writes_the_comment(project: Path, capsys: Any) -> None:
    assert main(["diff", "base"]) == 0
    printed = capsys.readouterr().out
    assert printed == (project / ".pretrace/review/comment.md").read_text() and printed.startswith("## Difference from")
    assert main(["diff", "base", "--link", "https://example.org/a"]) == 0
    assert r"[curves-transformer.svg](https://example.org/a)" in capsys.readouterr().out
    (project / "reports/benchmark.json").unlink()
    assert main(["diff", "base"]) == 1
    assert capsys.readouterr().err.startswith("pretrace: diff: reports/benchmark.json: no such file; run ")
