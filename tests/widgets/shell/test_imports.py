"""What must not be loaded before the window can be seen."""

import subprocess
import sys

HEAVY = ("numpy", "pyqtgraph", "qtawesome", "qtpy", "sqlalchemy", "torch", "onnxruntime", "openvino")


def test_the_shell_loads_nothing_heavy() -> None:
    """Given a fresh interpreter, when the window's modules are imported, then no heavy module is."""
    code = f"import sys, widgets.main_window, widgets.theme; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
