"""The page, driven in Chromium as a person does."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pretrace.inference.feedback.votes import read
from tests.helpers.served_models import Served, served

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SHOTS = os.environ.get("PRETRACE_SCREENSHOTS")
"""A folder for pictures to look at."""


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("votes") / "votes.jsonl"


@pytest.fixture(scope="module")
def own_server(models: Path, votes: Path) -> Iterator[Served]:
    with served([models / "words", models / "other"], "--feedback", str(votes), folder=votes.parent) as one:
        yield one


@pytest.fixture
def page(own_server: Served) -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        one = browser.new_page(viewport={"width": 1000, "height": 800})
        one.set_default_timeout(120_000)
        errors: list[str] = []
        one.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        one.on("pageerror", lambda error: errors.append(str(error)))
        one.goto(own_server.url)
        yield one
        browser.close()
    refused = "Failed to load resource: the server responded with a status of"  # what the page then says is tested
    assert not [text for text in errors if not text.startswith(refused)]


def shot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def settings(page: Any, **values: Any) -> None:
    page.get_by_text("Model and settings").click()
    for name, value in values.items():
        box = page.locator(f"#{name}")
        box.set_checked(value) if isinstance(value, bool) else box.fill(str(value))
    page.locator("#seed").dispatch_event("change")


def answered(page: Any, count: int) -> str:
    page.get_by_role("button", name="Answer again").wait_for()
    boxes = page.locator("article.assistant .text")
    assert boxes.count() == count
    return str(boxes.last.inner_text())


def test_conversation_by_keyboard_alone(page: Any) -> None:
    """Send, answer again, edit, reload: the conversation is there."""
    settings(page, seed=5, tokens=12)
    page.locator("#input").focus()
    page.keyboard.type("the king <b>&</b> the queen")
    page.keyboard.press("Enter")
    first = answered(page, 1)
    assert page.locator("article.user .text").inner_text() == "the king <b>&</b> the queen"
    assert page.locator("article b").count() == 0
    shot(page, "chat")
    page.get_by_role("button", name="Answer again").focus()
    page.keyboard.press("Enter")
    assert answered(page, 1) == first
    page.reload()
    assert answered(page, 1) == first
    page.get_by_role("button", name="Edit").click()
    assert page.locator("#input").input_value().startswith("the king")
    assert page.locator("article").count() == 0


def test_stop_keeps_what_was_written(page: Any) -> None:
    page.route("**/v1/chat/completions", lambda route: None)  # never answered
    page.locator("#input").fill("the king")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Stop").wait_for(state="hidden")
    assert page.locator("#error").inner_text() == ""
    assert page.locator("#send").is_enabled()


def test_probabilities_of_each_token(page: Any) -> None:
    settings(page, seed=5, tokens=6, inside=True)
    page.locator("#input").fill("the king")
    page.keyboard.press("Enter")
    answered(page, 1)
    tokens = page.locator("button.token")
    assert tokens.count() == 6
    tokens.nth(2).click()
    assert page.locator("article table tr").count() == 6
    assert "%" in page.locator("article table").inner_text()
    shot(page, "tokens")


def test_choice_side_by_side_is_kept(page: Any, votes: Path) -> None:
    settings(page, seed=5, tokens=8, side=True)
    page.locator("#input").fill("the queen")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Left is better").wait_for()
    left = page.locator(".pair section").first.locator(".text").inner_text()
    shot(page, "pair")
    page.get_by_role("button", name="Left is better").click()
    page.get_by_role("button", name="Answer again").wait_for()
    (row,) = read(votes)
    assert row.choice == "left" and row.chosen is not None
    assert " ".join(row.answers[row.chosen].text.split()) == " ".join(left.split())
    assert {answer.model for answer in row.answers} == {"words", "other"}
    assert row.prompt[-1].content == "the queen"


def test_choice_that_cannot_be_kept_is_said_so(page: Any, votes: Path) -> None:
    settings(page, seed=5, tokens=4, side=True)
    page.route("**/feedback", lambda route: route.fulfill(status=507, body=json.dumps({"error": {"message": "full"}})))
    page.locator("#input").fill("the queen")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Both bad").click()
    page.get_by_text("Your choice was not kept: full").wait_for()
    assert page.get_by_role("button", name="Both bad").is_visible()


def test_narrow_and_dark(page: Any) -> None:
    """At 400 pixels nothing is wider than the screen."""
    page.set_viewport_size({"width": 400, "height": 800})
    page.emulate_media(color_scheme="dark")
    settings(page, seed=5, tokens=10)
    page.locator("#input").fill("the king " * 20 + "x" * 200)
    page.keyboard.press("Enter")
    page.locator("article.assistant, #error:not(:empty)").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    shot(page, "narrow")


def test_everything_has_a_name(page: Any) -> None:
    """Return the words of a screen reader for each control."""
    page.get_by_text("Model and settings").click()
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, select, textarea')].filter(one => !(one.labels && "
        "one.labels.length) && !one.textContent.trim() && !one.getAttribute('aria-label')).map(one => one.id)"
    )
    assert nameless == []
    assert page.locator("html").get_attribute("lang") == "en"


def test_policy_allows_nothing_from_elsewhere(own_server: Served) -> None:
    with urllib.request.urlopen(own_server.url) as response:
        policy, text = response.headers["Content-Security-Policy"], response.read().decode()
    assert "default-src 'none'" in policy and "unsafe" not in policy and "connect-src 'self'" in policy
    assert "innerHTML" not in text and "http" not in text
