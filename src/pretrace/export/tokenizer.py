"""Write the vocabulary as a transformers tokenizer with the same ids, its special tokens named.

GPT-2's and BERT's kinds open as transformers' own classes. GPT-1's words come with a file of code: transformers' own
tokenizers for OpenAI's vocabulary would open its files, but give other ids than OpenAI's code: the slow one lower-cases
too early, the fast one cleans text differently.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pretrace.tokens
from pretrace.common.errors import PretraceError
from pretrace.common.files import write_json
from pretrace.schemas.record import write_record
from pretrace.tokens import ExtendedVocabulary, Vocabulary
from pretrace.tokens.byte_bpe import END_OF_TEXT, ByteVocabulary
from pretrace.tokens.load import DESCRIPTION
from pretrace.tokens.openai_bpe import HUGGING_FACE_FILES, NEWLINE, OpenAIVocabulary
from pretrace.tokens.sentencepiece_bpe import NEWLINE as LINE_END
from pretrace.tokens.special_rows import ROLES
from pretrace.tokens.wordpiece import FIRST, MASK, PADDING, SEPARATOR, UNKNOWN, WordPieceVocabulary
from pretrace.tokens.words import WholeWords
from pretrace.training.alignment.text.chat_template import save_template
from pretrace.training.alignment.text.roles import NAMES as NAMES_OF_ROLES
from pretrace.training.alignment.text.roles import RoleVocabulary

CODE = Path(pretrace.tokens.__file__).parent / "tokenization_pretrace.py"
NAMES = {"padding_id": "pad_token", "first_id": "cls_token", "separator_id": "sep_token", "mask_id": "mask_token"}
"""transformers' names of special tokens, by what they are for."""
ENDS = ("bos_token", "eos_token")
"""Names of the token between documents: text begins behind one."""


def write_tokenizer(folder: Path, vocabulary: Vocabulary, context: int) -> None:
    """Write a transformers tokenizer into an existing folder."""
    text = vocabulary.base if isinstance(vocabulary, ExtendedVocabulary) else vocabulary
    if text.description.language:
        raise PretraceError(
            f"--to huggingface: the vocabulary's words are of {text.description.language!r} (text.language); the "
            "tokenizer for transformers is written for English"
        )
    if isinstance(text, WholeWords):
        raise PretraceError("--to huggingface: a vocabulary of whole words has no tokenizer there")
    renamed = isinstance(text, OpenAIVocabulary | ByteVocabulary)
    for path, name in zip(text.files, HUGGING_FACE_FILES if renamed else text.released_names, strict=True):
        shutil.copyfile(path, folder / name)
    config = {**_config(text), "model_max_length": context, "clean_up_tokenization_spaces": False}
    if isinstance(vocabulary, ExtendedVocabulary):
        config |= _special_tokens(vocabulary)
    described = vocabulary
    if isinstance(vocabulary, RoleVocabulary):
        save_template(folder)  # which says that there are roles
        described = text
        config |= {"bos_token": config["eos_token"], "eos_token": NAMES_OF_ROLES["end"]}
    if "auto_map" in config:
        shutil.copyfile(CODE, folder / CODE.name)
    if described.description.kind not in (OpenAIVocabulary.kind, ByteVocabulary.kind, WordPieceVocabulary.kind):
        write_record(folder / DESCRIPTION, described.description)
    write_json(folder / "tokenizer_config.json", config)


def token_ids(vocabulary: Vocabulary) -> dict[str, int]:
    """Return the ids of the vocabulary's special tokens, as transformers' `config.json` calls them."""
    named = {theirs: getattr(vocabulary, ours) for ours, theirs in NAMES.items()}
    named |= dict.fromkeys(ENDS, vocabulary.document_end_id)
    if isinstance(vocabulary, RoleVocabulary):
        named["bos_token"] = vocabulary.base.document_end_id
    return {f"{name}_id": number for name, number in named.items() if number is not None}


def _config(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the class and the special tokens of a vocabulary's kind."""
    if isinstance(vocabulary, ByteVocabulary):
        end = dict.fromkeys((*ENDS, "unk_token"), END_OF_TEXT)
        return {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, **end}
    if isinstance(vocabulary, WordPieceVocabulary):
        tokens = {"unk_token": UNKNOWN, "pad_token": PADDING, "mask_token": MASK}
        tokens |= {"cls_token": FIRST, "sep_token": SEPARATOR}
        return {"tokenizer_class": "BertTokenizer", "do_lower_case": vocabulary.lower_case, **tokens}
    openai = isinstance(vocabulary, OpenAIVocabulary)
    name = "GPT1Tokenizer" if openai else "PretraceTokenizer"
    tokens = {"unk_token": "<unk>", "eos_token": NEWLINE if openai else LINE_END}
    return {"tokenizer_class": name, "auto_map": {"AutoTokenizer": [f"{CODE.stem}.{name}", None]}, **tokens}


def _special_tokens(vocabulary: ExtendedVocabulary) -> dict[str, Any]:
    """Return the special tokens after those of text, with their ids and what they are for."""
    form = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    names = vocabulary.names
    added = {str(vocabulary.base.size + number): {"content": name, **form} for number, name in enumerate(names)}
    others = [name for name in names if name not in ROLES]
    more = {"additional_special_tokens": others} if others else {}
    return {"added_tokens_decoder": added, **{NAMES[ROLES[name]]: name for name in names if name in ROLES}, **more}
