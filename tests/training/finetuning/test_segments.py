"""Fine-tuning in BERT's input format: the numbers of transformers' model, a pooler, segments, and a causal model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from pretrace.common.errors import PretraceError
from pretrace.model import Transformer
from pretrace.model.checkpoints.huggingface import write_huggingface
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import ModelSettings
from pretrace.settings.section import checked
from pretrace.settings.training import FinetuneSettings
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from pretrace.training.engine.device import Device, choose_device
from pretrace.training.finetuning.config import input_format, resolve_recipe
from pretrace.training.finetuning.task_head import TaskModel
from pretrace.training.finetuning.trainer import Trainer
from tests.helpers.small_finetuning import PARTS, recipe_of, split_of, task_record
from tests.helpers.small_training import settings_with

VOCABULARY, CONTEXT, CLS, SEP = 40, 24, 1, 2
SIZES = {"layers": 2, "width": 16, "heads": 2, "feed_forward": 32, "context": CONTEXT}
BERT = {
    **{"attention": "full", "embedding_norm": True, "segments": 2, "norm_epsilon": 1e-12, "activation": "gelu"},
    **{"output": "transform", "next_sentence": True},
}


def model_of(**form: object) -> Transformer:
    values = {**SIZES, "dropout": 0.0, "embedding_dropout": "sum", "initial_std": 0.3, **form}
    return Transformer(ModelSettings.model_validate(values), VOCABULARY, 1)


def head_of(kind: str, model: Transformer) -> TaskModel:
    form = InputFormat.segments(CLS, SEP, CONTEXT, reads_first=not model.is_causal)
    return TaskModel(model, KINDS[kind], recipe_of(kind).outputs, form, seed=4)


def text_of(kind: str, count: int = 7, longest: int = 9) -> EncodedSplit:
    """Rows whose ids are of no special token."""
    split = split_of(kind, count, longest)
    return EncodedSplit(split.ids % (VOCABULARY - 5) + 5, split.offsets, split.labels, split.parts)


def device() -> Device:
    return choose_device("float32", 1)


@pytest.mark.parametrize("kind", sorted(PARTS))
def test_states_are_those_of_each_sequence_alone(kind: str) -> None:
    model, split = model_of(**BERT), text_of(kind)
    head = head_of(kind, model).eval()
    read = head.read(head.examples(split).batch(np.arange(len(split))), device())
    for row, states_SC in enumerate(read.state_NSC):
        for sequence, state_C in zip(head.kind.sequences(split.row(row), head.form), states_SC, strict=True):
            segments_BT = torch.from_numpy(head.form.segments_of(sequence))[None]
            alone_BTC = model.hidden(torch.from_numpy(sequence)[None], segments_BT=segments_BT)
            assert (model.pooled(alone_BTC[0, 0]) - state_C).abs().max() < 1e-5


def test_logits_are_those_of_transformers(tmp_path: Path) -> None:
    """The same weights in `BertForSequenceClassification`, with its padding and its segments."""
    model, split = model_of(**BERT), text_of("entailment")
    head = head_of("entailment", model).eval()
    write_huggingface(tmp_path, model)
    config = BertConfig.from_pretrained(tmp_path, num_labels=head.classifier.out_features)
    theirs = BertForSequenceClassification.from_pretrained(tmp_path, config=config).eval()
    theirs.classifier.load_state_dict(head.classifier.state_dict())
    sequences = [head.kind.sequences(split.row(row), head.form)[0] for row in range(len(split))]
    longest = max(map(len, sequences))
    padded = [np.pad(ids, (0, longest - len(ids))) for ids in sequences]
    segments = [np.pad(head.form.segments_of(ids), (0, longest - len(ids))) for ids in sequences]
    real = [np.arange(longest) < len(ids) for ids in sequences]
    arguments = [torch.from_numpy(np.array(rows)) for rows in (padded, real, segments)]
    with torch.no_grad():
        expected = theirs(arguments[0], attention_mask=arguments[1].long(), token_type_ids=arguments[2]).logits
        read = head.read(head.examples(split).batch(np.arange(len(split))), device())
        assert (head.logits(read.state_NSC) - expected).abs().max() < 1e-5


def test_second_text_has_a_segment_of_its_own() -> None:
    model = model_of(**BERT)
    head, split = head_of("entailment", model).eval(), text_of("entailment")
    batch = head.examples(split).batch(np.arange(len(split)))
    before = head.read(batch, device()).state_NSC.clone()
    with torch.no_grad():
        model.segment_embedding.weight[1] += torch.arange(16.0)
    assert (head.read(batch, device()).state_NSC - before).abs().amax((1, 2)).min() > 1e-3


def test_model_without_a_pooler_gets_one_and_learns() -> None:
    model = model_of(**{**BERT, "next_sentence": False})
    split = text_of("classification", count=64)
    labels = np.array([int(split.row(i)[0][0] > VOCABULARY // 2) for i in range(len(split))])
    split = EncodedSplit(split.ids, split.offsets, labels, 1)
    recipe = recipe_of("classification", input_format="segments", first_id=CLS, separator_id=SEP, epochs=30, lr=0.01)
    trainer = Trainer(model, recipe, dict.fromkeys(("train", "dev", "test"), split), 1, device())
    assert any(name.startswith("pooler") for name, _ in trainer.model.named_parameters())
    assert trainer.model.language_model.vocabulary_size == VOCABULARY  # no rows are added
    for _ in trainer.steps():
        pass
    assert trainer.score("test", trainer.predict("test")) > 0.9


def test_causal_model_reads_the_last_token() -> None:
    head, split = head_of("entailment", model_of(segments=2)), text_of("entailment")
    batch = head.examples(split).batch(np.arange(len(split)))
    assert batch.ids_N[batch.classify_ES].unique().tolist() == [SEP]
    starts = head_of("entailment", model_of(**BERT)).examples(split).batch(np.arange(len(split)))
    assert starts.ids_N[starts.classify_ES].unique().tolist() == [CLS]


def test_special_tokens_are_those_of_the_rows() -> None:
    settings = settings_with({"finetune.input_format": "segments", "finetune.read_out": "classify"})
    record = task_record(labels=["a", "b", "c"])
    recipe = resolve_recipe(settings, "full", "task", TaskRecord(**record, first_id=CLS, separator_id=SEP))
    form = input_format(recipe, model_of(**BERT))
    assert (form.start, form.delimiter, form.classify, form.reads_first) == (CLS, SEP, SEP, True)
    with pytest.raises(PretraceError, match=r"finetune.input_format: `segments` takes a token that begins"):
        resolve_recipe(settings, "full", "task", TaskRecord(**record))


def test_log_probabilities_are_read_between_delimiters_only() -> None:
    values = settings_with().scale.finetune.model_dump() | {"input_format": "segments", "read_out": "likelihoods"}
    with pytest.raises(PretraceError, match="`segments` take `classify`"):
        checked(FinetuneSettings, values, "scales/x.yaml", "finetune")


@pytest.mark.parametrize(("key", "value"), [("lm_weight", 0.5), ("read_out", "likelihoods")])
def test_model_that_sees_all_tokens_predicts_none(key: str, value: object) -> None:
    scale = settings_with().scale
    own = scale.model_copy(update={"model": scale.model.model_copy(update={"attention": "full"})})
    settings = settings_with(variants={"full": {key: value}}).model_copy(update={"scale": own})
    record = TaskRecord(**task_record(labels=["a", "b", "c"], overrides={"lm_weight": 0.0}))
    with pytest.raises(PretraceError, match=f"{key}: got {value!r}; a model with `full` attention predicts"):
        resolve_recipe(settings, "full", "task", record)
