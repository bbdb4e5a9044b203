"""The audit of what is installed: pins of one version, nothing beside them, holes listed, no list said in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.review import audit
from tests.helpers import REPOSITORY

FOUND = {"name": "diskcache", "version": "5.6.3"}
HOLE = {"id": "PYSEC-1", "aliases": ["CVE-2025-69872"], "fix_versions": []}
OPEN = {"id": "PYSEC-2", "aliases": ["CVE-2026-1"], "fix_versions": ["9.9"]}


def said(*holes: dict) -> str:
    return json.dumps({"dependencies": [{**FOUND, "vulns": list(holes)}, {"name": "x", "skip_reason": "unknown"}]})


@pytest.fixture
def as_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(audit, "installed", audit.read_pins)


def test_every_requirement_is_one_version() -> None:
    pins = audit.read_pins(REPOSITORY / "requirements.txt")
    assert len(pins) > 150
    assert {"torch", "dvc", "mlflow", "ruamel-yaml", "pip-audit"} <= pins.keys()


@pytest.mark.parametrize(
    "line", ["numpy", "numpy>=2", "numpy==2.*", "numpy==2.4.6; python_version > '3'", "-r other.txt"]
)
def test_a_line_that_is_no_pin_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"# why\ntorch==2.13.0  # trains\n{line}\n")
    with pytest.raises(PretraceError, match="line 3: takes name==version"):
        audit.read_pins(tmp_path / "requirements.txt")


def test_a_package_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("ruamel.yaml==1\nruamel_yaml==2\n")
    with pytest.raises(PretraceError, match="line 2: ruamel-yaml stands there twice"):
        audit.read_pins(tmp_path / "requirements.txt")


def test_what_is_installed_otherwise_is_named() -> None:
    pins = {"torch": "2.13.0", "numpy": "2.4.6", "gone": "1"}
    found = {"torch": "2.13.0+cpu", "numpy": "2.4.5", "more": "3", "pip": "23", "pretrace": "0.1.0"}
    assert audit.differences(pins, found) == [
        "gone 1 is pinned and not installed",
        "more 3 is installed and not pinned",
        "numpy 2.4.6 is pinned, and 2.4.5 is installed",
    ]


@pytest.mark.usefixtures("as_pinned")
@pytest.mark.parametrize(
    ("answer", "code", "line"),
    [
        (said(), 0, "1 packages looked up, 1 not known there; 0 holes that are not accepted"),
        (said(HOLE), 0, "diskcache 5.6.3: PYSEC-1; mended in none; accepted: diskcache, of DVC"),
        (said(HOLE, OPEN), 1, "diskcache 5.6.3: PYSEC-2; mended in 9.9"),
        ("", 0, "no list of known holes could be had"),
        ('{"dependencies": [{"name": "x", "skip_reason": "unknown"}]}', 0, "no list of known holes could be had"),
        ("[]", 0, "no list of known holes could be had"),
    ],
)
def test_holes_are_listed_and_only_those_that_are_not_accepted_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, code: int, line: str
) -> None:
    monkeypatch.setattr(audit, "ask", lambda: answer)
    assert audit.main() == code
    assert line in capsys.readouterr().out


@pytest.mark.usefixtures("as_pinned")
def test_a_package_beside_the_pinned_ones_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "installed", lambda: {**audit.read_pins(), "evil": "1"})
    monkeypatch.setattr(audit, "ask", said)
    assert audit.main() == 1
    assert "evil 1 is installed and not pinned" in capsys.readouterr().err


def test_what_is_accepted_has_its_reason_in_the_docs() -> None:
    text = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
    assert all(name in text for name in audit.ACCEPTED)
