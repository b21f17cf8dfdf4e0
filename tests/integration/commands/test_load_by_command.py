"""`fettle bench --scenario` and `fettle load`, as a person types them."""

import json
from pathlib import Path

import pytest
from fettle_command import Fettle
from finished_run import finished_folder
from tiny_llama import write_tiny_llama

from presets.sample import sample_paths

POINT = ["batch", "p50_ms", "p90_ms", "p99_ms", "throughput_per_s", "peak_memory_bytes", "n"]


@pytest.mark.parametrize(
    "scenario", ["offline", *(pytest.param(name, marks=pytest.mark.slow) for name in ("single-stream", "server"))]
)
def test_bench_keeps_its_contract(scenario: str, tmp_path: Path) -> None:
    """Given each scenario, Then the documented fields come first, and LoadGen's verdict and the wording are added."""
    done = Fettle(tmp_path).here("bench", sample_paths().model, "--scenario", scenario, "--seconds", "0.4", "--json")
    assert done.code == 0, done.err
    document = done.document
    assert list(document)[:2] == ["points", "knee_batch"] and document["knee_batch"] == 1
    (point,) = document["points"]
    assert list(point)[: len(POINT)] == POINT and point["n"] > 0 and point["throughput_per_s"] > 0
    assert point["valid"] in (True, False) and bool(point["reasons"]) == (not point["valid"])
    assert document["measured_with"] == "measured with MLCommons LoadGen; not an MLPerf result"


@pytest.mark.timeout(400)
def test_a_language_model_is_measured_where_it_runs(tmp_path: Path) -> None:
    """Given a chat model and no runtime named, Then it runs where it can, and how fast it speaks is reported by the length
    of the prompt."""
    write_tiny_llama(tmp_path / "tiny", layers=1)
    done = Fettle(tmp_path / "data").here("bench", tmp_path / "tiny", "--seconds", "2", "--json")
    assert done.code == 0, done.err
    assert [row["prompt_tokens"] for row in done.document["speech"]] == [32, 128, 496]
    assert all(row["first_ms"] > 0 and row["tokens_per_s"] > 0 for row in done.document["speech"])


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_runs_versions_under_load(tmp_path: Path) -> None:
    """Given a finished run, Then one command measures it, prices it and keeps it; wrong names are reported."""
    finished_folder(tmp_path)
    fettle = Fettle(tmp_path / "data")
    options = ("--seconds", "0.5", "--max-latency", "500", "--price-per-hour", "0.25", "--currency", "EUR", "--json")
    done = fettle("load", "r1", *options)
    assert done.code == 0, done.err
    found = done.document
    assert found["run_id"] == "r1" and found["paired"]["ratio"] > 0
    for version in (found["original"], found["variant"]):
        assert version["sweep"]["points"] and version["sweep"]["energy"] and version["serving"]["alone"]
        assert version["cold"] and version["capacity"]["limit_ms"] == 500
    assert found["price"]["currency"] == "EUR" and set(found["cost_per_million"]) == {
        found["original"]["variant_id"], found["variant"]["variant_id"],
    }  # fmt: skip
    assert done.last_line.startswith("On this computer")
    assert fettle("load", "r1", "--variant", "nothing").code == 2
    assert fettle("load", "nothing").code == 3
    assert json.dumps(found)
