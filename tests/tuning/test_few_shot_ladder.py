"""Tasks as prompts at each size of a small ladder, from training to table and figure."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.schemas.few_shot import FewShotLadder
from pretrace.schemas.record import read_record
from pretrace.tuning.few_shot_ladder import climb_with_examples, few_shot_ladder_lines
from tests.helpers import REPOSITORY
from tests.helpers.small_training import make_shards, settings_with


@pytest.mark.slow
def test_every_size_is_scored_on_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shards = make_shards(tmp_path / "small")
    for source, target in ((shards, "data/shards/gpt1"), (shards.parent / "vocabulary", "models/vocabulary/gpt1")):
        shutil.copytree(source, tmp_path / target)
    (tmp_path / "prompts").mkdir()
    prompt = (REPOSITORY / "prompts" / "gpt3_arithmetic.yaml").read_text().replace("tokens: 12", "tokens: 3")
    (tmp_path / "prompts" / "sums.yaml").write_text(prompt.replace("Q: {source}", "{source}"))
    words = "\n".join(f"{one}{other}" for one in ("abcd", "efgh", "bdfh") for other in ("ij", "ai", "cj", "eb", "fa"))
    (tmp_path / "words.txt").write_text(words)
    settings = settings_with(
        {"pretrain.steps": 2, "pretrain.warmup_steps": 1, "pretrain.validate_every": 2},
        ladder={"widths": [8, 16, 24, 32]},
        sequences={"turned": {"made": "reversed_words", "words": "words.txt", "metrics": ["exact"], "prompt": "sums"}},
        few_shot={"tasks": ["turned"], "shots": [0, 1, 2], "seeds": [1], "rows": 3, "contamination": False},
    )
    record = climb_with_examples(settings)
    assert read_record("reports/fewshot_ladder.json", FewShotLadder) == record
    assert [rung.width for rung in record.rungs] == [8, 16, 24, 32]
    assert all([row.shots for row in rung.tasks["turned"].shots] == [0, 1, 2] for rung in record.rungs)
    assert "parameters" in Path("reports/fewshot_ladder.svg").read_text()
    lines = few_shot_ladder_lines(record)
    assert len(lines) == 4 + 4
    assert lines[2] == "| task | parameters | chance | K = 0 | K = 1 | K = 2 |"


def test_masked_losses_make_no_ladder() -> None:
    with pytest.raises(PretraceError, match="a ladder compares losses of next tokens"):
        climb_with_examples(settings_with({"model.attention": "full", "pretrain.objective": {"kind": "masked"}}))
