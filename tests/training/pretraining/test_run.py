"""Pre-training: the same bytes twice and after a kill, nothing of another run, batches shared by processes."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.common.files import locked, read_json
from pretrace.model import build_model
from pretrace.schemas.tokens import Manifest
from pretrace.tokens.shards import batch_sequences, open_shards, read_manifest
from pretrace.tokens.shards.batch_documents import batch_documents, document_names
from pretrace.training.engine import checkpoint
from pretrace.training.engine.device import choose_device
from pretrace.training.engine.flops import flops_per_token
from pretrace.training.objectives import Sequences
from pretrace.training.objectives.causal_lm import CausalLM
from pretrace.training.pretraining.evaluate import validation_losses
from pretrace.training.pretraining.fingerprint import run_fingerprint
from tests.helpers import REPOSITORY
from tests.helpers.small_training import Killed, elsewhere, killer, make_shards, run, settings_with, weights_of

CHECKPOINTS = Path(".pretrace/checkpoints")
GROWTH = {"from_tokens": 32, "over_tokens": 700}
"""Batches of 2 sequences, and of 4 after some steps."""


def folders() -> list[str]:
    return sorted(path.name for path in CHECKPOINTS.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pretrain.optimizer": "openai_adam", "model.embedding_dropout": "table"},
        {"pretrain.optimizer": "bert_adam", "pretrain.batch_growth": GROWTH},
        {"kind": "lstm"},
    ],
)
def test_weights_are_the_same_twice_and_after_a_kill(
    changes: dict, shards: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = settings_with(changes)
    undisturbed = run(settings, shards)
    elsewhere("again", monkeypatch)
    torch.manual_seed(99)  # nothing depends on what was drawn before
    again = run(settings, shards)
    assert weights_of(again) == weights_of(undisturbed)
    assert (again.curve, again.metrics) == (undisturbed.curve, undisturbed.metrics)
    elsewhere("killed", monkeypatch)
    for step, start in ((9, 0), (5, 6), (1, 6)):
        capfd.readouterr()
        with pytest.raises(Killed):
            run(settings, shards, killer(step))
        said = capfd.readouterr().err
        assert ("resuming from the checkpoint at step 6" in said) == (start == 6)
    after = run(settings, shards)
    assert "resuming from the checkpoint at step 6" in capfd.readouterr().err
    assert weights_of(after) == weights_of(undisturbed)
    assert (after.curve, after.metrics) == (undisturbed.curve, undisturbed.metrics)


KILLED_PROCESS = """
import os, signal, sys
sys.path.insert(0, {repository!r})
from tests.helpers.small_training import run, settings_with
calls = []
def publish():
    calls.append(1)
    if len(calls) == 15:
        os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    run(settings_with({changes!r}), {shards!r}, publish=publish)
"""


@pytest.mark.slow
def test_weights_of_two_ranks_are_the_same_after_sigkill(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also: two processes have the losses of one, up to rounding."""
    changes = {"processes": 2, "model.dropout": 0.2, "pretrain.micro_batch": 1}
    changes |= {"pretrain.batch_growth": GROWTH}
    one = run(settings_with(changes | {"processes": 1}), shards)
    two = run(settings_with(changes), shards)
    assert len(folders()) == 2  # the order of sums is another, so these are two runs
    for a, b in zip(one.curve, two.curve, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-5)
    assert len(two.curve) == 20
    elsewhere("killed", monkeypatch)
    script = Path("killed.py")
    script.write_text(KILLED_PROCESS.format(repository=str(REPOSITORY), changes=changes, shards=shards))
    script.write_text(script.read_text().replace("PosixPath(", "__import__('pathlib').Path("))
    ended = subprocess.run([sys.executable, script], env=os.environ, timeout=120)
    assert ended.returncode == -9
    (folder,) = Path("killed/.pretrace/checkpoints").iterdir()
    steps = sorted(json.loads(path.read_text())["step"] for path in folder.glob("step-*.json"))
    assert steps == [6, 12]
    after = run(settings_with(changes), shards)
    assert weights_of(after) == weights_of(two)
    assert (after.curve, after.metrics) == (two.curve, two.metrics)


@pytest.mark.slow
def test_finished_run_is_not_run_again(shards: Path) -> None:
    settings = settings_with()
    first = run(settings, shards)
    second = run(settings, shards, publish=killer(1))
    assert weights_of(first) == weights_of(second)
    assert (first.curve, first.metrics) == (second.curve, second.metrics)
    assert {"tokens_per_second", "mfu", "hours"} <= first.cost.keys()
    assert "price" not in first.cost
    assert not {"tokens_per_second", "mfu"} & second.cost.keys()  # there was nothing to measure


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{"pretrain.lr": 0.02}, {"pretrain.steps": 21}, {"model.layers": 1}, {"model.dropout": 0.0}],
)
def test_run_with_other_settings_starts_fresh(
    changes: dict, shards: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Killed):
        run(settings_with(), shards, publish=killer(8))
    (first,) = folders()
    with pytest.raises(Killed):
        run(settings_with(changes), shards, publish=killer(2))
    assert len(folders()) == 2
    assert "resuming" not in capfd.readouterr().err
    with pytest.raises(Killed):  # and the first is still there
        run(settings_with(), shards, publish=killer(2))
    assert "resuming from the checkpoint at step 6" in capfd.readouterr().err
    assert first in folders()


@pytest.mark.slow
def test_fingerprint_depends_on_what_decides_the_weights(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device, manifest = choose_device("float32", 1), read_manifest(shards)

    def name(other: Manifest | None = None, **changes: object) -> str:
        settings = settings_with(changes)
        return run_fingerprint(3, settings, other or manifest, device, settings.scale.processes, CausalLM())

    base = name()
    assert name(**{"pretrain.checkpoint_every": 5, "finetune.lr": 0.5}) == base
    assert name(**{"lstm.width": 20}) == base
    different = [
        name(kind="lstm"),
        name(kind="lstm", **{"lstm.width": 20}),
        name(**{"model.width": 32}),
        name(processes=2),
        name(threads=2),
        name(**{"pretrain.weight_decay": 0.0}),
        name(**{"pretrain.optimizer": "openai_adam"}),
        name(**{"model.embedding_dropout": "table"}),
        name(other=manifest.model_copy(update={"vocabulary": "0" * 64})),
        run_fingerprint(4, settings_with(), manifest, device, 1, CausalLM()),
        run_fingerprint(3, settings_with(), manifest, choose_device("bfloat16", 1), 1, CausalLM()),
    ]
    monkeypatch.setattr("pretrace.training.pretraining.fingerprint.code_hash", lambda module: "other code")
    different.append(name())
    assert len({base, *different}) == 1 + len(different)


@pytest.mark.slow
def test_run_on_other_text_starts_fresh(shards: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Killed):
        run(settings_with(), shards, publish=killer(8))
    with pytest.raises(Killed):
        run(settings_with(), make_shards(tmp_path / "other", seed=1), publish=killer(2))
    assert len(folders()) == 2
    assert "resuming" not in capfd.readouterr().err


@pytest.mark.slow
def test_second_run_is_refused_and_the_first_continues(shards: Path) -> None:
    settings, refused = settings_with(), []

    def publish() -> None:
        if not refused:
            with pytest.raises(PretraceError, match="another process is writing here") as error:
                run(settings, shards)
            refused.append(str(error.value))

    assert len(run(settings, shards, publish=publish).curve) == 20
    assert len(refused) == 1
    with (
        locked(CHECKPOINTS / folders()[0] / "lock"),
        pytest.raises(PretraceError, match="another process is writing here"),
    ):
        run(settings, shards)


@pytest.mark.slow
def test_run_learns_and_reports_its_metrics(shards: Path) -> None:
    settings = settings_with({"pretrain.steps": 120, "pretrain.lr": 0.02, "model.dropout": 0.0})
    result = run(settings, shards)
    curve, metrics = result.curve, result.metrics
    assert [row["step"] for row in curve] == list(range(1, 121))
    assert curve[0]["loss"] == pytest.approx(math.log(80), rel=0.1)  # it begins by knowing nothing
    assert metrics.val_loss < 0.8 * curve[0]["loss"]
    assert max(row["lr"] for row in curve) == 0.02
    assert [row["step"] for row in curve if "val_loss" in row] == [*range(8, 121, 8)]
    assert curve[-1]["val_loss"] == pytest.approx(metrics.val_loss, abs=1e-5)  # all of it is read both times
    manifest = read_json(shards / "manifest.json")["splits"]["validation"]
    bits = metrics.val_loss / math.log(2) * manifest["tokens"] / manifest["bytes"]
    assert metrics.val_bits_per_byte == pytest.approx(bits, rel=1e-3)
    assert metrics.val_perplexity == pytest.approx(math.exp(metrics.val_loss), rel=1e-3)
    assert metrics.tokens == 120 * 4 * 16
    assert metrics.parameters == sum(p.numel() for p in result.model.parameters())
    assert metrics.flops == metrics.tokens * flops_per_token(result.model)


def test_first_loss_is_of_the_initial_model_and_first_batch(shards: Path) -> None:
    """One curve row worked out by hand: the data of step 0, the initial weights, the mean loss per token."""
    settings = settings_with({"model.dropout": 0.0})
    with pytest.raises(Killed):
        run(settings, shards, publish=killer(2))
    row, second = map(json.loads, (CHECKPOINTS / folders()[0] / "curve.jsonl").read_text().splitlines())
    model = build_model(settings.scale, 80, 3)
    ids = torch.from_numpy(batch_sequences(open_shards(shards, "train"), 16, range(4), 3))
    loss = torch.nn.functional.cross_entropy(model(ids)[:, :-1].transpose(1, 2), ids[:, 1:])
    assert row["loss"] == pytest.approx(float(loss.detach()), abs=1e-5)
    assert row["lr"] == 0.0  # nothing is done before the first step, so the released schedule begins at zero
    assert second["lr"] == pytest.approx(0.01 / 4)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["sum", "table"])
def test_micro_batches_change_only_rounding(where: str, shards: Path) -> None:
    changes = {"model.dropout": 0.2, "model.embedding_dropout": where}
    curves = [run(settings_with(changes | {"pretrain.micro_batch": micro}), shards).curve for micro in (1, 4)]
    for a, b in zip(*curves, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-4)


@pytest.mark.slow
def test_chosen_micro_batch_is_kept_after_resume(
    shards: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = settings_with({"pretrain.micro_batch": None})
    whole = run(settings, shards)
    assert "micro-batches of 4 of 4 sequences" in capfd.readouterr().err
    for a, b in zip(whole.curve, run(settings_with(), shards).curve, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-5)  # also with dropout, whose masks go by the sequence
    elsewhere("small", monkeypatch)
    monkeypatch.setattr("pretrace.training.engine.micro_batch.estimate_micro_batch", lambda *_: 3)
    with pytest.raises(Killed):
        run(settings, shards, publish=killer(8))
    monkeypatch.setattr(
        "pretrace.training.engine.micro_batch.estimate_micro_batch", lambda *_: pytest.fail("chosen again")
    )
    trained = run(settings, shards)
    elsewhere("three", monkeypatch)
    assert weights_of(trained) == weights_of(run(settings_with({"pretrain.micro_batch": 3}), shards))


@pytest.mark.slow
def test_full_disk_is_one_line_and_training_resumes_later(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed = run(settings_with(), shards)
    elsewhere("full", monkeypatch)
    saved = []

    def save_file(state: dict, path: Path) -> None:
        saved.append(path)
        if len(saved) == 3:
            Path(path).write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        save(state, path)

    save = checkpoint.save_file
    monkeypatch.setattr(checkpoint, "save_file", save_file)
    with pytest.raises(PretraceError, match=r"the disk is full .* the last checkpoint is .*step-00000012") as error:
        run(settings_with(), shards)
    assert "\n" not in str(error.value)
    (folder,) = Path("full/.pretrace/checkpoints").iterdir()
    assert str(folder.resolve()) in str(error.value)
    assert sorted(path.name for path in folder.glob("*.safetensors")) == [f"step-{s:08d}.safetensors" for s in (6, 12)]
    assert not list(folder.glob(".*"))
    assert weights_of(run(settings_with(), shards)) == weights_of(undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_sigterm_saves_a_checkpoint_after_the_step_at_hand(
    shards: Path, processes: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings, calls = settings_with({"processes": processes}), []

    def publish() -> None:
        calls.append(1)
        if len(calls) == 8:
            signal.raise_signal(signal.SIGTERM)

    def end(*_: object) -> None:
        raise Killed

    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(Killed):
            run(settings, shards, publish=publish)
        assert signal.getsignal(signal.SIGTERM) is end
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "SIGTERM received, checkpoint saved at step 9" in capfd.readouterr().err
    assert len(list(CHECKPOINTS.glob("*/step-00000009.safetensors"))) == 1
    if processes > 1:
        return
    after = run(settings, shards)
    assert "resuming from the checkpoint at step 9" in capfd.readouterr().err
    assert [row["step"] for row in after.curve] == list(range(1, 21))
    elsewhere("undisturbed", monkeypatch)
    assert weights_of(after) == weights_of(run(settings, shards))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["step-00000012.safetensors", "step-00000012.json", "curve.jsonl", "samples.jsonl", "lock"]
)
def test_torn_checkpoint_file_changes_no_weights(
    name: str, shards: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = settings_with({"pretrain.sample_every": 3})

    def sample(model: torch.nn.Module) -> list[dict[str, str]]:
        return [{"prompt": "", "text": str(model.token_embedding.weight.sum().item())}]

    undisturbed = run(settings, shards, sample=sample)
    elsewhere("torn", monkeypatch)
    with pytest.raises(Killed):
        run(settings, shards, publish=killer(14), sample=sample)
    (folder,) = Path("torn/.pretrace/checkpoints").iterdir()
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    capfd.readouterr()
    after = run(settings, shards, sample=sample)
    said = capfd.readouterr().err
    assert weights_of(after) == weights_of(undisturbed)
    assert f"resuming from the checkpoint at step {6 if name.startswith('step') else 12}" in said
    assert ("step-00000012.safetensors: not usable" in said) == name.startswith("step")
    assert ("rows are lost; the curve has a gap" in said) == (name == "curve.jsonl")
    if not name.endswith(".jsonl"):
        assert (after.curve, after.samples) == (undisturbed.curve, undisturbed.samples)
    assert len(undisturbed.samples) == 6


def test_validation_loss_does_not_depend_on_its_batches(shards: Path) -> None:
    device = choose_device("float32", 1)
    model = build_model(settings_with().scale, 80, 1)
    ids = torch.randint(80, (13, 16), generator=torch.Generator().manual_seed(0))
    losses = [validation_losses(model, CausalLM(), Sequences(ids), device, size)["val_loss"] for size in (4, 32)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_validation_loss_that_is_not_finite_is_one_line() -> None:
    model = build_model(settings_with().scale, 80, 1)
    model.token_embedding.weight.data[3] = torch.nan
    ids = Sequences(torch.full((2, 16), 3))
    with pytest.raises(PretraceError, match=r"val_loss is nan .* a lower learning rate"):
        validation_losses(model, CausalLM(), ids, choose_device("float32", 1))


@pytest.mark.slow
def test_run_in_bfloat16_trains(shards: Path) -> None:
    exact, rounded = (run(settings_with({"pretrain.precision": p}), shards) for p in ("float32", "bfloat16"))
    assert rounded.cost["precision"] == "bfloat16"
    assert all(p.dtype == torch.float32 for p in rounded.model.parameters())
    assert rounded.metrics.val_loss == pytest.approx(exact.metrics.val_loss, abs=0.05)
    assert weights_of(exact) != weights_of(rounded)


def test_loss_that_is_not_finite_is_one_line(shards: Path) -> None:
    with pytest.raises(PretraceError, match=r"step \d+: the loss is .* A lower learning rate") as error:
        changes = {"pretrain.lr": 1.0, "pretrain.weight_decay": 1e9, "pretrain.checkpoint_every": 1}
        run(settings_with(changes), shards)
    said = str(error.value)
    assert "\n" not in said
    (folder,) = CHECKPOINTS.iterdir()
    bad_batch = read_json(folder / "bad_batch.json")
    step = bad_batch["step"]
    assert f"step {step}: the loss is" in said
    numbers = batch_documents(open_shards(shards, "train"), 16, range(4 * step - 4, 4 * step), 3)
    assert bad_batch["documents"] == document_names(numbers, shards.parent / "clean" / "train")
    assert f"the documents in its batch: {bad_batch['documents'][0]}, {bad_batch['documents'][1]}" in said
    assert all(name.startswith("s/train") for name in bad_batch["documents"])
    assert said.endswith(f"the last checkpoint is {(folder / f'step-{step - 1:08d}.safetensors').resolve()}")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model.context": 2000}, "validation has .* tokens, fewer than one sequence of 2000"),
        ({"pretrain.batch_size": 4000}, r"train: \d+ tokens give \d+ sequences of 16, one batch needs 4000"),
    ],
)
def test_too_little_text_is_one_line(changes: dict, expected: str, shards: Path) -> None:
    with pytest.raises(PretraceError, match=expected) as error:
        run(settings_with(changes), shards)
    assert "\n" not in str(error.value)


def test_missing_shards_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"manifest\.json: no such file"):
        run(settings_with(), tmp_path)
