"""Restore the speed of Python's imports after an import of PySide6."""

import builtins


def forget_feature_imports() -> None:
    """Restore Python's own `__import__`; call this after the first import of PySide6.

    PySide6 installs an `__import__` that searches the source of each later module for `from __feature__ import …`,
    which Fettle does not use. The search takes a fifth of the processor time of a start and keeps all sources in memory
    (37 MB; github.com/napari/napari/issues/8584).
    """
    own = vars(builtins)
    own["__import__"] = own.get("__orig_import__", own["__import__"])
