"""Files that ask a reader to run something, or to take all memory: weights, vocabularies, rows of a task.

    python tests/helpers/hostile_files.py FOLDER

reads what `make_weights` and `make_vocabularies` wrote to FOLDER, each with the function that the pipeline has for it,
and prints one JSON object: what was said of each, and by how many bytes the process has grown over all of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

SIZES = {"layers": 1, "width": 8, "heads": 2, "feed_forward": 8, "context": 16, "dropout": 0.0, "initial_std": 0.02}
CONFIG = {
    "kind": "transformer",
    "vocabulary_size": 100,
    "context": 16,
    "settings": {**SIZES, "embedding_dropout": "sum"},
}
HUGGING_FACE = {"model_type": "openai-gpt", "vocab_size": 100, "n_layer": 1, "n_embd": 8, "n_head": 2, "n_positions": 8}
SHAPES = [[16, 64], [100, 64], [1, 64, 192], [192], [1, 64, 64], [64], [64], [64], [1, 64, 256], [256], [1, 256, 64]]
SHAPES += [[64], [64], [64]]
DEEP = b"[" * 200_000
PIECES = {"<unk>": 0, "\n</w>": 1, "a</w>": 2}


class Bomb:
    """Unpickled, it writes a file."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch unpickled",)


def npy(header: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header.encode() + b"\n" + body


def plain_npy(shape: str) -> bytes:
    return npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}", bytes(40))


def safetensors(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def tensor(shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}


def objects() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([Bomb()], object), allow_pickle=True)
    return stream.getvalue()


def arrays() -> dict[str, bytes]:
    """Hostile contents of a .npy file in OpenAI's layout."""
    return {
        "pickled-objects": objects(),
        "a-pickle": pickle.dumps(Bomb()),
        "a-terabyte": plain_npy("(1000000000000,)"),
        "overflow": plain_npy("(4611686018427387904, 8)"),
        "negative": plain_npy("(-5,)"),
        "code-in-header": npy("__import__('os').system('touch unpickled')"),
        "deep-header": npy("(" * 5000),
        "endless-header": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{",
        "an-archive": b"PK\x03\x04" + bytes(100),
    }


def weights() -> dict[str, bytes]:
    """Hostile contents of a .safetensors file."""
    return {
        "header-of-2-63": safetensors(b"{}", length=2**63),
        "header-of-2-64": safetensors(b"{}", length=2**64 - 1),
        "header-longer-than-file": safetensors(b"{}", length=99 << 20),
        "nothing": b"",
        "overlapping": safetensors({"a": tensor([1000], 0, 4000), "b": tensor([1000], 2000, 6000)}, bytes(6000)),
        "outside": safetensors({"a": tensor([10_000], 0, 40_000)}, bytes(4000)),
        "before-the-beginning": safetensors({"a": tensor([1000], -4000, 0)}, bytes(4000)),
        "shape-of-2-80": safetensors({"a": tensor([2**40, 2**40], 0, 4000)}, bytes(4000)),
        "deep": safetensors(DEEP),
        "a-pickle": pickle.dumps(Bomb()) + bytes(4000),
        "control-characters": safetensors({"\x1b[31m\u202e": tensor([1000], 0, 4000)}, bytes(4000)),
    }


def configs() -> dict[str, bytes]:
    """Hostile settings in the config.json beside a small file of weights."""
    huge = {"layers": 20, "width": 1 << 20, "feed_forward": 1 << 20}
    large = {"layers": 20, "width": 8192, "feed_forward": 8192}
    found = {
        "petabytes": {**CONFIG, "settings": {**CONFIG["settings"], **huge}},
        "gigabytes": {**CONFIG, "settings": {**CONFIG["settings"], **large}},
        "pieces": {**CONFIG, "vocabulary_size": 10**9},
        "their-petabytes": {**HUGGING_FACE, "n_embd": 1 << 20, "n_layer": 20},
        "their-gigabytes": {**HUGGING_FACE, "n_embd": 12288, "n_layer": 10},
        "their-pieces": {**HUGGING_FACE, "vocab_size": 2**40},
        "their-text": {**HUGGING_FACE, "resid_pdrop": "x"},
        "another-kind": {**CONFIG, "kind": "os.system"},
    }
    texts = {"deep": DEEP, "deep-objects": b'{"a":' * 200_000, "long-number": b'{"kind": ' + b"9" * 5000 + b"}"}
    return {name: json.dumps(config).encode() for name, config in found.items()} | texts


def make_weights(folder: Path) -> None:
    """A folder a hostile model, under `folder`."""
    for name, content in arrays().items():
        files = {f"params_{number}.npy": content for number in range(10)}
        write(folder / f"npy-{name}", files | {"params_shapes.json": json.dumps(SHAPES).encode()})
    shapes = {"deep": DEEP, "huge": [[10**30, 64], *SHAPES[1:]], "negative": [[-1, 64], *SHAPES[1:]]}
    for name, content in shapes.items():
        files = {f"params_{number}.npy": plain_npy("(10,)") for number in range(10)}
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        write(folder / f"shapes-{name}", files | {"params_shapes.json": text})
    for name, content in weights().items():
        write(
            folder / f"safetensors-{name}", {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": content}
        )
    small = safetensors({"a": tensor([1000], 0, 4000)}, bytes(4000))
    for name, content in configs().items():
        write(folder / f"config-{name}", {"config.json": content, "model.safetensors": small})
    for name in ("pytorch_model.bin", "model.pt"):
        config = HUGGING_FACE if name.endswith(".bin") else CONFIG
        write(folder / name, {"config.json": json.dumps(config).encode(), name: pickle.dumps(Bomb())})


def make_vocabularies(folder: Path) -> None:
    """A folder a hostile vocabulary, under `folder`."""
    models = {
        "garbage": b"garbage" * 100,
        "empty": b"",
        "endless": b"\x0a\xff\xff\xff\xff\x7f",
        "deep": b"\x0a" * 10_000,
    }
    for name, content in {**models, "a-pickle": pickle.dumps(Bomb())}.items():
        sha256 = hashlib.sha256(content).hexdigest()
        about = {"kind": "sentencepiece-bpe", "size": 10, "fingerprint": sha256}
        write(folder / f"pieces-{name}", {"vocabulary.json": json.dumps(about).encode(), "vocabulary.model": content})
    write(folder / "description-deep", {"vocabulary.json": DEEP})
    write(folder / "description-list", {"vocabulary.json": b'{"kind": [1]}'})
    encoders = {"deep": DEEP, "huge-id": json.dumps({**PIECES, "b": 10**30}).encode(), "number": b"3"}
    encoders["surrogate"] = json.dumps({**PIECES, "\ud800": 3}).encode()
    for name, content in encoders.items():
        write(folder / f"encoder-{name}", {"encoder_bpe_40000.json": content, "vocab_40000.bpe": b"#version\n"})
    merges = {"unknown": "\x1b[31m b", "not-a-pair": "a b c"}
    for name, line in merges.items():
        files = {
            "encoder_bpe_40000.json": json.dumps(PIECES).encode(),
            "vocab_40000.bpe": f"#version\n{line}\n".encode(),
        }
        write(folder / f"merges-{name}", files)


def write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main(folder: Path) -> None:
    import sentencepiece  # noqa: F401  (what is loaded later is no growth)
    import torch  # noqa: F401

    from pretrace.common.errors import PretraceError
    from pretrace.model import load_model
    from pretrace.tokens import load_vocabulary

    before, said = peak_bytes(), {}
    for name, load in (("weights", load_model), ("vocabularies", load_vocabulary)):
        for place in sorted((folder / name).iterdir()):
            try:
                load(place)
            except PretraceError as error:
                said[f"{name}/{place.name}"] = str(error)
            else:
                said[f"{name}/{place.name}"] = "LOADED"
    print(json.dumps({"said": said, "grown": peak_bytes() - before}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
