"""Ready tasks: an entry of `params.yaml` that names one takes from it what it does not say itself.

    tasks:
      cola:
        ready: cola

The entries are files beside the code that reads tasks, `src/pretrace/tasks/ready/<name>.yaml`: the fields of a task,
its data card, and under `files` and `huggingface` the two places that its rows can be read from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pretrace.common.errors import PretraceError
from pretrace.settings.section import PathString, Section
from pretrace.settings.yaml_file import read_yaml

FOLDER = Path(__file__).resolve().parents[1] / "tasks" / "ready"
SPLITS = ("train", "dev", "test", "unlabeled")
PLACES = ("files", "huggingface")


class ReadySource(Section):
    """Where the rows of ready tasks are read from, all of them."""

    source: Literal["files", "huggingface"] = "files"
    """`files`: as their publishers hand them out, unpacked below `folder`; `huggingface`: the copies on the Hub."""
    folder: PathString = "data/published"
    """For `files`: has CoLA/, MNLI/, snli_1.0/, RACE/ and so on; the entries name the files."""


def ready_names() -> list[str]:
    """The names of all ready tasks."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def with_ready(name: str, own: Any, source: ReadySource) -> Any:
    """The values of a task's entry, with those of the ready task that it names, if it names one.

    What an entry says itself wins. If it says where its rows are (`train`), nothing of the published files is left:
    their columns, labels to skip and the like were theirs.

    Raises:
        PretraceError: there is no such ready task, or none in the place that `source` names.
    """
    if not isinstance(own, dict) or not isinstance(own.get("ready"), str):
        return own
    if own["ready"] not in ready_names():
        raise PretraceError(
            f"params.yaml: tasks.{name}.ready: got {own['ready']!r}; takes one of {', '.join(ready_names())}"
        )
    entry = read_yaml(FOLDER / f"{own['ready']}.yaml")
    places = {place: entry.pop(place) for place in PLACES}
    chosen = places[source.source]
    if "train" in own:
        return {**entry, **own, "card": {**entry["card"], "rows": "own"} | own.get("card", {})}
    if not isinstance(chosen, dict):
        raise PretraceError(f"params.yaml: tasks.{name}: {own['ready']} from ready.source: {source.source}: {chosen}")
    if source.source == "files":
        below = {split: f"{source.folder}/{chosen[split]}" for split in SPLITS if chosen.get(split)}
        chosen = {**chosen, **below}
    merged = {**entry, **chosen, **own, "card": {**entry["card"], "rows": source.source}}
    for part in ("columns", "dataset"):
        if isinstance(chosen.get(part), dict) and isinstance(own.get(part), dict):
            merged[part] = {**chosen[part], **own[part]}
    return merged
