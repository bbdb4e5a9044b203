"""Fine-tuning: every kind of task is learned, and the best pass is what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.model import LSTM, Transformer, build_model, save_model
from pretrace.schemas.finetuning import FinetuneRecipe
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from pretrace.training.engine.device import Device, choose_device
from pretrace.training.finetuning.batching import Examples
from pretrace.training.finetuning.finetune import finetune_seed, starting_model
from pretrace.training.finetuning.predictions import Predictions, predict
from pretrace.training.finetuning.task_head import TaskModel
from pretrace.training.finetuning.trainer import Trainer, example_losses
from tests.helpers.small_finetuning import recipe_of
from tests.helpers.small_training import settings_with, weights_of

VOCABULARY, CONTEXT = 20, 32
SMALL = ModelSettings(
    **{"layers": 1, "width": 24, "heads": 2, "feed_forward": 48, "context": CONTEXT},
    **{"dropout": 0.0, "embedding_dropout": "table", "initial_std": 0.1},
)
PARTS = {"classification": 1, "entailment": 2, "similarity": 2, "regression": 2, "multiple_choice": 4}
KEY = 3
"""The word that decides."""


def part(random: np.random.Generator, has_key: bool) -> list[int]:
    words = random.integers(KEY + 1, VOCABULARY, random.integers(3, 8)).tolist()
    if has_key:
        words[random.integers(len(words))] = KEY
    return words


def example(kind: str, random: np.random.Generator) -> tuple[list[list[int]], float]:
    if kind == "multiple_choice":
        right = int(random.integers(3))
        return [part(random, False), *(part(random, i == right) for i in range(3))], right
    flags = random.integers(0, 2, PARTS[kind])
    if kind == "entailment":
        flags[0] = 0  # the hypothesis decides
    label = {"entailment": flags[-1], "similarity": flags.max(), "regression": 3.0 + 2.0 * flags.sum()}
    return [part(random, bool(flag)) for flag in flags], label.get(kind, flags[0])


def split_of(kind: str, count: int, seed: int) -> EncodedSplit:
    random = np.random.default_rng(seed)
    examples = [example(kind, random) for _ in range(count)]
    parts = [words for row, _ in examples for words in row]
    return EncodedSplit(
        np.concatenate([np.array(words, np.uint16) for words in parts]),
        np.cumsum([0, *map(len, parts)]),
        np.array([label for _, label in examples], np.float32 if kind == "regression" else np.int64),
        PARTS[kind],
    )


def splits_of(kind: str, train: int = 96) -> dict[str, EncodedSplit]:
    return {
        name: split_of(kind, count, seed)
        for seed, (name, count) in enumerate((("train", train), ("dev", 40), ("test", 50)))
    }


def fresh(model: str = "transformer") -> Transformer | LSTM:
    if model != "lstm":
        form = {"positions": "relative", "memory_share": 0.5} if model == "relative" else {}
        return Transformer(SMALL.model_copy(update=form), VOCABULARY, seed=1)
    settings = LSTMSettings(layers=1, width=24, embedding=12, dropout=0.0, initial_std=0.2)
    return LSTM(settings, VOCABULARY, CONTEXT, seed=1)


def device_here() -> Device:
    return choose_device("float32", 1)


def tuned(
    kind: str, recipe: FinetuneRecipe | None = None, seed: int = 1, model: str = "transformer", train: int = 96
) -> Any:
    device = choose_device("float32", 1)
    return finetune_seed(fresh(model), recipe or recipe_of(kind), splits_of(kind, train), seed, device)


@pytest.mark.slow
@pytest.mark.parametrize("kind", PARTS)
def test_finetuning_learns_every_kind(kind: str) -> None:
    result, _ = tuned(kind, recipe_of(kind, epochs=12 if kind in ("entailment", "similarity") else 6))
    assert result.test_score > 0.85
    assert max(result.dev_scores) > 0.85
    assert result.curve[-1].loss < 0.5 * result.curve[0].loss
    assert len(result.predictions) == 50
    if kind == "regression":  # in the labels' own unit
        assert 2 < min(result.predictions) < 4 < 6 < max(result.predictions) < 8


@pytest.mark.slow
def test_finetuning_learns_with_an_lstm() -> None:
    assert tuned("classification", recipe_of("classification", lr=0.02), model="lstm")[0].test_score > 0.85


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classification", "multiple_choice"])
def test_finetuning_learns_with_distances_and_no_memory(kind: str) -> None:
    assert tuned(kind, model="relative")[0].test_score > 0.85


@pytest.mark.slow
def test_finetuning_does_not_learn_random_labels() -> None:
    splits = splits_of("classification")
    random = np.random.default_rng(0)
    for name, split in splits.items():
        splits[name] = EncodedSplit(split.ids, split.offsets, random.permutation(split.labels), 1)
    result, _ = finetune_seed(fresh(), recipe_of("classification"), splits, 1, choose_device("float32", 1))
    assert result.test_score < 0.75


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classification", "regression", "multiple_choice"])
def test_finetuning_is_deterministic(kind: str) -> None:
    recipe = recipe_of(kind, epochs=2, dropout=0.2)
    (one, a), (two, b), (other, _) = (tuned(kind, recipe, seed) for seed in (1, 1, 2))
    assert one == two
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))
    assert other.curve != one.curve


def test_dropout_differs_by_seed() -> None:
    """The same weights, the same examples and another seed: only dropout is left to differ."""
    device, data = choose_device("float32", 1), splits_of("classification", 8)
    curves = []
    for seed in (1, 2):
        model = fresh()
        result, _ = finetune_seed(model, recipe_of("classification", epochs=1, dropout=0.5), data, seed, device)
        curves.append(result.curve)
    assert curves[0] != curves[1]


def test_result_is_of_the_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    from pretrace.training.finetuning import trainer

    scores = iter([0.2, 0.9, 0.9, 0.1, 0.33])
    weights: list[torch.Tensor] = []

    def score(metric: str, labels: np.ndarray, predictions: np.ndarray) -> float:
        return next(scores)

    def remembering(model: TaskModel, examples: Examples, device: Any) -> Predictions:
        weights.append(model.classifier.weight.detach().clone())
        return predict(model, examples, device)

    monkeypatch.setattr(trainer, "score", score)
    monkeypatch.setattr(trainer, "predict", remembering)
    result, model = tuned("classification", recipe_of("classification", epochs=4))
    assert result.dev_scores == [0.2, 0.9, 0.9, 0.1]
    assert result.best_epoch == 2  # the first of equals
    assert torch.equal(model.classifier.weight, weights[1])
    assert torch.equal(weights[4], weights[1])  # and the test rows were scored with it
    assert not torch.equal(weights[1], weights[2])
    assert result.test_score == 0.33


@pytest.mark.slow
def test_predictions_are_of_the_returned_model() -> None:
    recipe = recipe_of("similarity", epochs=2)
    result, model = tuned("similarity", recipe)
    test = splits_of("similarity")["test"]
    examples = Examples(test, KINDS["similarity"], InputFormat.delimiters(VOCABULARY, CONTEXT))
    device = choose_device("float32", 1)
    for batch_size in (1, 7, 64):
        found = predict(model, examples, device, batch_size)
        assert found.values_E.tolist() == result.predictions
        np.testing.assert_allclose(found.probabilities_EK, result.probabilities, atol=2e-6)
        np.testing.assert_allclose(found.probabilities_EK.sum(1), 1)
        assert (found.probabilities_EK.argmax(1) == result.predictions).all()


def test_batch_larger_than_the_split_is_the_split() -> None:
    result, _ = tuned("classification", recipe_of("classification", epochs=2), train=5)
    assert [point.step for point in result.curve] == [1, 2]


def test_language_model_loss_is_zero_without_its_weight() -> None:
    device, split = choose_device("float32", 1), split_of("classification", 4, 0)
    model = TaskModel(fresh(), KINDS["classification"], 2, InputFormat.delimiters(VOCABULARY, CONTEXT), seed=2)
    examples = Examples(split, KINDS["classification"], InputFormat.delimiters(VOCABULARY, CONTEXT))
    target = torch.from_numpy(split.labels)
    assert example_losses(model, examples.batch(np.arange(4)), target, 0.0, device)[1] == 0.0


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("train", [8, 32])
def test_excessive_learning_rate_is_one_line(kind: str, train: int) -> None:
    """Also where the last update broke the weights and no loss came after it."""
    with pytest.raises(PretraceError, match="lower learning rate") as error:
        recipe = recipe_of(kind, epochs=1, warmup_share=0.0).model_copy(update={"lr": 1e38})
        tuned(kind, recipe, train=train)
    assert "\n" not in str(error.value)


def test_starting_model_is_that_of_the_variant(tmp_path: Any) -> None:
    for kind in ("transformer", "lstm"):
        (tmp_path / kind).mkdir()
        save_model(tmp_path / kind, build_model(settings_with({"kind": kind}).scale, 80, seed=77))

    def start(variant: str, seed: int, kind: str = "transformer") -> dict[str, bytes]:
        folder = tmp_path / kind if variant == "full" else None
        model = starting_model(settings_with({"kind": kind}), variant, 80, folder, seed)
        return weights_of(type("Holder", (), {"model": model})())

    assert start("full", 1) == start("full", 2)
    assert start("scratch", 1) == start("scratch", 1) != start("scratch", 2)
    assert start("scratch", 77) == start("full", 1)
    for variant in ("full", "scratch"):
        assert "recurrent.weight_ih_l0" in start(variant, 1, "lstm")


@pytest.mark.slow
def test_starting_model_takes_its_first_layers_from_pretraining(tmp_path: Path) -> None:
    settings = settings_with(variants={f"layers_{n}": {"layers": n} for n in range(3)} | {"full": {}})
    (tmp_path / "transformer").mkdir()
    pretrained, random = (build_model(settings.scale, 80, seed) for seed in (77, 5))
    save_model(tmp_path / "transformer", pretrained)
    for number in range(3):
        model = starting_model(settings, f"layers_{number}", 80, tmp_path / "transformer", 5)
        assert len(model.blocks) == 2
        for name, parameter in model.named_parameters():
            source = random if name.startswith("blocks") and int(name.split(".")[1]) >= number else pretrained
            assert torch.equal(parameter, source.get_parameter(name)), name
        finetune_seed(model, recipe_of("classification", epochs=1), splits_of("classification"), 5, device_here())


@pytest.mark.slow
def test_result_counts_tokens_and_flops() -> None:
    """By hand: six for each weight of a product and token that is trained on, two for each that is only read."""
    result, _ = tuned("classification", recipe_of("classification", epochs=2))
    splits = splits_of("classification")
    lengths = {name: np.diff(split.offsets) + 2 for name, split in splits.items()}
    assert result.tokens == 2 * lengths["train"].sum()
    block, output = 24 * (3 * 24 + 24 + 2 * 48), 24 * (VOCABULARY + 3)

    def operations(name: str, weights: int) -> int:
        return 2 * weights * int(lengths[name].sum()) + 2 * 24 * int((lengths[name] ** 2).sum())

    expected = 3 * 2 * operations("train", block + output) + 2 * operations("dev", block) + operations("test", block)
    assert result.flops == expected
    bare, _ = tuned("classification", recipe_of("classification", lm_weight=0.0, epochs=2))
    assert result.flops - bare.flops == 3 * 2 * 2 * output * int(lengths["train"].sum())


def test_trainer_yields_every_step() -> None:
    splits = splits_of("classification")
    trainer = Trainer(fresh(), recipe_of("classification", epochs=2), splits, 1, choose_device("float32", 1))
    assert [step.number for step in trainer.steps()] == list(range(1, 25))
    assert trainer.steps_per_epoch == 12
