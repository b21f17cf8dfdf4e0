"""The contract of the walls with CUDA: whatever its start was seen to do, a worker with a GPU may do."""

import subprocess
import sys
from pathlib import Path

import pytest
from jobs_bench import Bench

from workers.contracts.process.messages import Card, Limits
from workers.infer import base, tensorrt_engines
from workers.runtime import gpu

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls")

UUID = "GPU-fake1111-1111-1111-1111-111111111111"


def told(bench: Bench, limits: Limits, **more: object) -> dict[str, str]:
    _, messages = bench.run("gpu_walls", limits=limits, **more)
    values: dict[str, str] = messages[-1].result["values"]
    return values


def test_a_worker_with_a_gpu_may_do_what_cuda_does(bench: Bench) -> None:
    """Given a worker for a card with a lasting cache, Then every access of CUDA's start is allowed in it, threads that
    come later included, and it sees that card alone."""
    cache = bench.root / "gpu-cache"
    cache.mkdir()
    limits = Limits(gpu=True, card=Card(uuid=UUID, index=1))
    seen = told(bench, limits, gpu_cache=str(cache), write_paths=(str(cache),))
    variables = {name: seen.pop(name) for name in list(seen) if name.startswith("$")}
    assert {name: what for name, what in seen.items() if not what.startswith("done: ")} == {}
    assert variables == {
        "$CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "$CUDA_VISIBLE_DEVICES": UUID,
        "$CUDA_CACHE_PATH": str(cache / "cuda"),
        "$FETTLE_ENGINE_CACHE": str(cache / "engines"),
        "$FETTLE_DEVICE": "cuda:1",
    }
    assert (cache / "cuda" / "kernel").read_bytes() == b"x", "what was compiled outlives the job"


def test_without_a_gpu_threads_keep_their_names(new_bench: Bench) -> None:
    """Given a worker without a GPU, Then it may neither name its threads nor read what only drivers need: the grants are
    what makes the difference."""
    seen = told(new_bench, Limits())
    assert seen["name this thread"] == "PermissionError"
    assert seen["name a later thread"] == "PermissionError"
    assert seen["read /proc/devices"] == "PermissionError"
    assert seen["$CUDA_DEVICE_ORDER"] == ""


def modprobe(folder: Path, uvm: Path) -> None:
    """A stand-in that makes the node where it is asked exactly as libcuda asks, and says so."""
    program = folder / gpu.MODPROBE
    program.write_text(f'#!/bin/sh\n[ "$*" = "-u -c=0" ] && echo made > {uvm}\n')
    program.chmod(0o755)


def test_the_missing_device_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a driver whose /dev/nvidia-uvm is not there yet, Then nvidia-modprobe makes it before the walls go up."""
    driver, uvm = tmp_path / "version", tmp_path / "nvidia-uvm"
    modprobe(tmp_path, uvm)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert not gpu.make_uvm_node(driver, uvm), "no driver: nothing is tried"
    assert not uvm.exists()
    driver.write_text("NVRM version")
    assert gpu.make_uvm_node(driver, uvm)
    assert uvm.read_text() == "made\n"


def test_without_the_program_the_file_stays_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a driver and no nvidia-modprobe, Then it is told that the file is not there, and nothing is raised."""
    (tmp_path / "version").write_text("NVRM version")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(gpu, "MODPROBE_PLACES", str(tmp_path))
    assert not gpu.make_uvm_node(tmp_path / "version", tmp_path / "nvidia-uvm")


def test_both_sides_read_the_same_variables() -> None:
    """Given names that are written down twice, since the walls go up before numpy comes, Then they are the same."""
    assert gpu.DEVICE_VARIABLE == base.DEVICE_VARIABLE
    assert gpu.CACHE_VARIABLE == tensorrt_engines.CACHE_VARIABLE


def test_the_walls_go_up_before_numpy_comes() -> None:
    """Given a new process that loads what a worker begins with, Then numpy is not there: it starts a thread at once."""
    code = "import sys, workers.runtime.entry; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0
