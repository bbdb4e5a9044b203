"""`pretrace evaluate MODEL --last-word FILE`: LAMBADA with any model that `load_model` opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pretrace.evaluation.language_tests.lambada import last_word, read_passages
from pretrace.evaluation.perplexity import device_of_commands, open_model
from pretrace.settings import LanguageColumns


def last_words(folder: Path | str, file: str) -> dict[str, Any]:
    """Return the scores of `last_word` for the model in `folder`, in float32, on the rows of `file`.

    Raises:
        PretraceError: model, vocabulary or file is missing or damaged, or they do not fit.
    """
    model, vocabulary = open_model(folder)
    passages = read_passages(file, vocabulary, LanguageColumns())
    device = device_of_commands()
    return last_word(model.to(device.name), device, passages).as_json()


def describe(scores: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the scores as lines: (heading, text)."""
    rows, beyond = scores["n"], scores["n"] - scores["reachable"]
    sizes = f"{rows:,} passages, {scores['tokens']:,} tokens in their last words"
    yield (
        "rows",
        f"{sizes}; {scores['cut']:,} cut to the context, {beyond:,} with a word that the vocabulary cannot write",
    )
    yield "protocol", scores["protocol"]
    yield "accuracy", f"{scores['accuracy']:.2%} ± {scores['stderr']:.2%} of the words, all their tokens right"
    yield "", f"{scores['last_token_accuracy']:.2%} of their last tokens, given those before"
    word, token = (
        "more than 1e304" if scores[key] is None else f"{scores[key]:,.2f}"
        for key in ("perplexity", "token_perplexity")
    )
    yield "perplexity", f"{word} per word, {token} per token"
