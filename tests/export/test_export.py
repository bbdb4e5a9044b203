"""Export of a trained model: what others open is the same model, and what does not fit is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.export import export
from pretrace.model import LSTM, Transformer, load_model, save_model
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.tokens import load_vocabulary, train_vocabulary, vocabulary_folder
from tests.helpers.foreign_weights import CONTEXT, IDS, LAYERS, WIDTH
from tests.helpers.small_vocabulary import RELEASED, TEXT, write_openai_vocabulary

SETTINGS = ModelSettings(
    **{"layers": LAYERS, "width": WIDTH, "heads": 2, "feed_forward": 4 * WIDTH, "context": CONTEXT},
    **{"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.02},
)
SAMPLES = [
    "It was the best of times, it was the worst of times.\n\nMr. Smith's caf\u00e9 -- don't go!",
    *(
        "",
        " \n ",
        "a\\b \\ c",
        "<unk> the <unk>",
        "I'LL see Jan. 3rd\u2026",
        "\u2581 a\u2581b",
        "\u4e2d\u6587 fox\u4e2d",
    ),
    *(
        "\u03a3\u039f\u03a3 \u0130s",
        "&lt;b&gt; schÃ¶n",
        "\x00\ufeff\u200bthe",
        "wait...what?!?!\r\n:o) [x]",
        "the " * 40,
    ),
]


def a_trained_model(folder: Path, openai: bool) -> Path:
    """A folder as the pipeline leaves it in models/pretrained/gpt1/transformer, with either vocabulary."""
    folder.mkdir(parents=True)
    if openai:
        write_openai_vocabulary(folder / "vocabulary")
    else:
        words = sorted(set(TEXT.lower().split()))
        (folder / "counts.tsv").write_text("".join(f"{word}\t2\n" for word in words), encoding="utf-8")
        train_vocabulary(folder / "counts.tsv", folder / "vocabulary", 150)
        (folder / "counts.tsv").unlink()
    model = Transformer(SETTINGS, load_vocabulary(folder / "vocabulary").size, seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)) * 0.1)
    save_model(folder, model)
    return folder


@pytest.fixture(scope="module", params=[False, True], ids=["own vocabulary", "OpenAI's vocabulary"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_trained_model(tmp_path_factory.mktemp("trained") / "model", request.param)


@pytest.fixture
def _own_module_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that comes with a tokenizer is copied to a cache: to one of the test's own."""
    for module in ("transformers.dynamic_module_utils", "transformers.utils.hub"):
        monkeypatch.setattr(f"{module}.HF_MODULES_CACHE", str(tmp_path / "modules"))


@pytest.mark.slow
@pytest.mark.usefixtures("_own_module_cache")
def test_huggingface_export_opens_in_transformers(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    assert main(["export", str(trained), "--to", "huggingface", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    model = AutoModelForCausalLM.from_pretrained(out).eval()
    with torch.no_grad():
        assert (model(IDS).logits - load_model(trained)(IDS)).abs().max() <= 1e-5

    vocabulary = load_vocabulary(trained / "vocabulary")
    tokenizer = AutoTokenizer.from_pretrained(out, trust_remote_code=True)
    assert len(tokenizer) == vocabulary.size
    assert tokenizer.model_max_length == CONTEXT
    assert tokenizer.eos_token_id == vocabulary.document_end_id
    assert tokenizer.unk_token_id == vocabulary.unknown_id
    lines = vocabulary.encode("the fox\nthe dog")
    assert tokenizer.decode(lines, skip_special_tokens=True) == "the fox\nthe dog"
    for text in SAMPLES:
        ids = tokenizer(text)["input_ids"]
        assert ids == vocabulary.encode(text), ascii(text)
        if vocabulary.unknown_id not in ids:
            assert tokenizer.decode(ids) == vocabulary.decode(ids)

    tokenizer.save_pretrained(tmp_path / "saved")
    again = AutoTokenizer.from_pretrained(tmp_path / "saved", trust_remote_code=True)
    again.add_tokens(["_classify_"])
    the = vocabulary.encode("the")
    assert again.eos_token_id == vocabulary.document_end_id
    assert again("the _classify_ the")["input_ids"] == [*the, vocabulary.size, *the]


@pytest.mark.slow
@pytest.mark.parametrize("format", ["huggingface", "openai"])
def test_export_and_load_keep_every_bit(trained: Path, tmp_path: Path, format: str) -> None:
    export(trained, format, tmp_path / "out")
    before, after = load_model(trained), load_model(tmp_path / "out")
    for (name, ours), (other, theirs) in zip(before.named_parameters(), after.named_parameters(), strict=True):
        assert name == other
        assert torch.equal(ours.view(torch.int32), theirs.view(torch.int32))
    assert after.settings == before.settings
    vocabulary = load_vocabulary(vocabulary_folder(tmp_path / "out"))
    assert vocabulary.description == load_vocabulary(trained / "vocabulary").description
    export(tmp_path / "out", format, tmp_path / "again")
    files = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file())
    for file in files:
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_tokenizer_without_its_code_is_an_error(tmp_path: Path) -> None:
    export(a_trained_model(tmp_path / "model", openai=True), "huggingface", tmp_path / "out")
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        AutoTokenizer.from_pretrained(tmp_path / "out", trust_remote_code=False)


def export_refused(model: Path, format: str, out: Path, *expected: str) -> None:
    before = sorted(out.parent.iterdir())
    with pytest.raises(PretraceError) as error:
        export(model, format, out)
    assert "\n" not in str(error.value)
    for part in expected:
        assert part in str(error.value)
    assert sorted(out.parent.iterdir()) == before


def test_export_overwrites_nothing(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    export_refused(trained, "huggingface", tmp_path / "full", str(tmp_path / "full"), "not an empty folder")
    export_refused(trained, "openai", tmp_path / "full" / "mine.txt", "not an empty folder")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    export(trained, "huggingface", tmp_path / "empty")
    assert (tmp_path / "empty" / "model.safetensors").exists()


@pytest.mark.parametrize("format", ["huggingface", "openai"])
def test_export_of_lstm_to_a_gpt1_format_is_refused(tmp_path: Path, format: str) -> None:
    folder = tmp_path / "lstm"
    folder.mkdir()
    save_model(folder, LSTM(LSTMSettings(layers=1, width=6, embedding=4, dropout=0.1, initial_std=0.02), 20, 8, 3))
    write_openai_vocabulary(folder / "vocabulary")
    export_refused(folder, format, tmp_path / "out", str(folder), "kind lstm")


def test_export_refuses_vocabulary_of_another_size(trained: Path, tmp_path: Path) -> None:
    model = shutil.copytree(trained, tmp_path / "model")
    save_model(model, Transformer(SETTINGS, 20))
    export_refused(model, "huggingface", tmp_path / "out", str(model / "vocabulary"), "has 20")


@pytest.mark.parametrize(
    ("change", "format", "expected"),
    [
        ({"heads": 4}, "openai", "this model's are 32"),
        ({"feed_forward": 300}, "huggingface", "GPT-1 has other values of feed_forward; GPT-2"),
    ],
)
def test_export_refuses_sizes_that_a_format_cannot_hold(
    trained: Path, tmp_path: Path, change: dict[str, int], format: str, expected: str
) -> None:
    model = shutil.copytree(trained, tmp_path / "model")
    size = load_vocabulary(model / "vocabulary").size
    save_model(model, Transformer(SETTINGS.model_copy(update=change), size))
    export_refused(model, format, tmp_path / "out", expected)


def test_exported_vocabulary_has_the_released_files(tmp_path: Path) -> None:
    model = a_trained_model(tmp_path / "model", openai=True)
    export(model, "openai", tmp_path / "openai")
    export(model, "huggingface", tmp_path / "huggingface")
    for name, theirs in zip(RELEASED, ("vocab.json", "merges.txt"), strict=True):
        expected = (model / "vocabulary" / name).read_bytes()
        assert (tmp_path / "openai" / name).read_bytes() == expected
        assert (tmp_path / "huggingface" / theirs).read_bytes() == expected
