"""An architecture of Hugging Face: what its folders call the sizes, the settings and the tensors of a transformer.

Each is a table in a module of its own; a new one gets an entry in `pretrace.model.checkpoints.huggingface`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.model.checkpoints.safetensors_file import FileLayout
from pretrace.model.transformer import Transformer
from pretrace.settings import ModelSettings

LARGEST = 1 << 24
"""Upper bound of every size, above that of any model."""


@dataclass(frozen=True)
class Key:
    """A key of `config.json` with one of our settings."""

    name: str
    default: Any
    """Its value where the file has none."""
    values: Mapping[str, str] | None = None
    """From their value to ours, the one to write first; None: the same."""

    def read(self, path: Path, config: dict[str, Any]) -> Any:
        """Return our value. Raises `PretraceError` if we have none for theirs."""
        value = config.get(self.name, self.default)
        if self.values is None:
            return value
        if not isinstance(value, str) or value not in self.values:
            raise PretraceError(f"{path}: {self.name}: got {value!r}; takes {', '.join(map(repr, self.values))}")
        return self.values[value]

    def write(self, value: Any) -> Any:
        """Return their value of ours."""
        return value if self.values is None else next(theirs for theirs, own in self.values.items() if own == value)


@dataclass(frozen=True, eq=False)
class Architecture:
    """The table of an architecture."""

    title: str
    """Its name in messages and model cards."""
    model_type: str
    """Its `model_type` in `config.json`."""
    heads: Mapping[str, tuple[str, Any]]
    """Settings that the tensors in a file decide: the beginning of their names, and the value if there are such."""
    classes: Mapping[tuple[Any, ...], tuple[str, str]]
    """By the values of `heads`: their class of the model, and the class of `transformers` that opens it."""
    sizes: Mapping[str, str]
    """Keys of `config.json` by our names of the sizes."""
    inner: str | None
    """Key of the feed-forward network's width where null stands for 4 x width; None: in `sizes`, or always that."""
    keys: Mapping[str, Key]
    """Keys of `config.json` by our names of other settings; the rest of our form is fixed."""
    dropouts: tuple[str, ...]
    """Keys of dropout rates; the first is read."""
    fixed: Mapping[str, Any]
    """Keys of `config.json` that have one value here."""
    form: Mapping[str, Any]
    """Fixed settings of form that do not have GPT-1's value."""
    initial: Mapping[str, Any]
    """Settings that `config.json` does not have and that decide nothing about given weights."""
    prefix: str
    """Beginning of names, which files of a model without heads do not have."""
    block: str
    """Beginning of names in a block, behind the prefix, without its number."""
    names: Mapping[str, tuple[str, ...]]
    """Their names of our modules, by the last part of ours; one below the other if there are several."""
    outside: Collection[str]
    """Our modules whose names have no prefix."""
    turns: bool
    """True if linear layers hold weights as (in, out), the transpose of PyTorch's."""
    no_weights: re.Pattern[str]
    """Names of tensors that are no weights of their own: masks of older versions, tied copies."""
    other_heads: re.Pattern[str]
    """Names of tensors of heads that we do not have."""
    tied: Mapping[str, str]
    """Tensors that a file may have although they are one of our parameters, by name."""
    old: tuple[tuple[str, str], ...] = ()
    """Endings of names, and what they are in older files."""
    written: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of `config.json` that are written."""
    token_ids: tuple[str, ...] = ()
    """Keys of `config.json` with ids of special tokens, written for a vocabulary that has them."""

    @property
    def ignored(self) -> re.Pattern[str]:
        """Names of tensors that are not read."""
        return re.compile(f"{self.no_weights.pattern}|{self.other_heads.pattern}")

    def settings_of(self, path: Path, config: dict[str, Any], tensors: Collection[str]) -> ModelSettings:
        """Return the settings of a folder's model.

        Args:
            path: of `config`, for errors.
            tensors: names in its file of weights.

        Raises:
            PretraceError: a value of `config.json` is none that this architecture has here.
        """
        for key, value in self.fixed.items():
            if config.get(key, value) != value:
                raise PretraceError(f"{path}: {key}: got {config[key]!r}; {self.title} has {value!r} here")
        values: dict[str, Any] = {ours: number(path, config, theirs) for ours, theirs in self.sizes.items()}
        values.setdefault("feed_forward", 4 * values["width"])
        if self.inner and config.get(self.inner) is not None:
            values["feed_forward"] = number(path, config, self.inner)
        values |= {ours: key.read(path, config) for ours, key in self.keys.items()}
        for ours, (start, value) in self.heads.items():
            values |= {ours: value} if any(name.startswith(start) for name in tensors) else {}
        try:
            dropout, initial_std = (
                float(config.get(key, default))
                for key, default in ((self.dropouts[0], 0.1), ("initializer_range", 0.02))
            )
            return ModelSettings(**values, **self.form, **self.initial, dropout=dropout, initial_std=initial_std)
        except (TypeError, ValueError, OverflowError) as error:
            raise PretraceError(f"{path}: not sizes of a {self.title} ({' '.join(str(error).split())})") from None

    def unlike(self, settings: ModelSettings) -> list[str]:
        """Return the settings of a model that keep this architecture from holding it."""
        values = settings.form()
        taken = {name: key.values.values() for name, key in self.keys.items() if key.values is not None}
        free = self.keys.keys() | self.sizes.keys() | self.heads.keys()
        other = [name for name in settings.unlike(self.form) if name not in free]
        other += [name for name, accepted in taken.items() if values[name] not in accepted]
        other += [name for name, (_, value) in self.heads.items() if values[name] not in (value, _default(name))]
        other += [name for name in self.sizes if not getattr(settings, name)]
        any_inner = self.inner is not None or "feed_forward" in self.sizes
        return other + ["feed_forward"] * (not any_inner and settings.feed_forward != 4 * settings.width)

    def classes_of(self, settings: ModelSettings) -> tuple[str, str]:
        """Return their class of a model, and the class of `transformers` that opens it."""
        return self.classes[tuple(getattr(settings, name) for name in self.heads)]

    def config_of(self, model: Transformer, token_ids: Mapping[str, int]) -> dict[str, Any]:
        """Return the content of `config.json`; `token_ids` are those of the vocabulary, by their keys there."""
        settings = model.settings
        inner = None if settings.feed_forward == 4 * settings.width else settings.feed_forward
        return {
            "architectures": [self.classes_of(settings)[0]],
            "model_type": self.model_type,
            "vocab_size": model.vocabulary_size,
            **{theirs: getattr(settings, ours) for ours, theirs in self.sizes.items()},
            **({self.inner: inner} if self.inner else {}),
            **{key.name: key.write(getattr(settings, ours)) for ours, key in self.keys.items()},
            **self.fixed,
            **dict.fromkeys(self.dropouts, settings.dropout),
            "initializer_range": settings.initial_std,
            **self.written,
            **{key: token_ids[key] for key in self.token_ids if key in token_ids},
            "torch_dtype": "float32",
        }

    def layout(self, tensors: Collection[str] | None = None) -> FileLayout:
        """Return names and form of the tensors in a file: that which has `tensors`, or one to write."""
        kept = {name for name in tensors or () if not self.ignored.fullmatch(name)}
        prefix = self.prefix if tensors is None or any(name.startswith(self.prefix) for name in kept) else ""

        def spelled(name: str) -> str:
            old = next((name.removesuffix(now) + then for now, then in self.old if name.endswith(now)), name)
            return old if name not in kept and old in kept else name

        def names_of(name: str) -> tuple[str, ...]:
            *path, part, kind = name.split(".") if "." in name else (name, "")
            start = ("" if part in self.outside else prefix) + (f"{self.block}.{path[1]}." if path else "")
            return tuple(spelled(f"{start}{theirs}.{kind}".rstrip(".")) for theirs in self.names[part])

        return FileLayout(names_of, self._turned, self.ignored)

    def _turned(self, name: str, tensor: Tensor) -> Tensor:
        return tensor.T if self.turns and tensor.dim() == 2 and "embedding" not in name else tensor


def _default(name: str) -> Any:
    return ModelSettings.model_fields[name].default


def number(path: Path, config: dict[str, Any], key: str) -> int:
    """Return a size in `config.json`. Raises `PretraceError` if it is none."""
    value = config.get(key)
    if type(value) is not int or not 1 <= value <= LARGEST:
        raise PretraceError(f"{path}: {key}: got {value!r}; takes a whole number from 1 to {LARGEST}")
    return value
