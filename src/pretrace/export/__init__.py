"""Export a model with its vocabulary to a format that other programs read: `pretrace export MODEL --to FORMAT`.

    huggingface     a folder for transformers
    openai          the ten .npy files of the original release
    onnx            a graph for ONNX Runtime and others: model.onnx
    torchscript     a graph for PyTorch in any language: model.pt
    word2vec        word vectors as text, for gensim and others: vectors.txt

The first two hold a pre-trained transformer, can be given to `pretrain.init_from`, and come back with the same bytes
in every tensor. The next two also hold fine-tuned models and LSTMs, the last
word vectors alone. Each folder has a model card, README.md.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, write_text
from pretrace.export.formats import FORMATS, formats_for
from pretrace.export.graph_formats import write_graph
from pretrace.export.model_card import PRETRAINED, card
from pretrace.export.tokenizer import token_ids, write_tokenizer
from pretrace.export.traced_models import language_model_graph, task_graph
from pretrace.model import LanguageModel, Transformer, load_model
from pretrace.model.checkpoints.huggingface import write_huggingface
from pretrace.model.checkpoints.openai import write_openai
from pretrace.model.word2vec import Word2Vec
from pretrace.schemas.record import write_record
from pretrace.tokens import Vocabulary, copy_vocabulary, vocabulary_folder
from pretrace.tokens.openai_bpe import OpenAIVocabulary
from pretrace.training.alignment.text.chat_template import chat_vocabulary
from pretrace.training.finetuning.load import FINETUNED, VOCABULARIES, open_cell
from pretrace.training.word2vec.vectors import write_word2vec
from pretrace.training.word2vec.words import vectors_of_words

EXPORTED = Path("models/exported")
"""Default folder of exported models, which git ignores."""


def export(model: Path | str, format: str, out: Path | None = None) -> Path:
    """Write a model to the folder `out`, all of it or nothing, and return the folder.

    Args:
        model: the folder of a language model; or a fine-tuned model, by name ("source-full") or folder.
        format: one of `FORMATS`.
        out: an empty or new folder; None: `EXPORTED`/MODEL-FORMAT, which is replaced; SYSTEM-MODEL-FORMAT for what the
            stage `pretrain` has made.

    Raises:
        PretraceError: `out` is not empty, there is no model, or the format cannot hold it.
    """
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PretraceError(f"{out}: is not an empty folder; take another name, or delete it first")
    model = Path(model)
    is_cell = model.parent == FINETUNED or (len(model.parts) == 1 and not model.exists())
    name = f"{model.parent.name}-{model.name}" if model.parent.parent == PRETRAINED else model.name
    out = out or EXPORTED / f"{name}-{format}"
    with atomic_folder(out) as temporary:
        if is_cell:
            _write_finetuned(temporary, model.name, format)
        else:
            _write_language_model(temporary, model, format)
    return out


def _write_finetuned(temporary: Path, cell: str, format: str) -> None:
    if not FORMATS[format].task_heads:
        others = " or ".join(name for name, other in FORMATS.items() if other.task_heads)
        raise PretraceError(f"{cell}: the format {format} cannot hold a fine-tuned model; takes {others}")
    opened = open_cell(cell)
    model, config = opened.model, opened.config
    write_graph(temporary, format, task_graph(model, config))
    write_record(temporary / "config.json", config)
    copy_vocabulary(VOCABULARIES / config.system, temporary / "vocabulary")
    write_text(temporary / "README.md", card(format, FINETUNED / cell, model.language_model, config))


def _write_language_model(temporary: Path, folder: Path, format: str) -> None:
    model = load_model(folder)
    if format not in formats_for(model):
        raise PretraceError(
            f"{folder}: the format {format} cannot hold a model of kind {model.kind}; "
            f"takes {' or '.join(formats_for(model))}"
        )
    inner = vocabulary_folder(folder)
    vocabulary = chat_vocabulary(folder)
    if vocabulary.size != model.vocabulary_size:
        raise PretraceError(
            f"{inner}: a vocabulary of {vocabulary.size:,} tokens, but the model in {folder} has "
            f"{model.vocabulary_size:,}"
        )
    if isinstance(model, Transformer) and format == "huggingface":
        write_huggingface(temporary, model, token_ids(vocabulary))
        write_tokenizer(temporary, vocabulary, model.context)
    elif isinstance(model, Transformer) and format == "openai":
        write_openai(temporary, model)
        _copy_released(temporary, vocabulary, inner)
    elif isinstance(model, Word2Vec):
        write_word2vec(temporary / "vectors.txt", vectors_of_words(model, vocabulary))
    else:
        _write_traced(temporary, model, format, inner)
    write_text(temporary / "README.md", card(format, folder, model))


def _write_traced(temporary: Path, model: LanguageModel, format: str, vocabulary: Path) -> None:
    write_graph(temporary, format, language_model_graph(model))
    write_record(temporary / "config.json", model.describe())
    copy_vocabulary(vocabulary, temporary / "vocabulary")


def _copy_released(temporary: Path, vocabulary: Vocabulary, inner: Path) -> None:
    if isinstance(vocabulary, OpenAIVocabulary):
        for path, name in zip(vocabulary.files, vocabulary.released_names, strict=True):
            shutil.copyfile(path, temporary / name)
    else:
        copy_vocabulary(inner, temporary / "vocabulary")
