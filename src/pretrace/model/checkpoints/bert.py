"""Hugging Face's BERT, `bert`: with its heads for masked tokens and for next sentences, with one of them or none."""

from __future__ import annotations

import re

from pretrace.model.checkpoints.architecture import Architecture, Key

BERT = Architecture(
    title="BERT",
    model_type="bert",
    heads={"output": ("cls.predictions.", "transform"), "next_sentence": ("cls.seq_relationship.", True)},
    classes={
        ("transform", True): ("BertForPreTraining", "AutoModelForPreTraining"),
        ("transform", False): ("BertForMaskedLM", "AutoModelForMaskedLM"),
        ("tied", True): ("BertForNextSentencePrediction", "AutoModelForNextSentencePrediction"),
        ("tied", False): ("BertModel", "AutoModel"),
    },
    sizes={
        "layers": "num_hidden_layers",
        "width": "hidden_size",
        "heads": "num_attention_heads",
        "feed_forward": "intermediate_size",
        "context": "max_position_embeddings",
        "segments": "type_vocab_size",
    },
    inner=None,
    keys={
        "norm_epsilon": Key("layer_norm_eps", 1e-12),
        "activation": Key(
            "hidden_act",
            "gelu",
            {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "relu": "relu"},
        ),
    },
    dropouts=("hidden_dropout_prob", "attention_probs_dropout_prob"),
    fixed={
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "add_cross_attention": False,
        "tie_word_embeddings": True,
    },
    form={"attention": "full", "embedding_norm": True},
    initial={"embedding_dropout": "sum"},
    prefix="bert.",
    block="encoder.layer",
    names={
        "token_embedding": ("embeddings.word_embeddings",),
        "position_embedding": ("embeddings.position_embeddings",),
        "segment_embedding": ("embeddings.token_type_embeddings",),
        "embedding_norm": ("embeddings.LayerNorm",),
        "query_key_value": ("attention.self.query", "attention.self.key", "attention.self.value"),
        "attention_output": ("attention.output.dense",),
        "norm_1": ("attention.output.LayerNorm",),
        "feed_forward_in": ("intermediate.dense",),
        "feed_forward_out": ("output.dense",),
        "norm_2": ("output.LayerNorm",),
        "output_dense": ("cls.predictions.transform.dense",),
        "output_norm": ("cls.predictions.transform.LayerNorm",),
        "output_bias": ("cls.predictions.bias",),
        "pooler": ("pooler.dense",),
        "next_sentence": ("cls.seq_relationship",),
    },
    outside=("output_dense", "output_norm", "output_bias", "next_sentence"),
    turns=False,
    no_weights=re.compile(r"(bert\.)?embeddings\.(position|token_type)_ids|cls\.predictions\.decoder\.(weight|bias)"),
    other_heads=re.compile(r"(bert\.)?pooler\..*"),  # without a next-sentence output
    tied={
        "cls.predictions.decoder.weight": "token_embedding.weight",
        "cls.predictions.decoder.bias": "output_bias",
    },
    old=(("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")),
    written={"pad_token_id": 0},
    token_ids=("pad_token_id", "cls_token_id", "sep_token_id", "mask_token_id"),
)
