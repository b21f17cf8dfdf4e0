"""An optimization that is cancelled at each stage ends, leaves nothing, and can be resumed."""

import shutil
import signal
import time
from pathlib import Path

import pytest
from fettle_command import Demo, Fettle, Finished, wait_for
from finished_run import write_part

from presets.sample import sample_paths


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    """One data folder for all stages: what an earlier test finished is in the store, so that each begins soon."""
    return Fettle(tmp_path_factory.mktemp("cancel") / "home")


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of the sample."""
    return write_part(tmp_path_factory.mktemp("some") / "some.npz", 0, 120)


def cancelled_at(fettle: Fettle, stage: str, *arguments: str | Path) -> Finished:
    """Run a command, interrupt it as Ctrl-C does when the first job of this kind works, and wait for its end."""
    process = fettle.start(*arguments)
    try:
        wait_for(lambda: list(fettle.jobs.glob(f"{stage}-*")), every_s=0.002)
        wait_for(fettle.workers, every_s=0.002)
        time.sleep(0.15)  # it has begun to work
        process.send_signal(signal.SIGINT)
        wait_for(lambda: not fettle.workers(), timeout_s=5, every_s=0.002)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return Finished(process.returncode, out, err, 0.0)


def incomplete_entries(fettle: Fettle) -> list[Path]:
    return [entry for entry in (fettle.home / "store").glob("*/*") if not (entry / "result.json").is_file()]


def check_gone(fettle: Fettle, done: Finished) -> None:
    assert done.code == 5, done.err
    assert done.error["code"] == "cancelled"
    assert done.last_line.startswith("Cancelled.")
    assert fettle.leftovers == []
    assert fettle.processes() == []
    assert incomplete_entries(fettle) == []


@pytest.mark.parametrize(
    "stage",
    [
        "open",
        "measure",
        "apply",
        *(pytest.param(stage, marks=pytest.mark.slow) for stage in ("data", "plan", "answer")),
    ],
)
def test_an_optimization_stops_at_once(workshop: Fettle, some: Path, stage: str) -> None:
    """Given an optimization at this stage, when it is cancelled, then exit code 5 and nothing left."""
    done = cancelled_at(workshop, stage, "optimize", sample_paths().model, "--data", some, "--json")
    check_gone(workshop, done)
    runs = workshop.here("jobs", "--json").document["runs"]
    assert runs[0]["state"] == "cancelled"
    assert f"--resume {runs[0]['run_id']}" in done.error["hint"]
    assert {run["state"] for run in runs} == {"cancelled"}


def test_an_export_stops_at_once_and_the_old_file_stays(demo: Demo, tmp_path: Path) -> None:
    """Given an older bundle of the same name, when its new export is cancelled, then the old one is as it was."""
    out = tmp_path / "b.zip"
    shutil.copyfile(demo.bundle, out)
    before = out.read_bytes()
    done = cancelled_at(demo.fettle, "export", "export", demo.run_id, "--target", "python", "--out", out, "--json")
    check_gone(demo.fettle, done)
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]
