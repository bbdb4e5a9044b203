"""Hugging Face's GPT-2, `gpt2`: files with `transformer.` before names, as transformers writes, and those without."""

from __future__ import annotations

import re

from pretrace.model.checkpoints.architecture import Architecture, Key
from pretrace.model.checkpoints.gpt1 import BLOCK

GPT2 = Architecture(
    title="GPT-2",
    model_type="gpt2",
    heads={},
    classes={(): ("GPT2LMHeadModel", "AutoModelForCausalLM")},
    sizes={"layers": "n_layer", "width": "n_embd", "heads": "n_head", "context": "n_positions"},
    inner="n_inner",
    keys={
        "norm_epsilon": Key("layer_norm_epsilon", 1e-5),
        "activation": Key(
            "activation_function",
            "gelu_new",
            {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu", "relu": "relu"},
        ),
    },
    dropouts=("resid_pdrop", "embd_pdrop", "attn_pdrop", "summary_first_dropout"),
    fixed={
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False,
        "add_cross_attention": False,
        "tie_word_embeddings": True,
    },
    form={"norm": "pre"},
    initial={"embedding_dropout": "sum", "residual_init": "depth"},  # as their code draws weights
    prefix="transformer.",
    block="h",
    names={"token_embedding": ("wte",), "position_embedding": ("wpe",), "final_norm": ("ln_f",), **BLOCK},
    outside=(),
    turns=True,
    no_weights=re.compile(r"(transformer\.)?h\.\d+\.attn\.(masked_)?bias|lm_head\.weight"),
    other_heads=re.compile(r"multiple_choice_head\..*"),
    tied={"lm_head.weight": "token_embedding.weight"},
    token_ids=("bos_token_id", "eos_token_id"),
)
