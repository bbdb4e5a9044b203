"""The tokenizer of a language model made with pretrace, for Hugging Face's transformers.

    AutoTokenizer.from_pretrained(FOLDER, trust_remote_code=True)

`pretrace export --to huggingface` puts this file beside the model. It stands alone: it needs transformers, ftfy, spaCy
and sentencepiece, and not pretrace. Text is cleaned as GPT-1's was, step by step, and each word becomes its pieces.
"""

import re
import shutil
from pathlib import Path

import ftfy
import sentencepiece
from spacy.lang.en import English
from transformers import PreTrainedTokenizer

SAME_AS = {"\u2014": "-", "\u2013": "-", "\u2015": "-", "\u2026": "...", "\u00b4": "'"}
RUN_OF_ONE_SIGN = re.compile(r"(([-~!\";?+,)(/*\[\]}{|_])\2*)")
END_OF_WORD = "\u2581"
NEVER_SEEN = "\U0010ffff"
"""Takes the place of that sign where it stands in the text itself, so that it is unknown and ends no word."""


class PretraceTokenizer(PreTrainedTokenizer):
    """Ids of raw text, the same as `load_vocabulary(...).encode(text)` of pretrace gives."""

    vocab_files_names = {"vocab_file": "vocabulary.model"}  # noqa: RUF012
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012

    def __init__(self, vocab_file, unk_token="<unk>", **kwargs):
        self.vocab_file = vocab_file
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=vocab_file)
        self.words = English().tokenizer
        super().__init__(unk_token=unk_token, **kwargs)

    @property
    def vocab_size(self):
        return self.pieces.get_piece_size()

    def get_vocab(self):
        return {self._convert_id_to_token(number): number for number in range(self.vocab_size)}

    def tokenize(self, text, **kwargs):
        # Not the inherited one, for which the five characters "<unk>" in a text are the unknown piece.
        return self._tokenize(text)

    def _tokenize(self, text):
        text = ftfy.fix_text(text)
        for sign, plain in SAME_AS.items():
            text = text.replace(sign, plain)
        text = RUN_OF_ONE_SIGN.sub(r" \1 ", text)
        text = re.sub(r"\s*\n\s*", " \n ", text)
        text = re.sub(r"[^\S\n]+", " ", text).strip()
        tokens = []
        for word in self.words(text):
            if word.text.strip(" ") == "\n":
                tokens.append("\n")
            else:
                tokens += self.pieces.encode(word.text.lower().replace(END_OF_WORD, NEVER_SEEN), out_type=str)
        return tokens

    def _convert_token_to_id(self, token):
        return self.pieces.piece_to_id(token)

    def _convert_id_to_token(self, index):
        return self.pieces.id_to_piece(index)

    def convert_tokens_to_string(self, tokens):
        text = "".join(tokens).replace(END_OF_WORD, " ")
        return "\n".join(line.strip(" ") for line in text.split("\n"))

    def save_vocabulary(self, save_directory, filename_prefix=None):
        out = Path(save_directory) / f"{filename_prefix + '-' if filename_prefix else ''}vocabulary.model"
        if out.resolve() != Path(self.vocab_file).resolve():
            shutil.copyfile(self.vocab_file, out)
        return (str(out),)
