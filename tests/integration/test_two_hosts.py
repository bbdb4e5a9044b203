"""torchrun on two machines, as docs/cluster.md has it: here two clones that share nothing but a port and a remote."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.nightly
PATIENCE = 3600.0


def test_dvc_takes_over_weights_trained_on_two_hosts(finished: Path, tmp_path: Path) -> None:
    one = tiny.copied(finished, tmp_path / "one")
    tiny.dvc(one, "push")
    section = tiny.load(one / "params.yaml")["pretrain"]
    tiny.change_params(one, pretrain=section | {"seeds": [7]})  # so that there is something to train
    tiny.commit(one, "another seed")
    machines = [tiny.cloned(one, tmp_path / name) for name in ("head", "other")]
    for machine in machines:
        tiny.dvc(machine, "pull", "shard", "bpe")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", address, "stages/pretrain.py", "gpt1"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    environment |= {"PYTHONPATH": "src", "PRETRACE_TRACKING": "off"}
    logs = [(machine / "data" / "log.txt").open("w") for machine in machines]
    started = [
        subprocess.Popen(command, cwd=machine, env=environment, stdout=log, stderr=log)
        for machine, log in zip(machines, logs, strict=True)
    ]
    try:
        codes = [process.wait(PATIENCE) for process in started]
    finally:
        for process in started:
            process.kill()
        for log in logs:
            log.close()
    assert codes == [0, 0], [(machine / "data" / "log.txt").read_text() for machine in machines]
    made = [machine for machine in machines if (machine / "models" / "pretrained").is_dir()]
    assert len(made) == 1  # the machine of process 0
    (head,) = made
    tiny.dvc(head, "commit", "--force", "pretrain@gpt1")
    ran = tiny.ran(tiny.dvc(head, "repro", "--pull"))
    assert "finetune@follows-full" in ran
    of_system = {f"{stage}@gpt1" for stage in ("bpe", "shard", "pretrain", "encode")}
    assert not {"collect", "clean", "tasks@follows", *of_system} & set(ran)
