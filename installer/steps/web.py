"""Fetch the parts of exported web pages (ONNX Runtime Web, a tokenizer) with npm in pinned versions.

They are a folder `fettle_web` next to the environment's packages, so that their presence is checked like that of other
packages. The archives must match the hashes in `web.json`. Only the files that a page contains are kept.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from steps.environment import clean_environment
from steps.lockfile import Pin, totals
from steps.place import Place
from steps.words import SetupError, print_line, size

NAME = "fettle_web"
PINS = "pins.json"
DOCSTRING = '"""Files for web pages, put here by the set-up. No code."""\n'
PROGRAM = "npm"


def pins(place: Place) -> dict[str, Any]:
    """Return the wanted packages with versions, hashes and sizes."""
    return dict(json.loads((place.root / "installer" / "web.json").read_text(encoding="utf-8")))


def as_pins(place: Place) -> list[Pin]:
    """Return the packages as pins, with their sizes in bytes."""
    return [
        Pin(row["name"], f"{row['name']}=={row['version']}", row["download_bytes"], row["installed_bytes"])
        for row in pins(place)["packages"]
    ]


def is_there(place: Place) -> bool:
    """Return whether the wanted files are installed with exactly their contents."""
    folder, wanted = place.site_packages / NAME, pins(place)
    try:
        return json.loads((folder / PINS).read_text(encoding="utf-8")) == wanted and all(
            _sha256(folder / Path(name).name) == digest
            for row in wanted["packages"]
            for name, digest in row["files"].items()
        )
    except (OSError, ValueError):
        return False


def ensure(place: Place) -> None:
    """Fetch the packages unless they are installed.

    Raises:
        SetupError: if npm is missing, a download fails or a hash differs.
    """
    if is_there(place):
        return
    rows = pins(place)["packages"]
    npm = shutil.which(PROGRAM)
    if npm is None:
        raise SetupError(
            "The parts of a web page are fetched by Node.js (its npm), and this computer does not have it.",
            "Install Node.js with npm as you install other programs, then try again. All other bundles work without.",
        )
    names = " and ".join(f"{row['name']} {row['version']}" for row in rows)
    download, installed = totals(as_pins(place))
    print_line(f"To install for web pages: {names}, about {size(download)} to download and {size(installed)} on disk.")
    with tempfile.TemporaryDirectory(dir=place.venv, prefix="web-") as work:
        made = Path(work) / NAME
        made.mkdir()
        for row in rows:
            _take(_fetch(npm, row, Path(work)), row, made)
        (made / "__init__.py").write_text(DOCSTRING, encoding="utf-8")
        (made / PINS).write_text(json.dumps(pins(place), indent=1) + "\n", encoding="utf-8")
        goal = place.site_packages / NAME
        shutil.rmtree(goal, ignore_errors=True)
        made.replace(goal)
    print_line("Web pages can be written now.")


def _fetch(npm: str, row: dict[str, Any], work: Path) -> Path:
    """Fetch the archive of one package without running any of its code.

    Raises:
        SetupError: if the download fails or the hash differs.
    """
    command = [npm, "pack", f"{row['name']}@{row['version']}", "--ignore-scripts", "--silent"]
    environment = {**clean_environment(), "npm_config_update_notifier": "false", "npm_config_fund": "false"}
    run = subprocess.run(
        command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False,
        shell=os.name == "nt",
    )  # fmt: skip
    archive = work / str(row["archive"])
    if run.returncode != 0 or not archive.is_file():
        error_output = (run.stderr.strip() or "npm failed without a word").splitlines()[-1][:300]
        raise SetupError(f"{row['name']} could not be fetched: {error_output}", "Check the network, then try again.")
    if hashlib.sha512(archive.read_bytes()).hexdigest() != row["sha512"]:
        raise SetupError(
            f"{row['name']} {row['version']} is not what was expected: its hash differs.",
            "Nothing of it was kept. Look which registry your npm is set to fetch from.",
        )
    return archive


def _take(archive: Path, row: dict[str, Any], folder: Path) -> None:
    """Extract the files that a page contains, by file name without folders."""
    with tarfile.open(archive) as packed:
        for name, digest in row["files"].items():
            member = packed.extractfile(name)
            content = b"" if member is None else member.read()
            if hashlib.sha256(content).hexdigest() != digest:
                raise SetupError(f"{name} of {row['name']} is not what was expected.", "Nothing of it was kept.")
            (folder / Path(name).name).write_bytes(content)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
