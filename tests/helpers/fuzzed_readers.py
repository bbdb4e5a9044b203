"""Weights, vocabularies and settings with something spoiled, and what their readers do: read them, or refuse in a line.

    python tests/helpers/fuzzed_readers.py FOLDER INPUTS

makes so many inputs in FOLDER, reads each, and prints one JSON object: how many were read and refused by each reader,
the seconds (of CPU) of the slowest, and by how many bytes the process has grown.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

REPOSITORY = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))

from tests.helpers.hostile_files import peak_bytes  # noqa: E402
from tests.helpers.odd_files import ODD_FILES  # noqa: E402

DEEP: Any = "x"
for _ in range(100):
    DEEP = [DEEP]
NUMBERS = [0, -1, 1, 2, 3, 7, 64, 1000, 10**6, 2**31, 2**32, 2**63, 2**64, 10**30, -(10**30), 0.5, 1e300]
NUMBERS += [float("nan")]
WORDS = [
    "",
    " ",
    "\0",
    "\x1b[31m",
    "\u202e",
    "\ud800",
    "é" * 300,
    "x" * 5000,
    "F32",
    "I64",
    "I8",
    "BF16",
    "F64",
    "BOOL",
]
WORDS += [
    "transformer",
    "lstm",
    "openai-gpt",
    "gpt2",
    "bert",
    "sentencepiece-bpe",
    "openai-bpe",
    "byte-bpe",
    "wordpiece",
    "extended",
    "[MASK]",
    "<unk>",
    "\n",
    "a</w>",
    "../../x",
]
VALUES = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.integers() | st.floats() | st.sampled_from(WORDS)
VALUES |= st.text(max_size=6)
VALUES |= st.lists(VALUES, max_size=4) | st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=3)
VALUES |= st.sampled_from([DEEP, {}, [], [[[]]], list(range(2000))])
HEADERS = [
    "(40,)",
    "(-1,)",
    "(10**9,)",
    "(99999999999,)",
    "()",
    "(4, 10)",
    "[",
    "(" * 3000,
    "__import__('os')",
    "(1,) * 9",
]
TYPES = ["<f4", ">f4", "<f2", "<f8", "<i8", "|i1", "|O", "<f16", "<c8", "|b1", "|V4", "<U4", "f", "", "x"]
ROUND = 500
OPTIONS: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


def make_bases(folder: Path) -> None:
    """A whole folder for each reader."""
    from pretrace.model import Transformer, save_model
    from pretrace.model.checkpoints.huggingface import write_huggingface
    from pretrace.model.checkpoints.openai import write_openai
    from pretrace.schemas.record import write_record
    from pretrace.settings import ModelSettings
    from pretrace.tokens import ExtendedVocabulary, copy_vocabulary, train_vocabulary
    from tests.helpers.small_byte_vocabulary import write_byte_vocabulary, write_wordpiece
    from tests.helpers.small_run import write_settings
    from tests.helpers.word_counts import write_counts

    sizes = {"layers": 1, "width": 64, "heads": 1, "feed_forward": 256, "context": 8, "dropout": 0.1}
    rest = {"embedding_dropout": "table", "initial_std": 0.02}
    model = Transformer(ModelSettings(**sizes, **rest), 20)
    gpt2 = {"norm": "pre", "activation": "gelu"}
    bert = {"attention": "full", "embedding_norm": True, "segments": 2, "output": "transform", "next_sentence": True}
    others = [Transformer(ModelSettings(**sizes, **form, **rest), 20) for form in (gpt2, bert)]
    for name, write, one in (
        ("own", save_model, model),
        ("huggingface", write_huggingface, model),
        ("gpt2", write_huggingface, others[0]),
        ("bert", write_huggingface, others[1]),
        ("openai", write_openai, model),
    ):
        (folder / name).mkdir(parents=True)
        write(folder / name, one)
    train_vocabulary(write_counts(folder / "counts.tsv"), folder / "pieces", 100)
    (folder / "merges").mkdir()
    tokens = ["<unk>", "\n</w>", "a</w>", "b</w>", "a", "b", "ab</w>", "ab"]
    (folder / "merges" / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (folder / "merges" / "merges.txt").write_text("#version: 0.2\na b</w>\na b\n")
    write_byte_vocabulary(folder / "bytes")
    write_wordpiece(folder / "wordpiece")
    (folder / "wordpiece" / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    described = copy_vocabulary(folder / "pieces", folder / "extended")
    write_record(folder / "extended" / "vocabulary.json", ExtendedVocabulary(described).description)
    (folder / "settings").mkdir()
    write_settings(folder / "settings", {})


def readers() -> dict[str, Callable[[Path], object]]:
    """Readers of a folder, by its name."""
    from pretrace.model import load_model
    from pretrace.settings import load_settings
    from pretrace.tokens import load_vocabulary

    def vocabulary(folder: Path) -> str:
        opened = load_vocabulary(folder)
        return opened.decode(opened.encode("ab cat\nthe a"))

    models = dict.fromkeys(("own", "huggingface", "gpt2", "bert", "openai"), load_model)
    vocabularies = dict.fromkeys(("pieces", "merges", "bytes", "wordpiece", "extended"), vocabulary)
    return {**models, **vocabularies, "settings": load_settings}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each place in a tree of values: what holds it, and its key."""
    inner = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [(value, key) for key, _ in inner[:200]] + [place for _, one in inner[:200] for place in places(one)]


@st.composite
def spoiled_json(draw: st.DrawFn, text: str) -> bytes:
    """JSON with values replaced, gone, renamed, new, or there twice."""
    tree = json.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        found = places(tree)
        holder, key = draw(st.sampled_from(found)) if found else ({"x": 1}, "x")
        how = draw(st.sampled_from(["replace", "replace", "delete", "rename", "add"]))
        if how == "replace" or not isinstance(holder, dict):
            holder[key] = copy.deepcopy(draw(VALUES))
        elif how == "add":
            holder[draw(st.sampled_from(WORDS))] = copy.deepcopy(draw(VALUES))
        else:
            value = holder.pop(key)
            if how == "rename":
                holder[draw(st.sampled_from(WORDS) | st.text(max_size=5))] = value
    written = json.dumps(tree)
    if draw(st.booleans()) and isinstance(tree, dict) and tree and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(tree)))
        written = f"{written[:-1]}, {json.dumps(key)}: {json.dumps(tree[key])}}}"
    return written.encode()


@st.composite
def spoiled_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes changed, put in, cut off, or doubled."""
    at = draw(st.integers(0, len(content)) | st.integers(0, min(len(content), 64)))
    how = draw(st.sampled_from(["change", "insert", "cut", "double", "nothing"]))
    new = draw(
        st.binary(min_size=1, max_size=8) | st.sampled_from([b"\0" * 64, b"\xff" * 8, b"[" * 9999, b"\x80" * 12])
    )
    changed = {"change": content[:at] + new + content[at + len(new) :], "insert": content[:at] + new + content[at:]}
    return {**changed, "cut": content[:at], "double": content * 2, "nothing": b""}[how]


@st.composite
def spoiled_safetensors(draw: st.DrawFn, content: bytes) -> bytes:
    """A header or numbers spoiled."""
    size = struct.unpack("<Q", content[:8])[0]
    header, body = content[8 : 8 + size].decode(), content[8 + size :]
    how = draw(st.sampled_from(["header", "type", "numbers", "length"]))
    if how == "numbers":
        numbers = np.frombuffer(body, np.float32).copy()
        numbers[draw(st.integers(0, len(numbers) - 1))] = draw(st.sampled_from([np.nan, np.inf, -np.inf, 1e38]))
        return content[: 8 + size] + numbers.tobytes()
    if how == "type":
        text = header.replace('"F32"', json.dumps(draw(st.sampled_from(WORDS))), draw(st.integers(1, 99))).encode()
    else:
        text = draw(spoiled_json(header)) if how == "header" else header.encode()
    length = draw(st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1])) if how == "length" else len(text)
    return struct.pack("<Q", length) + text + body


@st.composite
def spoiled_npy(draw: st.DrawFn, content: bytes) -> bytes:
    """An array with another header, or numbers that are none."""
    if draw(st.booleans()):
        return content[:-4] + np.float32(draw(st.sampled_from([np.nan, np.inf, 1e38, 0]))).tobytes()
    kind, shape = draw(st.sampled_from(TYPES)), draw(st.sampled_from(HEADERS))
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content[128:]


@st.composite
def spoiled(draw: st.DrawFn, path: Path) -> bytes:
    """The content of a file, spoiled as its kind suggests or byte by byte."""
    content = path.read_bytes()
    if draw(st.integers(0, 3)) == 0:
        return draw(spoiled_bytes(content))
    if path.suffix == ".safetensors":
        return draw(spoiled_safetensors(content))
    if path.suffix == ".npy":
        return draw(spoiled_npy(content))
    if path.suffix == ".json":
        return draw(spoiled_json(content.decode()))
    if path.suffix == ".yaml":
        from ruamel.yaml import YAML

        return draw(spoiled_json(json.dumps(YAML(typ="safe").load(content))))
    return draw(spoiled_bytes(content))


def spoil(base: Path, work: Path, data: st.DataObject) -> None:
    """Copy a whole folder and spoil one or two of its files."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base, work)
    names = sorted(path.relative_to(base) for path in base.rglob("*") if path.is_file())
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)):
        if data.draw(st.integers(0, 19)) == 0:
            (work / name).unlink()
            if kind := data.draw(st.sampled_from([*ODD_FILES, ""])):
                ODD_FILES[kind].make(work / name)
        else:
            (work / name).write_bytes(data.draw(spoiled(base / name)))
    model, about = work / "vocabulary.model", work / "vocabulary.json"
    if all(path.is_file() and path.stat().st_size < 1 << 20 for path in (model, about)):
        fingerprint = hashlib.sha256((base / model.name).read_bytes()).hexdigest()
        now = hashlib.sha256(model.read_bytes()).hexdigest()
        about.write_bytes(about.read_bytes().replace(fingerprint.encode(), now.encode()))


def outcome(read: Callable[[Path], object], folder: Path) -> str:
    """Read a folder; how it was refused, or ""."""
    from pretrace.common.errors import PretraceError

    try:
        read(folder)
    except PretraceError as error:
        said = str(error)
        assert "\n" not in said and len(said) <= 2100, said
        return said
    return ""


def main(folder: Path, inputs: int) -> None:
    make_bases(folder / "bases")
    named = readers()
    for name, read in named.items():
        read(folder / "bases" / name)  # what is loaded later is no growth
    before, seconds, counts = peak_bytes(), Counter[str](), Counter[str]()

    def fuzz(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(named)))
        spoil(folder / "bases" / name, folder / "work", data)
        start = time.process_time()  # whatever else the machine does
        said = outcome(named[name], folder / "work")
        seconds[name] = max(seconds[name], time.process_time() - start)
        counts[f"{name} {'refused' if said else 'read'}"] += 1

    # In rounds: hypothesis remembers all that it has drawn in one, and what grew would be its memory.
    for number in range(0, inputs, ROUND):
        seed(number)(settings(max_examples=min(ROUND, inputs - number), **OPTIONS)(given(data=st.data())(fuzz)))()
    found = {"inputs": counts.total(), "seconds": seconds, "grown": peak_bytes() - before, "counts": counts}
    print(json.dumps(found, sort_keys=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
