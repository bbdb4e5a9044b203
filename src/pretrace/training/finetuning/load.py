"""A fine-tuned model with its vocabulary, by the name of its task and variant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.schemas.finetuning import FinetunedConfig, FinetuneFacts
from pretrace.schemas.record import read_record
from pretrace.settings.columns import Fields
from pretrace.tasks.rows.kinds import TaskKind
from pretrace.tokens import Vocabulary, load_vocabulary
from pretrace.training.finetuning.artifacts import HEAD_CONFIG, UNAVAILABLE, load_finetuned
from pretrace.training.finetuning.task_head import TaskModel

FINETUNED, VOCABULARIES = Path("models/finetuned"), Path("models/vocabulary")


@dataclass(frozen=True)
class Finetuned:
    """A fine-tuned model with what its predictions need."""

    model: TaskModel
    config: FinetunedConfig
    vocabulary: Vocabulary

    @property
    def kind(self) -> TaskKind:
        """Kind of the task."""
        return self.model.kind

    @property
    def fields(self) -> Fields:
        """Columns that the parts of a row come from."""
        return self.kind.fields(self.config.columns)


def open_cell(cell: str) -> Finetuned:
    """Return the fine-tuned model of a task and variant, by its name or path.

    Raises:
        PretraceError: there is none, it is damaged, or the vocabulary is another one.
    """
    folder = Path(cell) if Path(cell).parent == FINETUNED else FINETUNED / cell
    if not folder.is_dir() or folder.parent != FINETUNED:
        known = ", ".join(sorted(path.name for path in FINETUNED.glob("*-*"))) or "no model yet; run `dvc repro`"
        raise PretraceError(f"{cell}: not in {FINETUNED}, which has {known}")
    if (folder / UNAVAILABLE).exists():
        facts = read_record(folder / UNAVAILABLE, FinetuneFacts)
        raise PretraceError(f"{folder}: there is no model: {facts.unavailable}")
    if (folder / HEAD_CONFIG).exists():
        raise PretraceError(
            f"{folder}: is a head on features (`transfer: features`), and no model of its own; takes a variant that is "
            "fine-tuned"
        )
    return open_finetuned(folder)


def open_finetuned(folder: Path, vocabulary_folder: Path | None = None) -> Finetuned:
    """Read a model and the vocabulary that it was made with.

    Args:
        vocabulary_folder: null: that of the model's system.

    Raises:
        PretraceError: one of them is not whole, or they do not fit each other.
    """
    model, config = load_finetuned(folder)
    vocabulary_folder = vocabulary_folder or VOCABULARIES / config.system
    vocabulary = load_vocabulary(vocabulary_folder)
    if vocabulary.size != config.model.vocabulary_size:
        raise PretraceError(
            f"{vocabulary_folder}: has {vocabulary.size} tokens, and {folder} was made with "
            f"{config.model.vocabulary_size}; check out the vocabulary of its run (`dvc checkout`)"
        )
    return Finetuned(model, config, vocabulary)
