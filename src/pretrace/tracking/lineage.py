"""Lineage of a stage: its inputs with DVC's hashes, and a fingerprint of everything that its result depends on.

A stage runs before DVC writes its entry into dvc.lock, so the hashes of its inputs are read from the entries of the
stages that produced them. Two runs with the same fingerprint have the same command, parameters, code and data: DVC
would restore one from the other, so the fingerprint of a stage that did not run finds the run that produced its result.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from pretrace.common.code import CODE
from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_json
from pretrace.schemas.record import read_optional_record
from pretrace.schemas.tracking import PipelineSnapshot

FILES = ("dvc.yaml", "dvc.lock", "params.yaml")
DATA = ("data/", "models/")
UNLOCKED = "unlocked"
"""Stands for the hash of an input that no stage in dvc.lock has produced."""


@dataclass(frozen=True)
class Input:
    """A file or folder that a stage reads."""

    path: str
    md5: str
    stage: str
    """The stage that produced it; "" for none."""


def snapshot(scale: str, systems: list[str]) -> PipelineSnapshot:
    """Return what fingerprints need from the current folder: texts of pipeline files, MD5 of each file of code."""
    texts = {}
    for name in (*FILES, f"scales/{scale}.yaml", *(f"systems/{system}.yaml" for system in systems)):
        if Path(name).is_file():
            texts[name] = Path(name).read_text(encoding="utf-8")
    code = {}
    for place in map(Path, CODE):
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                code[path.as_posix()] = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    parts: dict[str, str] = {}
    for path in (*(Path(f"reports/encode/{system}.json") for system in systems), Path("reports/cells.json")):
        with suppress(PretraceError):  # MLflow only observes: a damaged report stops the stage that reads it
            parts |= read_optional_record(path, dict[str, str]) or {}
    return PipelineSnapshot(texts=texts, code=code, parts=parts)


class Pipeline:
    """The stages of a snapshot."""

    def __init__(self, pipeline: PipelineSnapshot) -> None:
        """Read the result of `snapshot`."""
        texts = pipeline.texts
        self._files = {name: _yaml(text) for name, text in texts.items() if name != "dvc.lock"}
        self._code, self._parts = pipeline.code, pipeline.parts
        self.stages = self._defined()
        self.locked = _locked(texts.get("dvc.lock", ""))
        self._outs = {
            entry["path"]: (str(entry.get("md5", UNLOCKED)), name)
            for name, stage in self.locked.items()
            if name in self.stages
            for entry in stage.get("outs") or []
        }

    def inputs(self, stage: str) -> list[Input]:
        """Return the data and models that a stage reads; a folder with results of several stages as one input each."""
        inputs = []
        for dep in self.stages.get(stage, {}).get("deps", []):
            if f"{dep}/".startswith(DATA):
                inputs += self._inputs(dep) or [Input(dep, UNLOCKED, "")]
        return inputs

    def fingerprint(self, stage: str) -> str:
        """Return a hash of the command, parameters, code and data of a stage; "" for an unknown stage."""
        if stage not in self.stages:
            return ""
        own = self.stages[stage]
        deps = [
            [dep, [[i.path, i.md5] for i in self._inputs(dep)] or self._code_of(dep)] for dep in own.get("deps", [])
        ]
        return sha256_of_json([own["cmd"], deps, self._values(stage)])[:32]

    def params(self, stage: str) -> dict[str, Any]:
        """Return the parameters that a stage depends on: {"pretrain.steps": 700, ...}, without null and empty ones."""
        params: dict[str, Any] = {}
        for _, key, value in self._values(stage):
            params |= _flat(key, value)
        return params

    def _values(self, stage: str) -> list[list[Any]]:
        """Return [file, key, value] of each parameter of a stage."""
        keys = _keys(self.stages.get(stage, {}).get("params", []))
        return [[file, key, _at(self._files.get(file), key)] for file, key in keys]

    def md5(self, path: str) -> str:
        """Return DVC's hash of a result."""
        return self._outs.get(path, (UNLOCKED, ""))[0]

    def _inputs(self, dep: str) -> list[Input]:
        """Return the results that a dependency is, is a part of, or contains."""
        whole = [dep] if dep in self._outs else [out for out in self._outs if f"{dep}/".startswith(f"{out}/")]
        if dep in self._parts and whole:
            return [Input(dep, self._parts[dep], self._outs[whole[0]][1])]
        parts = whole or [out for out in self._outs if out.startswith(f"{dep}/")]
        return [Input(part if part.startswith(dep) else dep, *self._outs[part]) for part in parts]

    def _code_of(self, dep: str) -> list[list[str]]:
        return [[path, md5] for path, md5 in self._code.items() if f"{path}/".startswith(f"{dep}/")]

    def _defined(self) -> dict[str, dict[str, Any]]:
        """Return the stages of dvc.yaml, one for each cell of a matrix, with their names filled in."""
        params, stages = self._files.get("params.yaml", {}), {}
        first = str(next(iter(params.get("systems") or ()), ""))
        for name, stage in _mapping(self._files.get("dvc.yaml", {}).get("stages")).items():
            axes = {axis: list(_at(params, str(of)[2:-1]) or ()) for axis, of in (stage.get("matrix") or {}).items()}
            for cell in product(*axes.values()):
                names = {f"${{item.{axis}}}": str(key) for axis, key in zip(axes, cell, strict=True)}
                names |= {"${scale}": str(params.get("scale")), "${systems[0]}": first}
                stages[f"{name}@{'-'.join(map(str, cell))}" if cell else name] = _fill(stage, names)
        return stages


def _fill(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {_fill(key, names): _fill(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, names) for inner in value]
    for name, text in names.items() if isinstance(value, str) else ():
        value = value.replace(name, text)
    return value


def _keys(params: list[Any]) -> list[tuple[str, str]]:
    """Return (file, key) of a stage's parameters."""
    return [
        (file, key)
        for item in params
        for file, keys in (item.items() if isinstance(item, dict) else [("params.yaml", [item])])
        for key in keys or [""]  # without keys: the whole file
    ]


def _at(values: Any, key: str) -> Any:
    for part in filter(None, key.split(".")):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _flat(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {name: one for inner in value for name, one in _flat(f"{key}.{inner}".lstrip("."), value[inner]).items()}
    return {} if value in (None, []) else {key: value}


def _yaml(text: str) -> dict[str, Any]:
    """Return the mapping in a file; {} for anything else, or a damaged file, which DVC reports itself."""
    from ruamel.yaml import YAML, YAMLError

    try:
        return _mapping(YAML(typ="safe", pure=True).load(text))
    except YAMLError:
        return {}


def _locked(text: str) -> dict[str, Any]:
    """Return the stages of a dvc.lock. It holds hashes and no numbers that matter, so the fast parser will do."""
    import yaml

    try:
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return {}
    return {name: _mapping(stage) for name, stage in _mapping(_mapping(content).get("stages")).items()}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
