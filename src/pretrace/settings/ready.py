"""Ready tasks: an entry of `params.yaml` that names one inherits the fields that it does not set.

    tasks:
      cola:
        ready: cola

Ready tasks are files beside the code that reads tasks, `src/pretrace/tasks/ready/<name>.yaml`, those from text to text
in `src/pretrace/sequences/ready/`: the fields of a task, its data card, and under `files` and `huggingface` the two
sources of its rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pretrace.common.errors import PretraceError
from pretrace.settings.section import PathString, Section
from pretrace.settings.yaml_file import read_yaml

SOURCE = Path(__file__).resolve().parents[1]
FOLDER, SEQUENCES = SOURCE / "tasks" / "ready", SOURCE / "sequences" / "ready"
SPLITS = ("train", "dev", "test", "unlabeled")
SOURCES = ("files", "huggingface")


class ReadySource(Section):
    """Source of the rows of all ready tasks."""

    source: Literal["files", "huggingface"] = "files"
    """`files`: the published files, unpacked below `folder`; `huggingface`: the copies on the Hub."""
    folder: PathString = "data/published"
    """For `files`: folder with CoLA/, MNLI/, snli_1.0/, RACE/ and so on; the ready tasks name the files."""


def ready_names(folder: Path = FOLDER) -> list[str]:
    """Return the names of all ready tasks in a folder."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def with_ready(name: str, own: Any, source: ReadySource, folder: Path = FOLDER) -> Any:
    """Return the fields of a task's entry, merged with those of the ready task that it names, if any.

    Fields of the entry win. If it sets `train`, it has rows of its own, and the fields that describe the published
    files (columns, labels to skip and the like) do not apply.

    Raises:
        PretraceError: there is no such ready task, or it cannot be read from `source`.
    """
    if not isinstance(own, dict) or not isinstance(own.get("ready"), str):
        return own
    section = "tasks" if folder == FOLDER else "sequences"
    if own["ready"] not in ready_names(folder):
        raise PretraceError(
            f"params.yaml: {section}.{name}.ready: got {own['ready']!r}; takes one of {', '.join(ready_names(folder))}"
        )
    entry = read_yaml(folder / f"{own['ready']}.yaml")
    sources = {name: entry.pop(name) for name in SOURCES}
    chosen = sources[source.source]
    if "train" in own or (section == "sequences" and "test" in own):
        return {**entry, **own, "card": {**entry["card"], "rows": "own"} | own.get("card", {})}
    if not isinstance(chosen, dict):
        raise PretraceError(
            f"params.yaml: {section}.{name}: {own['ready']} from ready.source: {source.source}: {chosen}"
        )
    if source.source == "files":
        below = {split: f"{source.folder}/{chosen[split]}" for split in SPLITS if chosen.get(split)}
        chosen = {**chosen, **below}
    merged = {**entry, **chosen, **own, "card": {**entry["card"], "rows": source.source}}
    for part in ("columns", "dataset"):
        if isinstance(chosen.get(part), dict) and isinstance(own.get(part), dict):
            merged[part] = {**chosen[part], **own[part]}
    return merged
