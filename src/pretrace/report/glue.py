"""Submissions to GLUE's server, in its own form: a folder for each variant, a file for each task, to be zipped.

A file has the columns `index` and `prediction`. GLUE wants eleven files; those of WNLI and of the diagnostic set AX, on
which the paper has no score, come from its sample submission.
"""

from __future__ import annotations

from pathlib import Path

from pretrace.common.errors import PretraceError, is_control
from pretrace.common.files import atomic_folder
from pretrace.report.predictions import read_parquet
from pretrace.schemas.finetuning import FinetunedConfig
from pretrace.schemas.record import read_record
from pretrace.settings import Settings

FILES = {
    "cola": "CoLA",
    "sst2": "SST-2",
    "mrpc": "MRPC",
    "stsb": "STS-B",
    "qqp": "QQP",
    "mnli_m": "MNLI-m",
    "mnli_mm": "MNLI-mm",
    "qnli": "QNLI",
    "rte": "RTE",
}
"""GLUE's names for its files, by ready task."""
NUMBERED = ("cola", "sst2", "mrpc", "qqp")
"""Tasks whose classes the server wants as 0 and 1; of the others it wants the names."""
STRANGE = ("", "=", "+", "-", "@")
"""Beginnings that no cell of GLUE's has: a spreadsheet would run such a cell, and the form has no quotes."""


def write_submissions(settings: Settings, finetuned: Path, out: Path) -> None:
    """Write `out/<variant>/<file>.tsv` for each ready task of GLUE with unlabeled rows; else `out` is empty.

    Args:
        finetuned: the folder of fine-tuned models, whose `unlabeled.parquet` has the predictions of the best seed.

    Raises:
        PretraceError: predictions are not readable, or not what GLUE's server takes.
    """
    with atomic_folder(out) as temporary:
        for name, task in settings.tasks.items():
            ready = task.ready or ""
            for variant in settings.variants if ready in FILES else ():
                predictions = finetuned / f"{name}-{variant}" / "unlabeled.parquet"
                if predictions.exists():
                    (temporary / variant).mkdir(exist_ok=True)
                    text = _submission(predictions, ready, task.labels)
                    (temporary / variant / f"{FILES[ready]}.tsv").write_text(text, encoding="utf-8")


def _submission(path: Path, ready: str, labels: dict[str, str] | None) -> str:
    table = read_parquet(path, f"finetune@{path.parent.name}")
    ids, predictions = (table[column].to_pylist() for column in ("id", "prediction"))
    if ready == "stsb":
        texts = [f"{min(5.0, max(0.0, value)):.3f}" for value in predictions]
    else:
        classes = read_record(path.parent / "config.json", FinetunedConfig).labels or []
        digits = {name: digit for digit, name in (labels or {}).items()} if ready in NUMBERED else {}
        texts = [digits.get(classes[value], classes[value]) for value in predictions]
    for cell in map(str, (*ids, *texts)):
        if cell[:1] in STRANGE or any(map(is_control, cell)):
            raise PretraceError(f"{path}: {cell!r} is no index and no prediction that GLUE's server takes")
    rows = [("index", "prediction"), *zip(ids, texts, strict=True)]
    return "".join(f"{index}\t{prediction}\n" for index, prediction in rows)
