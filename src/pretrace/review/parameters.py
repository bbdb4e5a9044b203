"""Parameters, sizes of the scale and pinned libraries of two commits, key by key.

The files are read as they are, not as settings: an older commit may have keys that were removed, and lack others.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pretrace.common.mask import mask_secrets
from pretrace.review.git_tree import Tree

WAITING = ("suites", "ablations")
"""Sets that an experiment can put in the place of `tasks` or `variants`."""
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)", re.MULTILINE)
LONGEST = 80
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class Changed:
    """A parameter that differs between two commits."""

    key: str
    before: str
    """As JSON; empty if the key is missing."""
    after: str


def parameter_changes(before: Tree, after: Tree) -> list[Changed]:
    """Return the differences in params.yaml, in its scale file and among the pinned libraries, by key."""
    one, other = _numbers(before), _numbers(after)
    keys = sorted(one.keys() | other.keys())
    # A missing key and an empty one mean the same: the default.
    return [_changed(key, one, other) for key in keys if one.get(key) != other.get(key)]


def flat(values: Any, *keys: str) -> dict[str, Any]:
    """Return nested keys as {"corpus.source": "installed", ...}."""
    if not isinstance(values, dict):
        return {".".join(keys): values} if keys else {}
    return {key: value for name, inner in values.items() for key, value in flat(inner, *keys, str(name)).items()}


def shown(value: Any) -> str:
    """Return a value as JSON on one line, without secrets, cut where it is long."""
    text = mask_secrets(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def pins(requirements: str | None) -> dict[str, str]:
    """Return {library: version} of the lines `library==version`."""
    return dict(PIN.findall(requirements or ""))


def _numbers(tree: Tree) -> dict[str, Any]:
    params = {key: value for key, value in tree.yaml("params.yaml").items() if key not in WAITING}
    sizes = _chosen(tree, params.get("scale"), "scales")
    named = params.get("systems")
    systems = named if isinstance(named, list) else [params.get("system")]
    forms = {f"systems.{name}.{key}": value for name in systems for key, value in _of_system(tree, name).items()}
    libraries = pins(tree.text("requirements.txt"))
    # Keys of the scale file begin with `scale.`: another scale has another file with the same keys.
    return flat(params) | flat(sizes, "scale") | forms | flat(libraries, "requirements")


def _of_system(tree: Tree, name: Any) -> dict[str, Any]:
    """Return the content of the file of a system, key by key."""
    return flat(_chosen(tree, name, "systems"))


def _chosen(tree: Tree, name: Any, folder: str) -> dict[str, Any]:
    """Return the content of the file that params.yaml names; nothing without one, as in older commits."""
    return tree.yaml(f"{folder}/{name}.yaml") if isinstance(name, str) and re.fullmatch(r"[\w-]+", name) else {}


def _changed(key: str, before: dict[str, Any], after: dict[str, Any]) -> Changed:
    one, other = before.get(key), after.get(key)
    if isinstance(one, list) and isinstance(other, list) and max(len(shown(one)), len(shown(other))) == LONGEST:
        # Long lists: what was removed and added, as their beginnings may be the same.
        gone = [item for item in one if item not in other]
        come = [item for item in other if item not in one]
        if gone or come:
            one_less, other_less = f"without {shown(come)}", f"without {shown(gone)}"
            return Changed(
                key, f"with {shown(gone)}" if gone else one_less, f"with {shown(come)}" if come else other_less
            )
    texts = [shown(values[key]) if key in values else "" for values in (before, after)]
    return Changed(key, *texts)
