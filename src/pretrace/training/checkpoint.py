"""Training state that survives a kill, in a folder named by everything the training depends on.

    .pretrace/checkpoints/<fingerprint>/step-00000250.safetensors   weights, moments
                                        step-00000250.json          written last: its checksum, so a torn file is seen
                                        curve.jsonl                 one row a step, the source of every loss curve
                                        samples.jsonl               sample texts, where they are asked for
                                        steps/                      weights after 1, 2, 4, ... updates, likewise
                                        lock

The folder is no DVC output (DVC deletes outputs before a stage runs). Other parameters, data, vocabulary or code give
another fingerprint and so an empty folder: a checkpoint of something else can not be picked up.

A disk that is full stops the training: it could not keep the finished model either.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pretrace.errors import PretraceError
from pretrace.files import (
    atomic_path,
    read_json,
    readable_disk_errors,
    scratch_folder,
    sha256_of_file,
    write_json,
)
from pretrace.training.processes import Group
from pretrace.training.replicas import handed_out, whole

KEEP = 2
MOMENTS = ("exp_avg", "exp_avg_sq")
NONE: dict[str, Any] = {"step": 0}
"""What is known where there is no checkpoint."""


class Checkpoints:
    """The checkpoints of one training run. Hold `pretrace.files.locked(checkpoints.lock)` while training.

    Only number 0 of a group reads and writes files; the others take part in what has to be gathered and handed out.
    """

    def __init__(self, fingerprint: str, folder: Path | None = None, group: Group | None = None) -> None:
        self.group = group or Group()
        self.folder = folder or scratch_folder() / "checkpoints" / fingerprint[:32]
        self.lock = self.folder / "lock"
        self.curve = self.folder / "curve.jsonl"
        self.samples = self.folder / "samples.jsonl"
        self.steps = self.folder / "steps"
        if self.group.first:
            self.folder.mkdir(parents=True, exist_ok=True)

    def save(self, step: int, module: nn.Module, optimiser: torch.optim.Optimizer, **note: Any) -> None:
        """Write the state after `step` updates, and what else is to be known of it; keep the newest two.

        Raises:
            PretraceError: the disk is full; the text names the last checkpoint that is whole.
        """
        state = _state(module, optimiser, self.group.first)
        if not self.group.first:
            return
        path = self._path(step)
        try:
            for rows in (self.curve, self.samples):
                _flush(rows)
            with atomic_path(path) as temporary:
                save_file(state, temporary)
            write_json(path.with_suffix(".json"), {"step": step, "sha256": sha256_of_file(path), **note})
        except PretraceError as error:
            raise PretraceError(f"{error}; {self.last()}") from error
        notes = self._notes()
        here = notes.index(path.with_suffix(".json"))
        for old in (*notes[:here], *notes[here + KEEP :]):  # a later one is one that was torn
            old.with_suffix(".safetensors").unlink(missing_ok=True)
            old.unlink()

    def restore(self, module: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
        """Load the newest whole checkpoint into the model and optimiser of every process of the group.

        Returns:
            Its note, which is the same in all of them: `step`, 0 when there is none, and what `save` was given.
        """
        state: dict[str, Tensor] | None = None
        note = NONE
        if self.group.first:
            self._clear_up()
            state, note = self._newest(module)
        note = _told(note, self.group)
        if note["step"]:
            _load(state, module, optimiser, note["step"], self.group)
        return note

    def last(self) -> str:
        """The last checkpoint, in words."""
        notes = self._notes()
        return f"the last checkpoint is {notes[0].with_suffix('.safetensors')}" if notes else "there is no checkpoint"

    def rows(self, up_to_step: int, path: Path | None = None) -> list[dict[str, Any]]:
        """The rows of the curve, or of another file, of the steps done, in order.

        A line that is not whole, as a kill can leave behind, and rows of later steps are left out.
        """
        path, rows = path or self.curve, []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and row.get("step", up_to_step + 1) <= up_to_step:
                rows.append(row)
        return rows

    def rewind(self, step: int) -> None:
        """Cut the curve and the samples back to a step, before training goes on from there."""
        for path in (self.curve, self.samples):
            rows = self.rows(step, path)
            if path == self.curve and len(rows) < step:
                print(f"{path}: {step - len(rows)} of {step} rows are lost; the curve has a gap", file=sys.stderr)
            if path.exists():
                with atomic_path(path) as temporary:
                    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def append(self, row: dict[str, Any], path: Path | None = None) -> None:
        """Add a row to the curve, or to another file of the folder."""
        path = path or self.curve
        try:
            with readable_disk_errors(path), path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
        except PretraceError as error:
            raise PretraceError(f"{error}; {self.last()}") from error

    def write_blame(self, step: int, documents: list[str]) -> Path:
        """Write which documents the update was made with that training stopped at; returns the file's path."""
        path = self.folder / "stopped.json"
        write_json(path, {"update": step, "documents": documents})
        return path

    def keep_weights(self, step: int, module: nn.Module) -> None:
        """Write the weights after `step` updates beside the checkpoints, for good."""
        weights = {name: whole(p) for name, p in module.named_parameters()}
        if self.group.first:
            with atomic_path(self.steps / f"step-{step:08d}.safetensors") as temporary:
                save_file({name: p.cpu().contiguous() for name, p in weights.items()}, temporary)

    def _newest(self, module: nn.Module) -> tuple[dict[str, Tensor], dict[str, Any]]:
        for path in self._notes():
            weights = path.with_suffix(".safetensors")
            try:
                note = read_json(path)
                if sha256_of_file(weights) != note["sha256"]:
                    raise ValueError("its bytes do not match its checksum")
                state = load_file(weights)
                for name, parameter in module.named_parameters():
                    if any(state[f"{part}/{name}"].shape != parameter.shape for part in ("weights", *MOMENTS)):
                        raise ValueError(f"{name} has another shape")
                return state, {**note, "step": int(note["step"])}
            except Exception as error:
                print(f"{weights}: not usable ({error}); trying the one before", file=sys.stderr)
        return {}, NONE

    def _notes(self) -> list[Path]:
        """The notes of the checkpoints, newest first."""
        return sorted(self.folder.glob("step-*.json"), reverse=True)

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}.safetensors"

    def _clear_up(self) -> None:
        """Delete what a kill in the middle of writing left behind."""
        for path in (*self.folder.glob(".*.tmp"), *self.steps.glob(".*.tmp")):
            path.unlink(missing_ok=True)
        for path in self.folder.glob("step-*.safetensors"):
            if not path.with_suffix(".json").exists():
                path.unlink()


def _state(module: nn.Module, optimiser: torch.optim.Optimizer, keep: bool) -> dict[str, Tensor]:
    """Weights and moments; put together tensor by tensor, so that a sharded model is never whole on a device."""
    state: dict[str, Tensor] = {}
    for name, parameter in module.named_parameters():
        moments = optimiser.state[parameter]
        for part, tensor in (("weights", parameter), *((key, moments[key]) for key in MOMENTS if key in moments)):
            full = whole(tensor)
            if keep:
                state[f"{part}/{name}"] = full.cpu().contiguous()
    return state


@torch.no_grad()
def _load(
    state: dict[str, Tensor] | None, module: nn.Module, optimiser: torch.optim.Optimizer, step: int, group: Group
) -> None:
    on_device = any(settings.get("fused") or settings.get("capturable") for settings in optimiser.param_groups)
    for name, parameter in module.named_parameters():
        tensors = {
            part: handed_out(state[f"{part}/{name}"] if state else None, parameter, group)
            for part in ("weights", *MOMENTS)
        }
        parameter.copy_(tensors.pop("weights"))
        device = parameter.device if on_device else "cpu"
        optimiser.state[parameter] = {"step": torch.tensor(float(step), device=device), **tensors}


def _told(note: dict[str, Any], group: Group) -> dict[str, Any]:
    """What number 0 knows, in every process."""
    if group.size == 1:
        return note
    import torch.distributed as dist

    notes = [note]
    dist.broadcast_object_list(notes, 0)
    return notes[0]


def _flush(path: Path) -> None:
    """See to it that a file's bytes are on the disk before something relies on them."""
    if path.exists():
        with readable_disk_errors(path), path.open("a") as stream:
            os.fsync(stream.fileno())
