"""Training state that survives a kill, in a folder named by everything the training depends on.

    .pretrace/checkpoints/<fingerprint>/step-00000250.safetensors   weights, moments
                                        step-00000250.json          written last: checksums, so a torn file is seen
                                        curve.jsonl                 one row a step, the source of every loss curve
                                        samples.jsonl               sample texts, where they are asked for
                                        steps/                      weights after 1, 2, 4, ... updates, likewise
                                        lock

The folder is no DVC output (DVC deletes outputs before a stage runs). Other parameters, data, vocabulary or code give
another fingerprint and so an empty folder: a checkpoint of something else can not be picked up.

A disk that is full stops the training: it could not keep the finished model either.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_path, read_json, scratch_folder, sha256_of_file, sha256_of_json, write_json
from pretrace.training.distributed.data_parallel import whole
from pretrace.training.distributed.group import Group
from pretrace.training.engine.jsonl_log import RowFile
from pretrace.training.engine.state_dict import State, check_state, gather_state, spread_state

KEEP = 2
NONE: dict[str, Any] = {"step": 0}
"""What is known where there is no checkpoint."""


class Checkpoints:
    """The checkpoints of one training run. Hold `pretrace.common.files.locked(checkpoints.lock)` while training.

    Only number 0 of a group reads and writes files; the others take part in what has to be gathered and handed out.
    """

    def __init__(self, fingerprint: str, folder: Path | None = None, group: Group | None = None) -> None:
        self.group = group or Group()
        self.folder = folder or scratch_folder() / "checkpoints" / fingerprint[:32]
        self.lock = self.folder / "lock"
        self.curve = RowFile(self.folder / "curve.jsonl", self.last)
        self.samples = RowFile(self.folder / "samples.jsonl", self.last)
        self.steps = self.folder / "steps"
        if self.group.first:
            self.folder.mkdir(parents=True, exist_ok=True)

    def save(self, step: int, module: nn.Module, optimiser: torch.optim.Optimizer, **note: Any) -> None:
        """Write the state after `step` updates, and what else is to be known of it; keep the newest two.

        Raises:
            PretraceError: the disk is full; the text names the last checkpoint that is whole.
        """
        state = gather_state(module, optimiser, self.group)
        if not self.group.first:
            return
        path = self._path(step)
        try:
            for rows in (self.curve, self.samples):
                rows.flush()
            with atomic_path(path) as temporary:
                save_file(state, temporary)
            note = {"step": step, "sha256": sha256_of_file(path), **note}
            write_json(path.with_suffix(".json"), {**note, "note": sha256_of_json(note)})
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
        state: State | None = None
        note = NONE
        if self.group.first:
            self._clear_up()
            state, note = self._newest(module)
        note = self.group.told(note)
        if note["step"]:
            spread_state(state, module, optimiser, note["step"], self.group)
        return note

    def last(self) -> str:
        """The last checkpoint, in words."""
        notes = self._notes()
        return f"the last checkpoint is {notes[0].with_suffix('.safetensors')}" if notes else "there is no checkpoint"

    def rewind(self, step: int) -> None:
        """Cut the curve and the samples back to a step, before training goes on from there."""
        self.samples.rewind(step)
        if (rows := self.curve.rewind(step)) < step:
            print(f"{self.curve.path}: {step - rows} of {step} rows are lost; the curve has a gap", file=sys.stderr)

    def write_blame(self, step: int, documents: list[str]) -> Path:
        """Write which documents the update was made with that training stopped at; returns the file's path."""
        path = self.folder / "stopped.json"
        write_json(path, {"step": step, "documents": documents})
        return path

    def keep_weights(self, step: int, module: nn.Module) -> None:
        """Write the weights after `step` updates beside the checkpoints, for good."""
        weights = {name: whole(p) for name, p in module.named_parameters()}
        if self.group.first:
            with atomic_path(self.steps / f"step-{step:08d}.safetensors") as temporary:
                save_file({name: p.cpu().contiguous() for name, p in weights.items()}, temporary)

    def _newest(self, module: nn.Module) -> tuple[State, dict[str, Any]]:
        for path in self._notes():
            weights = path.with_suffix(".safetensors")
            try:
                note = read_json(path)
                if note.pop("note") != sha256_of_json(note) or sha256_of_file(weights) != note["sha256"]:
                    raise ValueError("its bytes do not match its checksum")
                state = load_file(weights)
                check_state(state, module)
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
