"""Checkpoints that survive a kill, in a folder named by all that the training depends on.

    .pretrace/checkpoints/<fingerprint>/step-00000250.safetensors   weights, moments, memory
                                        step-00000250.json          written last, with checksums: a torn file is noticed
                                        curve.jsonl                 one row per step, the source of every loss curve
                                        samples.jsonl               sample texts, if asked for
                                        steps/                      weights after 1, 2, 4, ... steps, if asked for
                                        lock

The folder is no DVC output, as DVC deletes outputs before a stage runs. Other parameters, data, vocabulary or code give
another fingerprint and so an empty folder: no run resumes from the checkpoint of another.

A full disk stops the training, which could not save the finished model either.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_path, read_json, scratch_folder, sha256_of_file, sha256_of_json, write_json
from pretrace.schemas.checkpoint import CheckpointMetadata
from pretrace.training.distributed.carried_states import CarriedStates
from pretrace.training.distributed.data_parallel import full_tensor
from pretrace.training.distributed.group import Group
from pretrace.training.engine.jsonl_log import JsonlLog
from pretrace.training.engine.state_dict import StateDict, check_state, gather_state, scatter_state

KEPT_CHECKPOINTS = 2
CARRIED = "carried"
"""Name of the tensor of states that are carried from step to step, where there are any."""
NO_CHECKPOINT = CheckpointMetadata(step=0)
"""Metadata of a run that starts from step 0."""


def checkpoint_folder(fingerprint: str) -> Path:
    """Return the folder for the checkpoints of a run with this fingerprint."""
    return scratch_folder() / "checkpoints" / fingerprint[:32]


class Checkpoints:
    """The checkpoints of one training run. Hold `pretrace.common.files.locked(checkpoints.lock)` while training.

    Only rank 0 reads and writes files; the other ranks take part where tensors are gathered or scattered.
    """

    def __init__(self, folder: Path, group: Group | None = None) -> None:
        self.folder, self.group = folder, group or Group()
        self.lock = folder / "lock"
        self.curve = JsonlLog(folder / "curve.jsonl", self.describe_last)
        self.samples = JsonlLog(folder / "samples.jsonl", self.describe_last)
        self.weights_folder = folder / "steps"
        if self.group.is_rank_zero:
            folder.mkdir(parents=True, exist_ok=True)

    def save(
        self,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        metadata: CheckpointMetadata,
        carried: CarriedStates | None = None,
    ) -> None:
        """Write the state after `metadata.step` steps; keep the newest two checkpoints.

        Args:
            carried: what the next step remembers of this one.

        Raises:
            PretraceError: the disk is full; the text names the last intact checkpoint.
        """
        state = gather_state(module, optimizer, self.group)
        if carried and (memory := carried.gather()) is not None:
            state[CARRIED] = memory
        if not self.group.is_rank_zero:
            return
        path = self._path(metadata.step)
        try:
            for log in (self.curve, self.samples):
                log.flush()
            with atomic_path(path) as temporary:
                save_file(state, temporary)
            metadata = metadata.model_copy(update={"state_sha256": sha256_of_file(path)})
            metadata = metadata.model_copy(update={"metadata_sha256": metadata_checksum(metadata)})
            write_json(path.with_suffix(".json"), metadata.model_dump())
        except PretraceError as error:
            raise PretraceError(f"{error}; {self.describe_last()}") from error
        saved = self._saved()
        here = saved.index(path.with_suffix(".json"))
        for old in (*saved[:here], *saved[here + KEPT_CHECKPOINTS :]):  # a newer one is one that was torn
            old.with_suffix(".safetensors").unlink(missing_ok=True)
            old.unlink()

    def restore(
        self, module: nn.Module, optimizer: torch.optim.Optimizer, carried: CarriedStates | None = None
    ) -> CheckpointMetadata:
        """Load the newest intact checkpoint into the model, the optimizer and what is carried, on every rank.

        Returns:
            Its metadata, the same on all ranks; `NO_CHECKPOINT` if there is none.
        """
        state: StateDict | None = None
        metadata = NO_CHECKPOINT
        if self.group.is_rank_zero:
            self._delete_leftovers()
            state, metadata = self._newest(module)
        metadata = self.group.broadcast_object(metadata)
        if metadata.step:
            scatter_state(state, module, optimizer, metadata.step, self.group)
            if carried:
                carried.scatter(state.get(CARRIED) if state else None, next(module.parameters()).device)
        return metadata

    def describe_last(self) -> str:
        """Return which checkpoint is the last, for error lines."""
        saved = self._saved()
        return f"the last checkpoint is {saved[0].with_suffix('.safetensors')}" if saved else "there is no checkpoint"

    def truncate_logs(self, step: int) -> None:
        """Cut the curve and the samples back to the step that training resumes from."""
        self.samples.truncate(step)
        if (rows := self.curve.truncate(step)) < step:
            print(f"{self.curve.path}: {step - rows} of {step} rows are lost; the curve has a gap", file=sys.stderr)

    def write_bad_batch(self, step: int, documents: list[str]) -> Path:
        """Write the documents in the batch of the step that stopped the training; return the file's path."""
        path = self.folder / "bad_batch.json"
        write_json(path, {"step": step, "documents": documents})
        return path

    def save_weights(self, step: int, module: nn.Module) -> None:
        """Write the weights after `step` steps beside the checkpoints, to be kept for good."""
        weights = {name: full_tensor(p) for name, p in module.named_parameters()}
        if self.group.is_rank_zero:
            with atomic_path(self.weights_folder / f"step-{step:08d}.safetensors") as temporary:
                save_file({name: p.cpu().contiguous() for name, p in weights.items()}, temporary)

    def _newest(self, module: nn.Module) -> tuple[StateDict, CheckpointMetadata]:
        for path in self._saved():
            tensors = path.with_suffix(".safetensors")
            try:
                metadata = CheckpointMetadata.model_validate(read_json(path))
                intact = metadata.metadata_sha256 == metadata_checksum(metadata)
                if not intact or sha256_of_file(tensors) != metadata.state_sha256:
                    raise ValueError("its bytes do not match its checksum")
                state = load_file(tensors)
                check_state(state, module)
                return state, metadata
            except Exception as error:
                reason = " ".join(str(error).split())
                print(f"{tensors}: not usable ({reason}); trying the one before", file=sys.stderr)
        return {}, NO_CHECKPOINT

    def _saved(self) -> list[Path]:
        """Return the metadata files of the checkpoints, newest first."""
        return sorted(self.folder.glob("step-*.json"), reverse=True)

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}.safetensors"

    def _delete_leftovers(self) -> None:
        """Delete what a kill in the middle of writing left behind."""
        for path in (*self.folder.glob(".*.tmp"), *self.weights_folder.glob(".*.tmp")):
            path.unlink(missing_ok=True)
        for path in self.folder.glob("step-*.safetensors"):
            if not path.with_suffix(".json").exists():
                path.unlink()


def metadata_checksum(metadata: CheckpointMetadata) -> str:
    """Return the SHA-256 of all fields but `metadata_sha256`."""
    return sha256_of_json(metadata.model_dump(exclude={"metadata_sha256"}))
