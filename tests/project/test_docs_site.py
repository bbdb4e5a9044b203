"""The site of `make docs`: built without warnings, with the interface's entries, loading nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY

pytestmark = pytest.mark.slow
API = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
NO_NETWORK = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https", "all")}
RELIED_ON = ("pretrace.corpus.clean_text", "pretrace.tokens.load_vocabulary", "pretrace.model.load_model")


class Page(HTMLParser):
    """The anchors of a page, and the files that a browser loads for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.anchors.add(values.get("id", ""))
        if tag in ("script", "img", "iframe", "link"):
            self.loads.append(values.get("src", "") or values.get("href", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, env=os.environ | NO_NETWORK, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_site_has_every_page(site: Path) -> None:
    for path in (REPOSITORY / "docs").glob("*.md"):
        assert (site / f"{path.stem}.html").is_file()


def test_api_page_has_every_entry(site: Path) -> None:
    anchors = Page((site / "api.html").read_text(encoding="utf-8")).anchors
    assert {*re.findall(r"^::: ([\w.]+)$", API, re.MULTILINE), *RELIED_ON} <= anchors


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 10
    for path in pages:
        outside = [where for where in Page(path.read_text(encoding="utf-8")).loads if "//" in where]
        assert not outside, path.name
    for path in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", path.read_text(encoding="utf-8")), path.name
