"""Nothing leaves the computer: no look-up of a host name and no connection, from the first job to the bundle."""

import shutil
import sys
from pathlib import Path

import pytest
from fettle_command import Demo
from network_calls import may_trace, network_calls, tracer
from run_text import run_text

from workers.export.fresh_environment import make_environment

pytestmark = pytest.mark.skipif(not may_trace(), reason="strace is not here, or may not trace programs")


def watched(log: Path, command: list[str], cwd: Path, env: dict[str, str] | None = None) -> list[str]:
    """Run a command and all that it starts under strace; its calls to the network."""
    done = run_text([*tracer(log), *command], cwd=cwd, env=env, timeout=170)
    assert done.returncode in (0, 4), done.stderr
    return network_calls(log)


def test_the_watch_sees_a_look_up(tmp_path: Path) -> None:
    """Given a program that looks a host name up, then the watch reports it: silence below is no mistake."""
    code = "import socket\ntry: socket.create_connection(('fettle.invalid', 443), 1)\nexcept OSError: pass"
    calls = watched(tmp_path / "log", [sys.executable, "-c", code], tmp_path)
    assert calls


def test_an_optimization_stays_at_home(demo: Demo) -> None:
    """Given the sample with both runtimes and torch's presence, when it is optimized, then no process reaches out."""
    # libuuid opens a socket to request a card's address where onnx makes a name for a file; the walls refuse it
    refused = "socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = -1 EPERM"
    assert [line for line in network_calls(demo.calls) if refused not in line] == []
    assert demo.calls.stat().st_size > 0  # multiprocessing's own socket pairs were seen


def test_an_export_and_the_bundle_stay_at_home(demo: Demo, tmp_path: Path) -> None:
    """Given a finished run, when it is exported, self-tested, and its bundle answers, then nothing reaches out."""
    out = tmp_path / "b.zip"
    command = [sys.executable, "-m", "app", "export", demo.run_id, "--target", "python", "--out", str(out)]
    assert watched(tmp_path / "log", command, demo.fettle.root, demo.fettle.env) == []
    folder = tmp_path / "unpacked"
    shutil.unpack_archive(out, folder)
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").split()
    python = str(make_environment(tmp_path / "environment", lines))
    for script in (["run.py", "golden/example.npz"], ["verify.py"]):
        assert watched(tmp_path / "log", [python, "-I", "-B", *script], folder) == []


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnxruntime-cpu", "openvino"])
def test_a_bundle_that_waits_stays_at_home(demo: Demo, tmp_path: Path, runtime: str) -> None:
    """Given a bundle of each runtime that stays open for a minute, then its library's telemetry stays silent too."""
    variant = next(v for v in demo.document["variants"] if v["runtime"] == runtime and v["latency_p50_ms"])
    out = tmp_path / "b.zip"
    done = demo.fettle("export", demo.run_id, "--target", "python", "--variant", variant["id"], "--out", out)
    assert done.code == 0, done.err
    folder = tmp_path / "unpacked"
    shutil.unpack_archive(out, folder)
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").split()
    python = str(make_environment(tmp_path / "environment", lines))
    code = f"import sys, time; sys.path.insert(0, {str(folder)!r}); from bundle import load; m = load(); time.sleep(60)"
    assert watched(tmp_path / "log", [python, "-I", "-B", "-c", code], folder) == []
