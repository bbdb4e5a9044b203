"""A pre-trained transformer with its vocabulary, in the form that others read.

    pretrace export --to huggingface OUT     for transformers, and whatever reads its folders
    pretrace export --to openai OUT          the ten .npy files of the original release

Both can be given to `pretrain.start_from`, and come back with the same bytes in every tensor.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pretrace.errors import PretraceError
from pretrace.files import atomic_folder, write_json
from pretrace.model import GPT, load_model
from pretrace.model.huggingface import write_huggingface
from pretrace.model.openai import write_openai
from pretrace.vocabulary import Vocabulary, copy_vocabulary, load_vocabulary, vocabulary_folder
from pretrace.vocabulary.load import DESCRIPTION
from pretrace.vocabulary.openai import HUGGING_FACE_FILES, OpenAIVocabulary

FORMS = ("huggingface", "openai")


def export(model_folder: Path, form: str, out: Path) -> None:
    """Write the model in `model_folder` to the folder `out` in a form of `FORMS`; whole or not at all.

    Raises:
        PretraceError: `out` has something in it, there is no model, or the form cannot hold it.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PretraceError(f"{out}: is not an empty folder; take another name, or delete it first")
    model = load_model(model_folder)
    if not isinstance(model, GPT):
        raise PretraceError(f"{model_folder}: holds an LSTM, which neither form has; takes a transformer")
    inner = vocabulary_folder(model_folder)
    vocabulary = load_vocabulary(inner)
    if vocabulary.size != model.token_embedding.num_embeddings:
        raise PretraceError(
            f"{inner}: a vocabulary of {vocabulary.size:,} pieces, but the model in {model_folder} has "
            f"{model.token_embedding.num_embeddings:,}"
        )
    with atomic_folder(out) as temporary:
        if form == "openai":
            write_openai(temporary, model)
            if isinstance(vocabulary, OpenAIVocabulary):
                for path, name in zip(vocabulary.files, vocabulary.released_names, strict=True):
                    shutil.copyfile(path, temporary / name)
            else:
                copy_vocabulary(inner, temporary / "vocabulary")
        else:
            write_huggingface(temporary, model)
            _write_tokenizer(temporary, vocabulary, model.context)


def _write_tokenizer(folder: Path, vocabulary: Vocabulary, context: int) -> None:
    """The vocabulary as a tokenizer of transformers with the same ids, which comes as a file of code.

    transformers has tokenizers for OpenAI's vocabulary, and would open its files here, but both give other ids than
    OpenAI's code: the slow one takes text to lower case too early, the fast one cleans it in another way.
    """
    openai = isinstance(vocabulary, OpenAIVocabulary)
    for path, name in zip(vocabulary.files, HUGGING_FACE_FILES if openai else vocabulary.released_names, strict=True):
        shutil.copyfile(path, folder / name)
    if not openai:
        write_json(folder / DESCRIPTION, vocabulary.description)
    code = Path(__file__).parent / "vocabulary" / "tokenization_pretrace.py"
    shutil.copyfile(code, folder / code.name)
    name = "GPT1Tokenizer" if openai else "PretraceTokenizer"
    config = {
        "tokenizer_class": name,
        "auto_map": {"AutoTokenizer": [f"{code.stem}.{name}", None]},
        "model_max_length": context,
        "unk_token": "<unk>",
        "clean_up_tokenization_spaces": False,
    }
    write_json(folder / "tokenizer_config.json", config)
