"""The report of `pretrace fewshot` as lines of text."""

from __future__ import annotations

from pretrace.schemas.few_shot import FewShotReport


def few_shot_lines(report: FewShotReport) -> list[str]:
    """Return the report as tables in Markdown."""
    tried = [row.shots for row in next(iter(report.tasks.values())).shots] if report.tasks else []
    lines = [
        f"{report.system}, score x 100 ± its standard error by examples in the prompt; bold: few-shot, chosen on dev:",
        "",
        "| task | prompt | metric | chance | " + " | ".join(f"K = {shots}" for shots in tried) + " |",
        "| --- | --- | --- | ---: |" + " ---: |" * len(tried),
    ]
    for name, task in report.tasks.items():
        cells = []
        for row in task.shots:
            text = f"{100 * row.score:.1f} ± {100 * row.stderr:.1f}"
            text = f"**{text}**" if row.shots == task.chosen else text
            if row.clean_score is not None and task.contamination and task.contamination.found:
                text += f", clean {100 * row.clean_score:.1f}"
            cells.append(text if row.examples > row.shots - 0.05 else f"{text} ({row.examples:.1f} fit)")
        lines.append(f"| {name} | {task.prompt} | {task.metric} | {100 * task.chance:.1f} | {' | '.join(cells)} |")
    lines += [
        line
        for name, task in report.tasks.items()
        if (seen := task.contamination) and seen.found
        for line in (
            "",
            f"{name}: {seen.found} of {task.n} test rows share {seen.words} words in a row with the training text; "
            f"`clean` is the score of the others ({seen.too_short} have fewer words, and count as clean).",
        )
    ]
    for test in report.in_context[-1:]:
        twice = test.repeated
        lines += [
            "",
            f"Random tokens: loss {twice.first_loss:.3f} the first time, {twice.second_loss:.3f} the second; gain "
            f"{twice.gain:.3f} ± {twice.stderr:.3f} nats, {twice.second_accuracy:.1%} right.",
        ]
        if test.by_position:
            points = ", ".join(f"{one.loss:.3f} at {one.first} to {one.last}" for one in test.by_position)
            lines.append(f"Loss by position in {test.documents} long documents: {points}.")
    return lines
