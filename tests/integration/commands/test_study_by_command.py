"""A study of several models by command: its table, its continuation, and the same on a cluster and over SSH."""

import csv
import json
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from command_models import picture_model
from fettle_command import Fettle, Finished, wait_for
from one_engine import write_preset
from own_sshd import Sshd

from app.cli.output import CANCELLED
from app.paths import find_data_folder
from app.persistence import open_store
from app.services.flow.artifacts import MANIFEST_FILE, ArtifactStore

pytestmark = [pytest.mark.whole, pytest.mark.timeout(900)]

RECIPES = """
  - title: Small numbers
    why: 8 bits, with ranges that are learned from examples.
    steps:
      - technique: int8_static
        params: {examples: 16}
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for number in (1, 2):
        picture_model(folder / f"m{number}.onnx", classes=4 + number)
    (folder / "bad.onnx").write_text("no model")
    (folder / "notes.txt").write_text("no model either")
    return folder


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[str | Path]:
    folder = tmp_path_factory.mktemp("options")
    data = folder / "d.npz"
    np.savez(data, picture=np.random.default_rng(3).random((120, 3, 16, 16)).astype(np.float32))
    return ["--data", data, "--recipe", write_preset(folder, RECIPES, max_loss_pct=5.0), "--threads", "1", "--json"]


@dataclass(frozen=True)
class Studied:
    """A study on this computer: its data folder, rows, table, and what was made and predicted."""

    fettle: Fettle
    rows: dict[str, dict[str, Any]]
    table: Path
    made: dict[tuple[str, str, str], Any]


@pytest.fixture(scope="module")
def studied(models: Path, options: list[str | Path], tmp_path_factory: pytest.TempPathFactory) -> Studied:
    folder = tmp_path_factory.mktemp("studied")
    fettle = Fettle(folder / "here")
    rows = rows_of(fettle.here("study", models, *options, "--out", folder / "t.csv"))
    return Studied(fettle, rows, folder / "t.csv", untimed(fettle.home))


def rows_of(done: Finished) -> dict[str, dict[str, Any]]:
    assert done.code in (0, 4), done.err
    return {row["model"]: row for row in done.document["rows"]}


def untimed(home: Path) -> dict[tuple[str, str, str], Any]:
    """Return what was made and predicted for each version of each model, as hashes of files."""
    paths, found = find_data_folder(home), {}
    artifacts = ArtifactStore(paths.store, read_only=True)
    with open_store(paths, read_only=True) as store:
        for project in store.repositories.projects.list():
            for run in store.repositories.runs.list(project_id=project.id):
                for one in store.repositories.variants.list(run_id=run.id):
                    for what, key in (("files", one.artifact_key), ("answers", one.answers_key)):
                        if (key and run.recommended_variant_id is not None) or (key and what == "files"):
                            manifest = artifacts.folder(key) / MANIFEST_FILE
                            found[project.name, one.title, what] = json.loads(manifest.read_text(encoding="utf-8"))
    return found


def test_study_is_one_table_and_goes_on(models: Path, options: list[str | Path], studied: Studied) -> None:
    """Given two models and a file that is none, When they are studied twice, Then the bad one is a row with its error,
    the table is also a file, and the second study repeats no finished run."""
    rows = studied.rows
    assert list(rows) == ["bad.onnx", "m1.onnx", "m2.onnx"]
    assert rows["bad.onnx"]["error"]["code"] == "not_a_model"
    assert rows["bad.onnx"]["recommended"] is None
    for name in ("m1.onnx", "m2.onnx"):
        assert rows[name]["error"] is None
        assert rows[name]["seconds"] > 0
        assert rows[name]["computer"]
        assert (rows[name]["recommended"] is None) == (rows[name]["verdict"] is None)
    with studied.table.open(encoding="utf-8", newline="") as file:
        assert [row["model"] for row in csv.DictReader(file)] == list(rows)
    again = rows_of(studied.fettle.here("study", models, *options))
    assert [again[name] for name in ("m1.onnx", "m2.onnx")] == [rows[name] for name in ("m1.onnx", "m2.onnx")]
    before = (models / "m1.onnx").read_bytes()
    picture_model(models / "m1.onnx", classes=7)
    changed = rows_of(studied.fettle.here("study", models, *options))
    (models / "m1.onnx").write_bytes(before)
    assert changed["m1.onnx"]["run_id"] != rows["m1.onnx"]["run_id"]
    assert changed["m2.onnx"] == rows["m2.onnx"]


def test_cluster_with_a_killed_worker_makes_the_same_table(
    models: Path, options: list[str | Path], studied: Studied, tmp_path: Path
) -> None:
    """Given two workers, When one is killed in the middle of a study, Then all rows are there as in a local study, what
    was made and predicted is equal to the bit, and no process is left."""
    pytest.importorskip("distributed", reason="the optional set “cluster” is not installed")
    there, local = Fettle(tmp_path / "there"), studied.rows
    running = there.start("study", models, *options, "--cluster", "local:2")
    command = psutil.Process(running.pid)
    killed = wait_for(lambda: _worker(command, "worker-2", with_jobs=True))
    killed.kill()
    out, err = running.communicate(timeout=600)
    rows = rows_of(Finished(running.returncode, out, err, 0.0))
    assert _codes(rows) == _codes(local)
    assert {rows[name]["computer"] for name in ("m1.onnx", "m2.onnx")} == {"worker-1"}
    made, made_there = studied.made, untimed(there.home)
    both = made.keys() & made_there.keys()
    assert len([key for key in both if key[2] == "files"]) >= 4
    assert {key: made[key] for key in both} == {key: made_there[key] for key in both}
    assert not there.processes()


@pytest.mark.usefixtures("quick_setup")
def test_study_over_ssh_survives_a_cancel_and_a_killed_job(
    models: Path, options: list[str | Path], studied: Studied, own_sshd: Sshd, tmp_path: Path
) -> None:
    """Given a computer behind an SSH server, When a study there is cancelled, Then its processes there end and nothing is
    left; When it goes on there and here and a job there is killed, Then all rows are there and what was made and
    predicted is equal to the bit with a local study; When the workers there are of another version, Then it says
    so and takes no result from here for one from there."""
    there, local = Fettle(tmp_path / "there"), studied.rows
    added = own_sshd.add_with_packages(find_data_folder(there.home).computers)
    version = own_sshd.workers / "versions" / added.workers_version
    running = there.start("study", models, *options, "--on", "target")
    keeper = wait_for(lambda: _keeper(own_sshd))
    wait_for(keeper.children)
    listening = {one.pid for one in psutil.net_connections("tcp") if one.status == "LISTEN"}
    assert not listening & {running.pid, *_pids(own_sshd)}
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == CANCELLED
    running.communicate()
    wait_for(lambda: not _pids(own_sshd), 5)
    assert not list((own_sshd.workers / "jobs").glob("[!.]*"))

    running = there.start("study", models, *options, "--on", "target,here")
    keeper = wait_for(lambda: (found := _keeper(own_sshd)) and found.children() and found)
    keeper.kill()
    out, err = running.communicate(timeout=600)
    rows = rows_of(Finished(running.returncode, out, err, 0.0))
    assert _codes(rows) == _codes(local)
    assert {rows[name]["computer"] for name in ("m1.onnx", "m2.onnx")} == {local["m1.onnx"]["computer"]}
    made, made_there = studied.made, untimed(there.home)
    both = made.keys() & made_there.keys()
    assert len([key for key in both if key[2] == "files"]) >= 4
    assert {key: made[key] for key in both} == {key: made_there[key] for key in both}
    wait_for(lambda: not _pids(own_sshd), 5)
    assert not list((own_sshd.workers / "jobs").glob("[!.]*"))
    assert not there.processes()

    version.rename(version.with_name("0.1.0-0123456789ab"))
    done = there("study", models, *options, "--on", "target")
    codes = {row["model"]: row["error"]["code"] for row in done.document["rows"]}  # results from here do not count
    assert codes == {"bad.onnx": "not_a_model", "m1.onnx": "computer_unprepared", "m2.onnx": "computer_unprepared"}


def _pids(target: Sshd) -> set[int]:
    """Return the processes of Fettle on another computer."""
    return {process.pid for process in psutil.process_iter() if str(target.workers) in _line(process)}


def _keeper(target: Sshd) -> psutil.Process | None:
    """Return the process there that keeps a job, while its connection is gone or not."""
    for pid in _pids(target):
        with suppress(psutil.NoSuchProcess):  # it may have ended since
            if (one := psutil.Process(pid)).ppid() == 1:
                return one
    return None


def _line(process: psutil.Process) -> str:
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _codes(rows: dict[str, dict[str, Any]]) -> dict[str, str | None]:
    return {name: row["error"] and row["error"]["code"] for name, row in rows.items()}


def _worker(command: psutil.Process, name: str, *, with_jobs: bool) -> psutil.Process | None:
    for process in command.children(recursive=True):
        try:
            is_it = "app.jobs.cluster.own" in process.cmdline() and name in process.cmdline()
            if is_it and (not with_jobs or len(process.children(recursive=True)) > 1):
                return process
        except psutil.Error:
            continue
    return None


def test_open_connection_is_refused(models: Path, fettle: Fettle) -> None:
    """Given a cluster on another computer without encryption, When it is named, Then nothing is sent there."""
    assert fettle.here("study", models, "--cluster", "tcp://10.1.2.3:8786", "--json").error["code"] == "cluster_open"
    assert fettle.here("study", models, "--cluster", "nonsense", "--json").code == 2
