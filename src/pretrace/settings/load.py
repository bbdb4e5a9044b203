"""Reading `params.yaml` and its scale file, and what is said where they are wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from pretrace.errors import PretraceError
from pretrace.settings.corpus import Corpus, Workers
from pretrace.settings.experiment import Start, Task, Variant
from pretrace.settings.scale import Scale
from pretrace.settings.section import Positive, Section, checked

NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


class Settings(Section):
    """Everything a run depends on besides code and data."""

    scale_name: str
    scale: Scale
    lr: Positive | None
    seeds: Annotated[list[int], Field(min_length=1)]
    corpus: Corpus
    workers: Workers = Workers()
    price_an_hour: Annotated[float, Field(ge=0.0)] | None = None
    """What the machines that pre-train cost an hour, all together; the cost is then said at the end. No stage depends
    on it."""
    pretrain: Start = Start()
    tasks: Annotated[dict[str, Task], Field(min_length=1)]
    variants: Annotated[dict[str, Variant], Field(min_length=1)]
    ablations: dict[str, dict[str, Variant]] = Field(default_factory=dict)
    """Sets of variants by name, which take the place of `variants`: `dvc exp run -S 'variants=${ablations.table5}'`."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Settings:
        for what, names in (("tasks", self.tasks), ("variants", self.variants)):
            for name in names:
                if not NAME.fullmatch(name):
                    raise ValueError(f"{what}.{name}: a name takes lower-case letters, digits and underscores")
        for name, variant in self.variants.items():
            if (variant.layers or 0) > self.scale.model.layers:
                raise ValueError(
                    f"variants.{name}.layers: got {variant.layers}; the transformer of scale {self.scale_name} has "
                    f"{self.scale.model.layers}"
                )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}: the same seed twice")
        if self.corpus.source == "files" and not self.corpus.path:
            raise ValueError("corpus.path: `source: files` needs a file, a folder, a glob or a URL here")
        dataset = self.corpus.dataset
        if self.corpus.source == "huggingface" and not (dataset.name and dataset.revision):
            raise ValueError(
                "corpus.dataset: `source: huggingface` needs `name` and `revision`, the commit to read, of 40 digits"
            )
        if self.corpus.source == "installed" and not self.corpus.packages:
            raise ValueError("corpus.packages: `source: installed` needs at least one package name")
        return self

    @property
    def finetune_lr(self) -> float:
        """The fine-tuning rate of the run: the top-level `lr`, or the scale's own."""
        return self.lr if self.lr is not None else self.scale.finetune.lr


def load_settings(root: Path | str = ".") -> Settings:
    """Read `params.yaml` and the scale file it names from `root`.

    Raises:
        PretraceError: a file is missing or not YAML; a key is unknown, missing, of a wrong type or out of range. The
            text names the file, the key, what was found and what is accepted.
    """
    root = Path(root)
    values = read_yaml(root / "params.yaml")
    name = values.pop("scale", None)
    known = sorted(path.stem for path in (root / "scales").glob("*.yaml"))
    if not isinstance(name, str) or name not in known:
        raise PretraceError(f"params.yaml: scale: got {name!r}; takes one of {', '.join(known)}")
    scale_file = f"scales/{name}.yaml"
    scale = checked(Scale, read_yaml(root / scale_file), scale_file)
    return checked(Settings, {"lr": None, **values, "scale_name": name, "scale": scale}, "params.yaml")


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 file whose top is a mapping."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        value = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PretraceError(f"{path}: no such file; run from the repository's root") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise PretraceError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, dict):
        raise PretraceError(f"{path}: takes keys with values, got {type(value).__name__}")
    return value
