"""Options of `optimize` that say what may be tried, and where the result goes."""

from pathlib import Path

import command_models as small
import pytest
from fettle_command import Fettle
from stopwatch import busyness

PRESET = """
id: mine
title: Mine
summary: My own goal.
expect: something
how_long: soon
time_budget_s: 12
recipes:
  - title: Other engine
    runtime: openvino
    steps: [{technique: fixed_shape}]
  - title: Tidy
    steps: [{technique: graph_optimize}]
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    """A data folder in which a person has put a preset of their own, and one with a mistake."""
    fettle = Fettle(tmp_path_factory.mktemp("options") / "home")
    folder = fettle.home / "presets"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(PRESET)
    (folder / "broken.yaml").write_text("id: broken\ntitel: x\n")
    return fettle


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.picture_model(tmp_path_factory.mktemp("model") / "m.onnx")


def test_an_own_preset_with_one_runtime(workshop: Fettle, model: Path, tmp_path: Path) -> None:
    """Given a person's preset and one runtime, then only its recipes for that runtime are tried, in its time."""
    out = tmp_path / "result"
    done = workshop(
        "optimize", model, "--preset", "mine", "--runtime", "openvino", "--out", out, "--seed", "3", "--json"
    )
    assert done.code in (0, 4), done.err
    document = done.document
    assert {variant["runtime"] for variant in document["variants"]} <= {"openvino"}
    assert document["baseline"]["runtime"] == "onnxruntime-cpu"
    assert document["seconds"] <= 12 + 2 * busyness()  # its time, and what ends it
    assert (out / "artifact.json").is_file()
    rows = {row["id"]: row for row in workshop.here("describe", "--json").document["presets"]}
    assert rows["mine"]["available"] is True
    assert rows["broken"]["available"] is False
    assert "broken.yaml, line 1" in rows["broken"]["hint"]


def test_a_broken_preset_says_why(workshop: Fettle, model: Path) -> None:
    """Given a preset file with a mistake, when it is asked for, then its line is named."""
    done = workshop.here("optimize", model, "--preset", "broken", "--json")
    assert done.code == 3
    assert "broken.yaml, line 1" in done.error["detail"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--device", "cuda:7"], 6),
        (["--device", "toaster"], 2),
        (["--runtime", "tensorrt"], 6),
        (["--runtime", "nothing"], 2),
        (["--preset", "mine", "--recipe", "x.yaml"], 2),
        (["--max-loss", "-1"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_is_not_there(workshop: Fettle, model: Path, options: list[str], code: int) -> None:
    """Given a device, a runtime or a combination that is not there, then its exit code, and no run was begun."""
    before = len(workshop.here("jobs", "--json").document["runs"])
    done = workshop.here("optimize", model, *options, "--json")
    assert done.code == code, done.err
    assert done.error["detail"]
    assert len(workshop.here("jobs", "--json").document["runs"]) == before


def test_bench_in_numbers(workshop: Fettle, model: Path) -> None:
    """Given batch sizes, then each has its point with the contract's fields, and the knee is one of them."""
    done = workshop.here("bench", model, "--batch", "1,4", "--seconds", "0.3", "--json")
    assert done.code == 0, done.err
    assert list(done.document)[:2] == ["points", "knee_batch"]
    fields = ["batch", "p50_ms", "p90_ms", "p99_ms", "throughput_per_s", "peak_memory_bytes", "n"]
    assert [list(point)[: len(fields)] for point in done.document["points"]] == [fields, fields]
    assert [point["batch"] for point in done.document["points"]] == [1, 4]
    assert done.document["knee_batch"] in (1, 4)
    assert workshop.here("bench", model, "--runtime", "nothing").code == 2
