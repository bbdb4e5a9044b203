"""One server over three small models for all tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.helpers.served_models import Served, served, write_model


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_model(folder / "bytes")
    write_model(folder / "other", seed=2)
    write_model(folder / "words", "gpt1")
    return folder


@pytest.fixture(scope="session")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    names = [models / name for name in ("bytes", "other", "words")]
    with served(names, folder=tmp_path_factory.mktemp("run")) as one:
        yield one


@pytest.fixture(scope="session")
def client(server: Served) -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60)
