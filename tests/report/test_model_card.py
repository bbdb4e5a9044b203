"""The model card: its header is what the Hub reads, and each figure in it is that of the reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from pretrace.report import write_page, write_report
from pretrace.report.model_card import Form, model_card
from pretrace.settings import load_settings
from tests.helpers import made_up_results as made_up

pytestmark = pytest.mark.slow


@pytest.fixture
def reports(project: Path) -> Path:
    made_up.write_results(project / "reports")
    write_report(load_settings(), project / "reports")
    return project / "reports"


def table(card: str, first: str) -> dict[str, list[str]]:
    """Rows of a Markdown table by their first cell."""
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in card.splitlines() if line[:1] == "|"]
    start = next(n for n, row in enumerate(rows) if row[0] == first)
    return {row[0]: row[1:] for row in rows[start:]}


def test_model_card_is_written_with_the_page(reports: Path) -> None:
    write_page(load_settings(), reports)
    card = ModelCard.load(reports / "model-card.md")
    assert (card.data.license, card.data.library_name) == ("unknown", "pytorch")
    assert card.text.lstrip().startswith("# pretrace, gpt1 at scale laptop: transformer")
    for heading in ("Use", "Data", "Training", "Scores", "Limits", "License"):
        assert f"\n## {heading}\n" in card.text


def test_model_card_has_the_numbers_of_the_reports(reports: Path) -> None:
    cost = json.loads((reports / "cost.json").read_text())
    cost["pretrain@gpt1"] |= {"machine": "Abacus", "commit": "c0ffee", "changed": True}
    made_up.write(reports / "cost.json", cost)
    card = model_card(reports, "gpt1")
    data = table(card, "source")
    assert data["all"] == ["30", "1,000", "700"]
    assert data["networkx"] == ["30", "1,000", "700"]
    assert "Of 40 documents, left out: empty 1, repeated 9." in card
    training = table(card, "steps")
    assert training["steps"] == ["300"]
    assert training["tokens"] == ["4,096,000"]
    assert training["FLOPs"] == ["6.3e+13"]
    assert training["mix of sources"][-1].endswith(": 25.0% of the tokens read, 3.50 epochs")
    assert training["machine"] == ["Abacus, cpu"]
    assert training["commit"] == ["c0ffee, with changes"]
    scores = table(card, "task")
    # 0.50, 0.51, 0.49: variance 1e-4 / 3 with 2 degrees of freedom, and of the rows 8.43e-5 with 999: 25 in all.
    assert scores["source"][:3] == ["accuracy", "1,000", "50.0 ± 2.2"]
    assert "loss 4.2 nats/token" in card


def test_card_names_every_pre_training(reports: Path) -> None:
    assert "pre-trainings" not in model_card(reports, "gpt1")
    note = json.loads((reports / "pretrain" / "gpt1.json").read_text())
    made_up.write(reports / "pretrain" / "gpt1.json", {**note, "seeds": [42, 43], "val_losses": [4.5, 4.625]})
    several = "2, of which this is the first; validation loss 4.5 with seed 42, 4.625 with seed 43"
    assert f"| pre-trainings | {several} |" in model_card(reports, "gpt1")


def test_fine_tuned_model_has_its_own_card(reports: Path) -> None:
    card = model_card(reports, "gpt1", Form("onnx", "so and so"), "source-full")
    assert "# pretrace, gpt1 at scale laptop: source-full" in card
    assert "library_name: onnx" in card
    assert "pipeline_tag: text-classification" in card
    made_with = "3,000 rows of the task source, 2 epochs, learning rate 0.001; of 3 fine-tunings the best on dev"
    assert f"| fine-tuned on | {made_with} |" in card
    assert "\n## Use\n\nso and so\n" in card


def test_weights_from_elsewhere_are_not_called_trained_here(reports: Path) -> None:
    before = model_card(reports, "gpt1")
    note = json.loads((reports / "pretrain" / "gpt1.json").read_text())
    made_up.write(reports / "pretrain" / "gpt1.json", {**note, "steps": 0, "tokens": 0, "flops": 0})
    card = model_card(reports, "gpt1")
    assert "come from elsewhere" in card and "come from elsewhere" not in before
    assert "| source | documents |" in before and "| source | documents |" not in card


def test_model_card_escapes_text_from_data(reports: Path) -> None:
    assert "<script>" not in model_card(reports, "gpt1")


def test_model_card_does_without_costs(reports: Path) -> None:
    (reports / "cost.json").unlink()
    assert "| steps | 300 |" in model_card(reports, "gpt1")


def test_further_system_has_its_own_card(two_systems: Path) -> None:
    write_report(load_settings(), two_systems)
    card = model_card(two_systems, "gpt2")
    assert "# pretrace, gpt2 at scale laptop: transformer" in card
    assert "pretrace export models/pretrained/gpt2/transformer --to huggingface" in card
    assert "loss 3.9 nats/token" in card and "The system is `gpt2` (" in card
    assert "LM, zero-shot: the pre-trained model without fine-tuning" in card


@pytest.mark.parametrize(
    ("kind", "said"),
    [(None, "lower case, cleaned as GPT-1's"), ("byte-bpe", "as it was written"), ("wordpiece", "as BERT's was")],
)
def test_card_says_how_the_text_was_prepared(reports: Path, kind: str | None, said: str) -> None:
    numbers = json.loads((reports / "bpe" / "gpt1.json").read_text())
    made_up.write(reports / "bpe" / "gpt1.json", numbers | ({"kind": kind} if kind else {}))
    assert said in model_card(reports, "gpt1")
