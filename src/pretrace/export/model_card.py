"""Model card of an exported folder: that of the run, if the run made the model, with how to open the format."""

from __future__ import annotations

from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.export.formats import FORMATS
from pretrace.export.graph_formats import FILES
from pretrace.model import LanguageModel, Transformer
from pretrace.model.checkpoints.huggingface import architecture_of
from pretrace.report.model_card import Form, model_card, short_card
from pretrace.schemas.finetuning import FinetunedConfig
from pretrace.settings import MODEL_KINDS
from pretrace.tasks.rows.input_formats import SPECIAL_TOKENS
from pretrace.tasks.rows.kinds import KINDS
from pretrace.training.finetuning.load import FINETUNED

REPORTS = Path("reports")
PRETRAINED = Path("models/pretrained")
HUGGING_FACE = """Hugging Face's ARCHITECTURE:

```python
from transformers import AutoTokenizer, OPENER

model = OPENER.from_pretrained("FOLDER")
tokenizer = AutoTokenizer.from_pretrained("FOLDER", trust_remote_code=True)
```

A tokenizer of GPT-1's words is one file of code in the folder; it needs ftfy, spaCy and sentencepiece. Other kinds are
transformers' own and open without `trust_remote_code`."""
RELEASED = {
    "openai": "The ten .npy files of the original release, with `params_shapes.json`, and the vocabulary.",
    "word2vec": """word2vec's text format; words are lower case, cleaned as GPT-1's were.

```python
from gensim.models import KeyedVectors

vectors = KeyedVectors.load_word2vec_format("FOLDER/vectors.txt")
```""",
}
"""Instructions to open formats of others."""
OPEN = {
    "onnx": """```python
import onnxruntime

session = onnxruntime.InferenceSession("FOLDER/model.onnx")
(output,) = session.run(None, {INPUTS})
```""",
    "torchscript": """```python
import torch

output = torch.jit.load("FOLDER/model.pt")(ARGUMENTS)
```""",
}
ENCODE = """Token ids come from `pretrace.tokens.load_vocabulary("FOLDER/vocabulary").encode(text)`."""


def card(format: str, folder: Path, model: LanguageModel, config: FinetunedConfig | None = None) -> str:
    """Return the card's text.

    Args:
        folder: of the model that was exported.
        config: of a fine-tuned model.
    """
    described = Form(FORMATS[format].library, _use(format, model, config))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    try:
        if config and folder.parent == FINETUNED:
            return model_card(REPORTS, config.system, described, folder.name)
        if (
            folder.name in MODEL_KINDS and folder.parent.parent == PRETRAINED
        ):  # the card is about the first pre-training
            return model_card(REPORTS, folder.parent.name, described)
    except PretraceError:  # no reports, as in a clone that has fetched only the model
        pass
    return short_card(described, parameters)


def _use(format: str, model: LanguageModel, config: FinetunedConfig | None) -> str:
    if format not in FILES:
        return _huggingface(model) if format == "huggingface" else RELEASED[format]
    inputs = '"ids": ids, "last": last' if config else '"ids": ids'
    code = OPEN[format].replace("INPUTS", inputs).replace("ARGUMENTS", "ids, last" if config else "ids")
    if config is None:
        layout = (
            f"`ids` are 64-bit integers (sequences, time), at most {model.context} in a sequence; `output` has the "
            "logits (sequences, time, vocabulary) of each next token."
        )
        return f"{code}\n\n{layout}\n\n{ENCODE}"
    return f"{code}\n\n{_layout(config, model)}\n\n{ENCODE}"


def _huggingface(model: LanguageModel) -> str:
    assert isinstance(model, Transformer)
    architecture = architecture_of(model.settings)
    name, opener = architecture.classes_of(model.settings)
    return HUGGING_FACE.replace("ARCHITECTURE", f"{architecture.title}, `{name}`").replace("OPENER", opener)


def _layout(config: FinetunedConfig, model: LanguageModel) -> str:
    """Describe the inputs and the output of a fine-tuned model."""
    size = model.vocabulary_size - SPECIAL_TOKENS
    start, delimiter, classify = range(size, size + SPECIAL_TOKENS)
    kind, answer = KINDS[config.kind], "`output` has a score for each choice"
    alone = kind.alone_layout if config.recipe.read_out == "likelihoods" else ""
    if kind.numeric:
        answer = "`output` has a number for each example, on the scale of the labels"
    elif config.labels:
        answer = f"`output` has a score for each label, in the order of `labels` in config.json ({len(config.labels)})"
    return (
        f"`ids` are 64-bit integers (examples, sequences, time), padded on the right with any id. An example has "
        f"{kind.layout}{alone}, at most {model.context} ids each; start is {start}, delimiter {delimiter}, classify "
        f"{classify}. `last` (examples, sequences) is the position of classify in each, from 0. {answer}."
    )
