"""`pretrace fewshot --ladder`: tasks as prompts at each size of `ladder`, against the size and the number of examples.

All sizes read the same rows with the same examples. Finished trainings are found in `.pretrace/checkpoints/`, those of
`pretrace ladder` among them.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pretrace.common.files import write_text
from pretrace.common.provenance import provenance
from pretrace.evaluation.prompts.run import read_tasks_at, score_tasks
from pretrace.report.figures.few_shot_ladder import few_shot_ladder_figure
from pretrace.schemas.few_shot import FewShotLadder, FewShotRung, FewShotTask, ShotScore
from pretrace.schemas.record import write_record
from pretrace.settings import Settings
from pretrace.tokens import load_vocabulary
from pretrace.training.engine.device import choose_device
from pretrace.training.pretraining.run import pretrain
from pretrace.tuning.ladder import check_next_token, settings_of

REPORT, FIGURE = "fewshot_ladder.json", "fewshot_ladder.svg"


def climb_with_examples(settings: Settings, root: Path = Path()) -> FewShotLadder:
    """Pre-train and score the sizes of `ladder.widths`; write record and figure below reports/, and return the record.

    Args:
        settings: of the system (`Settings.of_system`).
        root: of the project.

    Raises:
        PretraceError: shards, rows or a prompt are missing or not what they should be, or a training fails. All prompts
            are read before anything is trained.
    """
    check_next_token(settings)
    started, name = time.monotonic(), settings.system_name
    vocabulary = load_vocabulary(root / "models" / "vocabulary" / name)
    context = settings.scale.model.context
    tasks = read_tasks_at(settings, vocabulary, context, root)
    device = choose_device(settings.scale.pretrain.precision, settings.scale.threads)
    rungs = []
    for width in settings.ladder.widths:
        own = settings_of(settings, width)
        result = pretrain(own.pretrain.seeds[0], own, root / "data" / "shards" / name)
        assert result is not None and result.metrics.val_loss is not None, "torchrun does not start this"
        rungs.append(
            FewShotRung(
                layers=own.scale.model.layers,
                width=own.scale.model.width,
                parameters=result.metrics.parameters,
                val_loss=result.metrics.val_loss,
                tasks=score_tasks(tasks, result.model.to(device.name).eval(), settings, device, root),
            )
        )
    known_here: dict[str, Any] = provenance()
    record = FewShotLadder(
        scale=settings.scale_name,
        system=name,
        context=context,
        seeds=settings.few_shot.seeds,
        rungs=rungs,
        seconds=round(time.monotonic() - started, 1),
        **known_here,
    )
    write_record(root / "reports" / REPORT, record)
    write_text(root / "reports" / FIGURE, few_shot_ladder_figure(record))
    return record


def few_shot_ladder_lines(record: FewShotLadder) -> list[str]:
    """Return the record as a table in Markdown: a row a task and size, a column a number of examples."""
    tasks = record.rungs[0].tasks
    shots = [row.shots for row in next(iter(tasks.values())).shots] if tasks else []
    lines = [
        f"{record.system}, score x 100 ± its standard error, by size and examples; bold: few-shot, chosen on dev:",
        "",
        "| task | parameters | chance | " + " | ".join(f"K = {one}" for one in shots) + " |",
        "| --- | ---: | ---: |" + " ---: |" * len(shots),
    ]
    for name in tasks:
        for rung in record.rungs:
            task = rung.tasks[name]
            cells = " | ".join(_cell(row, task) for row in task.shots)
            lines.append(f"| {name} | {rung.parameters:,} | {100 * task.chance:.1f} | {cells} |")
    return lines


def _cell(row: ShotScore, task: FewShotTask) -> str:
    text = f"{100 * row.score:.1f} ± {100 * row.stderr:.1f}"
    return f"**{text}**" if row.shots == task.chosen else text
