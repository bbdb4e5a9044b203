"""Parameter files as nobody should write them: each loads, or is refused in one line that names the file and the key.

The real params.yaml and scales/laptop.yaml, each time with a few values, keys or lines spoiled.
"""

from __future__ import annotations

import copy
import functools
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.settings import Settings, load_settings, read_yaml
from tests.helpers import REPOSITORY

FILES = ("params.yaml", "scales/laptop.yaml")
WAITING = ("suites", "ablations")
"""Of params.yaml, half of its lines, and not looked at before they take another's place."""
NUMBERS = [0, -1, 1, 2, 3, 10**6, 10**9, 2**31, 2**32, 2**63 - 1, 2**63, 10**30, -(10**30)]
NUMBERS += [0.0, -0.0, 0.5, 1.0, 1.5, 1e-300, 1e300, -1e300, math.nan, math.inf, -math.inf]
WORDS = ["", " ", "yes", "null", "1e-5", "0x10", "1_000", "2001-01-01", "${tasks}", "${suites.glue}", "../../x"]
WORDS += [
    "a b",
    "a/b",
    "$(touch pwned)",
    "; touch pwned",
    "-rf",
    "\0",
    "\x1b[31mred",
    "\u202etxt.exe",
    "\ud800",
    "é" * 300,
]
WORDS += [
    "é" * 300,
    "x" * 5000,
    "s3://key:secret@bucket/books",
    "a\nb",
    "__class__",
    "[[",
    "{}",
    "!!python/name:os.system",
]
KEYS = [*WORDS, "scale", "kind", "model", "layers", "lr", "true", "~", "<<", "1"]
DEEP: Any = "x"
for _ in range(50):
    DEEP = {"a": DEEP}
SCALARS = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.integers() | st.floats() | st.sampled_from(WORDS)
SCALARS |= st.text(max_size=8)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=3)
VALUES |= st.sampled_from([DEEP, [[[[[]]]]], {}, []])
LINES = [
    "lr: 1",
    "\tlr: 1",
    "tasks: {}",
    "? [a, b]\n: c",
    "? {a: b}\n: c",
    "1: 2",
    "null: 2",
    "true: 2",
    "1.5: 2",
    "x: &a [1, 2]",
    "x: *a",
    "x: *nowhere",
    "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nseeds: [*b, *b, *b, *b, *b, *b]",
    "x: &x [*x]",
    "tasks: &x {a: *x}",
    "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else ['x'] * 9)}]\n" for n in range(9)),
    "".join(f"a{n}: &a{n} {{{'<<: [' + ', '.join([f'*a{n - 1}'] * 9) + ']' if n else 'x: 1'}}}\n" for n in range(9)),
    "<<: {lr: 1}",
    "x: !!python/object/apply:os.system ['touch pwned']",
    "x: !!python/name:os.system",
    "!!python/object/new:os.system ['touch pwned']",
    "x: !!binary YWJj",
    "x: !!set {a, b}",
    "x: !!omap [a: 1]",
    "x: !!int nothing",
    "x: !!float ''",
    "x: !!bool maybe",
    "x: !!timestamp 2001-99-99",
    "x: 2001-99-99",
    "x: 2001-01-01",
    "x: 99999-01-01T99:99:99Z",
    "x: !mine 3",
    "%YAML 1.1",
    "%YAML 9.9\n---",
    "%TAG ! tag:x,2000:\n---",
    "---\nlr: 1",
    "...\n",
    "x: " + "9" * 5000,
    "x: 0x" + "f" * 5000,
    "x: 1e" + "9" * 5000,
    "x: 1:2:3",
    "x: 0o9",
    "x: " + "[" * 3000,
    "x: " + "{a: " * 3000,
    "- " * 3000,
    "x: |\n" + "  y\n" * 50,
    'x: "\\0\\x1b\\ud800"',
    "x: '",
    "@",
    "`",
    "x: y: z",
    "\ufeffx: 1",
    "x: \x07",
    "lr: ${lr}",
    "tasks: ${suites.glue}",
]
BYTES = [
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x00",
    b"\xc3",
    b"\x1b",
    b"\r",
    b"\t",
    b"&",
    b"*",
    b"!",
    b"%",
    b"{",
    b"[",
    b":",
]


class Place:
    """A value in a tree of settings, and what can be done to it."""

    def __init__(self, holder: Any, key: Any) -> None:
        self.holder, self.key = holder, key


def places(value: Any) -> list[Place]:
    found: list[Place] = []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(inner):
        found += [Place(value, key), *places(one)]
    return found


@st.composite
def spoiled_values(draw: st.DrawFn, content: Any) -> str:
    """A file with one to three values gone, replaced, renamed or beside a new one. JSON is YAML, too."""
    content = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(content) or [Place({"x": 1}, "x")]))
        how = draw(st.sampled_from(["replace", "replace", "replace", "delete", "rename", "add"]))
        if how == "replace":
            place.holder[place.key] = copy.deepcopy(draw(VALUES))
        elif how == "delete":
            del place.holder[place.key]
        elif isinstance(place.holder, dict):
            value = place.holder.pop(place.key) if how == "rename" else copy.deepcopy(draw(VALUES))
            place.holder[draw(st.sampled_from(KEYS) | st.text(max_size=5))] = value
    return json.dumps(content).replace("NaN", ".nan").replace("-Infinity", "-.inf").replace("Infinity", ".inf")


@st.composite
def spoiled_text(draw: st.DrawFn, text: bytes) -> bytes:
    """A file with a line of YAML's tricks, or with bytes that are none of its own, or cut off."""
    how = draw(st.sampled_from(["line", "line", "bytes", "cut", "alone"]))
    if how == "alone":
        return draw(st.sampled_from(LINES)).encode("utf-8", "surrogatepass")
    lines = text.split(b"\n")
    at = draw(st.integers(0, len(lines)))
    if how == "line":
        return b"\n".join([*lines[:at], draw(st.sampled_from(LINES)).encode(), *lines[at:]])
    byte = draw(st.integers(0, len(text)))
    if how == "cut":
        return text[:byte]
    return text[:byte] + draw(st.sampled_from(BYTES) | st.binary(min_size=1, max_size=4)) + text[byte:]


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spoilt")
    for name in ("scales", "systems"):
        shutil.copytree(REPOSITORY / name, folder / name)
    return folder


@functools.cache
def whole(name: str) -> dict[str, Any]:
    """The values of a file, but for the sets that wait."""
    return {key: value for key, value in read_yaml(REPOSITORY / name).items() if key not in WAITING}


def outcome(folder: Path, name: str, content: bytes) -> str:
    """Loads the settings, of which one file is spoiled; why it was refused, or ""."""
    path = folder / name
    path.write_bytes(content)
    try:
        settings = load_settings(folder)
    except PretraceError as error:
        said = str(error)
        assert said.startswith((name, str(path))), said
        assert said.isprintable() or all(ord(c) > 31 and not 0xD800 <= ord(c) < 0xE000 for c in said), said
        assert "\n" not in said and len(said) <= 2100
        assert "secret" not in said
        return said
    finally:
        shutil.copy(REPOSITORY / name, path)
    assert isinstance(settings, Settings)
    return ""


def check(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    content = whole(name)
    if data.draw(st.booleans()):
        spoiled = data.draw(spoiled_values(content)).encode("utf-8", "surrogatepass")
    else:
        spoiled = data.draw(spoiled_text(as_yaml(name)))
    said = outcome(folder, name, spoiled)
    event("refused" if said else "loads")


@functools.cache
def as_yaml(name: str) -> bytes:
    """The file as it is, without the sets that wait."""
    text = (REPOSITORY / name).read_text()
    kept, skipping = [], False
    for line in text.split("\n"):
        if line and line[0] not in " -#":
            skipping = line.split(":")[0] in WAITING
        kept += [] if skipping else [line]
    return "\n".join(kept).encode()


ONCE = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.mark.slow
@given(data=st.data())
@hypothesis_settings(max_examples=300, **ONCE)
def test_mutated_file_loads_or_is_one_line(spoilt: Path, data: st.DataObject) -> None:
    (spoilt / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    check(spoilt, data)
    assert not (spoilt / "pwned").exists()


@pytest.mark.nightly
@given(data=st.data())
@hypothesis_settings(max_examples=2000, **ONCE)
def test_two_thousand_mutated_files_load_or_are_one_line(spoilt: Path, data: st.DataObject) -> None:
    (spoilt / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    check(spoilt, data)


def test_yaml_alias_is_accepted(spoilt: Path) -> None:
    text = as_yaml("params.yaml").decode()
    text = text.replace(
        "    kind: classification\n    probe: source", "    kind: &kind classification\n    probe: source"
    )
    content = text.replace("    kind: classification\n    probe: acc", "    kind: *kind\n    probe: acc").encode()
    assert b"&kind" in content and b"*kind" in content
    assert outcome(spoilt, "params.yaml", content) == ""


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES)
def test_yaml_trick_is_one_line(spoilt: Path, line: str) -> None:
    """None of them is something that params.yaml takes, at its end; but a line that says nothing."""
    content = as_yaml("params.yaml") + line.encode("utf-8", "surrogatepass") + b"\n"
    (spoilt / "params.yaml").write_bytes(content)
    said = outcome(spoilt, "params.yaml", content)
    assert said or line == "...\n", line
    assert not Path("pwned").exists() and not (spoilt / "pwned").exists()
