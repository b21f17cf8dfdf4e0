"""Read the declarations of runtimes without importing them."""

from pathlib import Path

import pytest

from app.services.flow.steps import limits_of_runtime
from workers import registry
from workers.contracts.runtimes import declared, needs_gpu, needs_torch


def test_declared_runtimes_equal_the_imported_ones() -> None:
    """Given every runtime that is found by importing, Then reading its file gives the same declaration."""
    scanned = registry.runtimes()
    assert set(declared()) == set(scanned) and not scanned.broken
    for runtime in scanned.values():
        found = declared()[runtime.id]
        assert (found.device, found.torch_program) == (runtime.device, runtime.torch_program), runtime.id


@pytest.mark.parametrize(
    ("name", "on_gpu"), [("tensorrt", True), ("onnxruntime-rtx", True), ("openvino", False), ("gone-cuda", False)]
)
def test_needs_gpu_follows_the_declaration(name: str, on_gpu: bool) -> None:
    """Given a runtime by its id, Then its declaration decides whether a job gets a GPU."""
    assert needs_gpu(name) is on_gpu and limits_of_runtime(name, {}).gpu is on_gpu


def test_declared_reads_a_new_file_without_importing_it(tmp_path: Path) -> None:
    """Given a new runtime's file, Then its declaration is read and its imports never run; helpers and damaged files are
    skipped."""
    text = 'import nowhere\nRUNTIME = Runtime(id="fast", title="F", device="cuda:0", torch_program=True)\n'
    (tmp_path / "fast.py").write_text(text)
    (tmp_path / "helper.py").write_text("X = 1\n")
    (tmp_path / "damaged.py").write_text("\nRUNTIME = Runtime(\n")
    (tmp_path / "made.py").write_text("\nRUNTIME = Runtime(id=NAME, device=WHERE)\n")
    assert [(one.id, one.on_gpu, one.torch_program) for one in declared(tmp_path).values()] == [("fast", True, True)]
    assert not needs_torch("tensorrt") and needs_torch("torch-cpu")
