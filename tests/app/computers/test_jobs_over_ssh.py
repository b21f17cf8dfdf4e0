"""Test jobs over real SSH on loopback, with the restricted key: a job, a frozen server, a cut, a cancel."""

import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import small_models
from computer_elsewhere import Elsewhere
from jobs_bench import drive
from own_sshd import Sshd
from stopwatch import Stopwatch

from app.computers.fork import RemoteFork
from app.computers.pairing import close
from app.computers.ssh import ssh_command
from workers.contracts.jobs import AnswerParams, MeasureParams
from workers.contracts.process.messages import BlockDone, Cancelled, Finished, RunBlock
from workers.pipeline.prepared import write_prepared


@pytest.mark.whole
@pytest.mark.usefixtures("quick_setup")
def test_jobs_over_ssh(own_sshd: Sshd, tmp_path: Path) -> None:
    """Given a computer that was added, When jobs run there, Then answers come, a measurement survives a server that stands
    still and a connection that is cut, and a cancel ends all there within a second."""
    kind, reads = small_models.KINDS["cnn"], (str(tmp_path / "model"), str(tmp_path / "data"))
    small_models.write_folder(tmp_path / "model", kind.build(), kind.spec)
    write_prepared(tmp_path / "data" / "test", [kind.item(np.random.default_rng(7)) for _ in range(24)])
    own_sshd.place_packages()
    added = own_sshd.add(tmp_path / "computers")
    own_sshd.use_packages()
    command = partial(ssh_command, tmp_path / "computers", added)
    fork = RemoteFork(command, name="target", version=added.workers_version, lease_s=9.0)
    bench = Elsewhere(tmp_path / "bench", job_kinds="", place=own_sshd.workers)
    params = {"model_dir": reads[0], "data_dir": reads[1], "runtime": "onnxruntime-cpu"}

    client = bench.client(fork)
    client.start(
        bench.job("answer", params=AnswerParams(**params).model_dump(mode="json"), job_id="a", read_paths=reads)
    )
    (*_, last) = bench.finish(client, 60)
    assert isinstance(last, Finished) and (tmp_path / "bench" / "jobs" / "a" / "answers.npz").is_file(), last

    client = bench.client(fork)
    job = bench.job("measure", params=MeasureParams(**params).model_dump(mode="json"), job_id="m", read_paths=reads)
    client.start(job)
    drive(client, lambda: client.ready is not None and client.ready.state == "loaded")
    for index, how in enumerate(("untouched", "frozen", "cut")):
        if how == "frozen":
            with own_sshd.frozen():
                client.send(RunBlock(index=index))
                time.sleep(5)
        elif how == "cut":
            for process in psutil.Process(own_sshd.process.pid).children(recursive=True):
                if "sshd" in process.name():
                    process.kill()
        if how != "frozen":
            client.send(RunBlock(index=index))
        messages: list[object] = []
        while not any(isinstance(message, BlockDone) for message in messages):
            messages += drive(client, lambda: True)
            assert not client.done, messages
    watch = Stopwatch()
    client.cancel()
    assert bench.finish(client)[-1] == Cancelled()
    watch.check(1.2)
    assert bench.left == []
    close(tmp_path / "computers", added)
