"""Training state that survives a kill, in a folder named by everything the training depends on.

    .pretrace/checkpoints/<fingerprint>/step-00000250.safetensors   weights, moments
                                        step-00000250.json          written last: its checksum, so a torn file is seen
                                        curve.jsonl                 one row a step, the source of every loss curve
                                        lock

The folder is no DVC output (DVC deletes outputs before a stage runs). Other parameters, data, vocabulary or code give
another fingerprint and so an empty folder: a checkpoint of something else can not be picked up.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from pretrace.files import atomic_path, read_json, scratch_folder, sha256_of_file, sha256_of_json, write_json

KEEP = 2


class Checkpoints:
    """The checkpoints of one training run. Hold `pretrace.files.locked(checkpoints.lock)` while training."""

    def __init__(self, fingerprint: str, folder: Path | None = None) -> None:
        self.folder = folder or scratch_folder() / "checkpoints" / fingerprint[:32]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = self.folder / "lock"
        self.curve = self.folder / "curve.jsonl"

    def save(self, step: int, module: nn.Module, optimiser: torch.optim.Optimizer) -> None:
        """Write the state after `step` updates, then drop all but the newest two."""
        path = self.folder / f"step-{step:08d}.safetensors"
        with atomic_path(path) as temporary:
            save_file(_state(module, optimiser), temporary)
        write_json(path.with_suffix(".json"), {"step": step, "sha256": sha256_of_file(path)})
        for old in sorted(self.folder.glob("step-*.json"))[:-KEEP]:
            old.with_suffix(".safetensors").unlink(missing_ok=True)
            old.unlink()

    def restore(self, module: nn.Module, optimiser: torch.optim.Optimizer) -> int:
        """Load the newest whole checkpoint into the model and optimiser; returns its step, 0 when there is none."""
        for note in sorted(self.folder.glob("step-*.json"), reverse=True):
            path = note.with_suffix(".safetensors")
            try:
                expected = read_json(note)
                if sha256_of_file(path) != expected["sha256"]:
                    raise ValueError("its bytes do not match its checksum")
                _load(load_file(path), module, optimiser, expected["step"])
            except Exception as error:
                print(f"{path.name}: not usable ({error}); trying the one before", file=sys.stderr)
                continue
            return int(expected["step"])
        return 0

    def rows(self, up_to_step: int) -> list[dict[str, Any]]:
        """The curve's rows of the steps done, in order; a half-written last line and later rows are dropped."""
        rows = []
        for line in self.curve.read_text(encoding="utf-8").splitlines() if self.curve.exists() else []:
            try:
                row = json.loads(line)
            except ValueError:
                break
            if row["step"] <= up_to_step:
                rows.append(row)
        return rows

    def rewind_curve(self, step: int) -> None:
        """Cut the curve back to a step, before training goes on from there."""
        lines = [json.dumps(row) + "\n" for row in self.rows(step)]
        with atomic_path(self.curve) as temporary:
            temporary.write_text("".join(lines), encoding="utf-8")

    def append(self, row: dict[str, Any]) -> None:
        """Add a row to the curve."""
        with self.curve.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")


def fingerprint(**parts: Any) -> str:
    """A name for a training run: the hash of all it depends on (settings, data, vocabulary, code, torch version)."""
    return sha256_of_json({**parts, "torch": torch.__version__.split("+")[0]})


def _state(module: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    names = {parameter: name for name, parameter in module.named_parameters()}
    state = {f"weights/{name}": p.detach().contiguous() for name, p in module.named_parameters()}
    for parameter, moments in optimiser.state.items():
        state |= {f"{key}/{names[parameter]}": value.contiguous() for key, value in moments.items() if key != "step"}
    return state


def _load(state: dict[str, torch.Tensor], module: nn.Module, optimiser: torch.optim.Optimizer, step: int) -> None:
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(state[f"weights/{name}"])
            optimiser.state[parameter] = {
                "step": torch.tensor(float(step)),
                "exp_avg": state[f"exp_avg/{name}"].to(parameter.device),
                "exp_avg_sq": state[f"exp_avg_sq/{name}"].to(parameter.device),
            }
