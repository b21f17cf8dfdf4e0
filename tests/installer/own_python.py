"""A clone for tests of the checks."""

import sys
from pathlib import Path

from steps.place import Place


class OwnPython(Place):
    """A clone whose Python is the one that runs the tests."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.python = Path(sys.executable)
