"""`pretrace evaluate MODEL --last-word FILE`: LAMBADA with any model that can be opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pretrace.evaluation.language_tests.lambada import last_word, read_passages
from pretrace.evaluation.perplexity import device_of_commands, open_model
from pretrace.settings import LanguageColumns


def last_words(folder: Path | str, file: str) -> dict[str, Any]:
    """What `last_word` says of the model in `folder`, in float32, on the rows of `file`.

    Raises:
        PretraceError: there is no model, vocabulary or file, or they are not what is needed.
    """
    model, vocabulary = open_model(folder)
    passages = read_passages(file, vocabulary, LanguageColumns())
    device = device_of_commands()
    return last_word(model.to(device.name), device, passages)


def described(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What was found, for a person: (heading, text)."""
    rows, beyond = found["n"], found["n"] - found["reachable"]
    sizes = f"{rows:,} passages, {found['tokens']:,} tokens in their last words"
    yield "rows", f"{sizes}; {found['cut']:,} cut to the context, {beyond:,} with a word out of the vocabulary's reach"
    yield "protocol", found["protocol"]
    yield "accuracy", f"{found['accuracy']:.2%} ± {found['stderr']:.2%} of the words, all their tokens right"
    yield "", f"{found['last_token_accuracy']:.2%} of their last tokens, those before them given"
    word, token = (
        "more than 1e304" if found[key] is None else f"{found[key]:,.2f}" for key in ("perplexity", "token_perplexity")
    )
    yield "perplexity", f"{word} a word, {token} a token"
