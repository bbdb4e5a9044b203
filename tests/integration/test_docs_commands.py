"""The commands of README.md and docs/ do what they say: run one after the other in a copy of a finished project.

They run as they stand there, from a shell without an active environment, where `python` and `dvc` are other programs.
How each is run stands in tests/helpers/docs_commands.py. A command that is new in a page, or gone, fails a test.
"""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shlex
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from pretrace.cli import main
from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny
from tests.helpers.docs_commands import NAMES, PAGES, ByTest, How, NotRun, Run
from tests.helpers.new_rows import typed
from tests.helpers.published_files import write_published

pytestmark = pytest.mark.slow
LISTED = [REPOSITORY / name for name in PAGES]
NIGHTLY = [name for name, commands in PAGES.items() if any(isinstance(how, Run) for _, how in commands)]


def commands_of(page: Path) -> list[str]:
    """Indented lines outside of code in fences, without comments, joined where one goes on."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\\\n\s*", "", text)
    return [re.sub(r"\s+#( .*|$)", "", line) for line in re.findall(r"^    (\S.*)$", text, re.MULTILINE)]


def test_every_page_is_listed() -> None:
    pages = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
    assert [page for page in pages if page.name != "log.md"] == LISTED  # a log has no commands to follow


@pytest.mark.parametrize("name", PAGES)
def test_commands_of_each_page_are_listed(name: str) -> None:
    assert commands_of(REPOSITORY / name) == [command for command, _ in PAGES[name]]


def test_tests_named_for_commands_exist() -> None:
    for command, how in (pair for commands in PAGES.values() for pair in commands):
        if isinstance(how, ByTest):
            file, _, test = how.test.partition("::")
            assert f"def {test}(" in (REPOSITORY / file).read_text(encoding="utf-8"), command
        assert not isinstance(how, NotRun) or how.reason


def test_read_only_commands(finished: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    project = prepared(finished, tmp_path / "project")
    seen: set[str] = set()
    for name, commands in PAGES.items():
        for command, how in commands:
            if isinstance(how, Run) and not how.nightly and (line := line_of(command, how, project, "")) not in seen:
                seen.add(line)
                run_here(project, name, line, how, capfd)
    assert len(seen) > 15


@pytest.mark.nightly
@pytest.mark.parametrize("name", NIGHTLY)
def test_commands_of_a_page(name: str, finished: Path, s3: dict[str, str], tmp_path: Path) -> None:
    project = prepared(finished, tmp_path / "project")
    keys = {key: value for key, value in s3.items() if key != "url"}
    if name == "docs/corpus.md":
        put_text(s3)
        keys["AWS_ENDPOINT_URL"] = s3["url"]
    for command, how in PAGES[name]:
        if not isinstance(how, Run):
            continue
        if name == "docs/your-task.md" and "check" in command:
            follow_your_task(project)
        line = line_of(command, how, project, s3["url"])
        said = tiny.must(project, "bash", "-c", line, PATH=inactive(tmp_path), **keys)
        assert how.says in said, f"{name}: {line}:\n{said}"
        if "queue start" in line:
            tiny.wait_for_queue(project)
        elif "exp run" in line and "--queue" not in line and name not in ("docs/experiments.md", "docs/cluster.md"):
            tiny.must(project, "git", "checkout", "--quiet", ".")  # a page's examples do not build on each other
            tiny.dvc(project, "checkout")


def line_of(command: str, how: How, project: Path, s3: str) -> str:
    """Return the command to run, or the one in its place, with the names of the tiny project."""
    assert isinstance(how, Run)
    line = (how.instead or command) + how.more
    for old, new in NAMES.items():
        line = line.replace(old, new)
    line = line.replace("{project}", str(project)).replace("{s3}", s3)
    return line.replace("rows.jsonl", how.stdin) if how.stdin else line


def run_here(project: Path, page: str, line: str, how: Run, capfd: pytest.CaptureFixture[str]) -> None:
    """Commands of pretrace in this process, which has imported all that they need; others by the shell."""
    words = re.match(r"\.venv/bin/pretrace (.*?)( < (.*))?$", line)
    if words is None:
        said = tiny.must(project, "bash", "-c", line, PATH=inactive(project.parent))
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(project)
            if words[3]:
                patch.setattr("sys.stdin", typed((project / words[3]).read_bytes()))
            capfd.readouterr()
            assert main(shlex.split(words[1])) == 0, f"{page}: {line}: {capfd.readouterr().err}"
            said = capfd.readouterr().out
    assert how.says in said, f"{page}: {line}:\n{said}"


def prepared(finished: Path, folder: Path) -> Path:
    """A copy with what the pages' commands speak of: text, rows, released weights, a repository that all know."""
    project = tiny.copied(finished, folder)
    make_environment(project)
    hub = folder.parent / "hub.git"
    tiny.must(folder.parent, "git", "clone", "--quiet", "--bare", str(project), str(hub))
    tiny.must(project, "git", "remote", "add", "origin", hub.as_uri())
    tiny.must(project, "git", "fetch", "--quiet", "origin")
    data = project / "data"
    for number in range(60):
        file = data / "books" / f"writer{number % 3}" / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made_up_text(number))
    rows = [{"first": "the cat", "second": "sat on a mat"}, {"first": "it was", "second": "not there any more"}]
    (data / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pd.DataFrame({"context": ["the cat sat on the"] * 3, "target": ["mat", "graph", "node"]}).to_parquet(
        data / "lambada_test.parquet"
    )
    write_published(data / "published")
    shutil.copytree(project / "models" / "pretrained" / "gpt1" / "transformer", data / "released")
    return project


def made_up_text(number: int) -> str:
    draw = random.Random(number)
    words = ["".join(draw.choices("abcdefghiklmnoprstu", k=draw.randint(2, 7))) for _ in range(60)]
    return "\n".join(" ".join(draw.choices(words, k=25)).capitalize() + "." for _ in range(7))


def put_text(s3: dict[str, str]) -> None:
    """Text at s3://team/crawl/, as the page has it at s3://bucket/crawl/."""
    import boto3
    import pyarrow as pa

    names = {"aws_access_key_id": s3["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": s3["AWS_SECRET_ACCESS_KEY"]}
    client = boto3.client("s3", endpoint_url=s3["url"], region_name=s3["AWS_DEFAULT_REGION"], **names)
    for source in ("one", "two"):
        lines = "".join(json.dumps({"text": made_up_text(n)}) + "\n" for n in range(30))
        body = pa.compress(lines.encode(), codec="zstd", asbytes=True)
        client.put_object(Bucket="team", Key=f"crawl/{source}/part.jsonl.zst", Body=body)


def make_environment(project: Path) -> None:
    """A `.venv` that is the tests' own environment."""
    inside = project / ".venv"
    inside.mkdir()
    for part in ("bin", "lib"):
        (inside / part).symlink_to(Path(sys.prefix) / part)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", inside)
    shutil.copy(project / "requirements.txt", inside)


def inactive(folder: Path) -> str:
    """A PATH on which the project's programs are others, which fail, as in a shell with no environment."""
    others = folder / "others"
    if not others.exists():
        others.mkdir()
        for name in ("python", "python3", "pip", "dvc", "pretrace", "mlflow", "torchrun"):
            (others / name).write_text(f"#!/bin/sh\necho '{name}: not of the environment' >&2\nexit 66\n")
            (others / name).chmod(0o755)
    return f"{others}{os.pathsep}{os.environ['PATH']}"


def follow_your_task(project: Path) -> None:
    """Steps 1 and 2 of the page: the file, and the entry."""
    text = (REPOSITORY / "docs" / "your-task.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    tiny.must(project, sys.executable, "-c", script)
    with (project / "rows" / "mine.csv").open(newline="") as stream:
        assert next(csv.reader(stream)) == ["text", "label"]
    params = tiny.load(project / "params.yaml")
    tasks = {**params["tasks"], "mine": {"kind": "classification", "train": "rows/mine.csv"}}
    tiny.change_params(project, tasks=tasks)
