"""From a bundle's own `run.py --log` to `fettle monitor`: the sample's real bundle, real pictures, a real change."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fettle_command import Demo, Fettle
from PIL import Image
from run_text import run_text

from presets.sample import sample_paths

USUAL, DARKER = 100, 300


def run_script(folder: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return run_text([sys.executable, "-I", "-B", *map(str, arguments)], cwd=folder, timeout=170)


@pytest.fixture(scope="module")
def place(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that predicted a hundred usual pictures, and three hundred that are 30 % darker."""
    import numpy as np

    root = tmp_path_factory.mktemp("monitor")
    shutil.unpack_archive(demo.bundle, root / "bundle")
    with np.load(sample_paths().data) as data:
        pictures = data["x"][np.random.default_rng(1).permutation(len(data["x"]))[: USUAL + DARKER]]
    for number, one in enumerate(pictures):
        shown = one if number < USUAL else (one * 0.7).astype(np.uint8)
        (root / "pictures").mkdir(exist_ok=True)
        Image.fromarray(shown).save(root / "pictures" / f"{number:04}.png")
    names = sorted((root / "pictures").iterdir())
    done = run_script(root / "bundle", "run.py", *names, "--log", root / "log")
    assert done.returncode == 0, done.stderr
    return root


def test_darker_pictures_are_reported_with_advice(place: Path, fettle: Fettle) -> None:
    """Given that log, then `fettle monitor` finds them darker than the evaluation data, and the bundle's own script too."""
    done = fettle.here("monitor", place / "log", "--json")
    assert done.code == 0, done.err
    assert list(done.document) == ["drift", "alerts"]
    found = {(alert["code"], alert["statistic"], alert["direction"]): alert for alert in done.document["alerts"]}
    darker = found["shift", "brightness", -1]
    assert darker["now"] == pytest.approx(0.7 * darker["before"], rel=0.15)  # a stretch may begin with usual ones
    assert darker["until"] is None and "200" in darker["advice"]
    drift = done.document["drift"]
    assert (drift["requests"], drift["errors"], drift["kind"]) == (USUAL + DARKER, 0, "image")
    assert drift["expected"] > 500
    own = json.loads(run_script(place / "bundle", "monitor.py", place / "log", "--json").stdout)
    assert own == done.document


def test_the_bundle_is_as_it_was(place: Path) -> None:
    """Given a bundle that logged, then it still verifies; a log in its own folder is refused before it answers."""
    assert run_script(place / "bundle", "verify.py").returncode == 0
    refused = run_script(place / "bundle", "run.py", place / "pictures" / "0000.png", "--log", "log")
    assert refused.returncode == 2 and "another folder" in refused.stderr and not refused.stdout
    assert not (place / "bundle" / "log").exists()


@pytest.mark.parametrize("content", [b"", b"no log\n", b'{"log": "fettle-log", "version": 2}\n'])
def test_file_that_is_no_log_is_refused(fettle: Fettle, tmp_path: Path, content: bytes) -> None:
    """Given another file, then exit code 3, a reason, what to do now; the file is as it was."""
    path = tmp_path / "requests.jsonl"
    path.write_bytes(content)
    done = fettle.here("monitor", path, "--json")
    assert (done.code, done.error["code"]) == (3, "not_a_log")
    assert done.error["hint"] and path.read_bytes() == content
