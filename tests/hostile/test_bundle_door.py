"""A stranger's bundle with a payload in its torch program, by every door, where no wall would stop it."""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from finished_run import finished_folder
from recording import RecordingContext
from run_text import run_text
from small_models import KINDS, RNG
from test_window import drop_all
from torch_bundles import tamper, write_torch_bundle

from workers.contracts.bundles import VerifyParams
from workers.contracts.folder import write_model
from workers.contracts.pipeline import write_pipeline
from workers.export.verify import verify
from workers.pipeline.prepared import write_prepared
from workers.registry import targets

pytestmark = [pytest.mark.whole, pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls")]

ROOT = Path(__file__).parents[2]
PAYLOADS = ("pickled_inputs", "evaluated_size")
REFUSED = "This file is not safe to open"
TABLES = ("runs", "variants", "latencies", "exports", "project_records", "run_records", "looks")


class Small:
    """A model folder and a data folder of the small CNN."""

    def __init__(self, root: Path) -> None:
        import onnx

        self.folder, self.data = root / "model", root / "data"
        self.folder.mkdir()
        kind, rng = KINDS["cnn"], RNG(7)
        onnx.save_model(kind.build(), str(self.folder / "model.onnx"))
        write_pipeline(self.folder, kind.spec)
        write_model(self.folder, "model.onnx", ["model.onnx"])
        items = [kind.item(rng) for _ in range(24)]
        write_prepared(self.data / "test", items)
        np.savez(root / "items.npz", image=np.concatenate([item["image"] for item in items]))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with a model, its data and its bundle, and where in it the bundle lies."""
    root = tmp_path_factory.mktemp("sound")
    return root, write_torch_bundle(Small(root), root).relative_to(root)


@pytest.fixture
def bundle(sound: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy that a test may spoil, with model and data in `tmp_path`."""
    shutil.copytree(sound[0], tmp_path, dirs_exist_ok=True)
    return tmp_path / sound[1]


@pytest.fixture
def without_walls(tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Run a command of `fettle` on a kernel without Landlock and seccomp: (exit code, document, words)."""

    def run(*arguments: object) -> tuple[int, dict[str, Any], str]:
        command = [sys.executable, str(Path(__file__).parent / "without_kernel.py"), "landlock,seccomp"]
        command += [sys.executable, "-m", "app", *(str(argument) for argument in arguments), "--json"]
        environment = {**os.environ, "FETTLE_HOME": str(tmp_path / "home")}
        done = run_text(command, cwd=ROOT, env=environment, timeout=160)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr

    return run


@pytest.mark.parametrize("kind", PAYLOADS)
def test_verify_hostile_bundle_without_walls_refuses_it_unrun(
    bundle: Path, without_walls: Callable[..., Any], tmp_path: Path, kind: str
) -> None:
    """Given a kernel without walls, when a hostile bundle is verified with consent, then nothing of it runs."""
    tamper(bundle, kind, tmp_path / "marker")
    code, document, words = without_walls("verify", bundle, "--allow-code")
    assert (code, document["error"]["code"]) == (3, "unsafe"), words
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("kind", [PAYLOADS[0], pytest.param(PAYLOADS[1], marks=pytest.mark.slow)])
def test_prove_hostile_bundle_without_walls_refuses_it_unrun(
    bundle: Path, without_walls: Callable[..., Any], tmp_path: Path, kind: str
) -> None:
    """Given a kernel without walls, when a hostile bundle is proven with consent, then nothing of it runs."""
    tamper(bundle, kind, tmp_path / "marker")
    original, data = tmp_path / "model" / "model.onnx", tmp_path / "items.npz"
    code, document, words = without_walls("prove", original, bundle, "--data", data, "--allow-code")
    assert (code, document["error"]["code"]) == (3, "unsafe"), words
    assert not (tmp_path / "marker").exists()


def test_verify_sound_bundle_without_walls_needs_consent_and_is_whole_with_it(
    bundle: Path, without_walls: Callable[..., Any]
) -> None:
    """Given a sound bundle with a program, when it is verified, then consent decides, and the text names what lacks."""
    code, document, _ = without_walls("verify", bundle)
    assert (code, document["error"]["code"]) == (3, "needs_consent")
    assert "--allow-code" in document["error"]["hint"]
    code, document, words = without_walls("verify", bundle, "--allow-code")
    assert (code, document["ok"]) == (0, True), words


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", "model/tensorrt.json", "model/more.pt2", "added"])
def test_verify_bundle_with_a_pipe_in_it_names_it(bundle: Path, tmp_path: Path, name: str) -> None:
    """Given a bundle in which a named pipe stands for a file, which nobody writes to, then verify reports it and does not
    wait for it."""
    (bundle / name).unlink(missing_ok=True)
    os.mkfifo(bundle / name)
    found = verify(VerifyParams(bundle=str(bundle), allow_code=True), RecordingContext(tmp_path / "job"), targets())
    assert not found.ok
    assert name in " ".join(finding.what for finding in found.findings)


WALLS = pytest.mark.parametrize(
    "without", [pytest.param("", id="walls", marks=pytest.mark.slow), pytest.param("landlock,seccomp", id="no walls")]
)


def stored(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the stored projects (without the time of their last opening), their runs and their versions."""
    with closing(sqlite3.connect(home / "data" / "fettle.db")) as store:
        rows = {table: store.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}
        return {**rows, "projects": store.execute("SELECT id, body_json FROM projects ORDER BY id").fetchall()}


@WALLS
@pytest.mark.timeout(400)
def test_window_with_a_result_refuses_a_hostile_bundle_unrun(bundle: Path, tmp_path: Path, without: str) -> None:
    """Given a project with data and a result, when a hostile bundle is dropped on it and the person clicks that it shall
    be compared with the original, or opened, or when it is dropped on Data or on a new project, then it is refused
    without a question for consent, nothing of it runs, and the project is as before; without
    a payload the question is shown."""
    home = finished_folder(tmp_path / "home")
    before = stored(home)
    sound = shutil.copytree(bundle, tmp_path / "sound")
    tamper(bundle, "pickled_inputs", tmp_path / "marker")
    zipped = Path(shutil.make_archive(str(tmp_path / "zipped"), "zip", bundle))
    visits: list[Path | dict[str, str]] = [
        {"page": page, "press": press, "address": path.absolute().as_uri()}
        for page, press, path in (
            ("compare", "beside", sound),
            ("compare", "beside", bundle),
            ("compare", "beside", zipped),
            ("compare", "new", zipped),
            ("data", "", bundle),
        )
    ]
    rows = drop_all([*visits, bundle, zipped], home, without)
    rows, dropped = rows[:-2], rows[-2:]
    ends = [(row["page"], row["state"], row["dialogs"], REFUSED in " ".join(row["words"])) for row in rows]
    assert ends == [
        ("compare", "full", 1, False),
        ("compare", "full", 0, True),
        ("compare", "full", 0, True),
        ("model", "error", 0, True),
        ("model", "error", 0, False),  # a folder is no new model, whatever its program holds
    ], rows
    assert [(row["state"], row["dialogs"]) for row in dropped] == [("error", 0)] * 2, dropped
    assert not (tmp_path / "marker").exists()
    assert stored(home) == before
