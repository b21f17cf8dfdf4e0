"""Adding a figure of a version is one field: stored, read back, and absent from versions that were stored before it."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from run_text import run_text
from stranger import copy_with

HOME = Path(__file__).parents[2] / "fixtures" / "data_0_1_0" / "home"
PLACE = "    n: int = 0\n    speedup: Ratio = None\n"
USE = """
import dataclasses, json, sys
from pathlib import Path
from app.paths import DataPaths
from app.persistence import open_store

def figures(space):
    return [dataclasses.asdict(one.measurement) for one in space.repositories.variants.list(run)]

paths = DataPaths(Path(sys.argv[1]))
with open_store(paths) as space:
    run = space.repositories.runs.list()[0].id
    before = figures(space)
    first = space.repositories.variants.list(run)[0]
    new = dict(zip(sys.argv[2::2], map(float, sys.argv[3::2])))
    space.repositories.variants.update(dataclasses.replace(first, measurement=dataclasses.replace(first.measurement, **new)))
with open_store(paths) as space:
    print(json.dumps({"before": before, "after": figures(space), "notices": space.notices}))
"""


def figures(root: Path, home: Path, *new: str) -> dict[str, Any]:
    """Return what the program at `root` reads before and after it stores the new figures of the first version."""
    command = [sys.executable, "-B", "-c", USE, str(home), *new]
    done = run_text(command, cwd=root, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_figure_of_one_new_field_is_stored_without_migration(tmp_path: Path) -> None:
    """Given a field with a default, then older versions show the default, and all others of their figures are as before."""
    root, home = copy_with(tmp_path / "fettle", {}), tmp_path / "home"
    shutil.copytree(HOME, home)
    plain = figures(root, home)["after"]
    source = root / "app/domain/variant.py"
    text = source.read_text()
    assert text.count(PLACE) == 1
    source.write_text(text.replace(PLACE, f"    energy_mj: float | None = None\n{PLACE}"))
    seen = figures(root, home, "energy_mj", "2.5")
    assert seen["before"] == [{**one, "energy_mj": None} for one in plain]
    assert seen["after"] == [{**plain[0], "energy_mj": 2.5}, *seen["before"][1:]]
    assert not seen["notices"]
