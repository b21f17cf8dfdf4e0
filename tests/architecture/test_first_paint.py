"""What may be loaded before the window is first painted, so that it stays nearly as quick as a bare window of Qt."""

import os
import sys
from pathlib import Path

from run_text import run_text

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"PySide6", "shiboken6", "shibokensupport", "signature_bootstrap", "_distutils_hack", "coverage"}
"""Packages beside the standard library; the last two may come with the environment of a test."""
OWN = {
    "app", "app.__main__", "app.arguments", "app.bootstrap", "app.filelock", "app.first_look", "app.first_settings", "app.handover",
    "app.instance", "app.paths", "app.quick_imports", "app.running_version", "app.set_folders",
    "widgets", "widgets.application", "widgets.first_frame", "widgets.main_window", "widgets.tokens",
    "workers", "workers.contracts", "workers.contracts.errors", "workers.contracts.measured",
    "workers.contracts.measured.sizes", "workers.contracts.optional_sets",
    "workers.contracts.paths", "workers.contracts.process", "workers.contracts.process.disk", "workers.contracts.translation",
}  # fmt: skip
START = """
import os, sys
from app import __main__, bootstrap
import app.quick_imports
forget = app.quick_imports.forget_feature_imports

def watch():
    from app import first_look
    make = first_look.frame_window

    def frame_window(*args, **more):
        window, picture = make(*args, **more)
        window.first_painted.connect(report)
        return window, picture

    first_look.frame_window = frame_window
    forget()

def report():
    from PySide6 import QtCore
    print(*sys.modules, *(["Qt"] if "Qt" in vars(QtCore) else []), flush=True)
    os._exit(0)

app.quick_imports.forget_feature_imports = watch
sys.argv = ["fettle", "--data-dir", sys.argv[1]]
__main__.main()
"""


def test_first_paint_loads_little(tmp_path: Path) -> None:
    """Given no settings, When the window is first painted, Then Qt and 28 modules are loaded, and no name of the class
    `Qt`, whose first use takes as long as half of them."""
    command = [sys.executable, "-c", START, str(tmp_path / "data")]
    run = run_text(command, cwd=ROOT, timeout=60, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    loaded = set(run.stdout.split())
    own = {name for name in loaded if name.partition(".")[0] in ("app", "widgets", "workers", "presets")}
    tops = {name.partition(".")[0] for name in loaded - own}
    assert own == OWN, run.stderr
    assert {top for top in tops - sys.stdlib_module_names - PACKAGES if not top.startswith("_")} == set()
