"""Reading a file of settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.errors import PretraceError


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 file whose top is a mapping."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        value = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PretraceError(f"{path}: no such file; run from the repository's root") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise PretraceError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    except OSError as error:
        raise PretraceError(f"{path}: cannot be read ({error.strerror})") from None
    if not isinstance(value, dict):
        raise PretraceError(f"{path}: takes keys with values, got {type(value).__name__}")
    return value
