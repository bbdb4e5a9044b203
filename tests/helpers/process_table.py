"""Running processes, from /proc."""

from __future__ import annotations

from pathlib import Path


def session(leader: int) -> list[int]:
    """Return the processes of a session, oldest first, without those that have ended."""
    processes = []
    for folder in Path("/proc").iterdir():
        try:
            state, _, _, number = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(number) == leader and state != "Z":
            processes.append(int(folder.name))
    return sorted(processes)


def processes_in(folder: Path) -> list[int]:
    """Return the processes whose current folder is a project or below it."""
    processes = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink().is_relative_to(folder):
                processes.append(int(entry.name))
        except OSError:
            continue
    return processes


def command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def environment_of(process: int) -> dict[str, str]:
    """Return the environment that a process was started with; {} for one that has ended or belongs to another user."""
    try:
        entries = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    pairs = (entry.decode(errors="replace").partition("=") for entry in entries)
    return {name: value for name, _, value in pairs}


def everybody() -> list[int]:
    """Return all processes of this machine."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
