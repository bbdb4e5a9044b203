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
notes, outs, inside = {notes!r}, json.loads({outs!r}), json.loads({inside!r})
stage, address = sys.argv[1], os.environ["DVC_STAGE"]
found = re.fullmatch(stage + "(?:@([a-z_]+)(?:-([a-z_]+))?)?", address)
with open(notes, "a") as stream:
    print(address if found else "refused", file=stream)
if not found:
    sys.exit("refused")
for name in outs[stage]:
    path = Path(name.replace("${{item.task}}", found[1] or "").replace("${{item.variant}}", found[2] or ""))
    path = path if path.suffix else path / "file"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("made")
for name in inside:
    if name.rpartition("/")[0] in outs[stage]:
        Path(name).mkdir()
        Path(name, "file").write_text("made")
"""
PROBE = {"kind": "classification", "probe": "acceptability"}


def make_hollow(folder: Path) -> Path:
    """Return the project of one task and one variant after a run, all of it committed."""
    tiny.make_project(folder, tasks={"good": PROBE}, variants={"full": {}})
    items = {
        name: [item for kind in ("outs", "metrics") for item in entry.get(kind, [])] for name, entry in STAGES.items()
    }
    outs = {name: [item if isinstance(item, str) else next(iter(item)) for item in own] for name, own in items.items()}
    inside = sorted({dep for entry in STAGES.values() for dep in entry["deps"] if dep.startswith("data/clean/")})
    script = SCRIPT.format(notes=str(folder.parent / "ran.txt"), outs=json.dumps(outs), inside=json.dumps(inside))
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
