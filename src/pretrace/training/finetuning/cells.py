"""The files that each fine-tuning reads, by the system of its variant.

    data/cells/<task>-<variant>.json    the system, its sizes and settings of fine-tuning, the SHA-256 of each file
    reports/cells.json                  DVC's checksums of the folders that were read, and of the files above

A matrix of DVC has the names of tasks and variants, and cannot look up the system of a variant: as a dependency it
could only name the rows and models of all systems, and each new system would run every fine-tuning again. So one stage
names the files, and the stage `finetune` depends on its own cell alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, sha256_of_file
from pretrace.pipeline.dvc_hash import dvc_hash
from pretrace.schemas.finetuning import CellRecord
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.settings import Settings

SIZE = "vocabulary/vocabulary.json"
"""In the folder of a pre-trained model: the record with the size of its vocabulary."""
WEIGHTS = ("config.json", "model.safetensors")


def write_cells(settings: Settings, encoded: Path, pretrained: Path, out: Path) -> dict[str, str]:
    """Write the record of every task and variant into the folder `out`, whole or not at all.

    Args:
        encoded: folder of the rows as ids, by system and task.
        pretrained: folder of the pre-trained models, by system.

    Returns:
        DVC's checksums of the folders of each system that were read, and of the records.

    Raises:
        PretraceError: a file is missing.
    """
    sha256 = cache(_sha256)
    with atomic_folder(out) as temporary:
        for name in settings.variants:
            own = settings.of_system(settings.system_of(name))
            sizes = own.scale.model_dump(include={"model", "lstm", "word2vec", "elmo", "finetune"}, exclude_unset=True)
            models = list(_model_files(own, name, pretrained / own.system_name))
            for task in settings.tasks:
                files = [*sorted((encoded / own.system_name / task).glob("*")), *models]
                hashes = {path.as_posix(): sha256(path) for path in files}
                record = CellRecord(system=own.system_name, kind=own.scale.kind, settings=sizes, files=hashes)
                write_record(temporary / f"{task}-{name}.json", record)
    systems = dict.fromkeys(map(settings.system_of, settings.variants))
    paths = [*(folder / system for system in systems for folder in (encoded, pretrained)), *sorted(out.iterdir())]
    return {path.as_posix(): dvc_hash(path) for path in paths}


def check_files(cell: CellRecord) -> None:
    """Compare the files that a fine-tuning reads with those that its cell names.

    Raises:
        PretraceError: one is missing, or another one.
    """
    for name, sha256 in cell.files.items():
        path = Path(name)
        if _sha256(path) != sha256:
            raise PretraceError(
                f"{path}: is not what the stage `cells` has read; delete {path.parent} and run `dvc repro`"
            )


def vocabulary_size(settings: Settings, models: Path) -> int:
    """Return the tokens of the vocabulary of the system's pre-trained models, given their folder.

    Raises:
        PretraceError: the record is missing or damaged.
    """
    return read_record(models / settings.scale.kind / SIZE, VocabularyRecord).size


def _model_files(settings: Settings, name: str, models: Path) -> Iterator[Path]:
    """Yield the files of the pre-trained models that a variant reads; random weights need the vocabulary's size."""
    yield models / settings.scale.kind / SIZE
    for start in settings.pretrainings() if settings.variants[name].pretrained else ():
        yield from (models / start / file for file in WEIGHTS)


def _sha256(path: Path) -> str:
    if not path.exists():
        output = Path(*path.parts[:3])  # that of a stage, such as models/pretrained/gpt1
        raise PretraceError(f"{path}: no such file; `dvc pull {output}` brings it from elsewhere, `dvc repro` makes it")
    try:
        return sha256_of_file(path)
    except OSError as error:
        raise PretraceError(
            f"{path}: cannot be read ({error.strerror}); check the disk, delete the file and run `dvc repro`"
        ) from None
