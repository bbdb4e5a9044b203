"""A model with its vocabulary, in a form that others read: `pretrace export MODEL --to FORM`.

    huggingface     for transformers, and whatever reads its folders
    openai          the ten .npy files of the original release
    onnx            a graph for onnxruntime and others: model.onnx
    torchscript     a graph for PyTorch in any language: model.pt

The first two hold a pre-trained transformer, can be given to `pretrain.init_from`, and come back with the same bytes
in every tensor. The last two hold fine-tuned models and an LSTM, too. Beside each lies a model card, README.md.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, write_json, write_text
from pretrace.export.exportable import language_model_graph, task_graph
from pretrace.export.graph_formats import FILES as GRAPHS
from pretrace.export.graph_formats import write_graph
from pretrace.export.model_card import card
from pretrace.export.tokenizer import write_tokenizer
from pretrace.model import Transformer, load_model
from pretrace.model.checkpoints.huggingface import write_huggingface
from pretrace.model.checkpoints.openai import write_openai
from pretrace.tokens import Vocabulary, copy_vocabulary, load_vocabulary, vocabulary_folder
from pretrace.tokens.openai_bpe import OpenAIVocabulary
from pretrace.training.finetuning.load import FINETUNED, VOCABULARY, open_cell

FORMS = ("huggingface", "openai", *GRAPHS)
EXPORTED = Path("models/exported")
"""Where exported models go by themselves: git takes no notice of it."""


def export(model: Path | str, form: str, out: Path | None = None) -> Path:
    """Write a model to the folder `out` in a form of `FORMS`, whole or not at all; returns the folder.

    Args:
        model: a folder of a language model, or a fine-tuned model: "source-full", or its folder.
        out: an empty folder, or none yet; without it, a new one below `EXPORTED`, in the place of what was there.

    Raises:
        PretraceError: `out` has something in it, there is no model, or the form cannot hold it.
    """
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PretraceError(f"{out}: is not an empty folder; take another name, or delete it first")
    model = Path(model)
    is_cell = model.parent == FINETUNED or (len(model.parts) == 1 and not model.exists())
    out = out or EXPORTED / f"{model.name}-{form}"
    with atomic_folder(out) as temporary:
        if is_cell:
            _write_finetuned(temporary, model.name, form)
        else:
            _write_language_model(temporary, model, form)
    return out


def _write_finetuned(temporary: Path, cell: str, form: str) -> None:
    if form not in GRAPHS:
        raise PretraceError(f"{cell}: the form {form} holds no task's head; takes {' or '.join(GRAPHS)}")
    opened = open_cell(cell)
    model, note = opened.model, opened.note
    write_graph(temporary, form, task_graph(model, note))
    write_json(temporary / "config.json", note)
    copy_vocabulary(VOCABULARY, temporary / "vocabulary")
    write_text(temporary / "README.md", card(form, FINETUNED / cell, model.language_model, note))


def _write_language_model(temporary: Path, folder: Path, form: str) -> None:
    model = load_model(folder)
    if not isinstance(model, Transformer) and form not in GRAPHS:
        raise PretraceError(f"{folder}: holds an LSTM, which the form {form} has not; takes {' or '.join(GRAPHS)}")
    inner = vocabulary_folder(folder)
    vocabulary = load_vocabulary(inner)
    if vocabulary.size != model.vocabulary_size:
        raise PretraceError(
            f"{inner}: a vocabulary of {vocabulary.size:,} pieces, but the model in {folder} has "
            f"{model.vocabulary_size:,}"
        )
    if form == "huggingface":
        write_huggingface(temporary, model)
        write_tokenizer(temporary, vocabulary, model.context)
    elif form == "openai":
        write_openai(temporary, model)
        _copy_released(temporary, vocabulary, inner)
    else:
        write_graph(temporary, form, language_model_graph(model))
        write_json(temporary / "config.json", model.describe())
        copy_vocabulary(inner, temporary / "vocabulary")
    write_text(temporary / "README.md", card(form, folder, model))


def _copy_released(temporary: Path, vocabulary: Vocabulary, inner: Path) -> None:
    if isinstance(vocabulary, OpenAIVocabulary):
        for path, name in zip(vocabulary.files, vocabulary.released_names, strict=True):
            shutil.copyfile(path, temporary / name)
    else:
        copy_vocabulary(inner, temporary / "vocabulary")
