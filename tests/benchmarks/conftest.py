"""The rig of the window's tests serves the benchmarks too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "window"))
