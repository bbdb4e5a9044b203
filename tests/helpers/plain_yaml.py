"""YAML files of settings, as a person would write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def write_yaml(path: Path, value: Any) -> None:
    """Nested lists and mappings in lines of their own, keys in the order given."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output = False, False
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(value, stream)
