"""Options of `optimize`: what may be tried, how long it may take, how inputs are prepared, and where the result goes."""

from pathlib import Path

import command_models as small
import pytest
from fettle_command import Fettle
from small_model import swapped_model, write_pictures

from app.cli.optimize import over_budget
from app.domain.outcome import Ending
from app.services.data import doctor

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
    """A data folder in which a person has put their own preset, and one with a mistake."""
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
    """Given a person's preset and one runtime, then only its recipes for that runtime are tried."""
    out = tmp_path / "result"
    options = ("--preset", "mine", "--runtime", "openvino", "--out", out, "--seed", "3", "--json")
    done = workshop.here("optimize", model, *options)
    assert done.code in (0, 4), done.err
    document = done.document
    assert {variant["runtime"] for variant in document["variants"]} <= {"openvino"}
    assert document["baseline"]["runtime"] == "onnxruntime-cpu"
    assert (out / "artifact.json").is_file()
    rows = {row["id"]: row for row in workshop.here("describe", "--json").document["presets"]}
    assert rows["mine"]["available"] is True
    assert rows["broken"]["available"] is False
    assert "broken.yaml, line 1" in rows["broken"]["hint"]


def test_broken_preset_names_its_line(workshop: Fettle, model: Path) -> None:
    """Given a preset file with a mistake, when it is requested, then its line is named."""
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


def test_run_that_exceeds_its_budget_gives_the_reason() -> None:
    """Given a second in which the model is only opened, Then that is shown, and of no run that had time for more."""
    assert len(over_budget(1.0, 3.6, Ending.NOTHING_TRIED)) == 1
    assert over_budget(1.0, 1.2, Ending.NOTHING_TRIED) == ()
    assert over_budget(None, 90.0, Ending.NOTHING_TRIED) == ()
    assert over_budget(60.0, 62.0, Ending.PROVEN) == ()


def test_the_same_run_goes_on(tmp_path: Path) -> None:
    """Given a run whose second was too short for anything, When it is given one more, Then it is the same run, which
    says so; without a time, or with options of another run, that is reported as wrong usage."""
    fettle = Fettle(tmp_path / "home")
    model = small.picture_model(tmp_path / "m.onnx")
    first = fettle.here("optimize", model, "--time-budget", "1", "--json")
    assert first.code == 4, first.err
    assert first.document["outcome"]["ending"] == "nothing_tried" and first.document["outcome"]["can_go_on"]
    run_id = first.document["run_id"]
    again = fettle.here("optimize", "--resume", run_id, "--time-budget", "1", "--json")
    assert again.code in (0, 4), again.err
    assert (again.document["run_id"], again.document["outcome"]["went_on_s"]) == (run_id, [1.0])
    assert fettle.here("optimize", "--resume", run_id).code == 2
    assert fettle.here("optimize", model, "--resume", run_id, "--time-budget", "1").code == 2
    assert fettle.here("optimize", "--resume", "unknown", "--time-budget", "1").code == 3


def test_answer_into_a_closed_pipe(tmp_path: Path) -> None:
    """Given a program behind the pipe that reads nothing, Then exit code 5, and the last line shows what happened."""
    fettle = Fettle(tmp_path / "home")
    process = fettle.start("presets", "list")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    report = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), report.strip().count("\n")) == (5, 0)
    assert report.strip()


@pytest.mark.parametrize("name", ["proc", "long", "file"])
def test_out_that_cannot_be_written_is_refused_before_work(tmp_path: Path, name: str) -> None:
    """Given a folder for --out that cannot be made, Then it is refused before the model is opened."""
    (tmp_path / "file").write_text("x")
    out = {"proc": Path("/proc/fettle"), "long": tmp_path / ("x" * 300), "file": tmp_path / "file" / "deep"}[name]
    if name == "proc" and not Path("/proc/self").exists():
        pytest.skip("only Linux has such a folder")
    model = small.picture_model(tmp_path / "m.onnx")
    done = Fettle(tmp_path / "home").here("optimize", model, "--out", out, "--json")
    assert done.code == 3 and done.error["code"] in ("not_writable", "name_too_long", "not_a_folder")
    assert not (tmp_path / "home").exists()


RGB, BGR = "channels=rgb", "channels=bgr"


@pytest.mark.timeout(400)
def test_optimize_with_wrong_preparation_stops_or_reports_it(
    fettle: Fettle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a model that wants another order of colors, When it is optimized, Then the run stops with exit code 3 and
    names the preparation; given --preprocess it goes on, and JSON, last sentence and `compare` report the finding."""
    monkeypatch.setattr(doctor, "QUICK_S", 30.0)  # enough while other tests run
    monkeypatch.setattr(doctor, "WALL_S", 300.0)
    model, data = swapped_model(tmp_path / "colors.onnx"), write_pictures(tmp_path / "pictures", each=20)
    recipe = tmp_path / "one.yaml"
    recipe.write_text("- title: A\n  steps: [{technique: graph_optimize}]\n")
    requested = ("optimize", str(model), "--data", str(data), "--recipe", str(recipe), "--time-budget", "300", "--json")
    stopped = fettle.here(*requested)
    assert stopped.code == 3
    assert stopped.error["code"] == "prepared_wrongly"
    assert BGR in stopped.error["hint"]

    given = fettle.here(*requested, "--preprocess", RGB)
    assert given.code in (0, 4)
    (found,) = [one for one in given.document["findings"] if one["code"] == "prepared_wrongly"]
    assert found["level"] == "danger"
    assert found["what"] in given.last_line
    compared = fettle.here("compare", given.document["run_id"], "--json")
    assert found in compared.document["findings"]
    assert found["what"] in compared.last_line
