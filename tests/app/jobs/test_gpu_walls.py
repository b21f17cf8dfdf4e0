"""Test that the sandbox of a worker with a GPU permits the accesses of CUDA."""

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from jobs_bench import Bench, made_card_set

from workers.contracts.process.messages import Card, Limits
from workers.infer import base, tensorrt_engines
from workers.runtime import gpu

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls")

UUID = "GPU-fake1111-1111-1111-1111-111111111111"


def accesses(bench: Bench, limits: Limits, **more: object) -> dict[str, str]:
    _, messages = bench.run("gpu_walls", limits=limits, **more)
    values: dict[str, str] = messages[-1].result["values"]
    return values


def test_a_worker_with_a_gpu_may_do_what_cuda_does(bench: Bench) -> None:
    """Given a worker for a GPU with a lasting cache, Then every access of CUDA's start is permitted, also in later
    threads, and it sees that GPU alone."""
    cache = bench.root / "gpu-cache"
    cache.mkdir()
    limits = Limits(gpu=True, card=Card(uuid=UUID, index=1))
    seen = accesses(bench, limits, gpu_cache=str(cache), write_paths=(str(cache),))
    variables = {name: seen.pop(name) for name in list(seen) if name.startswith("$")}
    assert variables.pop("$onnxruntime") == str(base_runtime())
    variables.pop("$PYTHONPATH")
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
    """Given a worker without a GPU, Then it may neither name its threads nor read files that only drivers need."""
    seen = accesses(new_bench, Limits())
    assert seen["name this thread"] == "PermissionError"
    assert seen["name a later thread"] == "PermissionError"
    assert seen["read /proc/devices"] == "PermissionError"
    assert seen["$CUDA_DEVICE_ORDER"] == ""


def base_runtime() -> Path:
    """Return the module of the base's ONNX Runtime."""
    return Path(str(distribution("onnxruntime").locate_file("onnxruntime/__init__.py")))


def test_only_workers_for_a_card_import_its_set_before_the_base(
    new_bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the set “cuda” in a folder of its own, Then a worker for a card imports its ONNX Runtime and leads its own
    processes there; any other worker, and the program, import that of the base."""
    made = made_card_set(tmp_path / "sets", monkeypatch)
    on_card, others = (accesses(new_bench, limits) for limits in (Limits(gpu=True), Limits()))
    assert on_card["$onnxruntime"] == str(made / "onnxruntime" / "__init__.py")
    assert on_card["$PYTHONPATH"].split(os.pathsep)[0] == str(made)
    assert others["$onnxruntime"] == str(base_runtime()) and str(made) not in others["$PYTHONPATH"]


def modprobe(folder: Path, uvm: Path) -> None:
    """Write a stand-in that makes the device file if it is called exactly as libcuda does."""
    program = folder / gpu.MODPROBE
    program.write_text(f'#!/bin/sh\n[ "$*" = "-u -c=0" ] && echo made > {uvm}\n')
    program.chmod(0o755)


def test_the_missing_device_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a driver without /dev/nvidia-uvm, Then nvidia-modprobe makes it before the sandbox closes."""
    driver, uvm = tmp_path / "version", tmp_path / "nvidia-uvm"
    modprobe(tmp_path, uvm)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert not gpu.make_uvm_node(driver, uvm), "no driver: nothing is tried"
    assert not uvm.exists()
    driver.write_text("NVRM version")
    assert gpu.make_uvm_node(driver, uvm)
    assert uvm.read_text() == "made\n"


def test_missing_device_file_without_modprobe_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a driver and no nvidia-modprobe, Then False is returned, and nothing is raised."""
    (tmp_path / "version").write_text("NVRM version")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(gpu, "MODPROBE_PLACES", str(tmp_path))
    assert not gpu.make_uvm_node(tmp_path / "version", tmp_path / "nvidia-uvm")


def test_both_sides_read_the_same_variables() -> None:
    """Given names that are defined twice, because the sandbox closes before numpy is loaded, Then they are equal."""
    assert gpu.DEVICE_VARIABLE == base.DEVICE_VARIABLE
    assert gpu.CACHE_VARIABLE == tensorrt_engines.CACHE_VARIABLE


def test_worker_entry_does_not_import_numpy() -> None:
    """Given a new process that loads the entry of workers, Then numpy is not loaded, because it starts a thread at
    once."""
    code = "import sys, workers.runtime.entry; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0
