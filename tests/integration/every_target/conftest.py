"""Each model is optimized once, and each of its bundles is written once."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import opened_browser
from exported_models import CASES, KEPT, Case, Optimized, optimized

JAVASCRIPT = "@huggingface/transformers@4.3.1"


@pytest.fixture(scope="session", params=CASES, ids=[case.name for case in CASES])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Optimized:
    """The finished run of one of the models that are no language models."""
    case: Case = request.param
    folder = Path(KEPT) / case.name if KEPT else tmp_path_factory.mktemp("model")
    folder.mkdir(parents=True, exist_ok=True)
    return optimized(case, folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with opened_browser() as found:
        yield found


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the packages that are installed once for all models."""
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="session")
def javascript(own_folder: Path) -> Path:
    """A folder below which transformers.js is found."""
    assert shutil.which("npm"), "this test wants node and npm (Debian: apt install npm)"
    (own_folder / "javascript").mkdir()
    quiet = {**os.environ, "npm_config_cache": str(own_folder / "npm")}
    install = ["npm", "i", "--ignore-scripts", "--no-audit", "--no-fund", JAVASCRIPT]
    subprocess.run(install, cwd=own_folder / "javascript", env=quiet, check=True, capture_output=True, timeout=900)
    return own_folder / "javascript"
