"""The read-out `likelihoods`: what the classifier reads, however texts are batched, and a head fitted at the start."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from pretrace.training.engine.device import choose_device
from pretrace.training.finetuning import fit_head as fitting
from pretrace.training.finetuning.batching import Examples
from pretrace.training.finetuning.fit_head import fit_head, head_rows
from pretrace.training.finetuning.task_head import TaskModel
from pretrace.training.finetuning.trainer import Trainer, example_losses
from tests.helpers.small_finetuning import PARTS, VOCABULARY, recipe_of, split_of, task_model

CONTEXT = 24
FORM = InputFormat.delimiters(VOCABULARY, CONTEXT)
DEVICE = choose_device("float32", 1)
every_kind = pytest.mark.parametrize("kind", PARTS)
both_models = pytest.mark.parametrize("model", ["transformer", "lstm"])


@torch.no_grad()
def mean_log_probability(model: TaskModel, sequence: np.ndarray, number: int) -> float:
    """As one would write it: one sequence at a time, the tokens of its text of this number."""
    ids = torch.from_numpy(sequence)[None]
    known = model.language_model(ids)[0, :-1].log_softmax(-1)[torch.arange(len(sequence) - 1), ids[0, 1:]]
    text = np.cumsum(sequence == VOCABULARY + 1)[1:]
    own = known[torch.from_numpy((sequence[1:] < VOCABULARY) & (text == number))]
    return float(own.mean()) if len(own) else 0.0


def expected(model: TaskModel, parts: list[np.ndarray]) -> list[list[float]]:
    kind = model.kind.name
    main = model.kind.sequences(parts, FORM)
    alone = [mean_log_probability(model, s, 0) for s in model.kind.alone(parts, FORM)]
    own = [[mean_log_probability(model, sequence, n) for n in range(2)] for sequence in main]
    if kind == "classification":
        return [own[0][:1]]
    if kind == "entailment":
        return [[*own[0], alone[0]]]
    if kind == "multiple_choice":
        return [[one[1], other] for one, other in zip(own, alone, strict=True)]
    return [[own[0][0] + own[1][0], own[0][1] + own[1][1]]]


@every_kind
@both_models
def test_classifier_reads_mean_log_probabilities(kind: str, model: str) -> None:
    head, split = task_model(kind, CONTEXT, model, "likelihoods"), split_of(kind)
    examples = Examples(split, KINDS[kind], FORM, head.language_model.attends, likelihoods=True)
    read = head.read(examples.batch(np.arange(7)), DEVICE).likelihood_NSL
    torch.testing.assert_close(
        read, torch.tensor([expected(head, split.row(i)) for i in range(7)]), rtol=1e-4, atol=1e-5
    )


@given(seed=st.integers(0, 99), longest=st.integers(2, 30))
def test_choices_behind_one_context_read_as_alone(seed: int, longest: int) -> None:
    """Also choices that begin alike, are empty, or are cut."""
    split = split_of("multiple_choice", 4, longest, seed, shortest=0)
    head = task_model("multiple_choice", read_out="likelihoods")
    both = [
        head.read(Examples(split, head.kind, FORM, shared, True).batch(np.arange(4)), DEVICE)
        for shared in (False, True)
    ]
    torch.testing.assert_close(both[0].likelihood_NSL, both[1].likelihood_NSL, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(both[0].state_NSC, both[1].state_NSC, rtol=1e-3, atol=1e-4)


@every_kind
def test_auxiliary_loss_is_that_of_the_paper(kind: str) -> None:
    """Texts alone have no part in it, so it is the same with either read-out."""
    split = split_of(kind)
    losses = []
    for read_out in ("classify", "likelihoods"):
        head = task_model(kind, read_out=read_out)
        examples = Examples(split, head.kind, FORM, True, head.reads_likelihoods)
        target = torch.from_numpy(split.labels)
        losses.append(example_losses(head, examples.batch(np.arange(7)), target, 0.5, DEVICE)[1])
    torch.testing.assert_close(losses[0], losses[1])


@every_kind
def test_gradients_reach_the_model_through_log_probabilities(kind: str) -> None:
    head, split = task_model(kind, read_out="likelihoods"), split_of(kind)
    with torch.no_grad():
        head.classifier.weight[:, :16] = 0.0  # the states are not read
    batch = Examples(split, head.kind, FORM, True, True).batch(np.arange(7))
    example_losses(head, batch, torch.from_numpy(split.labels), 0.0, DEVICE)[0].backward()
    assert head.language_model.token_embedding.weight.grad.abs().max() > 1e-5


def test_head_is_fitted_as_by_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "LIKELIHOOD_STRENGTH", 0.5)
    head, split = task_model("entailment", read_out="likelihoods"), split_of("entailment", 60)
    examples = Examples(split, head.kind, FORM, True, True)
    before = {name: value.clone() for name, value in head.language_model.named_parameters()}
    fit_head(head, examples, torch.from_numpy(split.labels), DEVICE, strength=0.5)
    assert all(torch.equal(before[name], value) for name, value in head.language_model.named_parameters())
    read = head.read(examples.batch(np.arange(60)), DEVICE)
    standard = (read.likelihood_NSL - head.likelihood_mean) / head.likelihood_spread
    assert standard.mean((0, 1)).abs().max() < 1e-4
    assert (standard.std((0, 1), correction=0) - 1).abs().max() < 1e-3
    features = torch.cat([read.state_NSC, standard], -1)[:, 0].detach().numpy()
    # Of two outputs with a penalty each, the difference is one output with half of it.
    oracle = LogisticRegression(C=0.5 * 2, max_iter=5000, tol=1e-8).fit(features, split.labels)
    own = (head.classifier.weight[1] - head.classifier.weight[0]).detach().numpy()
    assert np.allclose(own, oracle.coef_[0], atol=2e-2), np.abs(own - oracle.coef_[0]).max()


def test_strength_is_strong_for_noise_and_weak_for_what_tells() -> None:
    """Of states that are noise a strong penalty is best, of states that tell the label the weakest."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 2
    chosen = []
    for signal in (0.0, 1.0):
        head = task_model("classification", read_out="likelihoods")
        noise = torch.randn(400, 1, head.language_model.width, generator=generator)
        noise[:, 0, 0] += signal * 6 * (2 * labels - 1)
        known = fitting._Known(noise, torch.randn(400, 1, 1, generator=generator), labels)
        chosen.append(fitting._best_strength(head, known))
    assert chosen[0] in fitting.STRENGTHS[-2:] and chosen[1] == fitting.STRENGTHS[0]


def test_few_rows_take_the_strongest_penalty() -> None:
    head = task_model("classification", read_out="likelihoods")
    known = fitting._Known(torch.randn(9, 1, head.language_model.width), torch.randn(9, 1, 1), torch.arange(9) % 2)
    assert fitting._best_strength(head, known) == fitting.STRENGTHS[-1]


def test_head_is_fitted_to_rows_drawn_at_random() -> None:
    assert head_rows(5).tolist() == [0, 1, 2, 3, 4]
    rows = head_rows(10_000)
    assert len(set(rows.tolist())) == fitting.ROWS
    assert 0.4 < np.mean(rows % 2) < 0.6
    assert 4500 < rows.mean() < 5500


@every_kind
def test_training_with_likelihoods_is_reproducible(kind: str) -> None:
    splits = {name: split_of(kind, 24, seed=n) for n, name in enumerate(("train", "dev", "test"))}
    recipe = recipe_of(kind, epochs=2, read_out="likelihoods")
    found = []
    for _ in range(2):
        start = task_model(kind).language_model
        start.token_embedding = torch.nn.Embedding.from_pretrained(
            start.token_embedding.weight[:VOCABULARY].detach().clone(), freeze=False
        )
        trainer = Trainer(start, recipe, splits, 1, DEVICE)
        steps = [step.loss for step in trainer.steps()]
        found.append((steps, trainer.predict("test").values_E.tolist()))
    assert found[0] == found[1]
    tokens, flops = trainer.count_work()
    assert tokens > 0 < flops
