"""Every point of the settings: one model, however it is run; and what the settings refuse."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pretrace.common.errors import PretraceError
from pretrace.model import Transformer, load_model
from pretrace.model.checkpoints.huggingface import write_huggingface
from pretrace.model.checkpoints.load import save_model
from pretrace.model.checkpoints.openai import write_openai
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.packed_sequences import Layout, PaddedBatch
from pretrace.model.transformer import sinusoids
from pretrace.settings import ModelSettings, Scale, read_yaml
from tests.helpers import REPOSITORY
from tests.helpers.decoding import one_by_one
from tests.helpers.parity import draw

CONTEXT, SIZE = 16, 30
GPT1: dict[str, Any] = {
    **{"layers": 2, "width": 16, "heads": 2, "feed_forward": 24, "context": CONTEXT},
    **{"dropout": 0.1, "embedding_dropout": "sum", "initial_std": 0.1},
}
FORMS = st.fixed_dictionaries(
    {
        "norm": st.sampled_from(["post", "pre"]),
        "norm_epsilon": st.sampled_from([1e-12, 1e-5, 1e-2]),
        "embedding_norm": st.booleans(),
        "embedding_dropout": st.sampled_from(["sum", "table"]),
        "places": st.tuples(
            st.sampled_from([("causal", None), ("full", None), ("banded", 1), ("banded", 5), ("banded", 40)]),
            st.sampled_from([("learned", None, 0.0), ("learned", 0.3, 0.0), ("sinusoidal", None, 0.0)]),
        )
        | st.sampled_from([(("causal", None), ("relative", None, share)) for share in (0.0, 0.5)]),
        "segments": st.integers(0, 3),
        "activation": st.sampled_from(["gelu_tanh", "gelu", "relu"]),
        "attention_bias": st.booleans(),
        "embedding_scale": st.sampled_from(["one", "sqrt_width"]),
        "output": st.sampled_from(["tied", "tied_bias", "transform"]),
        "residual_init": st.sampled_from(["plain", "depth"]),
    }
).map(
    lambda form: ModelSettings(
        **GPT1
        | {name: value for name, value in form.items() if name != "places"}
        | dict(zip(("attention", "window"), form["places"][0], strict=True))
        | dict(zip(("positions", "position_std", "memory_share"), form["places"][1], strict=True))
    )
)


@settings(max_examples=60, deadline=None)
@given(FORMS)
def test_one_model_however_it_is_run(form: ModelSettings) -> None:
    model = Transformer(form, SIZE, seed=1)
    draw(model, seed=2)
    ids = torch.randint(SIZE, (3, 12), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        h_BTC, logits = model.hidden(ids), model(ids)
        torch.testing.assert_close(model.traceable_hidden(ids), h_BTC, rtol=1e-4, atol=1e-5)
        batch = PaddedBatch(
            (0, 1, 2), (12, 9, 9), 12, torch.cat([torch.arange(12), 12 + torch.arange(9), 24 + torch.arange(9)])
        )
        layout = Layout(torch.cat([torch.arange(n) for n in batch.lengths]), (batch,))
        packed = model.hidden(torch.cat([ids[0], ids[1, :9], ids[2, :9]]), None, layout).split(batch.lengths)
        torch.testing.assert_close(packed[0], h_BTC[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(packed[2], model.hidden(ids[2:, :9])[0], rtol=1e-4, atol=1e-5)
        if form.attention != "full":
            cached = one_by_one(model, ids[0].tolist(), first=4)
            longest = min(12, model.context - 1)
            torch.testing.assert_close(cached[: longest - 3], logits[0, 3:longest], rtol=1e-3, atol=1e-4)
    model.hidden(ids, Dropout(0.1, 1, 2, range(3))).square().sum().backward()
    in_output = {name for name, _ in model.named_parameters() if name.startswith("output_")}
    assert {name for name, p in model.named_parameters() if p.grad is None} == in_output
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@settings(max_examples=20, deadline=None)
@given(form=FORMS)
def test_saved_and_loaded_it_is_the_same(form: ModelSettings, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("model")
    model = Transformer(form, SIZE, seed=1)
    save_model(folder, model)
    ids = torch.arange(10)[None]
    with torch.no_grad():
        assert torch.equal(load_model(folder)(ids), model(ids))


def test_gpt1_is_described_without_the_settings_of_others(tmp_path: Path) -> None:
    """The bytes of a GPT-1's `config.json` do not depend on which other systems there are."""
    assert Transformer(ModelSettings(**GPT1), SIZE).describe().settings == GPT1
    assert ModelSettings(**GPT1).unlike({}) == []


def test_layouts_of_others_say_why_they_do_not_hold_a_model(tmp_path: Path) -> None:
    other = Transformer(ModelSettings(**GPT1 | {"norm": "pre", "segments": 2, "feed_forward": 64}), SIZE)
    with pytest.raises(PretraceError) as error:
        write_huggingface(tmp_path, other)
    assert str(error.value) == (
        "no architecture of Hugging Face holds this model: GPT-1 has other values of norm, segments; GPT-2 has other "
        "values of segments; BERT has other values of norm, embedding_norm, attention"
    )
    heads_of_64 = {"width": 128, "feed_forward": 512}
    with pytest.raises(PretraceError, match="of GPT-1, which has other values of norm, segments"):
        write_openai(tmp_path, Transformer(ModelSettings(**GPT1 | heads_of_64 | {"norm": "pre", "segments": 2}), SIZE))
    assert not list(tmp_path.iterdir())


def test_sinusoids_are_the_papers() -> None:
    """Section 3.5 has sines and cosines alternate, the released code has them one behind the other."""
    table = sinusoids(50, 8)
    for position, pair in ((0, 0), (7, 1), (49, 3)):
        angle = position / 10_000 ** (pair / 3)
        assert table[position, pair] == pytest.approx(math.sin(angle), abs=1e-6)
        assert table[position, 4 + pair] == pytest.approx(math.cos(angle), abs=1e-6)


def test_flops_of_attention() -> None:
    """Four products a pair of tokens and unit of width, 2 layers of 16; half of the pairs if causal."""
    lengths = torch.tensor([10, 16]).numpy()
    flops = {
        span: Transformer(ModelSettings(**GPT1, attention=span, window=w), SIZE).attention_flops(lengths)
        for span, w in (("causal", None), ("full", None), ("banded", 4))
    }
    assert flops["full"] == 2 * 4 * 16 * (10**2 + 16**2)
    assert flops["causal"] == flops["full"] // 2
    banded = 4 * 16 * (10 * 4 - 4**2 // 2 + 16 * 4 - 4**2 // 2)
    assert flops["banded"] == flops["causal"] // 2 + banded


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"attention": "banded"}, "`banded` needs a `window`, in tokens"),
        ({"window": 4}, "`causal` takes no `window`; only `banded` does"),
        ({"attention": "full", "window": 4}, "`full` takes no `window`"),
        ({"positions": "sinusoidal", "position_std": 0.1}, "`sinusoidal` ones are fixed, without a `position_std`"),
        ({"positions": "sinusoidal", "width": 9, "heads": 3}, "`sinusoidal` ones need an even `width`"),
        ({"positions": "relative", "width": 9, "heads": 3}, "`relative` ones need an even `width`"),
        ({"positions": "relative", "attention": "full"}, "`relative` ones look back, with `attention: causal` and not"),
        ({"memory_share": 0.5}, "memory_share: .* needs `positions: relative`, and not `learned`"),
        ({"positions": "relative", "memory_share": 0.3}, "leaves a segment of 11 tokens; takes a share whose segment"),
        ({"positions": "relative", "memory_share": 0.99}, "a segment of 0 tokens"),
        ({"segments": -1}, "greater than or equal to 0"),
        ({"norm": "before"}, "'post' or 'pre'"),
    ],
)
def test_settings_that_are_no_model_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ModelSettings(**GPT1 | change)


def test_full_attention_is_refused_where_the_next_token_is_predicted() -> None:
    sizes = read_yaml(REPOSITORY / "scales" / "laptop.yaml")
    sizes["model"]["attention"] = "full"
    with pytest.raises(ValidationError, match="sees the token that pre-training has it predict"):
        Scale.model_validate(sizes)
