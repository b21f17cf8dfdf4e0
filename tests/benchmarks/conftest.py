"""The rig of the window's tests serves the benchmarks too; what they share lies beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "window"))
sys.path.insert(0, str(Path(__file__).parent))
