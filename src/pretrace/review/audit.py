"""Are the installed packages those of requirements.txt, and has one of them a known hole?

    make audit

Every package is pinned to one version, and nothing else is installed: that is looked at without a network. Known holes
are asked of PyPI by pip-audit; where no list of them can be had, one line says so. What docs/security.md accepts, with
its reason, is listed and does not fail.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from pretrace.common.errors import PretraceError, printable

REQUIREMENTS = Path("requirements.txt")
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!_-]*)")
NOT_PINNED = ("pip", "pretrace")
"""What every environment has, and this project."""
ACCEPTED = {"CVE-2025-69872": "diskcache, of DVC: whoever can write to .dvc/tmp can run code (docs/security.md)"}
SECONDS = 600


def read_pins(path: Path = REQUIREMENTS) -> dict[str, str]:
    """{package: version}, by the names that installers compare.

    Raises:
        PretraceError: a line is no pin of one version, or a package stands there twice.
    """
    pins: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        requirement = line.partition("#")[0].strip()
        if not requirement:
            continue
        if not (found := PIN.fullmatch(requirement)):
            raise PretraceError(f"{path}: line {number}: takes name==version, got {requirement!r}")
        name = plain(found[1])
        if name in pins:
            raise PretraceError(f"{path}: line {number}: {name} stands there twice")
        pins[name] = found[2]
    return pins


def installed() -> dict[str, str]:
    """{package: version} of this environment."""
    return {plain(one.metadata["Name"]): one.version for one in distributions()}


def differences(pins: dict[str, str], found: dict[str, str]) -> list[str]:
    """What of the environment is not as pinned. A build's own part ("2.13.0+cpu") is no other version."""
    lines = [f"{name} {version} is installed and not pinned" for name, version in found.items() if name not in pins]
    for name, version in pins.items():
        if name not in found:
            lines.append(f"{name} {version} is pinned and not installed")
        elif found[name].partition("+")[0] != version:
            lines.append(f"{name} {version} is pinned, and {found[name]} is installed")
    return sorted(line for line in lines if line.split()[0] not in NOT_PINNED)


def holes(said: str) -> tuple[list[str], int, int]:
    """From pip-audit's JSON: the known holes as lines, how many packages were looked up, and how many were not.

    Raises:
        ValueError: it is none.
    """
    packages = json.loads(said)["dependencies"]
    known = [package for package in packages if "skip_reason" not in package]
    lines = [
        f"{package['name']} {package['version']}: {hole['id']}; mended in {', '.join(hole['fix_versions']) or 'none'}"
        + "".join(
            f"; accepted: {ACCEPTED[name]}" for name in (hole["id"], *hole.get("aliases", ())) if name in ACCEPTED
        )
        for package in known
        for hole in package["vulns"]
    ]
    return lines, len(known), len(packages) - len(known)


def ask() -> str:
    """What pip-audit prints; it looks at the pins alone and installs nothing."""
    options = ["--requirement", str(REQUIREMENTS), "--no-deps", "--disable-pip", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", *options, "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.stdout


def main() -> int:
    """0: all is as pinned, and no hole is known that is not accepted."""
    try:
        pins = read_pins()
        bad = differences(pins, installed())
    except (PretraceError, OSError) as error:
        print(f"pretrace: audit: {error}", file=sys.stderr)
        return 1
    for line in bad:
        print(f"pretrace: audit: {line}", file=sys.stderr)
    print(f"audit: {len(pins)} packages, each pinned to one version; the environment has {len(bad) or 'no'} others")
    try:
        lines, known, unknown = holes(ask())
    except (ValueError, KeyError, TypeError, OSError, subprocess.TimeoutExpired):
        lines, known, unknown = [], 0, len(pins)
    if not known:
        print("audit: no list of known holes could be had from here; run this where PyPI answers")
        return 1 if bad else 0
    for line in lines:
        print(f"audit: {printable(line)}")
    open_ = sum("accepted: " not in line for line in lines)
    print(f"audit: {known} packages looked up, {unknown} not known there; {open_} holes that are not accepted")
    return 1 if bad or open_ else 0


def plain(name: str) -> str:
    """A package's name as installers compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
