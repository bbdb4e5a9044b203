"""A corpus, a vocabulary, shards and settings so small that training takes a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pretrace.corpus import Document, write_documents
from pretrace.settings import Settings
from pretrace.tokens import load_vocabulary, train_vocabulary
from pretrace.tokens.shards import write_shards
from pretrace.training.pretraining.result import Pretrained
from pretrace.training.pretraining.run import pretrain

if TYPE_CHECKING:
    import pytest

OPTIMIZER = {"optimizer": "adamw", "weight_decay": 0.01, "beta1": 0.9, "beta2": 0.99, "clip_norm": 1.0}
SCALE: dict[str, Any] = {
    "processes": 1,
    "threads": 1,
    "vocabulary": {"size": 80},
    "model": {
        **{"layers": 2, "width": 16, "heads": 2, "feed_forward": 32},
        **{"context": 16, "dropout": 0.1, "embedding_dropout": "sum", "initial_std": 0.1},
    },
    "lstm": {"layers": 1, "width": 16, "embedding": 12, "dropout": 0.1, "initial_std": 0.1},
    "pretrain": {
        **OPTIMIZER,
        **{"steps": 20, "batch_size": 4, "micro_batch": 2, "lr": 0.01, "warmup_steps": 4},
        **{"precision": "float32", "compile": "off", "validate_every": 8, "checkpoint_every": 6},
        **{"sharded": False, "sample_every": None, "save_at_powers_of_two": False},
    },
    "finetune": {
        **OPTIMIZER,
        **{"lr": 0.01, "epochs": 3, "batch_size": 8, "warmup_share": 0.1, "lm_weight": 0.5},
        **{"dropout": 0.1, "precision": "float32"},
    },
    "probes": {
        **{"rows": {"default": 100}, "dev_rows": 50, "test_rows": 50, "passage_words": 10, "pair_words": 10},
        **{"context_words": 10, "continuation_words": 5, "words_per_change": 3},
    },
}


def settings_with(changes: dict[str, Any] | None = None, **top: Any) -> Settings:
    """The small settings, with scale values changed by dotted keys and top-level values by name."""
    scale = {name: dict(part) if isinstance(part, dict) else part for name, part in SCALE.items()}
    for key, value in (changes or {}).items():
        section, _, name = key.partition(".")
        if name:
            scale[section][name] = value
        else:
            scale[section] = value
    values: dict[str, Any] = {
        "scale_name": "small",
        "systems": {"gpt1": {"source": "GPT-1", "scale": scale}},
        "system_name": "gpt1",
        "scale": scale,
        "lr": None,
        "seeds": [1, 2],
        "pretrain": {"seeds": [3]},
        "corpus": {"source": "installed", "packages": ["any"]},
        "tasks": {"mine": {"kind": "classification", "probe": "source"}},
        "variants": {"full": {}, "scratch": {"pretrained": False}},
    }
    return Settings.model_validate(values | top)


def make_shards(folder: Path, seed: int = 0, mix: dict[str, float] | None = None) -> Path:
    """Shards of random text whose words often follow each other, with the vocabulary beside them.

    With `mix`, its documents are of the sources in turn.
    """
    sources = list(mix or "s")
    random = np.random.default_rng(seed)
    words = ["".join(random.choice(list("abcdefghij"), 4)) for _ in range(40)]
    texts = []
    for _ in range(40):
        chain = [int(random.integers(40))]
        for _ in range(60):
            chain.append((chain[-1] + 1) % 40 if random.random() < 0.8 else int(random.integers(40)))
        texts.append(" ".join(words[i] for i in chain))
    clean = folder / "clean"
    for split, part in (("train", texts[:34]), ("validation", texts[34:])):
        write_documents(
            clean / split, [Document(f"{split}{i}", sources[i % len(sources)], text) for i, text in enumerate(part)]
        )
    counts = Counter(word for text in texts[:34] for word in text.split())
    (clean / "counts.tsv").write_text("".join(f"{word}\t{count}\n" for word, count in sorted(counts.items())))
    train_vocabulary(clean / "counts.tsv", folder / "vocabulary", SCALE["vocabulary"]["size"])
    write_shards(clean, load_vocabulary(folder / "vocabulary"), folder / "shards", mix=mix)
    return folder / "shards"


def run(
    settings: Settings,
    shards: Path,
    publish: Callable[[], None] | None = None,
    seed: int | None = None,
    **more: Any,
) -> Any:
    """Pre-train as the stage does, with the first seed of the settings if none is given."""
    seed = settings.pretrain.seeds[0] if seed is None else seed
    return pretrain(seed, settings, shards, publish or (lambda: None), **more)


def weights_of(result: Pretrained) -> dict[str, bytes]:
    """The weights as bytes, by name."""
    return {name: p.detach().numpy().tobytes() for name, p in result.model.named_parameters()}


class Killed(BaseException):
    """The end of a process, as far as training can tell."""


def killer(step: int) -> Callable[[], None]:
    """A `publish` that ends the run in its `step`-th call."""
    calls = []

    def publish() -> None:
        calls.append(1)
        if len(calls) == step:
            raise Killed

    return publish


def elsewhere(name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """From here on another `.pretrace/`, in the folder `name`, which knows nothing of what was done."""
    Path(name).mkdir()
    monkeypatch.setenv("DVC_ROOT", str(Path(name).resolve()))
    return Path(name)
