"""Plain lines of progress, for logs."""

from __future__ import annotations

import pytest

from pretrace.common import progress as module
from pretrace.common.progress import duration, progress


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)


def test_progress_line_has_share_time_left_and_postfix(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with progress(total=1000, unit="step", description="model", initial=400) as bar:
        bar.set_postfix_str("loss 1.0", refresh=False)
        now[0] += 20
        bar.update(100)
    assert capsys.readouterr().err == "model: 500/1,000 step (50 %), 0:01:40 left  loss 1.0\n"


def test_time_left_leaves_out_what_came_before_the_first_update(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """30 s of loading, then 100 of 10,000 a second: a minute and a half is left, not the 50 minutes of the mean."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    bar = progress(total=10_000, unit="B")
    for seconds in (30, 0.5, 0.5, 1):
        now[0] += seconds
        bar.update(100 * min(seconds, 1))
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == ["100/10,000 B (1 %)", "150/10,000 B (2 %)"]
    assert said[2:] == ["200/10,000 B (2 %), 0:01:38 left", "300/10,000 B (3 %), 0:01:37 left"]


def test_bar_on_a_terminal_says_the_same_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True)
    bar = progress(total=10_000, unit="B")
    now[0] += 30
    bar.update(100)
    assert "<?" in str(bar)
    now[0] += 2
    bar.update(200)
    assert "<01:37" in str(bar) and bar.n == 300
    assert list(progress(range(3))) == [0, 1, 2]


def test_progress_prints_nothing_when_off(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress(range(3), on=False)) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    list(progress(iter(range(3)), unit="parts"))
    assert capsys.readouterr().err.splitlines() == ["1 parts", "2 parts", "3 parts"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (59.6, "0:01:00"), (3723, "1:02:03"), (360000, "100:00:00")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
