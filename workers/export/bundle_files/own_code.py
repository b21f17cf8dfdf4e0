"""Import this bundle's modules only from their sources, and only those that manifest.json lists.

The checksums, the manifest and the signature cover sources. Python would prefer a file in ``__pycache__`` to its
source, and a compiled library or another module of this folder to a package of the same name; none of these is loaded.
The scripts run this file by its path before they import anything of the bundle, because an import would be cached. If
another program imported one of the modules as usual, Python left a cache that no checksum covers; that cache is
removed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
LISTED = frozenset(json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))["files"])


class FromSource(SourceFileLoader):
    """Loader that compiles one module from its source; Python's own loader would read and write a cache."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the source in the module's namespace."""
        exec(self.source_to_code(self.get_data(self.path), self.path), vars(module))


class Listed(FileFinder):
    """Finder of modules in one folder of this bundle."""

    def find_spec(self, fullname: str, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a listed source; None for every other file, so that the next folder is searched."""
        spec = super().find_spec(fullname, target)
        if spec is None or spec.origin is None:
            return None
        return spec if Path(spec.origin).resolve().relative_to(HERE).as_posix() in LISTED else None


def _finder(place: str) -> FileFinder:
    """Return the finder for a folder of this bundle; raise ImportError for others, as Python expects."""
    if not Path(place).is_dir() or not Path(place).resolve().is_relative_to(HERE):
        raise ImportError(place)
    return Listed(place, (FromSource, [".py"]))


sys.path_hooks.insert(0, _finder)
for _place in [place for place in sys.path_importer_cache if Path(place).resolve().is_relative_to(HERE)]:
    del sys.path_importer_cache[_place]
for _module in list(sys.modules.values()):
    _file = Path(getattr(_module, "__file__", None) or "")
    _is_plain = type(getattr(_module, "__loader__", None)) is SourceFileLoader
    if _is_plain and _file.name in LISTED and _file.resolve().parent == HERE:
        with contextlib.suppress(OSError):
            Path(importlib.util.cache_from_source(str(_file))).unlink()
            (HERE / "__pycache__").rmdir()
