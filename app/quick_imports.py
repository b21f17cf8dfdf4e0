"""Imports as quick as Python's own, beside PySide6."""

import builtins


def forget_feature_imports() -> None:
    """Call after the first import of PySide6: it puts an `__import__` in place that reads the source of every module
    imported from then on, in search of `from __feature__ import …`, which nobody here uses. That is a fifth of the
    processor time of a start, and all sources stay in memory (37 MB; github.com/napari/napari/issues/8584).
    """
    own = vars(builtins)
    own["__import__"] = own.get("__orig_import__", own["__import__"])
