"""One finished project that the tests of this folder share, as each costs a minute to make."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import tiny_project as tiny

KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with one task and both variants, run by a Python with another hash seed, and committed: to be copied."""
    tasks = {"follows": {"kind": "entailment", "probe": "follows", "zero_shot": tiny.ZERO_SHOT["follows"]}}
    folder = tiny.make_project(tmp_path_factory.mktemp("finished") / "project", tasks=tasks)
    tiny.commit(folder, "tiny")
    tiny.dvc(folder, "repro", PYTHONHASHSEED="7")
    tiny.commit(folder, "ran")
    return folder


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """A bucket `team` of an S3 server on this machine: `url`, and the variables that clients need."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    names = ("aws_access_key_id", "aws_secret_access_key", "region_name")
    client = boto3.client("s3", endpoint_url=url, **dict(zip(names, KEYS.values(), strict=True)))
    client.create_bucket(Bucket="team")
    yield {"url": url, **KEYS}
    server.stop()
