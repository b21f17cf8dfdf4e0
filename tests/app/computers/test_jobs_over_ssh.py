"""Test jobs over real SSH on loopback, with the restricted key: a job, a frozen server, a cut, a cancel."""

import time
from pathlib import Path

import psutil
import pytest
from jobs_bench import drive
from over_ssh import over_ssh
from own_sshd import Sshd
from stopwatch import Stopwatch

from workers.contracts.process.messages import BlockDone, Cancelled, Finished, RunBlock


@pytest.mark.whole
@pytest.mark.usefixtures("quick_setup")
def test_jobs_over_ssh(own_sshd: Sshd, tmp_path: Path) -> None:
    """Given a computer that was added, When jobs run there, Then answers come, a measurement survives a server that stands
    still and a connection that is cut, and a cancel ends all there within a second."""
    with over_ssh(own_sshd, tmp_path / "bench", lease_s=9.0) as bench:
        client = bench.client()
        client.start(bench.model_job("answer", "a"))
        (*_, last) = bench.finish(client, 60)
        assert isinstance(last, Finished) and (bench.root / "jobs" / "a" / "answers.npz").is_file(), last

        client = bench.client()
        client.start(bench.model_job("measure", "m"))
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
