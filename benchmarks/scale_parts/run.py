"""Where the time of the default run goes, by stage, from reports/cost.json."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from scale_parts.tables import table

from pretrace.common.units import readable_bytes, readable_time
from pretrace.pipeline.cost import COST_FILE
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.record import read_record


def run_table(root: Path) -> str:
    """Return a row for each stage, the longest first, and what to shorten next."""
    by_stage: dict[str, list[CostEntry]] = defaultdict(list)
    for name, entry in read_record(root / COST_FILE, dict[str, CostEntry]).items():
        by_stage[name.partition("@")[0]].append(entry)
    entries = [entry for own in by_stage.values() for entry in own]
    total = sum(entry.seconds for entry in entries)
    rows = [
        [
            f"`{stage}`",
            f"{len(own)}",
            f"{(spent := sum(one.seconds for one in own)):.1f} s",
            f"{spent / total:.0%}",
            readable_bytes(max(one.peak_memory_bytes for one in own)),
        ]
        for stage, own in sorted(by_stage.items(), key=lambda pair: -sum(one.seconds for one in pair[1]))
    ]
    rows.append(["all", f"{len(entries)}", f"{total:.1f} s", "", ""])
    head = ["stage", "runs", "time", "share", "peak memory"]
    return f"{table(head, rows, 4)}\n\n{_origin(entries)}\n\n{_next(by_stage, total)}"


def commits_of(entries: list[CostEntry]) -> list[str]:
    """Return the commits that the stages ran at, the most frequent first, in eight digits."""
    commits = [str(entry.commit)[:8] for entry in entries]
    return sorted(set(commits), key=lambda commit: -commits.count(commit))


def _origin(entries: list[CostEntry]) -> str:
    machines = sorted({str(entry.machine) for entry in entries})
    return f"Commits {', '.join(commits_of(entries))}; {'; '.join(machines)}. DVC's own time comes on top."


def _next(by_stage: dict[str, list[CostEntry]], total: float) -> str:
    """Return the stage that takes longest, and of fine-tuning how much is not training."""
    stage, own = max(by_stage.items(), key=lambda pair: sum(one.seconds for one in pair[1]))
    spent = sum(one.seconds for one in own)
    trained = sum(one.seeds_seconds or one.seconds for one in own)
    around = spent - trained
    said = f"**The next second to win** is in `{stage}`: {readable_time(spent)} of {readable_time(total)}"
    return f"{said}, of which {readable_time(around)} are not training but the start and end of {len(own)} processes."
