"""The program as a person starts it, and one demo run that is shared by all tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fettle_command import Demo, Fettle


@pytest.fixture
def fettle(tmp_path: Path) -> Fettle:
    """Commands on a fresh data folder, in a path with a space and an umlaut."""
    return Fettle(tmp_path / "Däten von mir")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`fettle demo --json --out FILE.zip`, once for all tests."""
    folder = tmp_path_factory.mktemp("demo")
    fettle = Fettle(folder / "home")
    bundle = folder / "größer und schneller.zip"
    return Demo(fettle, bundle, fettle("demo", "--json", "--out", bundle))
