"""Fine-tune one variant on one task, or train heads on its features, with every seed, from every pre-training.

    python stages/finetune.py source full

Reads the files that data/cells/<task>-<variant>.json names: rows in data/encoded/, models in models/pretrained/. Writes
models/finetuned/<task>-<variant>/ (the model that is best on dev, and the curves),
data/predictions/<task>-<variant>.parquet (the predictions of all fine-tunings for the test rows) and
reports/finetune/<task>-<variant>.json. A finished fine-tuning is cached in .pretrace/ and not run again after a crash.
"""

from pathlib import Path

from pretrace.pipeline.stage import Run, run_stage
from pretrace.schemas.finetuning import CellRecord
from pretrace.schemas.record import read_record, write_record
from pretrace.training.finetuning.worker_pool import prepare_workers

PARAMS = ("lr", "epochs", "lm_weight")


def main(run: Run) -> None:
    prepare_workers()  # before the next line, which loads PyTorch: the workers' copy is loaded meanwhile
    from pretrace.training.features.run import train_heads
    from pretrace.training.finetuning.cells import check_files, vocabulary_size
    from pretrace.training.finetuning.run import finetune_all_seeds

    task, variant = run.cell
    name = f"{task}-{variant}"
    out = Path(f"models/finetuned/{name}")
    cell = read_record(Path(f"data/cells/{name}.json"), CellRecord)
    check_files(cell)
    rows, pretrained = Path(f"data/encoded/{cell.system}/{task}"), Path(f"models/pretrained/{cell.system}")
    predictions = Path(f"data/predictions/{name}.parquet")
    settings = run.settings.of_system(cell.system)
    size = vocabulary_size(settings, pretrained)
    train = train_heads if settings.variants[variant].transfer == "features" else finetune_all_seeds
    report, cost = train(settings, task, variant, rows, pretrained, size, out, predictions)
    write_record(f"reports/finetune/{name}.json", report)
    values = report.as_json()
    run.log_params({key: values[key] for key in PARAMS})
    run.log_metrics({"score": report.score} | {key: value for key, value in values.items() if key not in PARAMS})
    run.log_curve(out / "curve.jsonl")
    run.cost |= cost


if __name__ == "__main__":
    run_stage("finetune", main, "tasks", "variants")
