"""What the application knows of runtimes is what each declares in its own file."""

from pathlib import Path

import pytest

from app.services.flow.steps import limits_of_runtime
from workers import registry
from workers.contracts.runtimes import declared, needs_gpu, needs_torch


def test_what_is_read_is_what_the_modules_say() -> None:
    """Given every runtime that is found by importing, Then reading its file alone told the same of it."""
    scanned = registry.runtimes()
    assert set(declared()) == set(scanned) and not scanned.broken
    for runtime in scanned.values():
        found = declared()[runtime.id]
        assert (found.device, found.torch_program) == (runtime.device, runtime.torch_program), runtime.id


@pytest.mark.parametrize(
    ("name", "on_gpu"), [("tensorrt", True), ("onnxruntime-rtx", True), ("openvino", False), ("gone-cuda", False)]
)
def test_a_job_gets_the_card_by_its_runtimes_declaration(name: str, on_gpu: bool) -> None:
    """Given a name that only ends like one for cards, Then it gets none."""
    assert needs_gpu(name) is on_gpu and limits_of_runtime(name, {}).gpu is on_gpu


def test_a_new_runtime_is_one_file(tmp_path: Path) -> None:
    """Given a stranger's file with a name of its own choice, Then its device is known; what imports it never runs, and
    a helper or a damaged file is none."""
    text = 'import nowhere\nRUNTIME = Runtime(id="fast", title="F", device="cuda:0", torch_program=True)\n'
    (tmp_path / "fast.py").write_text(text)
    (tmp_path / "helper.py").write_text("X = 1\n")
    (tmp_path / "damaged.py").write_text("\nRUNTIME = Runtime(\n")
    (tmp_path / "made.py").write_text("\nRUNTIME = Runtime(id=NAME, device=WHERE)\n")
    assert [(one.id, one.on_gpu, one.torch_program) for one in declared(tmp_path).values()] == [("fast", True, True)]
    assert not needs_torch("tensorrt") and needs_torch("torch-cpu")
