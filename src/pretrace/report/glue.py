"""Answers for GLUE's server, in its own form: a folder a variant, a file a task, to be zipped and sent.

A file has the columns `index` and `prediction`. GLUE wants eleven files; those of WNLI and of the diagnostic set AX, on
which the paper has no score, have to come from its sample submission.
"""

from __future__ import annotations

from pathlib import Path

from pretrace.common.errors import PretraceError, is_control
from pretrace.common.files import atomic_folder, read_json
from pretrace.report.predictions import read_parquet
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
"""Tasks whose classes the server wants as 0 and 1; of the others it wants their names."""
STRANGE = ("", "=", "+", "-", "@")
"""How no cell of GLUE's begins. A spreadsheet would run what does; the form has no quotes that could prevent it."""


def write_submissions(settings: Settings, finetuned: Path, out: Path) -> None:
    """Write `out/<variant>/<file>.tsv` for each ready task of GLUE that has rows to be answered; else `out` is empty.

    Args:
        finetuned: the folder of fine-tuned models, whose `unlabeled.parquet` has the answers of the best seed.

    Raises:
        PretraceError: answers are not readable, or are none of GLUE's.
    """
    with atomic_folder(out) as temporary:
        for name, task in settings.tasks.items():
            ready = task.ready or ""
            for variant in settings.variants if ready in FILES else ():
                answers = finetuned / f"{name}-{variant}" / "unlabeled.parquet"
                if answers.exists():
                    (temporary / variant).mkdir(exist_ok=True)
                    text = _submission(answers, ready, task.labels)
                    (temporary / variant / f"{FILES[ready]}.tsv").write_text(text, encoding="utf-8")


def _submission(answers: Path, ready: str, labels: dict[str, str] | None) -> str:
    table = read_parquet(answers, f"finetune@{answers.parent.name}")
    ids, predictions = (table[column].to_pylist() for column in ("id", "prediction"))
    if ready == "stsb":
        said = [f"{min(5.0, max(0.0, value)):.3f}" for value in predictions]
    else:
        classes = read_json(answers.parent / "config.json")["labels"]
        digits = {name: digit for digit, name in (labels or {}).items()} if ready in NUMBERED else {}
        said = [digits.get(classes[value], classes[value]) for value in predictions]
    for cell in map(str, (*ids, *said)):
        if cell[:1] in STRANGE or any(map(is_control, cell)):
            raise PretraceError(f"{answers}: {cell!r} is no index and no answer that GLUE's server takes")
    return "".join(f"{index}\t{answer}\n" for index, answer in [("index", "prediction"), *zip(ids, said, strict=True)])
