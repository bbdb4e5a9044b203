"""The model card of an exported folder: that of the run, if the run made the model, with how its form is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.export.graph_formats import FILES
from pretrace.model import LanguageModel
from pretrace.report.model_card import Form, model_card, short_card
from pretrace.settings import MAIN_MODEL
from pretrace.tasks.input_formats import SPECIAL_TOKENS
from pretrace.training.finetuning.load import FINETUNED

REPORTS = Path("reports")
PRETRAINED = Path("models/pretrained")
HUGGING_FACE = """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("FOLDER")
tokenizer = AutoTokenizer.from_pretrained("FOLDER", trust_remote_code=True)
```

The tokenizer's one file of code is in the folder; it needs ftfy, spaCy and sentencepiece."""
OPENAI = "The ten .npy files of the original release, with `params_shapes.json`, and the vocabulary."
OPEN = {
    "onnx": """```python
import onnxruntime

session = onnxruntime.InferenceSession("FOLDER/model.onnx")
(found,) = session.run(None, {INPUTS})
```""",
    "torchscript": """```python
import torch

found = torch.jit.load("FOLDER/model.pt")(ARGUMENTS)
```""",
}
ENCODE = """Ids are those of `pretrace.tokens.load_vocabulary("FOLDER/vocabulary").encode(text)`."""


def card(form: str, folder: Path, model: LanguageModel, note: dict[str, Any] | None = None) -> str:
    """The card's text.

    Args:
        folder: what was exported.
        note: of a fine-tuned model, its `config.json`.
    """
    library = {"huggingface": "transformers", "onnx": "onnx", "torchscript": "pytorch"}.get(form, "numpy")
    described = Form(library, _use(form, model, note))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    try:
        if note and folder.parent == FINETUNED:
            return model_card(REPORTS, described, folder.name)
        if folder.parent == PRETRAINED and model.kind == MAIN_MODEL:
            return model_card(REPORTS, described)
    except PretraceError:  # a model without its reports, as in a clone that has fetched nothing else
        pass
    return short_card(described, parameters)


def _use(form: str, model: LanguageModel, note: dict[str, Any] | None) -> str:
    if form not in FILES:
        return HUGGING_FACE if form == "huggingface" else OPENAI
    inputs = '"ids": ids, "last": last' if note else '"ids": ids'
    code = OPEN[form].replace("INPUTS", inputs).replace("ARGUMENTS", "ids, last" if note else "ids")
    if note is None:
        read = f"`ids` are 64-bit whole numbers (sequences, time), at most {model.context} in a row; `found` has the "
        return f"{code}\n\n{read}scores (sequences, time, vocabulary) of each next piece, as logits.\n\n{ENCODE}"
    return f"{code}\n\n{_layout(note, model)}\n\n{ENCODE}"


def _layout(note: dict[str, Any], model: LanguageModel) -> str:
    """What a fine-tuned model reads, and what comes out of it."""
    size = model.vocabulary_size - SPECIAL_TOKENS
    start, delimiter, classify = range(size, size + SPECIAL_TOKENS)
    parts = {
        "classification": "one sequence: start, text, classify",
        "entailment": "one sequence: start, first, delimiter, second, classify",
        "similarity": "two sequences: start, first, delimiter, second, classify; and with first and second exchanged",
        "regression": "two sequences: start, first, delimiter, second, classify; and with first and second exchanged",
        "multiple_choice": "a sequence for each choice: start, context, delimiter, choice, classify",
    }[note["kind"]]
    answer = "`found` has a score for each choice"
    if note["kind"] == "regression":
        answer = "`found` has a number for each example, on the scale of the labels"
    elif note["labels"]:
        answer = f"`found` has a score for each label, in the order of `labels` in config.json ({len(note['labels'])})"
    return (
        f"`ids` are 64-bit whole numbers (examples, sequences, time), padded on the right with any id. An example has "
        f"{parts}, at most {model.context} ids each; start is {start}, delimiter {delimiter}, classify {classify}. "
        f"`last` (examples, sequences) is the place of classify in each, from 0. {answer}."
    )
