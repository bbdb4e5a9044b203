"""Hugging Face's GPT-1, `openai-gpt`."""

from __future__ import annotations

import re

from pretrace.model.checkpoints.architecture import Architecture

BLOCK = {
    "query_key_value": ("attn.c_attn",),
    "attention_output": ("attn.c_proj",),
    "norm_1": ("ln_1",),
    "feed_forward_in": ("mlp.c_fc",),
    "feed_forward_out": ("mlp.c_proj",),
    "norm_2": ("ln_2",),
}
"""Names of the parts of a block, those of GPT-2 as well."""

GPT1 = Architecture(
    title="GPT-1",
    model_type="openai-gpt",
    heads={},
    classes={(): ("OpenAIGPTLMHeadModel", "AutoModelForCausalLM")},
    sizes={"layers": "n_layer", "width": "n_embd", "heads": "n_head", "context": "n_positions"},
    inner=None,
    keys={},
    dropouts=("resid_pdrop", "embd_pdrop", "attn_pdrop", "summary_first_dropout"),
    fixed={"afn": "gelu", "layer_norm_epsilon": 1e-5},
    form={},
    initial={"embedding_dropout": "table"},  # their code has `sum`, whatever the weights were trained with
    prefix="transformer.",
    block="h",
    names={"token_embedding": ("tokens_embed",), "position_embedding": ("positions_embed",), **BLOCK},
    outside=(),
    turns=True,
    no_weights=re.compile(r"(transformer\.)?h\.\d+\.attn\.bias|(transformer\.)?position_ids|lm_head\.weight"),
    other_heads=re.compile(r"multiple_choice_head\..*"),
    tied={"lm_head.weight": "token_embedding.weight"},
)
