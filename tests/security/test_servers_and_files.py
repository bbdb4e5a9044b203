"""Access by others: addresses that processes listen on, permissions of files, links in the place of outputs."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, atomic_path, locked, write_json, write_text
from tests.helpers import REPOSITORY
from tests.helpers.small_training import make_shards, run, settings_with

LISTENING = "0A"


def family() -> list[int]:
    """This process and all below it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [os.getpid()]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def sockets_of(pid: int) -> Iterator[str]:
    """The numbers of its sockets."""
    for path in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            target = str(path.readlink())
        except OSError:
            continue
        yield from re.findall(r"socket:\[(\d+)\]", target)


def listening() -> dict[int, set[str]]:
    """Addresses that this process and those below it listen on, by process."""
    by_socket = {}
    for name, kind, form in (("tcp", socket.AF_INET, "=I"), ("tcp6", socket.AF_INET6, "=4I")):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            (
                _,
                local,
                _,
                state,
                *_,
            ) = line.split()[:4]
            digits = local.split(":")[0]
            packed = struct.pack(form, *(int(digits[i : i + 8], 16) for i in range(0, len(digits), 8)))
            if state == LISTENING:
                by_socket[line.split()[9]] = socket.inet_ntop(kind, packed)
    return {pid: {by_socket[number] for number in sockets_of(pid) if number in by_socket} for pid in family()}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's /proc")
def test_ranks_listen_on_the_loopback_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = make_shards(tmp_path / "small")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
    monkeypatch.setattr("pretrace.training.pretraining.monitor.peak_flops", lambda device: 1e12)
    seen: list[dict[int, set[str]]] = []
    with socket.create_server(("127.0.0.1", 0)):  # one of ours, to know that it would be seen
        run(settings_with({"processes": 2, "pretrain.steps": 4}), shards, publish=lambda: seen.append(listening()))
    addresses = set().union(*(found for by_process in seen for found in by_process.values()))
    assert max(sum(bool(found) for found in by_process.values()) for by_process in seen) >= 2
    assert addresses <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}, addresses


@pytest.mark.slow
def test_make_ui_listens_on_the_loopback_address() -> None:
    recipe = (REPOSITORY / "Makefile").read_text()
    (command,) = re.findall(r"mlflow server [^\n]*", recipe)
    assert "--host 127.0.0.1" in command


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077, 0o002], ids=oct)
def test_files_have_the_permissions_of_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a.txt", "a")
        write_json(tmp_path / "b.json", {})
        with atomic_path(tmp_path / "c.bin") as temporary:
            temporary.write_bytes(b"c")
        with atomic_folder(tmp_path / "folder") as folder:
            (folder / "inner").mkdir(mode=0o700)
            (folder / "inner" / "d.txt").write_text("d")
            shutil.copy(folder / "inner" / "d.txt", folder / "e.txt")
            (folder / "e.txt").chmod(0o444)  # as in DVC's cache
            save_file({"weight": np.zeros(2)}, folder / "f.safetensors")
        with atomic_path(tmp_path / "g.safetensors") as temporary:
            save_file({"weight": np.zeros(2)}, temporary)
        with locked(tmp_path / "new" / "lock"):
            pass
    finally:
        os.umask(before)
    for path in tmp_path.rglob("*"):
        full = 0o777 if path.is_dir() else 0o666
        assert stat.S_IMODE(path.stat().st_mode) == full & ~mask, path


def test_a_linked_file_keeps_its_permissions(tmp_path: Path) -> None:
    """A record for MLflow has hard links to models in DVC's cache, which must stay read-only."""
    (tmp_path / "cached").write_text("weights")
    (tmp_path / "cached").chmod(0o444)
    with atomic_folder(tmp_path / "folder") as folder:
        os.link(tmp_path / "cached", folder / "hard")
        (folder / "soft").symlink_to(tmp_path / "cached")
    assert stat.S_IMODE((tmp_path / "cached").stat().st_mode) == 0o444


@pytest.mark.slow
def test_stage_outputs_have_the_permissions_of_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries write Parquet, weights and vocabularies, into folders of ours."""
    before = os.umask(0o027)
    try:
        shards = make_shards(tmp_path / "small")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("pretrace.training.pretraining.monitor.peak_flops", lambda device: 1e12)
        run(settings_with({"pretrain.steps": 2, "pretrain.warmup_steps": 1}), shards)
    finally:
        os.umask(before)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".parquet", ".safetensors", ".bin", ".model", ".jsonl", ".json"}
    for path in tmp_path.rglob("*"):
        full = 0o777 if path.is_dir() else 0o666
        assert stat.S_IMODE(path.stat().st_mode) == full & ~0o027, path


def test_lock_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(PretraceError, match="lock: is a symbolic link"), locked(tmp_path / "lock"):
        pass
    (tmp_path / "dangling").symlink_to(tmp_path / "made-by-us")
    with pytest.raises(PretraceError, match="dangling: is a symbolic link"), locked(tmp_path / "dangling"):
        pass
    assert (tmp_path / "precious").read_text() == "keep"
    assert not (tmp_path / "made-by-us").exists()


def test_write_replaces_a_link_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    (tmp_path / "out.txt").symlink_to(tmp_path / "precious")
    write_text(tmp_path / "out.txt", "new")
    assert (tmp_path / "precious").read_text() == "keep"
    assert not (tmp_path / "out.txt").is_symlink()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "precious").write_text("keep")
    (tmp_path / "folder").symlink_to(tmp_path / "kept")
    with atomic_folder(tmp_path / "folder") as folder:
        (folder / "new").write_text("new")
    assert (tmp_path / "kept" / "precious").read_text() == "keep"
    assert not (tmp_path / "folder").is_symlink()
    assert (tmp_path / "folder" / "new").read_text() == "new"


def test_names_in_shared_folders_cannot_be_guessed(tmp_path: Path) -> None:
    """`tempfile` alone makes names in folders of the system; none is written out in the sources."""
    for path in [*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "stages").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(var/)?tmp|gettempdir|mktemp\(", text), path
