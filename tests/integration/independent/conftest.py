"""The modules of this folder, and those beside it that serve other tests, by their names."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent, HERE.parents[1] / "benchmarks"):
    sys.path.insert(0, str(folder))
