"""The whole workflow in the real window, by a real mouse and real drags; nothing of it touches the network."""

import contextlib
import json
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import psutil
import pytest
from rig import ROOT, Program, Start, View
from small_model import write_model, write_pictures, write_quick_preset

from widgets.parts import format

RUN_S = 240
"""A busy computer takes its time; on a quiet one it is a minute."""
SELDOM_S = 3
ROUNDS = {"FETTLE_MOST_ROUNDS": "3", "FETTLE_MOST_SETS": "3"}
"""Rounds of measuring: in one alone a slow computer does not always settle what is faster."""


def sockets(program: Program) -> list[str]:
    """Internet sockets of the program and all its processes, now."""
    found = []
    for process in [psutil.Process(program.process.pid), *program.children]:
        try:
            found += [f"{process.name()}: {row}" for row in process.net_connections(kind="inet")]
        except psutil.Error:
            continue
    return found


def verify(program: Program, bundle: Path) -> dict[str, object]:
    """What the command line shows of a bundle."""
    command = [sys.executable, "-m", "app", "verify", str(bundle), "--json"]
    environment = {**program.environment, "FETTLE_HOME": str(program.home / "other"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


def the_same_figures(program: Program, compared: View, bundle: Path) -> None:
    """What the page Compare showed is what the database, the command line, the manifest and the card tell."""
    with contextlib.closing(sqlite3.connect(program.home / "data" / "fettle.db")) as database:
        ((run_id,),) = database.execute("select id from runs").fetchall()
        bodies = dict(database.execute("select id, body_json from variants").fetchall())
    measured = {version: json.loads(body)["measurement"] for version, body in bodies.items()}
    bounds = {version: one["agreed_low"] for version, one in measured.items() if one["under_load"]}
    environment = {**program.environment, "FETTLE_HOME": str(program.home / "data"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "app", "compare", run_id, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    report = json.loads(done.stdout)
    best = next(v for v in report["variants"] if v["id"] == report["recommended"])
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        card = archive.read("README.md").decode("utf-8")
    assert manifest["measurements"] == {"original": report["baseline"], "this": best}
    for variant in (report["baseline"], best):
        row = next(line for line in compared.texts.splitlines() if line.startswith(f"{variant['title']} |"))
        assert f"| {format.ms(variant['latency_mean_ms'])} | {format.size_bytes(variant['size_bytes'])} |" in row
        assert f"{variant['latency_p50_ms']:.3g} ms" in card
    bound = bounds.get(best["id"])  # under load the bound that all ways to compare agree on
    assert (format.times(best["speedup"]) if bound is None else format.at_least(bound)) in compared.texts


def states(program: Program) -> set[str]:
    """Of all runs."""
    place = f"file:{program.home / 'data' / 'fettle.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(place, uri=True)) as database:
        return {state for (state,) in database.execute("select state from runs")}


def watch_the_run(program: Program) -> None:
    """Until it is over, the graph has lines, the steps tell what they do, and there is no socket."""
    program.until_page("optimize", "running")
    program.until(lambda view: "Original" in view.texts or "Measure the original" in view.texts, RUN_S, "the steps")

    def is_over() -> bool:
        """By the database: looking at the window takes half of a slow core, and a run rightly states that it was
        disturbed."""
        assert sockets(program) == []
        return states(program) <= {"finished", "kept_original"}

    program.wait(is_over, RUN_S, "the end of the run", SELDOM_S)
    program.until(lambda view: view.page == "optimize" and view.state in ("finished", "kept_original"))


@pytest.mark.timeout(600)
def test_the_sample_in_five_clicks(start: Start, netwatch: Path, tmp_path: Path) -> None:
    """Given the first run, When the recommended thing is pressed again and again, Then five clicks give a bundle, unseen
    outside."""
    log = tmp_path / "network.log"
    program = start(LD_PRELOAD=str(netwatch), FETTLE_NETWATCH_LOG=str(log), **ROUNDS)
    program.until_page("model", "empty", 20)
    program.press("Try the sample")
    program.until_page("goal", limit_s=60)
    program.press("Start (")
    watch_the_run(program)
    program.press("See ")
    program.until_page("compare", "full")
    compared = program.until_text("All versions", "Safe to ship")
    program.press("Export bundle")
    program.until_page("export", "done", RUN_S)

    assert program.clicks <= 5
    program.until_text("Verified", "Done: your bundle runs on its own")
    (bundle,) = (program.home / "Documents" / "Fettle").glob("*.zip")
    assert verify(program, bundle)["ok"] is True
    # libuuid opens a socket to ask for a card's address where onnx makes a name for a file; the walls refuse it
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    assert [line for line in lines if not (line.startswith("socket inet ") and "fettle-worker" in line)] == []
    the_same_figures(program, compared, bundle)
    program.check_clean()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_dropped_model_with_dropped_pictures(start: Start, netwatch: Path, tmp_path: Path) -> None:
    """Given a model and a folder, When both are dropped by real drags, Then they go the whole workflow, unseen
    outside."""
    model = write_model(tmp_path / "ünï 模型 a#b%20.onnx")
    pictures = write_pictures(tmp_path / "my pictures")
    log = tmp_path / "network.log"
    write_quick_preset(tmp_path / "home")
    program = start(LD_PRELOAD=str(netwatch), FETTLE_NETWATCH_LOG=str(log))
    program.until_page("model", "empty", 20)

    program.drop(model)
    program.until_page("model", "full")
    program.until_text("ünï 模型 a#b%20", "classifies pictures")
    program.press("Continue to data")
    program.until_page("data", "empty")
    program.drop(pictures)
    program.until_page("data", "full")
    program.until_text("120 pictures of 3 kinds, ready to use")
    program.press("Continue")
    program.until_page("goal", "full")
    program.click(lambda view: view.find("Quick", "QRadioButton"), "the card Quick")
    program.press("Start (")
    watch_the_run(program)
    program.press("See ")
    program.until_page("compare", "full")
    program.export_from_compare()
    program.until_page("export", "done", RUN_S)

    assert program.clicks <= 8
    (bundle,) = (program.home / "Documents" / "Fettle").glob("*.zip")
    assert verify(program, bundle)["ok"] is True
    assert log.exists() and log.read_text(encoding="utf-8", errors="replace") == ""
    assert program.see().strays == ()


def test_the_witness_sees_what_it_should(netwatch: Path, tmp_path: Path) -> None:
    """Given a process that requests a name and opens a socket, Then both are written down."""
    log = tmp_path / "network.log"
    ask = "import socket; socket.socket().close()\ntry: socket.getaddrinfo('fettle.invalid', 80)\nexcept OSError: pass"
    environment = {"LD_PRELOAD": str(netwatch), "FETTLE_NETWATCH_LOG": str(log), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-I", "-c", ask], env=environment, check=True, timeout=60)
    seen = log.read_text(encoding="utf-8")
    assert "socket inet" in seen and "getaddrinfo fettle.invalid" in seen
