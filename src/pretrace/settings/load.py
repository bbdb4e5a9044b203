"""Read `params.yaml` with the files of its scale and its systems, or raise one line that names the file and the key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from pretrace.common.errors import PretraceError
from pretrace.settings.corpus import Corpus, TextSettings, Workers
from pretrace.settings.experiment import MOST_SEEDS, Pretraining, Task, Variant
from pretrace.settings.learners.learner import Learner
from pretrace.settings.prompts.few_shot import FewShot
from pretrace.settings.ready import SEQUENCES, ReadySource, with_ready
from pretrace.settings.scale import ENCODER_DECODER, TRANSFORMER, ModelKind, Scale
from pretrace.settings.search import Ladder, Rates, Search
from pretrace.settings.section import NotNegative, Rate, Section, Seed, checked
from pretrace.settings.sequences.task import SequenceTask
from pretrace.settings.system import System, SystemAtScale
from pretrace.settings.yaml_file import read_yaml
from pretrace.settings.zero_shot import FROZEN, ZERO_SHOT, ZERO_SHOT_PMI, LanguageTest, ZeroShot

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
"""Names of tasks, variants and systems: they become folders, and arguments of a command in dvc.yaml."""
BASELINES = ("majority", "tfidf", "ngram", "lsa", ZERO_SHOT, ZERO_SHOT_PMI, FROZEN)
"""Columns of the table besides the variants."""
FEATURES_ONLY: tuple[ModelKind, ...] = ("word2vec", "elmo")
"""Kinds of models that are read by heads and not fine-tuned."""
RESERVED = {
    "tasks": {"mean": "the table has a row of this name already"},
    "variants": dict.fromkeys(BASELINES, "the table has a column of this name already")
    | dict.fromkeys(("task", "format", "metric"), "the table has a heading of this name already"),
}
"""Names that the table uses itself, by section, each with the reason."""


class Settings(Section):
    """All that a run depends on besides code and data."""

    scale_name: str
    systems: dict[str, SystemAtScale]
    """Every system of the experiment, by the name of its file; a variant that names none has the first."""
    system_name: str
    """The one of them whose values `scale` has; `of_system` changes it."""
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
    sequences: dict[str, SequenceTask] = Field(default_factory=dict)
    """Tasks from text to text, whose answers are written and not chosen."""
    suites: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Sets of tasks by name, to replace `tasks`: `dvc exp run -S 'tasks=${suites.glue}'`. Checked when used."""
    variants: Annotated[dict[str, Variant], Field(min_length=1)]
    ablations: dict[str, dict[str, Variant]] = Field(default_factory=dict)
    """Sets of variants by name, to replace `variants`: `dvc exp run -S 'variants=${ablations.table5}'`."""
    sequence_suites: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Sets of `sequences` by name, to replace them: `dvc exp run -S 'sequences=${sequence_suites.probes}'`. Checked
    when used."""
    learners: dict[str, Learner] = Field(default_factory=dict)
    """Columns of the table of sequences; none are trained while there are no `sequences`."""
    learner_systems: dict[str, SystemAtScale] = Field(default_factory=dict)
    """Systems of the learners, by name."""
    search: Search = Search()
    rates: Rates = Rates()
    ladder: Ladder = Ladder()
    zero_shot: ZeroShot = ZeroShot()
    few_shot: FewShot = FewShot()
    language_tests: dict[str, LanguageTest] = Field(default_factory=dict)
    """Tests of the pre-trained language models, by name."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Settings:
        for what in ("tasks", "variants", "language_tests", "sequences", "learners"):
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
        if self.system_name not in self.systems:
            raise ValueError(f"systems: there is no {self.system_name!r}; has {', '.join(self.systems)}")
        for name, variant in self.variants.items():
            self._check_system(name, variant)
        for name, one in self.systems.items():
            if one.scale.kind == ENCODER_DECODER:
                raise ValueError(
                    f"systems: {name} is an `{ENCODER_DECODER}`, which is not pre-trained; it learns `sequences`: name "
                    "it in `learners`"
                )
        for name, learner in self.learners.items() if self.sequences else ():
            self._check_learner(name, learner)
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}: the same seed twice")
        for name in self.sequences.keys() & self.tasks.keys():
            raise ValueError(f"sequences.{name}: `tasks` has this name already; take another one")
        for name in self.few_shot.tasks or []:
            if name not in self.tasks and name not in self.sequences:
                known = ", ".join([*self.tasks, *self.sequences])
                raise ValueError(f"few_shot.tasks: got {name!r}; takes names of `tasks` and `sequences`: {known}")
        if self.pretrain.weights and len(self.systems) > 1:
            raise ValueError(
                f"pretrain: weights from elsewhere ({self.pretrain.weights}) are of one system; `systems` has "
                f"{', '.join(self.systems)}: leave one"
            )
        if self.pretrain.weights and self.scale.kind != TRANSFORMER:
            raise ValueError(
                f"pretrain: weights from elsewhere ({self.pretrain.weights}) are of a {TRANSFORMER}; system "
                f"{self.system_name} is of kind `{self.scale.kind}`: take another in `systems`"
            )
        shares = self.corpus.validation_share + self.corpus.probe_share
        if shares >= 1:
            raise ValueError(
                f"corpus.probe_share: got {self.corpus.probe_share:g}, and corpus.validation_share is "
                f"{self.corpus.validation_share:g}; together they take less than 1, the rest is for training"
            )
        if self.corpus.source == "files" and not self.corpus.path:
            raise ValueError("corpus.path: `source: files` needs a file, a folder, a glob or a URL here")
        in_order = [name for name, one in self.systems.items() if one.scale.pretrain.objective.kind == "in_order"]
        if self.corpus.mix and in_order:
            raise ValueError(
                f"corpus.mix: sources by weight are drawn sequence by sequence, and system {in_order[0]} reads the "
                "text in order; leave one of them out"
            )
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

    def _check_learner(self, name: str, learner: Learner) -> None:
        """Raise `ValueError` if a learner writes no text, or has no pre-training to start from."""
        system, scale = self.system_of_learner(name), self.learner_scale(name)
        if scale.kind in FEATURES_ONLY or (scale.kind == TRANSFORMER and scale.model.attention == "full"):
            raise ValueError(
                f"learners.{name}.system: {system} does not predict next tokens, so it writes no text; takes an "
                f"`{ENCODER_DECODER}` such as transformer, or a system such as gpt2"
            )
        if learner.pretrained and system not in self.systems:
            problem = "is not pre-trained" if scale.kind == ENCODER_DECODER else "is none of `systems`"
            raise ValueError(f"learners.{name}.pretrained: {system} {problem}; takes false")

    def system_of_learner(self, name: str) -> str:
        """Return the system of a learner."""
        return self.learners[name].system or self.first_system

    def learner_scale(self, name: str) -> Scale:
        """Return the sizes of a learner, with its system's values in them."""
        return (self.learner_systems | self.systems)[self.system_of_learner(name)].scale

    def _check_system(self, name: str, variant: Variant) -> None:
        """Raise `ValueError` if a variant does not fit its system, or has none."""
        if variant.system is not None and variant.system not in self.systems:
            raise ValueError(
                f"variants.{name}.system: got {variant.system!r}; takes one of `systems`: {', '.join(self.systems)}"
            )
        scale = self.systems[self.system_of(name)].scale
        if variant.layers is not None and scale.kind != TRANSFORMER:
            raise ValueError(
                f"variants.{name}.layers: is for a {TRANSFORMER}; system {self.system_of(name)} is of kind "
                f"`{scale.kind}`: remove it"
            )
        if variant.transfer == "finetune" and scale.kind in FEATURES_ONLY:
            raise ValueError(
                f"variants.{name}.transfer: system {self.system_of(name)} is of kind `{scale.kind}`, which is not "
                "fine-tuned; takes `features`"
            )
        if (variant.layers or 0) > scale.model.layers:
            raise ValueError(
                f"variants.{name}.layers: got {variant.layers}; the transformer of scale {self.scale_name} has "
                f"{scale.model.layers}"
            )

    def in_use(self, **options: Any) -> dict[str, Any]:
        """Return plain values, without the sets that only stand ready to replace `tasks` or `variants`, and without
        what only `pretrace rates`, `ladder` and `fewshot` or stages of their own read; of the systems, all but the
        first with their values at this scale.

        Args:
            options: pydantic's, such as `exclude_none`.
        """
        unused = {
            "suites",
            "sequence_suites",
            "ablations",
            "rates",
            "ladder",
            "few_shot",
            "learners",
            "learner_systems",
        }
        values = self.of_system(self.first_system).model_dump(exclude=unused, **options)
        others = {name: one["scale"] for name, one in values.pop("systems").items() if name != self.first_system}
        return values | ({"more_systems": others} if others else {})

    @property
    def first_system(self) -> str:
        """The system of variants that name none, and of what an experiment has once."""
        return next(iter(self.systems))

    def system_of(self, variant: str) -> str:
        """Return the system of a variant."""
        return self.variants[variant].system or self.first_system

    def of_system(self, name: str) -> Settings:
        """Return the settings with the values of one of the systems in `scale`."""
        return self.model_copy(update={"system_name": name, "scale": self.systems[name].scale})

    def of_system_named(self, name: str | None) -> Settings:
        """Return the settings of a system by the name that a command was given; None: of the first.

        Raises:
            PretraceError: there is no such system.
        """
        if name is not None and name not in self.systems:
            raise PretraceError(f"--system: got {name!r}; params.yaml has systems: {', '.join(self.systems)}")
        return self.of_system(name or self.first_system)

    def column_of(self, column: str, system: str) -> str:
        """Return the name of a system's column without fine-tuning: `frozen`, and `frozen-bert` of a further system.

        No variant has a hyphen in its name, so `split_column` takes it apart.
        """
        return column if system == self.first_system else f"{column}-{system}"

    def pretrainings(self) -> dict[str, int | None]:
        """Return the seed of each pre-training of the system, by the name of its folder and its curves.

        The first one is called like the kind of model: `transformer`, `transformer-seed-43`. Weights from elsewhere
        (`pretrain.init_from`) have no seed: None.
        """
        if self.pretrain.init_from:
            return {self.scale.kind: None}
        return {self.pretraining_name(seed): seed for seed in self.pretrain.seeds}

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
        scale = self.scale.model_copy(update={"pretrain": pretrain})
        one = {self.system_name: self.systems[self.system_name].model_copy(update={"scale": scale})}
        return self.model_copy(update={"scale": scale, "systems": one})

    def pretraining_name(self, seed: int) -> str:
        """Return the name of the system's pre-training with a seed."""
        kind = self.scale.kind
        return kind if seed == self.pretrain.seeds[0] else f"{kind}-seed-{seed}"

    @property
    def finetune_lr(self) -> float:
        """Peak learning rate of fine-tuning: the top-level `lr`, else the scale's."""
        return self.lr if self.lr is not None else self.scale.finetune.lr


def split_column(column: str) -> tuple[str, str]:
    """Return the name of a column without its system, and the system: "" for the first one's, and for a variant."""
    base, _, system = column.partition("-")
    return base, system


def load_settings(root: Path | str = ".") -> Settings:
    """Read `params.yaml` and the files of its scale and its systems from `root`; `scale` is that of the first system.

    Raises:
        PretraceError: a file is missing or not YAML; a key is unknown, missing, of a wrong type or out of range. The
            text names the file, the key, its value and what is accepted.
    """
    root = Path(root)
    values = read_yaml(root / "params.yaml")
    if "system" in values and "systems" not in values:
        raise PretraceError("params.yaml: system is called systems now, a list: `systems: [gpt1]`")
    name = _chosen(values.pop("scale", None), "scale", root)
    chosen = _chosen_systems(values.pop("systems", None), root)
    systems = {system: load_scale(root, name, system) for system in chosen}
    if isinstance(values.get("tasks"), dict):
        ready = checked(ReadySource, values.get("ready", {}), "params.yaml", "ready")
        values["tasks"] = {task: with_ready(str(task), own, ready) for task, own in values["tasks"].items()}
        if isinstance(texts := values.get("sequences"), dict):
            values["sequences"] = {task: with_ready(str(task), own, ready, SEQUENCES) for task, own in texts.items()}
    known = {"scale_name": name, "systems": systems, "system_name": chosen[0], "scale": systems[chosen[0]].scale}
    known["learner_systems"] = _learner_systems(values.get("learners") if values.get("sequences") else None, root, name)
    settings = checked(Settings, {"lr": None, **values, **known}, "params.yaml")
    return settings.continued()


def load_scale(root: Path, name: str, system: str) -> SystemAtScale:
    """Read a scale file, and put a system's values in it.

    Raises:
        PretraceError: as `load_settings`.
    """
    scale_file, system_file = f"scales/{name}.yaml", f"systems/{system}.yaml"
    own = checked(System, read_yaml(root / system_file), system_file)
    sizes = read_yaml(root / scale_file)
    for key in ("kind", "word2vec", "elmo"):
        if key in sizes:
            raise PretraceError(f"{scale_file}: {key}: is a system's; move it to a file in systems/")
    changed = own.over(sizes, name)
    scale = checked(Scale, changed, scale_file if changed == sizes else f"{scale_file} with {system_file}")
    return SystemAtScale(source=own.source, scale=scale)


def _chosen(name: Any, key: str, root: Path) -> str:
    """Return the name of a file that params.yaml has under a key, `scale` or `systems`."""
    known = sorted(path.stem for path in (root / f"{key.removesuffix('s')}s").glob("*.yaml"))
    if not isinstance(name, str) or name not in known:
        raise PretraceError(f"params.yaml: {key}: got {name!r}; takes one of {', '.join(known)}")
    return name


def _learner_systems(learners: Any, root: Path, scale: str) -> dict[str, SystemAtScale]:
    """Return the systems that learners name; what is no name, the check of the settings refuses."""
    entries = learners.values() if isinstance(learners, dict) else ()
    names = [one.get("system") for one in entries if isinstance(one, dict)]
    chosen = [_chosen(name, "systems", root) for name in names if isinstance(name, str)]
    return {name: load_scale(root, scale, name) for name in dict.fromkeys(chosen)}


def _chosen_systems(names: Any, root: Path) -> list[str]:
    """Return the names of the experiment's systems."""
    if not isinstance(names, list) or not names:
        raise PretraceError(f"params.yaml: systems: got {names!r}; takes a list of names of files in systems/: [gpt1]")
    chosen = [_chosen(name, "systems", root) for name in names]
    for name in chosen:
        if not NAME.fullmatch(name):
            raise PretraceError(
                f"systems/{name}.yaml: a name takes lower-case letters, digits and underscores; rename it"
            )
    if len(set(chosen)) < len(chosen):
        raise PretraceError(f"params.yaml: systems: got {', '.join(chosen)}; the same name twice")
    return chosen
