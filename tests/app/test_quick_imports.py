"""Test that PySide6 does not read the source of every module that is imported after it."""

import subprocess
import sys

SCRIPT = """
import linecache, sys
from PySide6.QtCore import QObject
from app.quick_imports import forget_feature_imports
if sys.argv[1] == "forgets":
    forget_feature_imports()
from xml.dom.minidom import parse
from PySide6.QtWidgets import QWidget
print(any(name.endswith("minidom.py") for name in linecache.cache), QWidget.__name__)
"""


def test_imports_after_pyside_read_no_source() -> None:
    """Given PySide6, then an import reads the module's source, and after `forget_feature_imports` it does not."""
    printed = [
        subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True).stdout.split()
        for how in ("forgets", "leaves")
    ]
    assert printed == [["False", "QWidget"], ["True", "QWidget"]]
