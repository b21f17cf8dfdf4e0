"""The same run twice: the second measures and makes nothing, shows when it was measured, and is soon over."""

from pathlib import Path
from typing import Any

import pytest
from fettle_command import Fettle
from finished_run import write_part

from presets.sample import sample_paths

RECIPES = """
- title: Faster engine
  runtime: openvino
  settings: {num_threads: 1}
  steps: [{technique: fixed_shape}]
- title: INT8
  runtime: onnxruntime-cpu
  settings: {num_threads: 1}
  steps: [{technique: int8_static, params: {examples: 8}}]
"""
MOST_DISTURBED = 3
MADE = {"plan", "apply", "answer"}
MEASURED = {"measure", "summarize"}
"""What is done once. Machine, file and data are looked at each time, since only so it is known that they are the same; and
a new result is judged against the last one."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fettle, list[str | Path]]:
    folder = tmp_path_factory.mktemp("twice")
    recipe = folder / "two.yaml"
    recipe.write_text(RECIPES)
    data = write_part(folder / "some.npz", 0, 120)
    words = ["optimize", sample_paths().model, "--data", data, "--recipe", recipe, "--time-budget", "60", "--json"]
    return Fettle(folder / "home"), words


def kinds(fettle: Fettle, run_id: str) -> set[str]:
    """What jobs a run had."""
    return {job["kind"] for job in fettle("jobs", "--json").document["jobs"] if job["run_id"] == run_id}


def without_notes(document: dict[str, Any]) -> list[Any]:
    rows = [document["baseline"], *document["variants"]]
    return [{name: value for name, value in row.items() if name not in ("id", "notes")} for row in rows]


@pytest.mark.slow
def test_the_second_run_of_the_same(workshop: tuple[Fettle, list[str | Path]]) -> None:
    """Given a finished run, when the same is requested again, then no job measures, and the figures are the dated old ones."""
    fettle, requested = workshop
    first = fettle(*requested)
    assert first.code in (0, 4), first.err
    assert {"measure", "apply", "answer", "judge"} <= kinds(fettle, first.document["run_id"])
    assert not any("Measured on 2" in note for row in first.document["variants"] for note in row["notes"])
    for _ in range(MOST_DISTURBED):
        second = fettle(*requested)
        assert second.code in (0, 4), second.err
        if not kinds(fettle, second.document["run_id"]) & MEASURED:
            break
        first = second  # a figure taken while other programs run is nobody else's, and another figure may request another version
    else:
        assert any(row["under_load"] for row in (first.document["baseline"], *first.document["variants"]))
        return
    assert not kinds(fettle, second.document["run_id"]) & MADE
    assert second.code == first.code
    assert without_notes(second.document) == without_notes(first.document)
    notes = [" ".join(row["notes"]) for row in (second.document["baseline"], *second.document["variants"])]
    assert all("Measured on 2" in note for note in notes)
    assert "measured on 2" in second.err
    assert second.seconds < first.seconds


@pytest.mark.slow
def test_fresh_measures_and_makes_nothing_else(workshop: tuple[Fettle, list[str | Path]]) -> None:
    """Given a finished run, when it has to measure again, then all is measured, and nothing else is done again."""
    fettle, requested = workshop
    fettle(*requested)
    again = fettle(*requested, "--fresh")
    assert again.code in (0, 4), again.err
    assert not kinds(fettle, again.document["run_id"]) & MADE
    assert kinds(fettle, again.document["run_id"]) >= MEASURED
    assert not any("Measured on 2" in note for row in again.document["variants"] for note in row["notes"])
