"""The project with its dvc.yaml, settings and DVC's configuration, but stages that only write a word, in no time.

Each stage notes its address in `ran.txt`, beside the folder of the project, as does one in an experiment's copy. Like
the project's own (`pretrace.pipeline.cell`), it takes names from the address and refuses those that are no plain words.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny

STAGES: dict[str, dict[str, Any]] = tiny.load(REPOSITORY / "dvc.yaml")["stages"]
SCRIPT = """
import json, os, re, sys
from pathlib import Path
notes, outs, inside, axes = {notes!r}, json.loads({outs!r}), json.loads({inside!r}), json.loads({axes!r})
stage, address = sys.argv[1], os.environ["DVC_STAGE"]
found = re.fullmatch(stage + "(?:@([a-z0-9_]+)(?:-([a-z0-9_]+))?)?", address)
with open(notes, "a") as stream:
    print(address if found else "refused", file=stream)
if not found:
    sys.exit("refused")
made = outs[stage]
for axis, key in zip(axes[stage], found.groups()):
    made = [name.replace("${{item." + axis + "}}", key or "") for name in made]
for name in made + [name for name in inside if any(name.startswith(one + "/") for one in made)]:
    path = Path(name) if Path(name).suffix else Path(name, "file")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("made")
"""
PROBE = {"kind": "classification", "probe": "acceptability"}


def make_hollow(folder: Path) -> Path:
    """Return the project of one task and one variant after a run, all of it committed."""
    tiny.make_project(folder, tasks={"good": PROBE}, variants={"full": {}})
    items = {
        name: [item for kind in ("outs", "metrics") for item in entry.get(kind, [])] for name, entry in STAGES.items()
    }
    outs = {name: [item if isinstance(item, str) else next(iter(item)) for item in own] for name, own in items.items()}
    axes = {name: list(entry.get("matrix", ())) for name, entry in STAGES.items()}
    names = {"${systems[0]}": "gpt1", "${item.system}": "gpt1", "${item.task}": "good", "${item.variant}": "full"}
    deps = {dep for entry in STAGES.values() for dep in entry["deps"] if dep.startswith("data/")}
    for placeholder, name in names.items():
        deps = {dep.replace(placeholder, name) for dep in deps}
    inside = sorted(dep for dep in deps if dep.count("/") > 1)
    made = {"notes": str(folder.parent / "ran.txt"), "outs": outs, "inside": inside, "axes": axes}
    script = SCRIPT.format(**{name: value if name == "notes" else json.dumps(value) for name, value in made.items()})
    (folder / "stages" / "hollow.py").write_text(script)
    (folder / "stages" / "run").write_text('exec python stages/hollow.py "$@"\n')
    (folder / "reports").mkdir(exist_ok=True)
    tiny.commit(folder, "hollow")
    tiny.dvc(folder, "repro")
    tiny.commit(folder, "ran")
    return folder


def ran(folder: Path) -> list[str]:
    """Return the stages that have run since the last call, or were refused."""
    notes = folder.parent / "ran.txt"
    names = notes.read_text().splitlines() if notes.exists() else []
    notes.unlink(missing_ok=True)
    return names
