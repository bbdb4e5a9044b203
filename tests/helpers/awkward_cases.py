"""The awkward inputs of ../shared/data/awkward, each with what is right: one list, for tests/test_awkward_inputs.py.

A case is a function that gets the copied folder of its input, with the current folder above it, and asserts.
"""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.corpus import clean_text, read_files
from pretrace.corpus.readers.row import DocumentUnit
from pretrace.settings import Columns, Task
from pretrace.settings.section import checked
from pretrace.tasks.read_task import read_task_files
from pretrace.tasks.rows.dataset import TaskData
from tests.helpers import REPOSITORY
from tests.helpers import made_up_project as made
from tests.helpers import tiny_project as tiny
from tests.helpers.new_rows import typed
from tests.helpers.small_run import make_run

Case = Callable[[Path], None]


def read(folder: Path) -> TaskData:
    """Read the task of a folder's `entry.yaml`, as `pretrace check` does."""
    entry = yaml.safe_load((folder / "entry.yaml").read_text())["tasks"]["mine"]
    return read_task_files("mine", checked(Task, entry, "params.yaml", "tasks.mine"), clean_text)


def reads(labels: list[str] | None, rows: int, left_out: int = 0) -> Case:
    """A task that is read, with these classes and so many rows."""

    def case(folder: Path) -> None:
        data = read(folder)
        assert data.labels == labels
        assert sum(map(len, data.splits.values())) == rows
        assert sum(data.details["left_out"].values()) == left_out

    return case


def says(*words: str) -> Case:
    """A task that is refused in one line, which begins with the first of `words` and has the others."""

    def case(folder: Path) -> None:
        with pytest.raises(PretraceError) as error:
            read(folder)
        line = str(error.value)
        assert line.startswith(f"data/{folder.name}/{words[0]}")
        assert all(word in line for word in words)
        assert not re.search(r"Traceback|C error|<NA>|position \d", line)

    return case


def _large_latin_1(folder: Path) -> None:
    subprocess.run([sys.executable, folder / "make.py", folder / "train.csv"], check=True)
    entry = {"tasks": {"mine": {"kind": "classification", "train": f"data/{folder.name}/train.csv"}}}
    (folder / "entry.yaml").write_text(yaml.safe_dump(entry))
    says("train.csv: line 18002: not UTF-8: byte 1032796 ", "WINDOWS-1252")(folder)


def warns(*words: str) -> Case:
    """A task that is read with one warning, which has these words."""

    def case(folder: Path) -> None:
        (warning,) = read(folder).warnings
        assert all(word in warning for word in words)

    return case


def documents(count: int, unit: DocumentUnit = "file") -> Case:
    """A corpus of so many documents that are cleaned; tests/corpus/text/chunks/test_long_words.py counts the work."""

    def case(folder: Path) -> None:
        texts = [document.text for document in read_files(folder / "c", Columns(), unit)]
        assert sum(bool(clean_text(text)) for text in texts) == count

    return case


def corpus_says(*words: str) -> Case:
    """A corpus that is refused in one line with these words."""

    def case(folder: Path) -> None:
        with pytest.raises(PretraceError) as error:
            list(read_files(folder / "c", Columns()))
        assert all(word in str(error.value) for word in words)

    return case


def _on_a_mac(folder: Path) -> None:
    reads(None, 12)(folder)
    assert not any("/._" in row.origin for rows in read(folder).splits.values() for row in rows)


def typed_in(*arguments: str, content: bytes | None = None) -> tuple[int, list[str], list[str]]:
    """Run `pretrace`; return its exit code and the lines of both streams."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        if content is not None:
            patch.setattr("sys.stdin", typed(content))
        try:
            code = main(list(arguments))
        except SystemExit as stop:
            code = int(str(stop.code))
    return code, out.getvalue().splitlines(), err.getvalue().splitlines()


def answers(file: str, rows: int) -> Case:
    """A file whose rows `pretrace predict` answers, as many as there are."""

    def case(folder: Path) -> None:
        make_run(Path())
        code, out, _ = typed_in("predict", "topic-full", str(folder / file))
        assert code == 0 and len(out) == rows and all(out)

    return case


def refuses(file: str, words: str) -> Case:
    """A file that `pretrace predict` refuses in one line with these words, and on standard input, too."""

    def case(folder: Path) -> None:
        make_run(Path())
        path = folder / file
        form = "text" if path.suffix == ".txt" else path.suffix[1:]
        by_name = typed_in("predict", "topic-full", str(path))
        by_input = typed_in("predict", "topic-full", "--format", form, content=path.read_bytes())
        assert by_name == (1, [], [f"pretrace: predict: {path}: {words}"])
        assert by_input == (1, [], [f"pretrace: predict: standard input: {words}"])

    return case


def _large_seed(folder: Path) -> None:
    code, out, err = typed_in("generate", "--seed", "18446744073709551616", "--tokens", "3")
    assert (code, out, len(err)) == (2, [], 1)
    assert "argument --seed: takes a whole number from 0 to 4294967295" in err[0]


def _missing_base(folder: Path) -> None:
    made.write(Path("reports/benchmark.json"), made.benchmark(made.row("rte", "full")))
    tiny.commit(Path(), "ran")
    code, out, err = typed_in("gate", "origin/typo")
    assert code == 1 and not any("open" in line for line in out)  # 1: this folder has no dvc.lock
    assert "pretrace: gate: cannot compare scores: no revision origin/typo here; fetch it" in err[-1]


def _inactive_environment(folder: Path) -> None:
    made.write(Path("stages/tasks.py"), "import sys\nopen('python.txt', 'w').write(sys.executable)\n")
    made.write(Path("stages/run"), (REPOSITORY / "stages" / "run").read_text())
    made.write(Path("dvc.yaml"), "stages:\n  tasks:\n    cmd: sh stages/run tasks\n    outs: [python.txt]\n")
    tiny.must(Path(), "git", "init", "--quiet")
    dvc = str(Path(sys.executable).with_name("dvc"))
    for command in (("init", "--quiet"), ("repro", "-f", "-s", "tasks")):
        tiny.must(Path(), dvc, *command, PATH="/usr/bin:/bin")
    assert Path("python.txt").read_text() == str(Path(sys.executable).with_name("python"))


TWO = ["bad", "good"]
EMPTY_LABEL = "column 'label' is empty; every row needs a label"
CASES: dict[str, Case] = {
    # A. A cell that pandas calls NA.
    "T72": says(f"train.parquet: row 21: {EMPTY_LABEL}"),
    "T72c": says(f"train.parquet: row 21: {EMPTY_LABEL}"),
    "T72g": says("train.parquet: row 21: column 'id' is empty"),
    # B. One null among whole numbers.
    "T09": reads(TWO, 26, left_out=1),
    "T09b": reads(["0", "1"], 26, left_out=1),
    "T09c": says(f"test.jsonl: row 7: {EMPTY_LABEL}"),
    "T72j": says(f"test.parquet: row 21: {EMPTY_LABEL}"),
    # C. One reader for JSON, and one for folders.
    "T01": reads(TWO, 20),
    "T02": reads(TWO, 20),
    "T03": reads(TWO, 20),
    "T08": says("train.jsonl: row 5: column 'text': half of a surrogate pair"),
    "T05": says("train.jsonl: row 7: not JSON"),
    "T07": says("train.jsonl: row 5: more than one column 'label';"),
    "T42": _on_a_mac,
    # D. Where it is, and what to do.
    "T05b": says("train.jsonl: row 7: not JSON"),
    "T05c": says("train.jsonl: row 7: not JSON"),
    "T19": says("train.csv: line 1: fields are parted by semicolons"),
    "T21b": says("train.csv: line 802: not UTF-8", "0xe9", "iconv -f WINDOWS-1252 -t UTF-8"),
    "T21c": _large_latin_1,
    "T25": says("train.csv: no column 'label'; it has 'text', ' label'", "a space too many"),
    "T54": says("train.jsonl: row 1: one JSON array", "jq"),
    "T54b": says("train.jsonl: row 1: one JSON array", "jq"),
    "T58": says("train.csv: line 1 is no line of names: '# exported", "above line 3"),
    "T77": says("train.jsonl: line 21: not UTF-8", "0xe9"),
    "T80": says("train.jsonl: row 21: takes a JSON object, got null"),
    "T44": says("train.tsv: line 1 has more fields than there are names: 4; column_names has 3"),
    # E. Quotes that swallow rows, or stay in the text.
    "T26": says("train.csv: line 6: a quote opens a text that runs to line 12", "doubled"),
    "T34b": says('train.csv: line 2: quotes in a text are written \\"', "MySQL", "doubled"),
    "T35": says("train.tsv: line 2: texts are in quotes", "doubled"),
    # F. Values that Python reads in its own way.
    "T15d": says("train.parquet: row 1: column 'label': one label expected", "binary data"),
    "T16": says("train.parquet: row 1: column 'label': one label expected", "got a list"),
    "T16b": says("train.jsonl: row 1: column 'label': one label expected", "got a list"),
    "T45b": says("train.csv: row 6: label '1_0' is not a number"),
    "T49b": says("train.csv: row 6: column 'text' is empty"),
    # G. Classes that nobody meant.
    "T29": warns("differ only in white space", "'bad '", "data/T29/train.csv: row "),
    "T44c": says("train.tsv: row 1: is a line of names", "take out `column_names`"),
    "T29d": warns("Unicode form", "café", r"cafe\u0301"),
    "T67c": says("train.csv: row 11: is a line of names", "take it out"),
    # H. Columns that are there twice, or are an index.
    "T12": reads(TWO, 20),
    "T24": says("train.csv: 2 columns are called 'label'"),
    "T13b": reads(TWO, 20),
    # D and K, of a corpus: advice, and time that is linear in the length of a word.
    "C06d": corpus_says("d.jsonl: its content is gzip", ".gz"),
    "C07": corpus_says("d.jsonl.zst: a .zst file with a window of more than 128 MB", "zstd -d --long=31 -c"),
    "C10b": documents(138, "line"),
    "C02c": documents(31),
    "C03c": documents(31),
    "C03d": documents(31),
    # I. A line in the place of a traceback.
    "T69": says("train.parquet: no column 'label'; it has \"('text', 'a')\""),
    "G02": _large_seed,
    # J. Rows to predict.
    "P02": answers("rows.txt", 5),
    "P03": answers("rows.csv", 2),
    "P04": refuses("rows.jsonl", "row 1: column 'text': text expected, got None"),
    "P05": refuses(
        "rows.txt",
        "line 1: not UTF-8: byte 4 of the file is 0xe9, perhaps 'é' in Windows-1252; convert it "
        "(iconv -f WINDOWS-1252 -t UTF-8)",
    ),
    "P06": refuses(
        "rows.jsonl",
        "row 1: column 'text': half of a surrogate pair at character 4, which is no text; mend it or take it out",
    ),
    # L. A check that could not check.
    "X01": _missing_base,
    # M. A command of the documentation.
    "W06": _inactive_environment,
}
"""By the folder's name."""
