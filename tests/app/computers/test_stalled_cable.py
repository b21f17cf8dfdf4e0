"""Test a network that transports nothing for a while (tc), under a running job and under a transfer, over real SSH."""

import os
import time
from pathlib import Path

import pytest
from jobs_bench import drive
from over_ssh import over_ssh
from own_sshd import Sshd
from stopwatch import Stopwatch

from workers.contracts.process.messages import BlockDone, Cancelled, Failed, Finished, RunBlock

LARGE_BYTES = 256 << 20
SHORT_S, LONG_S = 6.0, 18.0
"""Both are more than the 3 s after which ssh gives up a silent connection here."""


@pytest.mark.whole
@pytest.mark.usefixtures("quick_setup", "impatient_ssh")
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("seconds", "lease_s"), [(SHORT_S, 15.0), (LONG_S, 6.0)])
def test_a_network_that_stalls(far_sshd: Sshd, tmp_path: Path, seconds: float, lease_s: float) -> None:
    """Given a job that measures there and another one whose large file is on its way, When no packet goes through, Then both
    go on from where they were if that ends before the lease; else both fail as lost, and nothing runs there soon after the
    lease. A third one that is cancelled meanwhile ends here at once."""
    if far_sshd.machine is None:
        pytest.skip("needs root, iproute2 and util-linux, for a network namespace")
    large = tmp_path / "large" / "file"
    large.parent.mkdir()
    large.write_bytes(os.urandom(LARGE_BYTES))
    with over_ssh(far_sshd, tmp_path / "bench", lease_s=lease_s) as bench:
        measuring, cancelled, sending = bench.client(), bench.client(), bench.client()
        for client, name in ((measuring, "m"), (cancelled, "c")):
            client.start(bench.model_job("measure", name))
            drive(client, lambda client=client: client.ready is not None and client.ready.state == "loaded")
        sending.start(bench.model_job("answer", "a", large.parent))
        parts = bench.home / "files"
        drive(sending, lambda: any(one.stat().st_size > 4 << 20 for one in parts.glob("*.part")))
        with far_sshd.cut_off():
            begin_s, (part,) = time.monotonic(), [one.stat() for one in parts.glob("*.part")]
            assert part.st_size < LARGE_BYTES
            measuring.send(RunBlock(index=0, last=True))
            watch = Stopwatch()
            cancelled.cancel()
            assert bench.finish(cancelled)[-1] == Cancelled()
            watch.check(4.0)
            if seconds == LONG_S:
                time.sleep(begin_s + lease_s + 10 - time.monotonic())
                assert (bench.processes, bench.left) == ([], [])
            time.sleep(begin_s + seconds - time.monotonic())
        messages, (*_, sent) = bench.finish(measuring, 60), bench.finish(sending, 60)
        if seconds == SHORT_S:
            assert [one.index for one in messages if isinstance(one, BlockDone)] == [0]
            assert isinstance(messages[-1], Finished) and isinstance(sent, Finished), (messages[-1], sent)
            assert part.st_ino in {one.stat().st_ino for one in parts.iterdir()}  # the same part was completed
        else:
            for last in (messages[-1], sent):
                assert isinstance(last, Failed) and last.error.code == "computer_lost", last
        while bench.processes and time.monotonic() < begin_s + lease_s + 15:  # the cancelled one ends with its lease
            time.sleep(0.5)
        assert (bench.processes, bench.left) == ([], [])
