"""Settings: what is accepted is typed, what is not gets one line that names the file and the key."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pretrace.common.errors import PretraceError
from pretrace.settings import load_settings, read_yaml
from pretrace.settings.load import BASELINES
from pretrace.settings.section import RENAMED
from tests.helpers import REPOSITORY

MISSING = object()
BAD_PARAMS = [
    ("scale", "huge", "scale"),
    ("scale", 3, "scale"),
    ("scale", "../params", "scale"),
    ("systems", MISSING, "systems: got None; takes a list"),
    ("systems", [], "systems: got []; takes a list"),
    ("systems", "gpt1", "systems: got 'gpt1'; takes a list"),
    ("systems", ["gpt1", "gpt1"], "systems: got gpt1, gpt1; the same name twice"),
    ("systems", ["gpt1", "mamba"], "systems: got 'mamba'; takes one of gpt1"),
    ("systems", ["../params"], "systems: got '../params'"),
    ("systems", [["gpt1"]], "systems: got ['gpt1']"),
    ("systems", {"gpt1": {}}, "systems: got {'gpt1': {}}"),
    ("variants.full.system", "bert", "variants.full.system: got 'bert'; takes one of `systems`: gpt1"),
    ("variants.full.system", ["gpt1"], "variants.full.system"),
    ("lr", "fast", "lr"),
    ("lr", 0, "lr"),
    ("lr", -1e-3, "lr"),
    ("lr", float("nan"), "lr"),
    ("lr", float("inf"), "lr"),
    ("lr", True, "lr"),
    ("lrr", 1e-3, "lrr"),
    ("seeds", [], "seeds"),
    ("seeds", [1, 1], "seeds"),
    ("seeds", 3, "seeds"),
    ("seeds", [0.5], "seeds"),
    ("seeds", MISSING, "seeds"),
    ("tasks", {}, "tasks"),
    ("tasks", MISSING, "tasks"),
    ("variants", {}, "variants"),
    ("tasks.source.kind", "clasification", "tasks.source.kind"),
    ("tasks.source.probe", "sauce", "tasks.source.probe"),
    ("tasks.source.probe", None, "tasks.source"),
    ("tasks.source.train", "train.csv", "tasks.source"),
    ("tasks.source.epochs", 0, "tasks.source.epochs"),
    ("tasks.source.epochs", 1.5, "tasks.source.epochs"),
    ("tasks.source.epoch", 3, "tasks.source.epoch"),
    ("tasks.source.metric", "bleu", "tasks.source.metric"),
    ("tasks.source.soft_classes", 6, "tasks.source"),
    ("tasks.source.soft_classes", 1, "tasks.source.soft_classes"),
    ("tasks.source.soft_classes", "6", "tasks.source.soft_classes"),
    ("pretrain", {"init_from": 3}, "pretrain.init_from"),
    ("pretrain", {"seeds": []}, "pretrain.seeds"),
    ("pretrain", {"seeds": [1, 1]}, "pretrain: seeds [1, 1]: the same seed twice"),
    ("pretrain", {"start": "gpt1"}, "pretrain.start"),
    ("tasks.Two Words", {"kind": "classification", "probe": "source"}, "Two Words"),
    ("variants.a/b", {}, "a/b"),
    ("variants.full.lm_weight", -0.5, "variants.full.lm_weight"),
    ("variants.full.layers", -1, "variants.full.layers"),
    ("variants.full.layers", 5, "variants.full.layers: got 5; the transformer of scale laptop has 4"),
    ("variants.scratch.layers", 1, "variants.scratch: `layers` is for a pre-trained transformer"),
    ("ablations", {"table5": {"lstm": {"layers": "one"}}}, "ablations.table5.lstm.layers"),
    ("variants.full.model", "lstm", "variants.full.model"),
    ("variants.full.head", {"hidden": 8}, "variants.full: `head` is for `transfer: features`"),
    ("variants.full", {"transfer": "features", "head": {"width": 8}}, "variants.full.head.width"),
    ("variants.full", {"transfer": "features", "epochs": 3}, "variants.full: `epochs` is for `transfer: finetune`"),
    ("variants.full", {"transfer": "features", "lm_weight": 0.0}, "`lm_weight` is for `transfer: finetune`"),
    ("variants.full.pretrained", "yes", "variants.full.pretrained"),
    ("corpus.source", "web", "corpus.source"),
    ("corpus.packages", [], "corpus.packages"),
    ("corpus.source", "files", "corpus.path"),
    ("corpus.source", "huggingface", "corpus.dataset"),
    ("corpus", {"source": "huggingface", "dataset": {"name": "owner/name"}}, "corpus.dataset"),
    ("corpus.dataset", {"name": "owner/name", "revision": "main"}, "corpus.dataset.revision"),
    ("corpus.documents", "page", "corpus.documents"),
    ("corpus.on_bad_input", "ignore", "corpus.on_bad_input"),
    ("corpus.validation_share", 0.9, "corpus.validation_share"),
    ("corpus.columns", {"txt": "a"}, "corpus.columns.txt"),
    ("corpus.mix", {"a": -1.0}, "corpus.mix.a: got -1.0"),
    ("corpus.mix", {"a": 0, "b": 0}, "corpus: `mix` needs a weight above 0 for at least one source"),
    ("corpus.mix", ["a"], "corpus.mix: got ['a']"),
    (
        "corpus.quality.contamination",
        {"most_documents": 10},
        "corpus.quality.contamination: `most_documents` takes `action: report`; got `drop`, which counts no documents",
    ),
    ("corpus.quality.classifier", {}, "corpus.quality.classifier.positives: missing"),
    (
        "corpus.quality.classifier",
        {"positives": {}, "negatives": {"files": ["bad.txt"]}},
        "corpus.quality.classifier.positives: needs `sources` of the corpus, or `files`",
    ),
    (
        "corpus.quality.classifier",
        {"positives": {"files": ["a", "b"]}, "negatives": {"sources": ["b"], "files": ["b"]}},
        "corpus.quality.classifier: 'b' is among the files of positives and of negatives",
    ),
]
BAD_SCALE = [
    ("vocabulary.size", 63, "vocabulary.size"),
    ("vocabulary.size", 1_000_001, "vocabulary.size"),
    ("vocabulary.size", "4000", "vocabulary.size"),
    ("vocabulary.kind", "letters", "vocabulary.kind"),
    ("vocabulary.kind", "byte-bpe", "vocabulary.kind"),
    (
        "vocabulary.lower_case",
        False,
        "vocabulary: lower_case: false is for `wordpiece`; `words_bpe` has no",
    ),
    ("vocabulary", {"size": 256, "kind": "byte_bpe"}, "vocabulary: size: got 256; `byte_bpe` takes 257 or more"),
    ("model.width", 130, "model"),
    ("model.layers", 0, "model.layers"),
    ("model.dropout", 1.0, "model.dropout"),
    ("model.layer", 4, "model.layer"),
    ("model.embedding_dropout", "output", "model.embedding_dropout"),
    ("model.embedding_dropout", MISSING, "model.embedding_dropout"),
    ("model", MISSING, "model"),
    ("pretrain.lr", MISSING, "pretrain.lr"),
    (
        "pretrain.seed",
        42,
        "pretrain: `seed: 42` has moved to params.yaml, as the list `pretrain.seeds`; remove it here",
    ),
    ("pretrain.micro_batch", 0, "pretrain.micro_batch"),
    ("pretrain.warmup_steps", 10**9, "pretrain"),
    ("pretrain.precision", "float16", "pretrain.precision"),
    ("pretrain.optimizer", "adam", "pretrain.optimizer"),
    ("finetune.optimizer", MISSING, "finetune.optimizer"),
    ("finetune.beta1", 1.0, "finetune.beta1"),
    ("probes.train_rows", None, "probes.train_rows"),
]


def put(values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A copy with the value at a dotted key, or without that key."""
    values = copy.deepcopy(values)
    *path, last = key.split(".")
    place = values
    for part in path:
        place = place.setdefault(part, {})
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return values


def write(path: Path, value: Any) -> None:
    with path.open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(value, stream)


def refused(project: Path) -> str:
    with pytest.raises(PretraceError) as caught:
        load_settings(project)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_settings_are_typed(project: Path) -> None:
    settings = load_settings(project)
    assert settings.scale_name == "laptop"
    assert settings.tasks["follows"].metric_name == "accuracy"
    assert settings.variants["scratch"].pretrained is False
    assert settings.finetune_lr == settings.scale.finetune.lr


@pytest.mark.parametrize(
    ("section", "name"),
    [*(("variants", name) for name in (*BASELINES, "task", "format", "metric")), ("tasks", "mean")],
)
def test_names_that_the_table_uses_are_reserved(project: Path, section: str, name: str) -> None:
    params = read_yaml(project / "params.yaml")
    params[section][name] = next(iter(params[section].values()))
    write(project / "params.yaml", params)
    assert f"params.yaml: {section}.{name}: the table has a " in (said := refused(project))
    assert said.endswith("of this name already; take another one")


def with_systems(project: Path, names: list[str], variants: dict[str, Any], **params: Any) -> None:
    """Give the project systems, of which it has the first."""
    for name in names[1:]:
        shutil.copy(REPOSITORY / "systems" / f"{name}.yaml", project / "systems")
    values = {**read_yaml(project / "params.yaml"), "systems": names, "variants": variants, **params}
    write(project / "params.yaml", values)


def test_variant_has_its_own_system_or_the_first(project: Path) -> None:
    with_systems(project, ["gpt1", "bert", "gpt2"], {"full": {}, "other": {"system": "bert"}})
    settings = load_settings(project)
    assert (list(settings.systems), settings.system_name) == (["gpt1", "bert", "gpt2"], "gpt1")
    assert (settings.system_of("full"), settings.system_of("other")) == ("gpt1", "bert")
    bert = settings.of_system("bert")
    assert (bert.system_name, bert.first_system) == ("bert", "gpt1")
    assert bert.scale.pretrain.objective.kind == "masked" != settings.scale.pretrain.objective.kind
    assert bert.of_system("gpt1") == settings
    assert [settings.column_of("frozen", name) for name in settings.systems] == ["frozen", "frozen-bert", "frozen-gpt2"]
    values = bert.in_use()
    assert list(values["more_systems"]) == ["bert", "gpt2"]
    assert values["scale"] == settings.scale.model_dump()
    assert values["more_systems"]["bert"] == bert.scale.model_dump()


def test_variants_are_checked_with_their_system(project: Path) -> None:
    with_systems(project, ["gpt1", "lstm"], {"full": {"layers": 1}, "lstm": {"system": "lstm"}})
    load_settings(project)
    with_systems(project, ["gpt1", "lstm"], {"full": {}, "lstm": {"system": "lstm", "layers": 1}})
    assert "variants.lstm.layers: is for a transformer; system lstm is of kind `lstm`: remove it" in refused(project)


@pytest.mark.parametrize("system", ["word2vec", "elmo"])
def test_systems_that_are_only_read_take_heads(project: Path, system: str) -> None:
    with_systems(project, ["gpt1", system], {"full": {}, "own": {"system": system, "transfer": "features"}})
    settings = load_settings(project).of_system(system)
    assert (settings.scale.kind, list(settings.pretrainings())) == (system, [system])
    with_systems(project, ["gpt1", system], {"full": {}, "own": {"system": system}})
    assert f"variants.own.transfer: system {system} is of kind `{system}`, which is not fine-tuned" in refused(project)


@pytest.mark.parametrize("key", ["kind", "word2vec", "elmo"])
def test_what_is_a_systems_is_not_in_a_scale(project: Path, key: str) -> None:
    scale = project / "scales/laptop.yaml"
    write(scale, {**read_yaml(scale), key: {}})
    assert refused(project) == f"scales/laptop.yaml: {key}: is a system's; move it to a file in systems/"


def test_weights_from_elsewhere_are_of_one_system(project: Path) -> None:
    weights = {"init_from": "weights"}
    with_systems(project, ["gpt1"], {"full": {}}, pretrain=weights)
    load_settings(project)
    with_systems(project, ["gpt1", "gpt2"], {"full": {}}, pretrain=weights)
    assert "weights from elsewhere (weights) are of one system; `systems` has gpt1, gpt2" in refused(project)


def test_name_of_a_system_has_no_hyphen(project: Path) -> None:
    """It is a part of the name of a column, after a hyphen, and of the cell of a stage."""
    (project / "systems/gpt1.yaml").rename(project / "systems/gpt-1.yaml")
    write(project / "params.yaml", {**read_yaml(project / "params.yaml"), "systems": ["gpt-1"]})
    assert refused(project).startswith("systems/gpt-1.yaml: a name takes lower-case letters, digits and underscores")


@pytest.mark.parametrize("text", ["1e-5", "1e-05", "0.00001", "1.0e-05"])
def test_lr_may_be_written_in_every_notation(project: Path, text: str) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("lr: null", "").replace("lr:", "") + f"\nlr: {text}\n")
    assert load_settings(project).finetune_lr == 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(("key", "value", "named"), BAD_PARAMS)
def test_bad_value_in_params_yaml_is_named(project: Path, key: str, value: Any, named: str) -> None:
    write(project / "params.yaml", put(read_yaml(project / "params.yaml"), key, value))
    text = refused(project)
    assert text.startswith("params.yaml: ")
    assert named in text


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("params.yaml", "price_an_hour", "hourly_cost"),
        ("params.yaml", "system", "systems"),
        ("params.yaml", "pretrain.start_from", "pretrain.init_from"),
        ("params.yaml", "tasks.source.unlabelled", "tasks.source.unlabeled"),
        ("params.yaml", "tasks.source.card.licence", "tasks.source.card.license"),
        ("scales/laptop.yaml", "pretrain.batch_sequences", "pretrain.batch_size"),
        ("scales/laptop.yaml", "pretrain.doubling_weights", "pretrain.save_at_powers_of_two"),
        ("scales/laptop.yaml", "pretrain.optimiser", "pretrain.optimizer"),
        ("scales/laptop.yaml", "finetune.optimiser", "finetune.optimizer"),
        ("scales/laptop.yaml", "probes.words_a_change", "probes.words_per_change"),
    ],
)
def test_renamed_key_names_the_new_one(project: Path, file: str, old: str, new: str) -> None:
    values = read_yaml(project / file)
    if file != "params.yaml":
        values = put(values, new, MISSING)  # as in a file of before: the old key in the place of the new one
    write(project / file, put(values, old, 1))
    assert refused(project) == f"{file}: {old} is called {new} now"


def test_params_of_one_system_name_the_list(project: Path) -> None:
    values = put(read_yaml(project / "params.yaml"), "systems", MISSING)
    write(project / "params.yaml", {**values, "system": "gpt1"})
    assert refused(project) == "params.yaml: system is called systems now, a list: `systems: [gpt1]`"


def test_every_renamed_key_is_in_the_changelog() -> None:
    changelog = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    for old, new in RENAMED.items():
        assert f"| `{old}` | `{new}` |" in changelog


@pytest.mark.slow
@pytest.mark.parametrize(("key", "value", "named"), BAD_SCALE)
def test_bad_value_in_a_scale_file_is_named(project: Path, key: str, value: Any, named: str) -> None:
    path = project / "scales" / "laptop.yaml"
    write(path, put(read_yaml(path), key, value))
    text = refused(project)
    assert text.startswith(f"scales/laptop.yaml: {named}")


def test_error_has_the_value_and_what_is_accepted(project: Path) -> None:
    write(project / "params.yaml", put(read_yaml(project / "params.yaml"), "lr", "fast"))
    assert "'fast'" in refused(project)
    write(project / "params.yaml", put(read_yaml(project / "params.yaml"), "scale", "huge"))
    assert "laptop" in refused(project)


def test_error_counts_further_mistakes(project: Path) -> None:
    values = put(put(read_yaml(project / "params.yaml"), "lr", "fast"), "seeds", [])
    write(project / "params.yaml", values)
    assert "1 more" in refused(project)


@pytest.mark.parametrize("content", [b"a: [", b"- a\n", b"", b"\xff\xfe", b"a: 1\na: 2\n", b"just words"])
def test_file_that_is_not_a_mapping_is_named(project: Path, content: bytes) -> None:
    (project / "params.yaml").write_bytes(content)
    assert "params.yaml" in refused(project)


def test_missing_file_is_named(project: Path) -> None:
    (project / "params.yaml").unlink()
    assert "params.yaml" in refused(project)


def leaves(value: Any, path: str = "") -> list[str]:
    if not isinstance(value, dict):
        return [path]
    return [
        leaf for key, inner in value.items() for leaf in [*leaves(inner, f"{path}.{key}".lstrip(".")), path] if leaf
    ]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=5), scalars, max_size=3)


@pytest.mark.slow
@given(data=st.data(), value=values)
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_anywhere_loads_or_is_one_line(project: Path, data: st.DataObject, value: Any) -> None:
    """Whatever stands at whatever key: settings, or one line; never a traceback of the loader's own."""
    name = data.draw(st.sampled_from(["params.yaml", "scales/laptop.yaml"]))
    path = project / name
    before = path.read_bytes()
    content = read_yaml(path)
    key = data.draw(st.sampled_from(sorted(set(leaves(content)))))
    try:
        write(path, put(content, key, value))
        load_settings(project)
    except PretraceError as error:
        assert "\n" not in str(error)
        assert str(error).startswith((name, "params.yaml", str(path)))
    finally:
        path.write_bytes(before)
