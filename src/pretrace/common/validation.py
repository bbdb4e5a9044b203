"""Strict pydantic models, and the first of their errors as one line that names the file and the key."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pretrace.common.errors import PretraceError

SHOWN = 100
"""Characters of a value that are shown."""


class StrictModel(BaseModel):
    """Strict types, no unknown keys, no infinite numbers, not changed once it is made."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def readable_error(error: ValidationError, file: str, under: str, unknown: str, missing: str) -> PretraceError:
    """Return pydantic's first error as one line.

    Args:
        under: the key that the values stand under, where they are not the whole file.
        unknown: what to say of a key that the model does not have.
        missing: what to say of a key that the file does not have.
    """
    first = error.errors()[0]
    key = ".".join(str(part) for part in (under, *first["loc"]) if part != "") or "(the whole file)"
    message, got = first["msg"].removeprefix("Value error, "), f"got {shown(first['input'])}"
    if first["type"] == "extra_forbidden":
        message = unknown
    elif first["type"] == "missing":
        message = missing
    elif first["type"] == "model_type":
        message = f"{got}; takes keys with values"
    elif first["type"] != "value_error":
        message = f"{got}; {message[0].lower()}{message[1:]}"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    where = "" if first["type"] == "value_error" and not first["loc"] and not under else f"{key}: "
    return PretraceError(f"{file}: {where}{message}{more}")


def shown(value: Any) -> str:
    """Return a value as Python writes it, or the beginning of that."""
    text = repr(value) if not isinstance(value, str) else repr(value[: SHOWN + 1])
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"
