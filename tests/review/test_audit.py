"""The audit: every package pinned to one version, nothing else installed, known vulnerabilities listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.review import audit
from tests.helpers import REPOSITORY

UNKNOWN = {"name": "x", "skip_reason": "unknown"}
PACKAGE = {"name": "diskcache", "version": "5.6.3"}
ACCEPTED = {"id": "PYSEC-1", "aliases": ["CVE-2025-69872"], "fix_versions": []}
OPEN = {"id": "PYSEC-2", "aliases": ["CVE-2026-1"], "fix_versions": ["9.9"]}


def output(*vulnerabilities: dict) -> str:
    return json.dumps(
        {"dependencies": [{**PACKAGE, "vulns": list(vulnerabilities)}, {"name": "x", "skip_reason": "unknown"}]}
    )


@pytest.fixture
def as_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(audit, "installed_packages", audit.read_pins)


def test_every_requirement_is_one_version() -> None:
    pins = audit.read_pins(REPOSITORY / "requirements.txt")
    assert len(pins) > 150
    assert {"torch", "dvc", "mlflow", "ruamel-yaml", "pip-audit"} <= pins.keys()


@pytest.mark.parametrize(
    "line", ["numpy", "numpy>=2", "numpy==2.*", "numpy==2.4.6; python_version > '3'", "-r other.txt"]
)
def test_line_that_is_no_pin_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"# why\ntorch==2.13.0  # trains\n{line}\n")
    with pytest.raises(PretraceError, match="line 3: takes name==version"):
        audit.read_pins(tmp_path / "requirements.txt")


def test_package_that_occurs_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("ruamel.yaml==1\nruamel_yaml==2\n")
    with pytest.raises(PretraceError, match="line 2: ruamel-yaml occurs twice"):
        audit.read_pins(tmp_path / "requirements.txt")


def test_packages_that_differ_from_the_pins_are_named() -> None:
    pins = {"torch": "2.13.0", "numpy": "2.4.6", "gone": "1"}
    installed = {"torch": "2.13.0+cpu", "numpy": "2.4.5", "more": "3", "pip": "23", "pretrace": "0.1.0"}
    assert audit.differences(pins, installed) == [
        "gone 1 is pinned and not installed",
        "more 3 is installed and not pinned",
        "numpy 2.4.6 is pinned, and 2.4.5 is installed",
    ]


@pytest.mark.usefixtures("as_pinned")
@pytest.mark.parametrize(
    ("answer", "code", "line"),
    [
        (output(), 0, "1 packages looked up, 1 not known there; 0 vulnerabilities not accepted"),
        (output(ACCEPTED), 0, "diskcache 5.6.3: PYSEC-1; fixed in none; accepted: diskcache, of DVC"),
        (output(ACCEPTED, OPEN), 1, "diskcache 5.6.3: PYSEC-2; fixed in 9.9"),
        ("", 0, "known vulnerabilities could not be looked up"),
        (
            '{"dependencies": [{"name": "x", "skip_reason": "unknown"}]}',
            0,
            "known vulnerabilities could not be looked up",
        ),
        ("[]", 0, "known vulnerabilities could not be looked up"),
    ],
)
def test_only_vulnerabilities_that_are_not_accepted_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, code: int, line: str
) -> None:
    monkeypatch.setattr(audit, "run_pip_audit", lambda: answer)
    assert audit.main() == code
    assert line in capsys.readouterr().out


@pytest.mark.usefixtures("as_pinned")
def test_package_that_is_not_pinned_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(audit, "installed_packages", lambda: {**audit.read_pins(), "evil": "1"})
    monkeypatch.setattr(audit, "run_pip_audit", output)
    assert audit.main() == 1
    assert "evil 1 is installed and not pinned" in capsys.readouterr().err


def test_accepted_vulnerabilities_are_in_the_docs() -> None:
    text = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
    assert all(name in text for name in audit.ACCEPTED)
