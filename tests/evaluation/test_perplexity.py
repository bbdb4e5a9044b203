"""Evaluation of a language model on its own: against plain references, against pre-training, and with bad input."""

from __future__ import annotations

import gzip
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.cli import main
from pretrace.corpus import clean_text
from pretrace.evaluation.perplexity import evaluate, token_losses, window_groups
from pretrace.export import export
from pretrace.model import LSTM, Transformer, load_model, save_model
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.tokens import load_vocabulary, train_vocabulary
from pretrace.tokens.shards import open_shards
from pretrace.training.engine.device import Device
from pretrace.training.objectives import Sequences
from pretrace.training.objectives.causal_lm import CausalLM
from pretrace.training.pretraining.evaluate import model_metrics, validation_losses
from tests.helpers.small_vocabulary import write_openai_vocabulary

CONTEXT = 12
TEXT = "the cat sat on a mat and then it was not there any more so we went home to bed"
WORDS = TEXT.split()
GPT_SETTINGS = ModelSettings(
    layers=2, width=16, heads=2, feed_forward=64, context=CONTEXT, dropout=0.1, embedding_dropout="sum", initial_std=0.3
)
LSTM_SETTINGS = LSTMSettings(layers=1, width=16, embedding=12, dropout=0.1, initial_std=0.3)
MODELS = {"transformer": Transformer(GPT_SETTINGS, 64, 1), "lstm": LSTM(LSTM_SETTINGS, 64, CONTEXT, 1)}


@pytest.fixture(scope="module", params=["transformer", "lstm"])
def folder(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder with a vocabulary."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "counts.tsv").write_text("".join(f"{word}\t{50 - n}\n" for n, word in enumerate(WORDS)))
    train_vocabulary(folder / "counts.tsv", folder / "vocabulary", 64)
    size = load_vocabulary(folder / "vocabulary").size
    model = (
        Transformer(GPT_SETTINGS, size, 1) if request.param == "transformer" else LSTM(LSTM_SETTINGS, size, CONTEXT, 1)
    )
    save_model(folder, model)
    return folder


def plainly(model: Any, ids: np.ndarray, stride: int) -> np.ndarray:
    """The definition, a token at a time: the first window that has a token among its last `stride` scores it."""
    losses = np.full(len(ids), np.nan)
    for place in range(1, len(ids)):
        number = max(0, math.ceil((place + 1 - CONTEXT) / stride))
        before = ids[number * stride : place]
        if len(before):
            with torch.no_grad():
                logits = model(torch.tensor(before.astype(np.int64))[None])[0, -1]
            losses[place] = F.cross_entropy(logits, torch.tensor(int(ids[place])))
    return losses


@pytest.mark.slow
@settings(max_examples=40)
@given(
    kind=st.sampled_from(sorted(MODELS)),
    length=st.integers(2, 4 * CONTEXT),
    stride=st.integers(1, CONTEXT),
    batch=st.integers(1, 5),
    seed=st.integers(0, 100),
)
def test_losses_match_the_definition(kind: str, length: int, stride: int, batch: int, seed: int) -> None:
    ids = np.random.default_rng(seed).integers(0, 64, length).astype(np.uint16)
    found = token_losses(MODELS[kind], ids, stride, batch)
    np.testing.assert_allclose(found, plainly(MODELS[kind], ids, stride), rtol=2e-5, atol=2e-5)


@given(tokens=st.integers(2, 500), context=st.integers(2, 40), stride=st.integers(1, 40), batch=st.integers(1, 7))
def test_each_token_is_scored_once_with_enough_before_it(tokens: int, context: int, stride: int, batch: int) -> None:
    stride = min(stride, context)
    scored = np.zeros(tokens, int)
    for starts, first, length in window_groups(tokens, context, stride, batch):
        assert len(starts) <= batch
        assert length <= context
        for start in starts:
            assert start % stride == 0
            assert start == 0 or first >= context - stride
            scored[start + first : start + length] += 1
    unscored = np.arange(0, tokens, context) if stride == context else [0]
    assert sorted(np.flatnonzero(scored == 0)) == list(unscored)
    assert scored.max() == 1


def test_stride_of_the_context_gives_the_pretraining_loss() -> None:
    """Pre-training drops the incomplete window at the end, and never scores the first token of a window."""
    ids = np.random.default_rng(0).integers(0, 64, 7 * CONTEXT).astype(np.uint16)
    sequences = torch.from_numpy(ids.astype(np.int64)).view(-1, CONTEXT)
    plain = Device("cpu", torch.float32, "")
    for model in MODELS.values():
        ours = np.nanmean(token_losses(model, ids, CONTEXT), dtype=np.float64)
        losses = validation_losses(model, CausalLM(), Sequences(sequences), plain)
        assert ours == pytest.approx(losses["val_loss"], rel=1e-6)


@pytest.mark.slow
def test_results_are_consistent(folder: Path, tmp_path: Path) -> None:
    raw = "The CAT sat —   on a mat.\n\nAnd then it was not there any more: so we went home to bed, so we went home"
    (tmp_path / "text.md").write_text(raw, encoding="utf-8")
    found = evaluate(folder, str(tmp_path / "text.md"))
    clean = clean_text(raw)
    assert found["stride"] == CONTEXT // 2
    assert found["context"] == CONTEXT
    assert found["documents"] == 1
    assert found["words"] == len(clean.split())
    assert found["bytes"] == len(raw.encode())
    assert found["clean_bytes"] == len(clean.encode()) + 1
    vocabulary = load_vocabulary(folder / "vocabulary")
    assert found["tokens"] == len(vocabulary.encode(raw)) + 1
    assert found["unknown_tokens"] == vocabulary.encode(raw).count(vocabulary.unknown_id) > 0
    assert found["scored_tokens"] == found["tokens"] - 1
    nats = found["loss"] * found["tokens"]
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]), rel=1e-5)
    assert found["word_perplexity"] == pytest.approx(math.exp(nats / found["words"]), rel=1e-4)
    assert found["bits_per_byte"] == pytest.approx(nats / math.log(2) / found["bytes"], rel=1e-5)
    assert found["bits_per_clean_byte"] == pytest.approx(nats / math.log(2) / found["clean_bytes"], rel=1e-5)


@pytest.mark.slow
def test_folder_is_read_document_by_document(folder: Path, tmp_path: Path) -> None:
    texts = [" ".join(WORDS[n:] + WORDS[:n]) for n in range(5)]
    books = tmp_path / "books"
    books.mkdir()
    (books / "a.txt").write_text(texts[0])
    (books / "b.txt.gz").write_bytes(gzip.compress(texts[1].encode()))
    (books / "c.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts[2:]))
    (tmp_path / "whole.txt").write_text("\n".join(texts))
    apart, whole = evaluate(folder, str(books)), evaluate(folder, str(tmp_path / "whole.txt"))
    assert apart["documents"] == 5
    assert apart["loss"] == whole["loss"]
    assert apart["tokens"] == whole["tokens"]


@pytest.mark.slow
def test_validation_text_of_a_corpus_gives_its_val_loss(tmp_path: Path) -> None:
    """What `describe` reports: the same ids, the same bytes, the same bits/byte."""
    from pretrace.corpus import Document, write_documents
    from pretrace.tokens.shards import write_shards

    random = np.random.default_rng(4)
    text = "\n".join(" ".join(random.choice(WORDS, 9)) for _ in range(40))
    (tmp_path / "counts.tsv").write_text("".join(f"{word}\t{50 - n}\n" for n, word in enumerate(WORDS)))
    train_vocabulary(tmp_path / "counts.tsv", tmp_path / "model" / "vocabulary", 64)
    vocabulary = load_vocabulary(tmp_path / "model" / "vocabulary")
    for split in ("train", "validation"):
        write_documents(tmp_path / "clean" / split, [Document("a", "s", text)])
    manifest = write_shards(tmp_path / "clean", vocabulary, tmp_path / "shards")
    model = Transformer(GPT_SETTINGS, vocabulary.size, 3)
    save_model(tmp_path / "model", model)
    (tmp_path / "text.txt").write_text(text)
    found = evaluate(tmp_path / "model", str(tmp_path / "text.txt"), CONTEXT)
    shards = open_shards(tmp_path / "shards", "validation")
    sequences = CausalLM().validation(shards, CONTEXT)
    loss = validation_losses(model, CausalLM(), sequences, Device("cpu", torch.float32, ""))
    said = model_metrics(model, loss, manifest)
    assert (found["tokens"], found["words"], found["clean_bytes"]) == (shards.tokens, shards.words, shards.bytes)
    # The incomplete window at the end is pre-training's only difference.
    ids = shards.read(0, shards.tokens // CONTEXT * CONTEXT)
    assert np.nanmean(token_losses(model, ids, CONTEXT), dtype=np.float64) == pytest.approx(said["val_loss"], abs=1e-6)
    assert found["loss"] == pytest.approx(said["val_loss"], rel=0.02)
    ratio = found["bits_per_clean_byte"] / found["loss"]
    assert ratio == pytest.approx(said["val_bits_per_byte"] / said["val_loss"], rel=1e-4)


@pytest.mark.slow
def test_exported_models_have_the_same_loss(tmp_path: Path) -> None:
    sizes = {"layers": 1, "width": 64, "heads": 1, "feed_forward": 256, "initial_std": 0.1}
    vocabulary = load_vocabulary(write_openai_vocabulary(tmp_path / "model" / "vocabulary"))
    save_model(tmp_path / "model", Transformer(GPT_SETTINGS.model_copy(update=sizes), vocabulary.size, 5))
    (tmp_path / "text.txt").write_text("It was the best of times, it was the worst of times; so it was. " * 3)
    own = evaluate(tmp_path / "model", str(tmp_path / "text.txt"))
    for form in ("huggingface", "openai"):
        export(tmp_path / "model", form, tmp_path / form)
        assert evaluate(tmp_path / form, str(tmp_path / "text.txt")) == own


@pytest.mark.slow
def test_command_prints_the_results(folder: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "text").write_text(" ".join(WORDS) * 2)
    arguments = ["evaluate", str(folder), "--text", str(tmp_path / "text"), "--stride", "5"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert f"{found['loss']:.4f} nats/token" in said
    assert f"5: {found['scored_tokens']} tokens are scored, each after at least 7" in said
    assert f"{found['bits_per_byte']:.4f} of the raw text" in said


def test_command_defaults_to_the_pipeline_s_model(folder: Path, project: Path, capsys: Any) -> None:
    """The transformer of the first system."""
    shutil.copytree(folder, project / "models/pretrained/gpt1/transformer")
    (project / "text").write_text(" ".join(WORDS))
    assert main(["evaluate", "--text", "text", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "models/pretrained/gpt1/transformer"


@pytest.mark.slow
def test_perplexity_that_overflows_is_none(folder: Path, tmp_path: Path, capsys: Any) -> None:
    """One word of thousands of letters."""
    (tmp_path / "text.txt").write_text("cat" * 2000)
    assert evaluate(folder, str(tmp_path / "text.txt"))["word_perplexity"] is None
    assert main(["evaluate", str(folder), "--text", str(tmp_path / "text.txt")]) == 0
    assert "more than 1e304 per word" in capsys.readouterr().out


def test_non_finite_losses_are_an_error(tmp_path: Path, folder: Path, capsys: Any) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    model = load_model(folder)
    with torch.no_grad():
        model.token_embedding.weight.fill_(3e38)  # finite, as those of a file must be
    save_model(broken, model)
    (tmp_path / "text.txt").write_text(" ".join(WORDS))
    assert "losses are not finite" in refused(capsys, str(broken), "--text", str(tmp_path / "text.txt"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.md", b"", "empty.md: no text in it"),
        ("blank.txt", b" \n\n ", "blank.txt: no text in it"),
        ("binary", b"\x7fELF\x02\x00\xff\xfe", "binary: not UTF-8 at byte 6"),
        ("nul.txt", b"a\0b", "a NUL at character 1"),
        ("torn.txt.gz", gzip.compress(b"the cat " * 999, mtime=0)[:40], "not a whole .gz file"),
        ("rows.jsonl", b'{"body": "the cat"}\n', "rows.jsonl: no column 'text'; has 'body'"),
        ("control.txt", b"\x01\x02", "control.txt: no text there"),
    ],
)
def test_missing_text_is_a_one_line_error(
    folder: Path, tmp_path: Path, capsys: Any, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert said in refused(capsys, str(folder), "--text", str(tmp_path / name))


def test_other_errors_of_the_command(folder: Path, tmp_path: Path, capsys: Any) -> None:
    text = tmp_path / "text.txt"
    text.write_text(" ".join(WORDS))
    assert "nowhere: no model there" in refused(capsys, str(tmp_path / "nowhere"), "--text", str(text))
    assert "none.txt: no such file or folder" in refused(capsys, str(folder), "--text", "none.txt")
    assert "--stride: got 13; takes 1 to 12" in refused(capsys, str(folder), "--text", str(text), "--stride", "13")
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    shutil.rmtree(other / "vocabulary")
    assert "no vocabulary there" in refused(capsys, str(other), "--text", str(text))
    write_openai_vocabulary(other / "vocabulary")
    assert "token embeddings, but its vocabulary has" in refused(capsys, str(other), "--text", str(text))


def refused(capsys: Any, *arguments: str) -> str:
    assert main(["evaluate", *arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("pretrace: evaluate: ")
    assert said.count("\n") == 1
    return said


def test_published_text_is_divided_by_its_own_words(folder: Path, tmp_path: Path, capsys: Any) -> None:
    published, plain = tmp_path / "wiki.test.tokens", tmp_path / "plain.txt"
    published.write_text(" the cat @-@ mat , a bed . \n \n and it was not 3.5 \n")
    plain.write_text("the cat-mat, a bed.\n\nand it was not 3.5\n")
    scores, own = evaluate(folder, str(published), 6, "wikitext"), evaluate(folder, str(plain), 6)
    assert {key: scores[key] for key in ("loss", "tokens", "words", "clean_bytes", "perplexity")} == {
        key: own[key] for key in ("loss", "tokens", "words", "clean_bytes", "perplexity")
    }
    assert (scores["published_words"], scores["published_lines"], scores["lost_words"]) == (13, 2, 1)
    assert scores["bytes"] == len(published.read_bytes())
    nats = scores["loss"] * scores["tokens"]
    assert scores["published_word_perplexity"] == pytest.approx(math.exp(nats / 13), rel=1e-4)
    assert scores["published_token_perplexity"] == pytest.approx(math.exp(nats / 15), rel=1e-4)
    assert not {"published_as", "published_words"} & own.keys()
    assert main(["evaluate", str(folder), "--text", str(published), "--published-as", "wikitext"]) == 0
    out = capsys.readouterr().out
    assert "published     as wikitext: 13 words in 2 lines\n" in out
    assert "gives back all but 1 of the words" in out


def test_unknown_published_text_is_refused(folder: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    assert main(["evaluate", str(folder), "--text", str(tmp_path / "a.txt"), "--published-as", "text8"]) == 1
    assert "--published-as: got text8; takes one_billion_words, ptb, wikitext" in capsys.readouterr().err
    assert main(["evaluate", str(folder), "--last-word", "a.jsonl", "--published-as", "ptb"]) == 1
    assert "--published-as goes with --text" in capsys.readouterr().err
