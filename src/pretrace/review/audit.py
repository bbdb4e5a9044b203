"""Audit the installed packages: are they those of requirements.txt, and has one a known vulnerability?

    make audit

Every package is pinned to one version, and nothing else is installed: that check needs no network. pip-audit asks PyPI
for known vulnerabilities; if it cannot be reached, one line says so. Those that docs/security.md accepts, with the
reason, are listed and do not fail.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from pretrace.common.errors import PretraceError, printable
from pretrace.common.frame import run_command

REQUIREMENTS = Path("requirements.txt")
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!_-]*)")
NOT_PINNED = ("pip", "pretrace")
"""Packages of every environment, and this project."""
ACCEPTED = {"CVE-2025-69872": "diskcache, of DVC: whoever can write to .dvc/tmp can run code (docs/security.md)"}
SECONDS = 600


def read_pins(path: Path = REQUIREMENTS) -> dict[str, str]:
    """Return {package: version}, by the names that installers compare.

    Raises:
        PretraceError: a line is no pin of one version, or a package occurs twice.
    """
    pins: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        requirement = line.partition("#")[0].strip()
        if not requirement:
            continue
        if not (pin := PIN.fullmatch(requirement)):
            raise PretraceError(f"{path}: line {number}: takes name==version, got {requirement!r}")
        name = normalized(pin[1])
        if name in pins:
            raise PretraceError(f"{path}: line {number}: {name} occurs twice")
        pins[name] = pin[2]
    return pins


def installed_packages() -> dict[str, str]:
    """Return {package: version} of this environment."""
    return {normalized(one.metadata["Name"]): one.version for one in distributions()}


def differences(pins: dict[str, str], installed: dict[str, str]) -> list[str]:
    """Return the packages that differ from the pins. A build's own suffix ("2.13.0+cpu") is no other version."""
    lines = [f"{name} {version} is installed and not pinned" for name, version in installed.items() if name not in pins]
    for name, version in pins.items():
        if name not in installed:
            lines.append(f"{name} {version} is pinned and not installed")
        elif installed[name].partition("+")[0] != version:
            lines.append(f"{name} {version} is pinned, and {installed[name]} is installed")
    return sorted(line for line in lines if line.split()[0] not in NOT_PINNED)


def vulnerabilities(output: str) -> tuple[list[str], int, int]:
    """Return from pip-audit's JSON the known vulnerabilities as lines, and how many packages it knows and does not.

    Raises:
        ValueError: it is not JSON.
    """
    packages = json.loads(output)["dependencies"]
    known = [package for package in packages if "skip_reason" not in package]
    lines = [
        f"{package['name']} {package['version']}: {one['id']}; fixed in {', '.join(one['fix_versions']) or 'none'}"
        + "".join(f"; accepted: {ACCEPTED[name]}" for name in (one["id"], *one.get("aliases", ())) if name in ACCEPTED)
        for package in known
        for one in package["vulns"]
    ]
    return lines, len(known), len(packages) - len(known)


def run_pip_audit() -> str:
    """Run pip-audit on the pins alone, without installing anything, and return what it prints."""
    options = ["--requirement", str(REQUIREMENTS), "--no-deps", "--disable-pip", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", *options, "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.stdout


def main() -> int:
    """Run the audit; return the exit code."""
    return run_command("audit", audit, reader_gone=1)


def audit() -> int:
    """Print what differs; return 0 if all is as pinned, and no vulnerability is known that is not accepted."""
    pins = read_pins()
    bad = differences(pins, installed_packages())
    for line in bad:
        print(f"pretrace: audit: {line}", file=sys.stderr)
    print(f"audit: {len(pins)} packages, each pinned to one version; the environment has {len(bad) or 'no'} others")
    try:
        lines, known, unknown = vulnerabilities(run_pip_audit())
    except (ValueError, KeyError, TypeError, OSError, subprocess.TimeoutExpired):
        lines, known, unknown = [], 0, len(pins)
    if not known:
        print("audit: known vulnerabilities could not be looked up; run this where PyPI answers")
        return 1 if bad else 0
    for line in lines:
        print(f"audit: {printable(line)}")
    open_ = sum("accepted: " not in line for line in lines)
    print(f"audit: {known} packages looked up, {unknown} not known there; {open_} vulnerabilities not accepted")
    return 1 if bad or open_ else 0


def normalized(name: str) -> str:
    """Return a package's name as installers compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
