"""Keys and passwords given to a run appear in no byte that it leaves behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.common.files import locked
from pretrace.common.mask import mask_secrets
from pretrace.settings import load_settings
from tests.helpers import tiny_project as tiny
from tests.helpers.planted_secrets import ENVIRONMENT, KEY, PASSWORD, SAID, SECRET, TOKEN, leaks

URLS = [
    f"s3://{KEY}:{SECRET}@bucket/books",
    f"https://somebody:{PASSWORD}@example.org/books.jsonl",
    f"https://{TOKEN}@example.org/books.jsonl",
    f"https://example.org/books.jsonl?X-Amz-Signature={TOKEN}&X-Amz-Credential={KEY}",
    f"ftp://somebody:{PASSWORD}@example.org/books.txt",
]
TRIES = 10
UPLOADER_LOCK = ".pretrace/tracking/uploader.lock"
"""While it is held, no uploader starts in the background, where its low priority may make it slow."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny.make_project(tmp_path_factory.mktemp("secrets") / "project")
    tiny.commit(folder, "tiny")
    return folder


def run(folder: Path, *command: str, **environment: str) -> tuple[int, str]:
    done = tiny.run(folder, sys.executable, *command, **{**ENVIRONMENT, **environment, "PYTHONPATH": "src"})
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_secrets_of_the_environment_are_left_nowhere(project: Path) -> None:
    """Stages that succeed, one that fails, and MLflow's database after both."""
    said = []
    with locked(project / UPLOADER_LOCK):
        for script, code in (("stages/collect.py", 0), ("stages/evaluation.py", 0), ("stages/bpe.py", 1)):
            exit_code, text = run(project, script, PRETRACE_TRACKING="on")
            assert exit_code == code, text
            said.append(text)
    assert leaks(project, "".join(said)) == []
    for _ in range(TRIES):
        said.append(run(project, "-m", "pretrace.tracking", "wait", PRETRACE_TRACKING="on")[1])
        if not list((project / ".pretrace" / "tracking").rglob("record.json")):
            break
    assert (project / ".pretrace" / "mlflow.db").exists(), said
    assert leaks(project, "".join(said)) == []


@pytest.mark.slow
def test_mlflow_password_is_left_nowhere_when_unreachable(project: Path) -> None:
    server = {"PRETRACE_TRACKING": "on", "MLFLOW_TRACKING_URI": f"http://somebody:{PASSWORD}@127.0.0.1:9"}
    with locked(project / UPLOADER_LOCK):
        said = [run(project, "stages/evaluation.py", **server)[1]]
    said.append(run(project, "-m", "pretrace.tracking", "wait", **server)[1])
    assert "127.0.0.1:9" in said[-1]
    with locked(project / UPLOADER_LOCK):  # the next stage prints why nothing was uploaded
        said.append(run(project, "stages/evaluation.py", **server)[1])
    assert leaks(project, "".join(said)) == []


@pytest.mark.slow
@pytest.mark.parametrize("values", [{"source": "files", "path": "s3://bucket/books"}, {"source": "huggingface"}])
def test_errors_of_remote_servers_have_no_key(project: Path, values: dict[str, str]) -> None:
    dataset = {"name": "owner/name", "revision": "0" * 40}
    corpus = {**tiny.load(project / "params.yaml")["corpus"], "dataset": dataset, **values}
    before = (project / "params.yaml").read_bytes()
    tiny.change_params(project, corpus=corpus)
    try:
        code, said = run(project, "stages/collect.py", HF_HUB_OFFLINE="1", AWS_EC2_METADATA_DISABLED="true")
    finally:
        (project / "params.yaml").write_bytes(before)
    assert code == 1
    assert "Traceback" not in said
    assert leaks(project, said) == []


@pytest.mark.slow
@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("key", ["corpus.path", "pretrain.init_from", "pretrain.continue_from", "tasks.source.because"])
def test_url_with_a_key_is_refused_and_not_printed(project: Path, url: str, key: str) -> None:
    values = tiny.load(project / "params.yaml")
    *above, last = key.split(".")
    inner = values
    for part in above:
        inner = inner[part]
    inner[last] = url
    before = (project / "params.yaml").read_bytes()
    tiny.save(project / "params.yaml", values)
    try:
        with pytest.raises(PretraceError, match=rf"params.yaml: {key}: a URL with a password or key in it") as caught:
            load_settings(project)
    finally:
        (project / "params.yaml").write_bytes(before)
    assert not any(secret in str(caught.value) for secret in SAID)


@pytest.mark.parametrize("url", URLS)
def test_errors_have_no_key(url: str) -> None:
    said = str(PretraceError(f"{url}: stopped answering (ClientError: '{url}')"))
    assert not any(secret in said for secret in SAID)
    assert "***" in said
    assert mask_secrets(mask_secrets(url)) == mask_secrets(url)


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket/books",
        "hf://datasets/owner/name@main/a.parquet",
        "sqlite:////a/b@c/mlflow.db",
        "http://127.0.0.1:5000/#/experiments",
        "http://localhost:9000/a@b",
        "https://example.org/a?page=3&lang=en",
        "write to a@example.org",
    ],
)
def test_url_without_a_key_is_unchanged(text: str) -> None:
    assert mask_secrets(text) == text
