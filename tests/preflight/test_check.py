"""`pretrace check`: its estimates, and the runs that it refuses."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pretrace.common.errors import PretraceError
from pretrace.common.units import readable_bytes, readable_time
from pretrace.corpus import read_files
from pretrace.corpus.readers.faults import stop
from pretrace.model import build_model
from pretrace.preflight.check import preflight
from pretrace.preflight.disk import TEXT_COPIES, check_disk, corpus_bytes
from pretrace.preflight.timing import DryRun
from pretrace.schemas.record import write_record
from pretrace.schemas.tokens import MixedSource, SourcesFile, SourceWeights
from pretrace.settings import Columns, Scale, load_settings, read_yaml
from tests.helpers import REPOSITORY
from tests.helpers.small_run import WORDS, refused, run, write_settings
from tests.helpers.small_shards import manifest_of

DRY_RUN = DryRun(
    device="cpu",
    precision="float32",
    precision_reason="as set",
    compiled="not compiled (as set)",
    micro_batch=4,
    measured_batch=4,
    seconds_per_step=0.5,
    memory_bytes=300_000_000,
    memory_is_measured=True,
    peak_flops=1e11,
)


@pytest.fixture(autouse=True)
def _no_dry_run(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the dry run, which takes seconds, but in tests that ask for it."""
    if "real_dry_run" not in request.fixturenames:
        monkeypatch.setattr("pretrace.preflight.check.dry_run", lambda settings, processes: DRY_RUN)


@pytest.fixture
def real_dry_run() -> None:
    """Let a test make the dry run."""


@pytest.mark.slow
def test_check_describes_the_run(repository: Path, capsys: Any) -> None:
    settings = load_settings()
    lines = dict(line.split(None, 1) for line in run(capsys, "check").splitlines() if line[0] != " ")
    weights = sum(p.numel() for p in build_model(settings.scale, 64, 0).parameters())
    section = settings.scale.pretrain
    assert lines["transformer"] == f"{weights:,} parameters"
    tokens = section.steps * section.batch_size * settings.scale.model.context
    assert lines["pre-training"] == f"{section.steps:,} steps, {tokens:,} tokens"
    assert lines["fine-tuning"] == "3 tasks x 2 variants x 3 seeds"
    assert "lstm" not in lines
    assert not (repository / "reports").exists()


def test_check_includes_the_lstm(repository: Path, capsys: Any) -> None:
    write_settings(repository, {"systems": ["gpt1", "lstm"], "variants": {"full": {}, "lstm": {"system": "lstm"}}})
    said = run(capsys, "check")
    lstm = build_model(load_settings().of_system("lstm").scale, 64, 0)
    assert f"{sum(p.numel() for p in lstm.parameters()):,} parameters" in said


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"lr": "oops"}, "params.yaml: lr: got 'oops'"),
        ({"corpus": {"source": "installed", "packages": ["no_such_package"]}}, "'no_such_package' is not installed"),
        ({"corpus": {"source": "files", "path": "nowhere"}}, "corpus.path: nothing at nowhere"),
        (
            {
                "corpus": {
                    "packages": ["pretrace"],
                    "quality": {"classifier": {"positives": {"files": ["blank"]}, "negatives": {"files": ["gone"]}}},
                }
            },
            "params.yaml: corpus.quality.classifier.negatives.files: nothing at gone",
        ),
        ({"corpus": {"source": "files", "path": "blank"}}, "blank/empty.txt: no text in it"),
        (
            {"tasks": {"mine": {"kind": "classification", "train": "rows.csv", "test": "rows.csv"}}},
            "rows.csv: no column 'label'",
        ),
    ],
)
def test_check_names_the_first_problem(repository: Path, capsys: Any, params: Any, said: str) -> None:
    (repository / "blank").mkdir()
    (repository / "blank" / "empty.txt").touch()
    (repository / "rows.csv").write_text("text,answer\nfine,1\n")
    write_settings(repository, params)
    assert said in refused(capsys, "check")


def test_check_reads_own_text_and_rows(repository: Path, capsys: Any) -> None:
    (repository / "books").mkdir()
    (repository / "books" / "one.txt").write_text("the cat")
    (repository / "rows.csv").write_text("text,label\nfine,1\nbad,0\n")
    task = {"kind": "classification", "train": "rows.csv", "dev": "rows.csv", "test": "rows.csv"}
    write_settings(repository, {"corpus": {"source": "files", "path": "books"}, "tasks": {"mine": task}})
    said = run(capsys, "check")
    assert "the first document is 'one.txt' of source 'one'" in said
    assert "2 train rows" in said


def test_check_refuses_a_full_disk(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    assert "1 kB are free" in refused(capsys, "check")


def test_check_prints_time_memory_and_cost(repository: Path, capsys: Any) -> None:
    write_settings(repository, {"hourly_cost": 7.2})
    lines = dict(line.split(None, 1) for line in run(capsys, "check").splitlines() if line[0] != " ")
    section = load_settings().scale.pretrain
    assert lines["time"].startswith(f"about {readable_time(section.steps * 0.5)} to pre-train, a cost of 1.45: 0.5 s")
    tokens = section.batch_size * load_settings().scale.model.context
    assert f"{tokens / 0.5:,.0f} tokens/s" in lines["time"]
    assert lines["memory"].startswith("measured with micro-batches of 4: 600.0 MB to pre-train, of ")
    assert lines["device"] == "2 processes on cpu, float32 (as set)"


def test_check_counts_every_pre_training(repository: Path, capsys: Any) -> None:
    def said(*seeds: int) -> dict[str, str]:
        write_settings(repository, {"pretrain": {"seeds": list(seeds)}, "hourly_cost": 7.2})
        return dict(line.split(None, 1) for line in run(capsys, "check").splitlines())

    one, three = said(1), said(1, 2, 3)
    section = load_settings().scale.pretrain
    assert three["pre-training"] == one["pre-training"] + ", with each of 3 seeds"
    assert three["fine-tuning"] == "3 tasks x 2 variants x 3 seeds, from each of 3 pre-trainings"
    assert three["time"].startswith(f"about {readable_time(section.steps * 1.5)} to pre-train them all, a cost of ")
    assert f"{float(one['time'].split('cost of ')[1].split(':')[0]) * 3:.2f}" in three["time"]


def write_two_systems(repository: Path, variants: dict[str, Any]) -> None:
    write_settings(repository, {"systems": ["gpt1", "gpt2"], "variants": variants})
    scale = repository / "scales" / "small.yaml"
    scale.write_text(scale.read_text().replace("size: 64", "size: 300"))  # bytes alone take 257


def test_check_describes_every_system(repository: Path, capsys: Any) -> None:
    variants = {"full": {}, "gpt2_full": {"system": "gpt2"}}
    write_two_systems(repository, variants)
    lines = [line.split(None, 1) for line in run(capsys, "check").splitlines()]
    assert ["systems", "gpt1, gpt2"] in lines
    own = [(name, text) for name, text in lines if name in ("system", "transformer", "lstm")]
    assert [text if name == "system" else name for name, text in own] == [
        *("gpt1", "transformer"),
        *("gpt2", "transformer"),
    ]
    settings = load_settings()
    gpt2 = build_model(settings.of_system("gpt2").scale, 300, 0)
    assert own[3][1] == f"{sum(p.numel() for p in gpt2.parameters()):,} parameters" != own[1][1]


def test_check_needs_disk_for_every_system(repository: Path) -> None:
    """Text and checkpoints of a further one, besides the fine-tunings of its variants."""
    write_settings(repository, {})
    one = check_disk(10**6, 10**6, load_settings())
    write_two_systems(repository, {"full": {}, "scratch": {"pretrained": False}})
    two = check_disk(10**6, 10**6, load_settings())
    copies = 3 * (2 + 3) * 2 + 3 * 3 + 2
    assert one.startswith(f"about {copies * 4 + 5}.0 MB needed")
    assert two.startswith(f"about {(copies + 3 * 3 + 2) * 4 + 5 + 2}.0 MB needed")


def test_check_needs_more_disk_for_more_pre_trainings(repository: Path) -> None:
    """By hand: of 3 tasks `full` has 2 copies and one a seed and pre-training, `scratch` 2 and one a seed."""
    write_settings(repository, {"pretrain": {"seeds": [1, 2]}})
    copies = 2 * (3 * 3 + 2) + 3 * (2 + 3 * 2) + 3 * (2 + 3)
    assert check_disk(10**6, 0, load_settings()).startswith(f"about {copies * 4}.0 MB needed")


def test_check_prints_the_epochs(repository: Path, capsys: Any) -> None:
    (repository / "books").mkdir()
    (repository / "books" / "one.txt").write_text("the cat sat " * 100_000)
    write_settings(repository, {"corpus": {"source": "files", "path": "books"}})
    tokens = 1_200_000 * (1 - 0.03 - 0.25) / 4.3
    epochs = 1450 * 16 * 24 / tokens
    assert f"some {epochs:.1f} epochs of an estimated {tokens / 1e6:.1f} million tokens" in run(capsys, "check")
    write_record(repository / "data/shards/gpt1/manifest.json", manifest_of({"train": {"tokens": 1450 * 16 * 24 // 2}}))
    assert "2.0 epochs of the shards in data/shards/gpt1" in run(capsys, "check")


def write_books(folder: Path) -> None:
    for name, words in {"old/a.txt": 30_000, "old/b.txt": 30_000, "new/c.txt": 40_000}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("the cat sat " * words)


def test_check_reckons_the_mix(repository: Path, capsys: Any) -> None:
    write_books(repository / "books")
    corpus = {"source": "files", "path": "books", "mix": {"old": 1, "new": 3, "gone": 0}}
    write_settings(repository, {"corpus": corpus})
    read, of_a_word = 1450 * 16 * 24, 12 * (1 - 0.03 - 0.25) / 4.3
    epochs = [f"{read * share / (words * of_a_word):.1f}" for share, words in ((0.75, 40_000), (0.25, 60_000))]
    assert f"of the sources gone 0.0%, new 75.0% ({epochs[0]} epochs), old 25.0% ({epochs[1]} epochs)" in run(
        capsys, "check"
    )
    mixed = {name: MixedSource(source=name, part=1, tokens=read // 8, documents=1) for name in ("new", "old")}
    weights = SourceWeights(sources=list(mixed.values()), file=SourcesFile(name="s.bin", sha256="0" * 64))
    manifest = manifest_of({"train": {"tokens": read // 4}})
    manifest.splits["train"] = manifest.splits["train"].model_copy(update={"mix": weights})
    write_record(repository / "data/shards/gpt1/manifest.json", manifest)
    assert "of the sources gone 0.0%, new 75.0% (6.0 epochs), old 25.0% (2.0 epochs)" in run(capsys, "check")


@pytest.mark.parametrize(
    ("columns", "mix", "said"),
    [
        (None, {"old": 1, "never": 2}, "'never' has no document in the corpus, which has 'new', 'old'"),
        (None, {"old": 1}, "no weight for 'new'; give each a weight, or 0 to leave it out"),
        ("from", {"old": 1, "site": 1}, "no weight for 'rows', 'web'; give"),
        ("from", {"old": 1, "site": 1, "web": 1, "rows": 1, "new": 1}, "'new' has no document in the corpus"),
    ],
)
def test_check_knows_the_sources_of_the_mix(
    repository: Path, capsys: Any, columns: str | None, mix: dict[str, int], said: str
) -> None:
    """Of files by their folders, of rows by their column; before anything else is looked at."""
    write_books(repository / "books")
    if columns:
        (repository / "books/new/c.txt").unlink()
        (repository / "books/web").mkdir()
        table = pa.table({"text": ["a b", "c d"], "from": ["site", None]})
        pq.write_table(table, repository / "books/web/x.parquet")
        (repository / "books/rows").mkdir()
        (repository / "books/rows/y.jsonl").write_text('{"text": "a b", "from": null}\n')
    corpus = {"source": "files", "path": "books", "mix": mix, "columns": {"source": columns}}
    write_settings(repository, {"corpus": corpus, "tasks": {"mine": {"kind": "classification", "train": "no.csv"}}})
    assert f"params.yaml: corpus.mix: {said}" in refused(capsys, "check")


def test_check_knows_the_sources_of_packages_and_of_the_classifier(repository: Path, capsys: Any) -> None:
    write_settings(repository, {"corpus": {"packages": ["pretrace"], "mix": {"pretrace": 1, "jsom": 1}}})
    assert "corpus.mix: 'jsom' has no document in the corpus, which has 'pretrace'" in refused(capsys, "check")
    rules = {"positives": {"sources": ["pretrase"]}, "negatives": {"sources": ["pretrace"]}}
    write_settings(repository, {"corpus": {"packages": ["pretrace"], "quality": {"classifier": rules}}})
    said = "params.yaml: corpus.quality.classifier.positives.sources: 'pretrase' is no source of the corpus; it has"
    assert said in refused(capsys, "check")


@pytest.mark.slow
def test_check_counts_compressed_text_unpacked(repository: Path, capsys: Any) -> None:
    random = np.random.default_rng(0)
    text = " ".join(random.choice(WORDS, 400_000))
    (repository / "books").mkdir()
    (repository / "books" / "one.txt.gz").write_bytes(gzip.compress(text.encode()))
    pq.write_table(pa.table({"text": [text]}), repository / "books" / "two.parquet", compression="zstd")
    pa.output_stream(repository / "books" / "three.txt.zst", compression="zstd").write(text.encode())
    size = corpus_bytes("books", stop)
    assert size == pytest.approx(3 * len(text), rel=0.1)
    stored = sum(path.stat().st_size for path in (repository / "books").iterdir())
    assert size > 2 * stored
    write_settings(repository, {"corpus": {"source": "files", "path": "books"}})
    said = run(capsys, "check")
    assert f"{readable_bytes(stored)} ({readable_bytes(size)} unpacked)" in said
    assert f"{readable_bytes(TEXT_COPIES * size)} for text" in said


def test_check_reports_an_empty_parquet_file(repository: Path, capsys: Any) -> None:
    (repository / "books").mkdir()
    (repository / "books" / "none.parquet").touch()
    write_settings(repository, {"corpus": {"source": "files", "path": "books"}})
    said = refused(capsys, "check")
    assert "books/none.parquet: no text in it" in said
    with pytest.raises(PretraceError) as error:
        list(read_files("books", Columns()))
    assert str(error.value) in said


def test_check_refuses_a_run_without_enough_memory(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    """By the lower bound before the dry run, and by the measurement."""
    monkeypatch.setattr("pretrace.training.engine.memory.memory_bytes", lambda: 400_000_000)
    said = refused(capsys, "check")
    assert (
        "memory: measured with micro-batches of 4: 600.0 MB to pre-train, and this machine has 400.0 MB; lower " in said
    )
    assert "pretrain.micro_batch" in said
    assert "scales/small.yaml" in said
    monkeypatch.setattr("pretrace.training.engine.memory.memory_bytes", lambda: 10_000)
    monkeypatch.setattr("pretrace.preflight.check.dry_run", None)
    assert "memory: at least " in refused(capsys, "check")


def test_check_of_a_sharded_model_makes_no_dry_run(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    """One process cannot hold it; a batch that cannot be divided is reported first."""
    monkeypatch.setattr("pretrace.preflight.check.dry_run", None)
    file = repository / "scales" / "small.yaml"
    file.write_text(file.read_text().replace("sharded: false", "sharded: true"))
    said = run(capsys, "check")
    assert "time          not measured: the model is sharded" in said
    assert "memory        at least " in said
    file.write_text(file.read_text().replace("processes: 2", "processes: 3"))
    assert "pretrain.sharded: 3 processes must have equal shares of a batch of 16" in refused(capsys, "check")


@pytest.mark.slow
def test_check_makes_a_real_dry_run(repository: Path, capsys: Any, real_dry_run: None, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    said = run(capsys, "check")
    assert "s per step, measured" in said
    assert "measured with micro-batches of 8:" in said
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_that_no_disk_here_holds_is_reckoned_before_it_is_refused(repository: Path) -> None:
    scale = Scale.model_validate(read_yaml(REPOSITORY / "scales" / "gpt3-175b.yaml"))
    settings = load_settings()
    systems = {"gpt1": settings.systems["gpt1"].model_copy(update={"scale": scale})}
    lines = preflight(settings.model_copy(update={"systems": systems, "scale": scale, "scale_name": "gpt3-175b"}))
    said = []
    with pytest.raises(PretraceError, match="models and checkpoints"):
        for _, text in lines:
            said.append(text)
    assert "174,604,259,328 parameters" in said
    # 3.17e23 FLOPs over two fifths of 989 TFLOP/s; 16 bytes a parameter
    assert said[-1] == "about 9,272 GPU-days of an H100; 2793.7 GB of weights, gradients and moments"
