"""Running processes, from /proc."""

from __future__ import annotations

from pathlib import Path


def session(leader: int) -> list[int]:
    """The processes of a session, oldest first, but for those that have ended."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            state, _, _, number = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(number) == leader and state != "Z":
            found.append(int(folder.name))
    return sorted(found)


def processes_in(folder: Path) -> list[int]:
    """Processes that stand in a project or below it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def environment_of(process: int) -> dict[str, str]:
    """The environment that a process was started with; none for one that is no more, or somebody else's."""
    try:
        entries = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    pairs = (entry.decode(errors="replace").partition("=") for entry in entries)
    return {name: value for name, _, value in pairs}


def everybody() -> list[int]:
    """All processes of this machine."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
