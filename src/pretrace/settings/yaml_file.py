"""Read a YAML file of plain values, or raise one line that names the place of anything else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, repeat
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError, is_control, printable
from pretrace.common.mask import has_secret
from pretrace.common.open_file import SETTINGS_BYTES, read_text

DEEPEST = 20
"""Levels of keys and lists."""
MOST_VALUES = 200_000
"""dvc.lock, which is also read here, has about a hundred for each cell of the table."""
LONGEST_SENTENCE = 60
"""Characters of a key with spaces. DVC's writer breaks a line after column 80, also in a key, where YAML allows none;
dvc.lock indents keys by up to 14, and could not be read again."""
LARGEST_NUMBER = 1 << 63
PLAIN = (bool, int, float, str, type(None))


def read_yaml(path: Path, *, interpolations: bool = False) -> dict[str, Any]:
    """Read a YAML 1.2 file whose top is a mapping of plain values: numbers, text, lists and keys with values.

    A small file of aliases can expand to any size, so values are counted. For the same reason `<<` is refused; it is
    not part of YAML 1.2 either.

    Args:
        interpolations: True for dvc.yaml, whose text may contain `${`. Elsewhere it is refused: `dvc exp run -S` would
            replace it, such as `${oc.env:NAME}` by a variable of the environment, and write that into the file.

    Raises:
        PretraceError: the file is missing, or not such a file. The text names the line or the key.
    """
    text = read_text(path, SETTINGS_BYTES, "no such file; run from the repository's root")
    return parse_yaml(text, str(path), interpolations=interpolations)


def parse_yaml(text: str, path: str, *, interpolations: bool = False) -> dict[str, Any]:
    """Return the keys of a YAML text as `read_yaml` does; `path` names it in errors."""
    from ruamel.yaml.error import MarkedYAMLError

    try:
        value = _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise PretraceError(f"{path}: {where}not readable as YAML: {error.problem or error.context}") from None
    except Exception as error:  # also of Python's conversions: an impossible date, a number of too many digits
        raise PretraceError(f"{path}: not readable as YAML: {str(error) or type(error).__name__}") from None
    if not isinstance(value, dict):
        raise PretraceError(f"{path}: takes keys with values, got {type(value).__name__}")
    _check(value, path, "", islice(repeat(None), MOST_VALUES), 0)
    if not interpolations and "${" in text and (key := _interpolation(value)) is not None:
        raise PretraceError(
            f"{path}: {key or 'the top'}: contains `${{`, which DVC and Hydra would replace, such as by a variable of "
            "the environment; not accepted in a file, only on the command line (-S 'tasks=${suites.glue}')"
        )
    return value


def _interpolation(value: Any, key: str = "") -> str | None:
    """Return the dotted key of the first text, or key, that contains `${`; None without one."""
    if isinstance(value, dict):
        if [name for name in value if "${" in str(name)]:
            return key
        parts: Any = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        return key if isinstance(value, str) and "${" in value else None
    found = (_interpolation(inner, _named(key, part)) for part, inner in parts)
    return next((one for one in found if one is not None), None)


def _yaml() -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.composer import Composer, ComposerError
    from ruamel.yaml.events import ScalarEvent

    class WithoutMerging(Composer):
        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.parser.peek_event()
            if isinstance(event, ScalarEvent) and event.value == "<<" and event.style is None:
                raise ComposerError(None, None, "`<<` (merging) is not accepted; write the keys out", event.start_mark)
            return super().compose_node(parent, index)

    yaml = YAML(typ="safe", pure=True)
    yaml.Composer, yaml.max_depth = WithoutMerging, DEEPEST
    return yaml


def _check(value: Any, path: str, key: str, left: Iterator[None], depth: int) -> None:
    """Raise `PretraceError` at the first value that is not plain; `left` yields once for every value still allowed."""
    if depth > DEEPEST or next(left, True):
        raise PretraceError(
            f"{path}: {key}: too many values, or too deep; takes {MOST_VALUES:,} values, {DEEPEST} levels deep"
        )
    if isinstance(value, dict):
        for name, inner in value.items():
            if type(name) not in (str, int):
                raise PretraceError(f"{path}: {key or 'the top'}: the key {name!r} is not a name; put it in quotes")
            if type(name) is str and " " in name and len(name) > LONGEST_SENTENCE:
                raise PretraceError(
                    f"{path}: {key or 'the top'}: a key of {len(name)} characters with spaces, which DVC cannot keep "
                    f"in dvc.lock; takes {LONGEST_SENTENCE}. A label without an entry in `labels` stays as it is: "
                    f"leave it out, or shorten it in the rows' file: {name[:60]!r}"
                )
            _check(name, path, f"the key {_named(key, name)}", left, depth + 1)
            _check(inner, path, _named(key, name), left, depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check(inner, path, _named(key, number), left, depth + 1)
    elif not isinstance(value, PLAIN):
        raise PretraceError(f"{path}: {key}: got a {type(value).__name__}; if it is text, put it in quotes")
    elif isinstance(value, str):
        if strange := next((c for c in value if is_control(c) and c not in "\n\t"), None):
            raise PretraceError(
                f"{path}: {key}: has the character {printable(strange)}, which is not accepted in settings"
            )
        if has_secret(value):
            raise PretraceError(
                f"{path}: {key}: a {'URL' if '://' in value else 'text'} with a password or key in it, which would end "
                "up in dvc.lock, the report and MLflow. Remove it: it belongs in the environment or the service's own "
                "file (docs/security.md)"
            )
    elif type(value) is int and abs(value) >= LARGEST_NUMBER:
        raise PretraceError(f"{path}: {key}: got a number of {value.bit_length()} bits; takes up to 63")


def _named(key: str, part: str | int) -> str:
    return f"{key}.{part}".lstrip(".")
