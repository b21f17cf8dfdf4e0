"""Runtimes and devices that a person asks for by name."""

import pytest

from app.services.flow.steps import JobError
from app.services.machine.devices import check_recipes, check_runtimes, runtimes_on
from workers.contracts.jobs import DescribeResult
from workers.contracts.specs import Described, DeviceFacts, Recipe, RecipeStep


def row(name: str, group: str, available: bool = True, hint: str = "") -> Described:
    return Described(id=name, title=name.title(), available=available, hint=hint, group=group)


FOUND = DescribeResult(
    device=DeviceFacts(processor="p", cores=2, memory_bytes=1),
    devices=(row("cpu", "cpu"), row("cuda:0", "cuda", False, "No NVIDIA GPU was found.")),
    runtimes=(
        row("onnxruntime-cpu", "cpu"),
        row("openvino", "cpu", False, "pip install openvino"),
        row("onnxruntime-cuda", "cuda", False, "No NVIDIA GPU was found."),
    ),
    techniques=(row("bf16", ""),),
    targets=(),
    versions={},
)
WITH_GPU = FOUND.model_copy(update={"devices": (row("cpu", "cpu"), row("cuda:0", "cuda"))})


def test_what_is_there_is_taken() -> None:
    """Given names that work here, then they are taken as they are."""
    assert check_runtimes(FOUND, ["onnxruntime-cpu"]) == ("onnxruntime-cpu",)
    assert runtimes_on(FOUND, "cpu") == ("onnxruntime-cpu",)


@pytest.mark.parametrize(
    ("name", "code"), [("openvino", 6), ("onnxruntime-cuda", 6), ("tensorflow", 2), ("onnx", 2), ("", 2)]
)
def test_runtimes_that_are_not_there(name: str, code: int) -> None:
    """Given a runtime that is not installed, then exit code 6 with its hint; a name that is none, then exit code 2."""
    with pytest.raises(JobError) as refused:
        check_runtimes(FOUND, [name])
    assert refused.value.exit_code == code
    assert refused.value.error.hint


@pytest.mark.parametrize(("device", "code"), [("cuda:0", 6), ("cuda", 6), ("cuda:7", 6), ("tpu", 2), ("CPU", 2)])
def test_devices_that_are_not_there(device: str, code: int) -> None:
    """Given no graphics card, then exit code 6 and why; a word that is no device, then exit code 2."""
    with pytest.raises(JobError) as refused:
        runtimes_on(FOUND, device)
    assert refused.value.exit_code == code


def test_a_device_without_an_engine() -> None:
    """Given a graphics card and no runtime that works on it, then exit code 6 with every runtime's own hint."""
    with pytest.raises(JobError) as refused:
        runtimes_on(WITH_GPU, "cuda:0")
    assert refused.value.exit_code == 6
    assert "Onnxruntime-Cuda: No NVIDIA GPU was found." in refused.value.error.detail


def test_recipes_that_name_what_is_not_there() -> None:
    """Given a recipe with an unknown technique or engine, then exit code 3, and the recipe's title is named."""
    check_recipes(FOUND, [Recipe(title="A", steps=(RecipeStep(technique="bf16"),), runtime="openvino")], "r.yaml")
    for recipe in (Recipe(title="Mine", steps=(RecipeStep(technique="magic"),)), Recipe(title="Mine", runtime="x")):
        with pytest.raises(JobError) as refused:
            check_recipes(FOUND, [recipe], "r.yaml")
        assert refused.value.exit_code == 3
        assert "“Mine”" in refused.value.error.detail
