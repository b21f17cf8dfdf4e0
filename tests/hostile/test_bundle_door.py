"""A stranger's bundle with a payload in its torch program, by every door, where no wall would stop it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import KINDS, RNG
from test_window import drop_all
from torch_bundles import tamper, write_torch_bundle

from workers.contracts.folder import write_model
from workers.pipeline.prepared import write_prepared

pytestmark = [pytest.mark.whole, pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls")]

ROOT = Path(__file__).parents[2]
PAYLOADS = ("pickled_inputs", "evaluated_size")


class Small:
    """A model folder and a data folder of the small CNN."""

    def __init__(self, root: Path) -> None:
        import onnx

        self.folder, self.data = root / "model", root / "data"
        self.folder.mkdir()
        kind, rng = KINDS["cnn"], RNG(7)
        onnx.save_model(kind.build(), str(self.folder / "model.onnx"))
        (self.folder / "pipeline.json").write_text(kind.spec.model_dump_json(), encoding="utf-8")
        write_model(self.folder, "model.onnx", ["model.onnx"])
        items = [kind.item(rng) for _ in range(24)]
        write_prepared(self.data / "test", items)
        np.savez(root / "items.npz", image=np.concatenate([item["image"] for item in items]))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_torch_bundle(Small(tmp_path), tmp_path / "bundle", tmp_path)


@pytest.fixture
def without_walls(tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Run a command of `fettle` on a kernel without Landlock and seccomp: (exit code, document, words)."""

    def run(*arguments: object) -> tuple[int, dict[str, Any], str]:
        command = [sys.executable, str(Path(__file__).parent / "without_kernel.py"), "landlock,seccomp"]
        command += [sys.executable, "-m", "app", *(str(argument) for argument in arguments), "--json"]
        environment = {**os.environ, "FETTLE_HOME": str(tmp_path / "home")}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=160
        )
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


@pytest.mark.parametrize("kind", PAYLOADS)
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


@pytest.mark.timeout(300)
def test_window_dropped_hostile_bundle_is_refused_unrun(bundle: Path, tmp_path: Path) -> None:
    """Given a hostile bundle, when its folder or ZIP file is dropped on the window, then the page shows an error, asks
    for no consent, and nothing of it runs."""
    tamper(bundle, "pickled_inputs", tmp_path / "marker")
    zipped = Path(shutil.make_archive(str(tmp_path / "zipped"), "zip", bundle))
    for row in drop_all([bundle, zipped], tmp_path):
        assert (row["state"], row["dialogs"]) == ("error", 0), row["words"]
    assert not (tmp_path / "marker").exists()
