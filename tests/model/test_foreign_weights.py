"""Other people's weights, in and out: the same bytes, the same logits, the same ids; and every fault is one line.

The judges are transformers' own reader and writer of its folders, and its own reader of OpenAI's layout.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, OpenAIGPTConfig, OpenAIGPTLMHeadModel, OpenAIGPTModel
from transformers.models.openai.modeling_openai import load_tf_weights_in_openai_gpt

from pretrace.cli import main
from pretrace.errors import PretraceError
from pretrace.export import export
from pretrace.model import GPT, LSTM, load_model, save_model
from pretrace.model.huggingface import write_huggingface
from pretrace.model.openai import write_openai
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.vocabulary import load_vocabulary, train_vocabulary, vocabulary_folder
from tests.helpers.small_vocabulary import RELEASED, TEXT, write_openai_vocabulary

LAYERS, WIDTH, CONTEXT, SIZE = 2, 128, 16, 61
OF_A_BLOCK = {
    **{"attn/c_attn/w": [1, WIDTH, 3 * WIDTH], "attn/c_attn/b": [3 * WIDTH]},
    **{"attn/c_proj/w": [1, WIDTH, WIDTH], "attn/c_proj/b": [WIDTH]},
    **{"ln_1/g": [WIDTH], "ln_1/b": [WIDTH]},
    **{"mlp/c_fc/w": [1, WIDTH, 4 * WIDTH], "mlp/c_fc/b": [4 * WIDTH]},
    **{"mlp/c_proj/w": [1, 4 * WIDTH, WIDTH], "mlp/c_proj/b": [WIDTH]},
    **{"ln_2/g": [WIDTH], "ln_2/b": [WIDTH]},
}
"""Tensors of the release, in its order: `params_shapes.json`, with this width for 768."""
CONFIG = OpenAIGPTConfig(vocab_size=SIZE, n_positions=CONTEXT, n_embd=WIDTH, n_layer=LAYERS, n_head=2)
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
IDS = torch.randint(SIZE, (2, CONTEXT), generator=torch.Generator().manual_seed(0))


def write_release(folder: Path, seed: int = 0, names: bool = False) -> Path:
    """Random weights in OpenAI's layout, ten files cut wherever the tenths fall."""
    random = np.random.default_rng(seed)
    shapes = [[CONTEXT, WIDTH], [SIZE, WIDTH], *[shape for _ in range(LAYERS) for shape in OF_A_BLOCK.values()]]
    flat = random.normal(0, 0.1, sum(int(np.prod(shape)) for shape in shapes)).astype(np.float32)
    flat[:4] = [0.0, -0.0, 1e-42, -1e-42]
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(np.array_split(flat, 10)):
        np.save(folder / f"params_{number}.npy", part)
    (folder / "params_shapes.json").write_text(json.dumps(shapes))
    if names:
        parts = [f"model/h{number}/{part}:0" for number in range(LAYERS) for part in OF_A_BLOCK]
        (folder / "parameters_names.json").write_text(json.dumps(["model/we:0", *parts]))
    return folder


def write_theirs(folder: Path, kind: type = OpenAIGPTLMHeadModel, seed: int = 0) -> Path:
    """A folder as transformers saves it, random numbers everywhere."""
    torch.manual_seed(seed)
    model = kind(CONFIG)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "ln_" in name and name.endswith("weight") else 0.0, 0.1)
        model.get_input_embeddings().weight[0, :4] = torch.tensor([0.0, -0.0, 1e-42, -1e-42])
    model.save_pretrained(folder)
    return folder


def written(folder: Path, write: Callable[[Path, GPT], None], model: GPT) -> Path:
    folder.mkdir()
    write(folder, model)
    return folder


def bits(tensors: dict[str, torch.Tensor]) -> dict[str, list[int]]:
    return {name.removeprefix("transformer."): t.view(torch.int32).tolist() for name, t in tensors.items()}


@pytest.mark.parametrize("kind", [OpenAIGPTLMHeadModel, OpenAIGPTModel])
def test_hugging_face_and_back_are_the_same_bytes(kind: type, tmp_path: Path) -> None:
    theirs = write_theirs(tmp_path / "theirs", kind)
    model = load_model(theirs)
    ours = written(tmp_path / "ours", write_huggingface, model)
    before, after = load_file(theirs / "model.safetensors"), load_file(ours / "model.safetensors")
    assert any(name.startswith("transformer.") for name in before) == (kind is OpenAIGPTLMHeadModel)
    assert bits(before) == bits(after)
    config = OpenAIGPTConfig.from_pretrained(ours)
    for key in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "afn", "resid_pdrop", "embd_pdrop"):
        assert getattr(config, key) == getattr(CONFIG, key), key


def test_openai_and_back_are_the_same_bytes(tmp_path: Path) -> None:
    release = write_release(tmp_path / "release")
    back = written(tmp_path / "back", write_openai, load_model(release))
    for number in range(10):
        name = f"params_{number}.npy"
        assert (back / name).read_bytes() == (release / name).read_bytes()
    assert json.loads((back / "params_shapes.json").read_text()) == json.loads(
        (release / "params_shapes.json").read_text()
    )


def test_openai_through_hugging_face_and_back_are_the_same_bytes(tmp_path: Path) -> None:
    release = write_release(tmp_path / "release")
    theirs = written(tmp_path / "theirs", write_huggingface, load_model(release))
    back = written(tmp_path / "back", write_openai, load_model(theirs))
    for number in range(10):
        name = f"params_{number}.npy"
        assert (back / name).read_bytes() == (release / name).read_bytes()


def test_openai_s_layout_is_read_as_transformers_reads_it(tmp_path: Path) -> None:
    release = write_release(tmp_path / "release", names=True)
    theirs = OpenAIGPTLMHeadModel(CONFIG).eval()
    load_tf_weights_in_openai_gpt(theirs.transformer, CONFIG, str(release))
    theirs.tie_weights()
    with torch.no_grad():
        assert (load_model(release)(IDS) - theirs(IDS).logits).abs().max() <= 1e-5


def test_a_folder_of_transformers_gives_its_logits(tmp_path: Path) -> None:
    folder = write_theirs(tmp_path / "theirs")
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(folder).eval()(IDS).logits
        assert (load_model(folder)(IDS) - expected).abs().max() <= 1e-5


def a_trained_model(folder: Path, openai: bool) -> Path:
    """What the pipeline leaves in models/pretrained/transformer, with either vocabulary."""
    folder.mkdir(parents=True)
    if openai:
        write_openai_vocabulary(folder / "vocabulary")
    else:
        words = sorted(set(TEXT.lower().split()))
        (folder / "counts.tsv").write_text("".join(f"{word}\t2\n" for word in words), encoding="utf-8")
        train_vocabulary(folder / "counts.tsv", folder / "vocabulary", 150)
        (folder / "counts.tsv").unlink()
    model = GPT(SETTINGS, load_vocabulary(folder / "vocabulary").size, seed=1)
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


@pytest.mark.usefixtures("_own_module_cache")
def test_transformers_opens_what_is_exported(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
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
    for text in SAMPLES:
        ids = tokenizer(text)["input_ids"]
        assert ids == vocabulary.encode(text), ascii(text)
        if vocabulary.unknown_id not in ids:
            assert tokenizer.decode(ids) == vocabulary.decode(ids)

    tokenizer.save_pretrained(tmp_path / "saved")
    again = AutoTokenizer.from_pretrained(tmp_path / "saved", trust_remote_code=True)
    again.add_tokens(["_classify_"])
    the = vocabulary.encode("the")
    assert again("the _classify_ the")["input_ids"] == [*the, vocabulary.size, *the]


@pytest.mark.parametrize("form", ["huggingface", "openai"])
def test_what_is_exported_can_be_started_from(trained: Path, tmp_path: Path, form: str) -> None:
    export(trained, form, tmp_path / "out")
    before, after = load_model(trained), load_model(tmp_path / "out")
    for (name, ours), (other, theirs) in zip(before.named_parameters(), after.named_parameters(), strict=True):
        assert name == other
        assert torch.equal(ours.view(torch.int32), theirs.view(torch.int32))
    assert after.settings == before.settings
    vocabulary = load_vocabulary(vocabulary_folder(tmp_path / "out"))
    assert vocabulary.description == load_vocabulary(trained / "vocabulary").description
    export(tmp_path / "out", form, tmp_path / "again")
    files = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file())
    for file in files:
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_without_its_code_the_tokenizer_is_not_replaced_by_one_with_other_ids(tmp_path: Path) -> None:
    export(a_trained_model(tmp_path / "model", openai=True), "huggingface", tmp_path / "out")
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        AutoTokenizer.from_pretrained(tmp_path / "out", trust_remote_code=False)


class Opened:
    """Loading its pickle makes a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


def refused(folder: Path, *expected: str) -> None:
    with pytest.raises(PretraceError) as error:
        load_model(folder)
    text = str(error.value)
    assert "\n" not in text
    for part in (str(folder), *expected):
        assert part in text


def shapes_changed(change: Callable[[list], Any]) -> Callable[[Path], Any]:
    def apply(folder: Path) -> None:
        path = folder / "params_shapes.json"
        shapes = json.loads(path.read_text())
        change(shapes)
        path.write_text(json.dumps(shapes))

    return apply


def replaced(shapes: list, number: int, shape: Any) -> None:
    shapes[number] = shape


def cut(folder: Path, name: str, share: float) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])


def saved(value: Any) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / "params_3.npy", value)


OPENAI_FAULTS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "a missing file": (lambda f: (f / "params_4.npy").unlink(), ("params_4.npy: no such file",)),
    "a cut file": (lambda f: cut(f, "params_4.npy", 0.7), ("params_4.npy: not a whole .npy file",)),
    "a cut head": (lambda f: cut(f, "params_4.npy", 0.0001), ("params_4.npy: not a whole .npy file",)),
    "an empty file": (lambda f: cut(f, "params_4.npy", 0), ("params_4.npy: not a whole .npy file",)),
    "another format": (lambda f: (f / "params_4.npy").write_bytes(b"PK\3\4 zip"), ("params_4.npy", "not a whole")),
    "whole numbers": (saved(np.arange(9)), ("params_3.npy: takes a one-dimensional array of floats, got int64",)),
    "a table": (saved(np.ones((3, 3))), ("params_3.npy", "of shape (3, 3)")),
    "too few numbers": (saved(np.ones(3)), ("params_shapes.json asks for", "hold")),
    "no block": (shapes_changed(lambda s: s.clear()), ("params_shapes.json: takes a list of shapes",)),
    "a missing tensor": (shapes_changed(lambda s: s.pop()), ("takes a list of shapes", "12 tensors for each block")),
    "a shape of words": (shapes_changed(lambda s: replaced(s, 5, ["a"])), ("takes a list of shapes",)),
    "a negative size": (shapes_changed(lambda s: replaced(s, 5, [-WIDTH])), ("takes a list of shapes",)),
    "an embedding of one row": (shapes_changed(lambda s: replaced(s, 0, [CONTEXT * WIDTH])), ("first two shapes",)),
    "a wrong shape": (
        shapes_changed(lambda s: replaced(s, 2, [1, 3 * WIDTH, WIDTH])),
        ("tensor 2 (blocks.0.query_key_value.weight) has shape [1, 384, 128]", "must have shape [1, 128, 384]"),
    ),
    "tensors in another order": (shapes_changed(lambda s: s.reverse()), ("params_shapes.json",)),
    "no list": (lambda f: (f / "params_shapes.json").write_text("[[1, "), ("params_shapes.json: not JSON",)),
    "embeddings of another width": (
        shapes_changed(lambda s: replaced(s, 0, [2 * CONTEXT, WIDTH // 2])),
        ("tensor 1 (token_embedding.weight) has shape [61, 128]; it must have shape [61, 64]",),
    ),
    "heads that are not 64 wide": (
        shapes_changed(lambda s: replaced(s, 0, [CONTEXT * 2 * 2, WIDTH // 4])),
        ("params_shapes.json: width 32 is not a multiple of 64",),
    ),
    "a context of four": (
        shapes_changed(lambda s: replaced(s, 0, [4, CONTEXT * WIDTH // 4])),
        ("params_shapes.json: not sizes of a GPT-1", "context"),
    ),
}


@pytest.mark.parametrize("fault", OPENAI_FAULTS)
def test_faults_in_openai_s_layout_are_named(tmp_path: Path, fault: str) -> None:
    release = write_release(tmp_path / "release")
    change, expected = OPENAI_FAULTS[fault]
    change(release)
    refused(release, *expected)


@pytest.mark.parametrize("form", ["array of objects", "plain pickle"])
def test_a_pickle_in_openai_s_layout_is_never_opened(tmp_path: Path, form: str) -> None:
    release = write_release(tmp_path / "release")
    trace, path = tmp_path / "opened", release / "params_7.npy"
    if form == "plain pickle":
        path.write_bytes(pickle.dumps(Opened(trace)))
    else:
        np.save(path, np.array([Opened(trace)], dtype=object), allow_pickle=True)
    refused(release, "params_7.npy: not a whole .npy file of plain numbers", "pickles are not opened")
    assert not trace.exists()
    np.load(path, allow_pickle=True)  # this is what it would have done
    assert trace.exists()


def config_changed(**values: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text()) | values
        (folder / "config.json").write_text(json.dumps(config))

    return apply


def tensors_changed(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return apply


PART = "transformer.h.1.mlp.c_fc.weight"
HUGGING_FACE_FAULTS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "a missing tensor": (
        tensors_changed(lambda t: t.pop(PART)),
        ("model.safetensors", f"tensor {PART} is missing; it must have shape (128, 512)"),
    ),
    "a wrong shape": (
        tensors_changed(lambda t: t.update({PART: t[PART].T.contiguous()})),
        ("model.safetensors", f"tensor {PART} has shape (512, 128); it must have shape (128, 512)"),
    ),
    "an unknown tensor": (
        tensors_changed(lambda t: t.update({"transformer.h.2.ln_1.bias": torch.zeros(WIDTH)})),
        ("model.safetensors", "tensor transformer.h.2.ln_1.bias belongs to no part of this model"),
    ),
    "an output of its own": (
        tensors_changed(lambda t: t.update({"lm_head.weight": torch.zeros(SIZE, WIDTH)})),
        ("model.safetensors", "lm_head.weight", "tied"),
    ),
    "an output of another size": (
        tensors_changed(lambda t: t.update({"lm_head.weight": torch.zeros(SIZE + 1, WIDTH)})),
        ("lm_head.weight", "tied"),
    ),
    "a cut file": (lambda f: cut(f, "model.safetensors", 0.6), ("model.safetensors: not a whole safetensors file",)),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), ("model.safetensors: no such file",)),
    "a vocabulary of another size": (
        config_changed(vocab_size=SIZE + 3),
        ("tensor transformer.tokens_embed.weight has shape (61, 128); it must have shape (64, 128)",),
    ),
    "another model": (config_changed(model_type="gpt2"), ("config.json: model_type: got 'gpt2'; takes 'openai-gpt'",)),
    "another activation": (config_changed(afn="relu"), ("config.json: afn: got 'relu'; GPT-1 has 'gelu'",)),
    "another epsilon": (config_changed(layer_norm_epsilon=1e-6), ("config.json: layer_norm_epsilon: got 1e-06",)),
    "heads that do not divide": (config_changed(n_head=3), ("config.json: not sizes of a GPT-1", "heads 3")),
    "a size in words": (config_changed(n_layer="two"), ("config.json: n_layer: got 'two'; takes a whole number",)),
    "no size": (config_changed(n_embd=None), ("config.json: n_embd: got None",)),
    "a size beyond memory": (
        config_changed(vocab_size=1 << 50),
        ("config.json: vocab_size: got 1125899906842624; takes",),
    ),
}


@pytest.mark.parametrize("fault", HUGGING_FACE_FAULTS)
def test_faults_in_hugging_face_s_folders_are_named(tmp_path: Path, fault: str) -> None:
    theirs = write_theirs(tmp_path / "theirs")
    change, expected = HUGGING_FACE_FAULTS[fault]
    change(theirs)
    refused(theirs, *expected)


def test_a_pickle_in_hugging_face_s_folder_is_never_opened(tmp_path: Path) -> None:
    theirs = write_theirs(tmp_path / "theirs")
    (theirs / "model.safetensors").unlink()
    trace = tmp_path / "opened"
    (theirs / "pytorch_model.bin").write_bytes(pickle.dumps(Opened(trace)))
    refused(theirs, "model.safetensors: no such file; pytorch_model.bin is not opened: convert it")
    assert not trace.exists()


def test_an_output_that_is_tied_and_saved_all_the_same_is_fine(tmp_path: Path) -> None:
    theirs = write_theirs(tmp_path / "theirs")
    expected = load_model(theirs)(IDS)
    extra = {f"transformer.h.{n}.attn.bias": torch.ones(1, 1, CONTEXT, CONTEXT).tril() for n in range(LAYERS)}
    extra["multiple_choice_head.summary.weight"] = torch.ones(1, WIDTH)
    tensors_changed(lambda t: t.update({"lm_head.weight": t["transformer.tokens_embed.weight"].clone(), **extra}))(
        theirs
    )
    assert torch.equal(load_model(theirs)(IDS), expected)


def export_refused(model: Path, form: str, out: Path, *expected: str) -> None:
    before = sorted(out.parent.iterdir())
    with pytest.raises(PretraceError) as error:
        export(model, form, out)
    assert "\n" not in str(error.value)
    for part in expected:
        assert part in str(error.value)
    assert sorted(out.parent.iterdir()) == before


def test_nothing_is_written_over(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    export_refused(trained, "huggingface", tmp_path / "full", str(tmp_path / "full"), "not an empty folder")
    export_refused(trained, "openai", tmp_path / "full" / "mine.txt", "not an empty folder")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    export(trained, "huggingface", tmp_path / "empty")
    assert (tmp_path / "empty" / "model.safetensors").exists()


@pytest.mark.parametrize("form", ["huggingface", "openai"])
def test_an_lstm_is_not_exported(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "lstm"
    folder.mkdir()
    save_model(folder, LSTM(LSTMSettings(layers=1, width=6, embedding=4, dropout=0.1, initial_std=0.02), 20, 8, 3))
    write_openai_vocabulary(folder / "vocabulary")
    export_refused(folder, form, tmp_path / "out", str(folder), "LSTM")


def test_a_vocabulary_of_another_size_is_not_exported(trained: Path, tmp_path: Path) -> None:
    model = shutil.copytree(trained, tmp_path / "model")
    save_model(model, GPT(SETTINGS, 20))
    export_refused(model, "huggingface", tmp_path / "out", str(model / "vocabulary"), "has 20")


@pytest.mark.parametrize(
    ("change", "form", "expected"),
    [({"heads": 4}, "openai", "this model's are 32"), ({"feed_forward": 300}, "huggingface", "this model's has 300")],
)
def test_what_a_form_cannot_say_is_not_exported(
    trained: Path, tmp_path: Path, change: dict[str, int], form: str, expected: str
) -> None:
    model = shutil.copytree(trained, tmp_path / "model")
    size = load_vocabulary(model / "vocabulary").size
    save_model(model, GPT(SETTINGS.model_copy(update=change), size))
    export_refused(model, form, tmp_path / "out", expected)


def test_the_released_weights(repository: Path) -> None:
    """With PRETRACE_GPT1, or in ../shared/gpt1: OpenAI's `model/` folder, or Hugging Face's `openai-gpt`."""
    folder = Path(os.environ.get("PRETRACE_GPT1") or repository.parent / "shared" / "gpt1")
    if not folder.is_dir():
        pytest.skip("needs GPT-1's released weights: name their folder in PRETRACE_GPT1")
    model, vocabulary = load_model(folder), load_vocabulary(folder)
    assert sum(parameter.numel() for parameter in model.parameters()) == 116_534_784
    assert vocabulary.size == 40_478
    text = """She opened the door and looked out into the garden. It had been raining all night, and the path was wet.
    "Are you coming?" he asked, and held out his hand. She did not know what to say, so she said nothing at all."""
    ids = torch.tensor([vocabulary.encode(" ".join(text.split()))])
    with torch.no_grad():
        loss = F.cross_entropy(model(ids)[0, :-1], ids[0, 1:])
    assert loss.exp() < 60


def test_the_vocabulary_s_files_are_the_released_ones(tmp_path: Path) -> None:
    model = a_trained_model(tmp_path / "model", openai=True)
    export(model, "openai", tmp_path / "openai")
    export(model, "huggingface", tmp_path / "huggingface")
    for name, theirs in zip(RELEASED, ("vocab.json", "merges.txt"), strict=True):
        expected = (model / "vocabulary" / name).read_bytes()
        assert (tmp_path / "openai" / name).read_bytes() == expected
        assert (tmp_path / "huggingface" / theirs).read_bytes() == expected
