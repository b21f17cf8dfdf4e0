"""A small clone with a lock of tiny packages, in a folder with a space and an umlaut."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from loopback_index import build_wheel, copy_installer
from run_text import run_text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "installer"))

PROGRAM = """
import json, sys
import alpha
print(json.dumps({"arguments": sys.argv[1:], "path": sys.path, "alpha": alpha.__file__}))
sys.exit(7 if "fail" in sys.argv else 0)
"""


@dataclass
class Clone:
    """A clone and the folder of wheels that stands in for the package index."""

    root: Path
    wheels: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def site_packages(self) -> Path:
        return next(self.venv.glob("lib/python*/site-packages"))

    def lock(self, *lines: str) -> None:
        (self.root / "installer" / "requirements.lock").write_text("\n".join([*lines, ""]), encoding="utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.as_uri(), "PIP_CONFIG_FILE": os.devnull}
        return {**kept, **pip, "PIP_NO_CACHE_DIR": "1", **more}

    def command(self, *arguments: str, what: str = "start") -> list[str]:
        return [sys.executable, "-ES", str(self.root / "installer" / "bootstrap.py"), what, *arguments]

    def begin(self, **options: object) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(), env=self.environment(), stderr=subprocess.PIPE, text=True, start_new_session=True, **options
        )

    def run(self, *arguments: str, what: str = "start", **more: str) -> "subprocess.CompletedProcess[str]":
        return run_text(
            self.command(*arguments, what=what), env=self.environment(**more), cwd=self.root.parent, timeout=120
        )


def lay_out(root: Path, wheels: Path) -> Clone:
    """The installer as it is, a program of three lines, and a lock of one package."""
    copy_installer(root)
    (root / "app" / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    clone = Clone(root, wheels)
    clone.lock("alpha==1.0  # download 2000000 installed 5000000")
    return clone


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    build_wheel(folder, "alpha")
    build_wheel(folder, "beta", files=3)
    build_wheel(folder, "bulky", files=4000)
    return folder


@pytest.fixture
def make_wheel() -> Callable[..., Path]:
    return build_wheel


@pytest.fixture(scope="session")
def first_set_up(
    tmp_path_factory: pytest.TempPathFactory, wheels: Path
) -> tuple[Clone, "subprocess.CompletedProcess[str]"]:
    """A clone that was set up by its first start, and what that start printed."""
    clone = lay_out(tmp_path_factory.mktemp("clones") / "größe mit leer" / "fettle", wheels)
    return clone, clone.run("optimize", "ein Bild.onnx")


@pytest.fixture
def ready_clone(first_set_up: tuple[Clone, object], tmp_path: Path, wheels: Path) -> Clone:
    """A copy of the clone that was set up: a folder that was moved works as before."""
    root = tmp_path / "größe mit leer" / "fettle"
    shutil.copytree(first_set_up[0].root, root, symlinks=True)
    return Clone(root, wheels)
