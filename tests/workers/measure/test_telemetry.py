"""Readings of the machine without a GPU, and the job that streams them."""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from recording import RecordingContext

from workers.contracts.errors import JobCancelled
from workers.contracts.jobs import TelemetryParams
from workers.jobs.telemetry import run
from workers.measure import telemetry


def test_processor_values_have_their_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given this computer, then load is in percent, memory in bytes and frequency in hertz; a machine that reports no
    frequency has no value for it."""
    telemetry.processor_values()
    time.sleep(0.05)
    values = telemetry.processor_values()
    assert 0 <= values["load_pct"] <= 100
    assert 0 < values["memory_bytes"] < psutil.virtual_memory().total
    assert 1e7 < values.get("frequency_hz", 1e9) < 1e11
    monkeypatch.setattr(psutil, "cpu_freq", lambda: None)
    assert "frequency_hz" not in telemetry.processor_values()


def test_job_streams_until_cancelled(tmp_path: Path) -> None:
    """Given a telemetry job, when it is cancelled, then it ends, and its series have the requested interval."""
    ctx = RecordingContext(tmp_path, cancel_after=12)
    with pytest.raises(JobCancelled):
        run(TelemetryParams(interval_s=0.1, watch_pid=os.getpid()), ctx)
    names = {sample.series for sample in ctx.samples}
    assert {"cpu/load_pct", "cpu/memory_bytes", "job/memory_bytes"} <= names
    times = [sample.times_s[0] for sample in ctx.samples if sample.series == "cpu/load_pct"]
    assert len(times) >= 2
    assert all(later - earlier > 0.05 for earlier, later in itertools.pairwise(times))


def test_end_of_the_watched_process_is_reported_and_the_job_ends(tmp_path: Path) -> None:
    """Given a watched process that ends, then its series is absent and a sentence reports it; `max_s` ends the job."""
    reported: list[str] = []
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    watching = telemetry.Telemetry(reported.append, process.pid)
    assert watching.read()["job/memory_bytes"] > 0
    process.communicate(b"\n")
    assert "job/memory_bytes" not in watching.read()
    assert reported == ["The watched process has ended."]
    ctx = RecordingContext(tmp_path)
    run(TelemetryParams(interval_s=0.05, max_s=0.2), ctx)
    assert 3 <= sum(len(sample.times_s) for sample in ctx.samples if sample.series == "cpu/memory_bytes") <= 5
