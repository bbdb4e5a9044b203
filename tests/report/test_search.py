"""The search on the page: shown where there is a record, with what has changed since; nothing where there is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pretrace.report import read_search, write_page, write_report
from pretrace.report.__main__ import main
from pretrace.report.markdown import BEGIN, END
from pretrace.report.search import state_of
from pretrace.settings import load_settings
from tests.helpers import made_up_results as made_up

SCORES = {"full": (0.50, 0.52, 0.48, 0.51), "scratch": (0.20, 0.31, 0.19, 0.42)}


def write_search(reports: Path, **changes: Any) -> None:
    """A search of four settings on two tasks, made from what there is now."""
    grid = [(1.0, 1), (1.0, 5), (3.0, 1), (3.0, 5)]
    settings = [
        {
            "task": task,
            "variant": variant,
            "lr_factor": factor,
            "lr": 0.001 * factor,
            "epochs": n,
            "dev_scores": [score],
        }
        for task in ("source", "follows")
        for variant, scores in SCORES.items()
        for (factor, n), score in zip(grid, scores, strict=True)
    ]
    record = {
        **{"scale": "laptop", "variants": ["full", "scratch"], "lr_factors": [1.0, 3.0], "epochs": [1, 5]},
        **{"seeds": [1], "settings": settings, "made_from": state_of(load_settings())},
        **{"commit": "0123456789abcdef", "changed": True, "machine": "a processor", "python": "3.11"},
        **{"seconds": 3900.0, "fine_tunings": 8, **changes},
    }
    made_up.write(reports / "search.json", record)


def text_of(reports: Path) -> str:
    write_report(load_settings(), reports)
    html = write_page(load_settings(), reports).read_text(encoding="utf-8")
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.slow
def test_page_shows_the_search_and_nothing_without_it(reports: Path) -> None:
    without = text_of(reports)
    assert "Search on dev" not in without and "more passes" not in without
    write_search(reports)
    text = text_of(reports)
    assert "3 x rate, 5 passes" in text
    assert "source full 50.0 52.0 48.0 51.0 51.0 (0.001, 2 passes)" in text
    assert "4 settings for each of full and scratch, at scale laptop; commit 01234567+, a processor; 8 fine" in text
    assert (
        "scratch with more passes than in the table, on dev (seed 1): source 42.0 with 5 at 0.003 instead of 26.0"
        in text
    )
    assert "before a change" not in text


def test_line_is_under_the_table_of_the_readme_alone(reports: Path, capsys: Any) -> None:
    Path("README.md").write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    write_search(reports)
    write_report(load_settings(), reports)
    assert main() == 0
    line = (
        "- scratch with more passes than in the table, on dev (seed 1): source 42.0 with 5 at 0.003 instead of 26.0 "
        "with 2, follows 42.0 with 5 at 0.003 instead of 51.0 with 2."
    )
    readme = Path("README.md").read_text()
    assert line in readme.splitlines() and line in capsys.readouterr().out.splitlines()
    table = (reports / "benchmark.md").read_text()  # DVC locks it, and knows nothing of the search
    assert table.strip() in readme and "more passes" not in table
    (reports / "search.json").unlink()
    assert main() == 0
    assert "more passes" not in Path("README.md").read_text()


def test_what_has_changed_since_is_said(reports: Path) -> None:
    write_search(reports, made_from={**state_of(load_settings()), "code": "other", "task source": "not here"})
    shown = read_search(load_settings())
    assert shown
    for text in (shown.made, shown.more_passes):
        assert text.endswith(" The search is from before a change of: code.")


def test_state_is_that_of_what_decides_a_search(project: Path) -> None:
    from tests.helpers.plain_yaml import read_yaml, write_yaml

    def changed(**params: Any) -> set[str]:
        write_yaml(Path("params.yaml"), {**before, **params})
        now = state_of(load_settings())
        return {name for name in now if now[name] != state[name]}

    for name, text in (
        ("data/encoded/gpt1/source/train", "a"),
        ("data/encoded/gpt1/source/dev", "b"),
        ("models/pretrained/gpt1/transformer/model", "c"),
    ):
        Path(f"{name}.safetensors").parent.mkdir(parents=True, exist_ok=True)
        Path(f"{name}.safetensors").write_text(text)
    before, state = read_yaml(Path("params.yaml")), state_of(load_settings())
    assert set(state) == {"code", "settings", "weights", "task source"}
    tasks, full = before["tasks"], {"pretrained": True}
    assert (
        changed(variants={"full": full, "scratch": {"pretrained": False, "lr_factor": 3.0, "epochs": {"source": 9}}})
        == set()
    )
    assert changed(variants={"full": full | {"lm_weight": 0.0}, "scratch": {"pretrained": False}}) == {"settings"}
    assert changed(lr=0.5) == {"settings"}
    assert changed(tasks={**tasks, "source": {**tasks["source"], "epochs": 9}}) == set()
    assert changed(tasks={**tasks, "source": {**tasks["source"], "batch_size": 9}}) == {"task source"}
    Path("data/encoded/gpt1/source/dev.safetensors").write_text("other")
    Path("models/pretrained/gpt1/transformer/model.safetensors").unlink()
    assert changed() == {"task source"}


def test_tasks_that_are_not_in_the_table_are_not_shown(reports: Path) -> None:
    write_search(reports)
    (reports / "finetune" / "follows-full.json").unlink()
    (reports / "finetune" / "follows-scratch.json").unlink()
    shown = read_search(load_settings())
    assert shown and {row.task for row in shown.rows} == {"source"}
    for path in (reports / "finetune").iterdir():
        path.unlink()
    assert read_search(load_settings()) is None
