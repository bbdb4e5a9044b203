"""The chapter as Markdown: one table of all ways to a policy, what they cost, and answers side by side."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pretrace.common.errors import visible
from pretrace.feedback.figure import CONFIDENCE
from pretrace.feedback.forms import fit
from pretrace.schemas.alignment.records import (
    Arm,
    ArmSeed,
    CompareReport,
    Interval,
    Point,
    PromptsReport,
    RewardReport,
    SftReport,
)

HEAD = "| policy | KL | gold | proxy | wins against start | LM loss | length | distinct bigrams |"
RULE = "| --- | --- | --- | --- | --- | --- | --- | --- |"
LONGEST = 300
"""Characters of an answer that are shown."""
FIGURE = "rewards.svg"


def chapter(prompts: PromptsReport, sft: SftReport, reward: RewardReport, report: CompareReport) -> str:
    """Return the page."""
    lines = ["# From demonstrations to PPO", "", *_facts(prompts, sft, reward), "", f"![Rewards]({FIGURE})", ""]
    lines += [HEAD, RULE, _row("start", [report.start])]
    lines += [_best_row(f"best of {n}", point) for n, point in report.best_of.items()]
    lines += [_best_row(f"best of {n} by gold", point) for n, point in report.best_of_gold.items() if n != "1"]
    lines += [_row(name, arm.seeds) for name, arm in report.arms.items()]
    lines += ["", *_reading(report), "", "## Findings", "", *_findings(report), "", "## Answers side by side", ""]
    for sample in report.samples:
        lines += [f"**{_shown(sample.prompt)}**", ""]
        lines += [f"- {name}: {_shown(text)}" for name, text in sample.answers.items()] + [""]
    return visible("\n".join(lines).rstrip() + "\n")


def _facts(prompts: PromptsReport, sft: SftReport, reward: RewardReport) -> Iterator[str]:
    yield (
        f"{prompts.train:,} training prompts and {prompts.test:,} test prompts ({prompts.form}), from different "
        "documents or opening questions. Demonstrations: loss on those of test prompts "
        f"{sft.test_loss_before:.3f} before, {sft.test_loss:.3f} after {sft.steps:,} steps (nats/token)."
    )
    yield ""
    yield (
        f"Reward model: {reward.pairs:,} pairs of {reward.prompts:,} prompts; it orders "
        f"{100 * reward.accuracy:.1f} ± {100 * CONFIDENCE * reward.stderr:.1f} % of the pairs of "
        f"{reward.test_prompts:,} test prompts as the labels do, {100 * reward.train_accuracy:.1f} % of its own "
        "(InstructGPT: 72.4 ± 0.4 on its labelers, 69.6 ± 0.9 on others)."
    )


def _reading(report: CompareReport) -> Iterator[str]:
    yield (
        "Mean ± half an interval of 95 % over test prompts; with several seeds the mean over them, and the larger of "
        "that interval and the one over seeds. KL is of an answer, from the start policy, by the policy's own samples; "
        "of best-of-n in closed form. Rewards are in standard deviations of the start policy's answers. The LM loss "
        "(nats/token) is of the validation text of pre-training: what it rises by is the alignment tax."
    )
    gold = {n: point.gold.mean for n, point in report.best_of.items() if point.gold}
    fitted = fit("best_of_n", [report.best_of[n].kl.mean for n in gold], list(gold.values()))
    if fitted:
        peak = f"highest at KL {fitted.peak**2:.1f}" if fitted.peak else "without a peak"
        yield ""
        yield f"Best-of-n, d (a - b d) with d = sqrt(KL): a {fitted.a:.3f}, b {fitted.b:.3f}, {peak}."


def _findings(report: CompareReport) -> Iterator[str]:
    """Yield what the figures say, arm by arm: hacked rewards, and how an arm stands beside best-of-n at its KL."""
    sentences = [line for name, arm in report.arms.items() for line in _about(name, arm, report)]
    yield from sentences or ["- No arm with a gold reward has a KL that best-of-n reaches."]


def _about(name: str, arm: Arm, report: CompareReport) -> Iterator[str]:
    points = [seed.point for seed in arm.seeds]
    golds = [point.gold.mean for point in points if point.gold]
    if not golds:
        return
    gold, proxy = statistics.fmean(golds), statistics.fmean(point.proxy.mean for point in points)
    kl = statistics.fmean(point.kl.mean for point in points)
    if proxy > 1 and gold < 0:
        yield (
            f"- `{name}`: the reward model gives {proxy:+.2f}, and the gold reward is {gold:+.2f}, below the start "
            "policy: the reward model is hacked."
        )
    other = _best_of_at(report, kl)
    if other is not None:
        yield f"- `{name}`: gold {gold:+.2f} at KL {kl:.1f}; best-of-n at that KL {other:+.2f}."


def _best_of_at(report: CompareReport, kl: float) -> float | None:
    """Return the gold reward of best-of-n at a KL, between its values of n; None beyond the largest."""
    known = [(point.kl.mean, point.gold.mean) for point in report.best_of.values() if point.gold]
    for (low, before), (high, after) in pairwise(known):
        if low <= kl <= high and high > low:
            return before + (after - before) * (kl - low) / (high - low)
    return None


def _row(name: str, seeds: Sequence[ArmSeed]) -> str:
    points = [seed.point for seed in seeds]
    cells = [_over([getattr(point, key) for point in points]) for key in ("kl", "gold", "proxy")]
    wins = _over([point.win_rate for point in points], 100)
    rest = [statistics.fmean(getattr(seed, key) for seed in seeds) for key in ("lm_loss", "length", "distinct")]
    return f"| {name} | {' | '.join(cells)} | {wins} | {rest[0]:.3f} | {rest[1]:.1f} | {rest[2]:.2f} |"


def _best_row(name: str, point: Point) -> str:
    cells = [f"{point.kl.mean:.2f}", _over([point.gold]), _over([point.proxy]), "", "", "", ""]
    return f"| {name} | {' | '.join(cells)} |"


def _over(values: Sequence[Interval | None], factor: float = 1) -> str:
    """Return the mean over seeds with half its interval; nothing where there is none."""
    own = [value for value in values if value is not None]
    if not own:
        return ""
    means = [value.mean for value in own]
    within = statistics.fmean(value.stderr for value in own)
    between = statistics.stdev(means) / len(means) ** 0.5 if len(means) > 1 else 0.0
    half = CONFIDENCE * max(within, between)
    return f"{factor * statistics.fmean(means):.{1 if factor > 1 else 2}f} ± {factor * half:.{1 if factor > 1 else 2}f}"


def _shown(text: str) -> str:
    """Return a text as one line of Markdown."""
    line = " ".join(text.split())
    line = line if len(line) <= LONGEST else f"{line[:LONGEST]} …"
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|" else c for c in line) or "(nothing)"
