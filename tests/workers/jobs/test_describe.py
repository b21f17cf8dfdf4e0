"""`describe` lists devices, runtimes, techniques and targets of this machine."""

from pathlib import Path

from recording import RecordingContext

from workers.contracts.base import Nothing
from workers.contracts.jobs import DescribeResult
from workers.jobs.describe import run, versions


def test_describe(tmp_path: Path) -> None:
    """Given this machine, Then each row has id, title, availability, and a hint where it is not available."""
    result = run(Nothing(), RecordingContext(tmp_path))
    assert isinstance(result, DescribeResult)
    assert result == DescribeResult.model_validate_json(result.model_dump_json())
    rows = [*result.devices, *result.runtimes, *result.techniques, *result.targets]
    assert all(row.id and row.title for row in rows)
    assert all(row.hint for row in rows if not row.available)
    assert "cpu" in [row.id for row in result.devices]
    runtimes = {row.id: row for row in result.runtimes}
    assert runtimes["onnxruntime-cpu"].available
    assert all(row.version and row.params_schema for row in result.techniques if row.available)


def test_versions_name_the_libraries_that_change_a_result() -> None:
    found = versions()
    assert {"python", "numpy", "onnx", "onnxruntime"} <= set(found)
    assert "tensorrt" not in found or found["tensorrt"]
