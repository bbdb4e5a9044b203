"""Write the vocabulary as a transformers tokenizer with the same ids, which comes as a file of code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pretrace.tokens
from pretrace.common.files import write_json
from pretrace.schemas.record import write_record
from pretrace.tokens import Vocabulary
from pretrace.tokens.load import DESCRIPTION
from pretrace.tokens.openai_bpe import HUGGING_FACE_FILES, OpenAIVocabulary

CODE = Path(pretrace.tokens.__file__).parent / "tokenization_pretrace.py"


def write_tokenizer(folder: Path, vocabulary: Vocabulary, context: int) -> None:
    """Write a transformers tokenizer into an existing folder.

    transformers' own tokenizers for OpenAI's vocabulary would open these files, but give other ids than OpenAI's code:
    the slow one lower-cases too early, the fast one cleans text differently.
    """
    openai = isinstance(vocabulary, OpenAIVocabulary)
    for path, name in zip(vocabulary.files, HUGGING_FACE_FILES if openai else vocabulary.released_names, strict=True):
        shutil.copyfile(path, folder / name)
    if not openai:
        write_record(folder / DESCRIPTION, vocabulary.description)
    shutil.copyfile(CODE, folder / CODE.name)
    name = "GPT1Tokenizer" if openai else "PretraceTokenizer"
    config = {
        "tokenizer_class": name,
        "auto_map": {"AutoTokenizer": [f"{CODE.stem}.{name}", None]},
        "model_max_length": context,
        "unk_token": "<unk>",
        "clean_up_tokenization_spaces": False,
    }
    write_json(folder / "tokenizer_config.json", config)
