"""Pre-training on a mix of sources: exact after a kill, other weights than without one, its epochs reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.tokens.shards import open_shards
from pretrace.training.objectives.causal_lm import CausalLM
from tests.helpers.small_training import Killed, elsewhere, killer, make_shards, run, settings_with, weights_of

pytestmark = pytest.mark.slow

MIX = {"a": 6.0, "b": 3.0, "c": 1.0, "d": 0.0}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("mixed"), mix=MIX)


def test_mixed_training_is_the_same_after_a_kill(mixed: Path, shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with()
    whole = run(settings, mixed)
    elsewhere("plain", monkeypatch)
    plain = run(settings, shards)
    assert weights_of(plain) != weights_of(whole)
    assert "mix" not in plain.metrics.as_json()
    elsewhere("killed", monkeypatch)
    with pytest.raises(Killed):
        run(settings, mixed, publish=killer(2))
    resumed = run(settings, mixed)
    assert weights_of(resumed) == weights_of(whole)
    assert resumed.metrics == whole.metrics


def test_epochs_follow_from_weights_and_tokens(mixed: Path) -> None:
    settings = settings_with()
    metrics = run(settings, mixed).metrics
    assert metrics.mix is not None
    train = open_shards(mixed, "train")
    assert sum(source.tokens for source in metrics.mix.values()) == train.tokens
    assert {name: source.weight for name, source in metrics.mix.items()} == {"a": 0.6, "b": 0.3, "c": 0.1, "d": 0.0}
    sequences = 20 * 4
    for name, source in metrics.mix.items():
        read = source.epochs * source.tokens / 16
        assert read == pytest.approx(sequences * source.weight, abs=0.02), name
    read_tokens = sum(source.epochs * source.tokens for source in metrics.mix.values())
    assert read_tokens == pytest.approx(metrics.tokens, rel=1e-3)


def test_documents_of_a_batch_are_of_sources_with_weight(mixed: Path) -> None:
    train = open_shards(mixed, "train")
    documents = CausalLM().documents(train, 16, range(40, 60), 3)
    sources = train.document_sources()[documents]
    assert set(sources.tolist()) == {0, 1, 2}
