"""Read `params.yaml` with its system and scale files, or raise one line that names the file and the key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from pretrace.common.errors import PretraceError
from pretrace.settings.corpus import Corpus, TextSettings, Workers
from pretrace.settings.experiment import MOST_SEEDS, Pretraining, Task, Variant
from pretrace.settings.ready import ReadySource, with_ready
from pretrace.settings.scale import MAIN_MODEL, Scale
from pretrace.settings.search import Ladder, Search
from pretrace.settings.section import NotNegative, Rate, Section, Seed, checked
from pretrace.settings.system import System
from pretrace.settings.yaml_file import read_yaml
from pretrace.settings.zero_shot import FROZEN, ZERO_SHOT, ZERO_SHOT_PMI, LanguageTest, ZeroShot

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
"""Names of tasks and variants: they become folders, and arguments of a command in dvc.yaml."""
BASELINES = ("majority", "tfidf", "ngram", "lsa", ZERO_SHOT, ZERO_SHOT_PMI, FROZEN)
"""Columns of the table besides the variants."""
RESERVED = {
    "tasks": {"mean": "the table has a row of this name already"},
    "variants": dict.fromkeys(BASELINES, "the table has a column of this name already")
    | dict.fromkeys(("task", "format", "metric"), "the table has a heading of this name already"),
}
"""Names that the table uses itself, by section, each with the reason."""


class Settings(Section):
    """All that a run depends on besides code and data."""

    scale_name: str
    system_name: str
    system_source: str
    """Paper and code of the system."""
    scale: Scale
    """Sizes, with the system's values in them."""
    lr: Rate | None
    """Peak learning rate of fine-tuning; null: the scale's (`finetune.lr`). Pre-training has its own, `pretrain.lr`."""
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=MOST_SEEDS)]
    """Seeds of fine-tuning; every task and variant is trained with each, a pre-trained variant from each
    pre-training."""
    corpus: Corpus
    text: TextSettings = TextSettings()
    workers: Workers = Workers()
    hourly_cost: NotNegative | None = None
    """Price per hour of all hosts that pre-train together, in any currency; the cost is reported at the end. No stage
    depends on it."""
    pretrain: Pretraining = Pretraining()
    ready: ReadySource = ReadySource()
    tasks: Annotated[dict[str, Task], Field(min_length=1)]
    suites: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Sets of tasks by name, to replace `tasks`: `dvc exp run -S 'tasks=${suites.glue}'`. Checked when used."""
    variants: Annotated[dict[str, Variant], Field(min_length=1)]
    ablations: dict[str, dict[str, Variant]] = Field(default_factory=dict)
    """Sets of variants by name, to replace `variants`: `dvc exp run -S 'variants=${ablations.table5}'`."""
    search: Search = Search()
    ladder: Ladder = Ladder()
    zero_shot: ZeroShot = ZeroShot()
    language_tests: dict[str, LanguageTest] = Field(default_factory=dict)
    """Tests of the pre-trained language models, by name."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Settings:
        for what in ("tasks", "variants", "language_tests"):
            for name in getattr(self, what):
                if not NAME.fullmatch(name):
                    raise ValueError(
                        f"{what}.{name[:60]}: a name takes lower-case letters, digits and underscores, begins with a "
                        "letter and has at most 60"
                    )
        for what, reserved in RESERVED.items():
            for name in getattr(self, what):
                if name in reserved:
                    raise ValueError(f"{what}.{name}: {reserved[name]}; take another one")
        for name, variant in self.variants.items():
            if (variant.layers or 0) > self.scale.model.layers:
                raise ValueError(
                    f"variants.{name}.layers: got {variant.layers}; the transformer of scale {self.scale_name} has "
                    f"{self.scale.model.layers}"
                )
        for name, variant in self.variants.items():
            if variant.model != MAIN_MODEL and self.scale.pretrain.objective.kind == "masked":
                raise ValueError(
                    f"variants.{name}.model: scale {self.scale_name} has `pretrain.objective.kind: masked`, which is "
                    f"for the {MAIN_MODEL} alone: the {variant.model} reads in one direction; remove the variant"
                )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}: the same seed twice")
        shares = self.corpus.validation_share + self.corpus.probe_share
        if shares >= 1:
            raise ValueError(
                f"corpus.probe_share: got {self.corpus.probe_share:g}, and corpus.validation_share is "
                f"{self.corpus.validation_share:g}; together they take less than 1, the rest is for training"
            )
        if self.corpus.source == "files" and not self.corpus.path:
            raise ValueError("corpus.path: `source: files` needs a file, a folder, a glob or a URL here")
        dataset = self.corpus.dataset
        if self.corpus.source == "huggingface" and not (dataset.name and dataset.revision):
            raise ValueError(
                "corpus.dataset: `source: huggingface` needs `name` and `revision`, the commit to read, of 40 digits"
            )
        if self.corpus.source == "installed" and not self.corpus.packages:
            raise ValueError("corpus.packages: `source: installed` needs at least one package name")
        if len(set(self.corpus.packages)) < len(self.corpus.packages):
            raise ValueError("corpus.packages: the same name twice")
        return self

    def in_use(self, **options: Any) -> dict[str, Any]:
        """Return plain values, without the sets that only stand ready to replace `tasks` or `variants`, and without the
        ladder.

        Args:
            options: pydantic's, such as `exclude_none`.
        """
        return self.model_dump(exclude={"suites", "ablations", "ladder"}, **options)

    def pretrainings(self, kind: str) -> dict[str, int | None]:
        """Return the seed of each pre-training of a kind of model, by the name of its folder and its curves.

        The first one is called like the kind: `transformer`, `transformer-seed-43`. Weights from elsewhere
        (`pretrain.init_from`) have no seed: None.
        """
        if kind == MAIN_MODEL and self.pretrain.init_from:
            return {kind: None}
        return {self.pretraining_name(kind, seed): seed for seed in self.pretrain.seeds}

    def continued(self) -> Settings:
        """Return the settings with those of `pretrain.continue_with` in place of the scale's.

        Raises:
            PretraceError: they do not fit the scale's others.
        """
        changes = self.pretrain.continue_with.model_dump(exclude_none=True)
        if not changes:
            return self
        section = self.scale.pretrain.model_dump(exclude_unset=True) | changes
        for length in changes.keys() & {"steps", "warmup_steps"}:  # the scale may have it in tokens
            section.pop(length.replace("steps", "tokens"), None)
        pretrain = checked(type(self.scale.pretrain), section, "params.yaml", "pretrain.continue_with")
        return self.model_copy(update={"scale": self.scale.model_copy(update={"pretrain": pretrain})})

    def pretraining_name(self, kind: str, seed: int) -> str:
        """Return the name of the pre-training of a kind of model with a seed."""
        return kind if seed == self.pretrain.seeds[0] else f"{kind}-seed-{seed}"

    @property
    def finetune_lr(self) -> float:
        """Peak learning rate of fine-tuning: the top-level `lr`, else the scale's."""
        return self.lr if self.lr is not None else self.scale.finetune.lr


def load_settings(root: Path | str = ".") -> Settings:
    """Read `params.yaml` and the files of its scale and its system from `root`.

    Raises:
        PretraceError: a file is missing or not YAML; a key is unknown, missing, of a wrong type or out of range. The
            text names the file, the key, its value and what is accepted.
    """
    root = Path(root)
    values = read_yaml(root / "params.yaml")
    name, system = (_chosen(values.pop(key, None), key, root) for key in ("scale", "system"))
    scale, source = load_scale(root, name, system)
    if isinstance(values.get("tasks"), dict):
        ready = checked(ReadySource, values.get("ready", {}), "params.yaml", "ready")
        values["tasks"] = {task: with_ready(str(task), own, ready) for task, own in values["tasks"].items()}
    known = {"scale_name": name, "system_name": system, "system_source": source, "scale": scale}
    settings = checked(Settings, {"lr": None, **values, **known}, "params.yaml")
    return settings.continued()


def load_scale(root: Path, name: str, system: str) -> tuple[Scale, str]:
    """Read a scale file, and put a system's values in it; return that and the system's source.

    Raises:
        PretraceError: as `load_settings`.
    """
    scale_file, system_file = f"scales/{name}.yaml", f"systems/{system}.yaml"
    own = checked(System, read_yaml(root / system_file), system_file)
    sizes = read_yaml(root / scale_file)
    changed = own.over(sizes, name)
    scale = checked(Scale, changed, scale_file if changed == sizes else f"{scale_file} with {system_file}")
    return scale, own.source


def _chosen(name: Any, key: str, root: Path) -> str:
    """Return the name of a file that params.yaml has under a key."""
    known = sorted(path.stem for path in (root / f"{key}s").glob("*.yaml"))
    if not isinstance(name, str) or name not in known:
        raise PretraceError(f"params.yaml: {key}: got {name!r}; takes one of {', '.join(known)}")
    return name
