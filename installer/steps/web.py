"""Define the parts of exported web pages: ONNX Runtime Web and a tokenizer, as a folder `fettle_web` without code.

Both are npm packages, of which a page needs five files. The delivery network that the packages name for browsers
serves each by itself, so neither npm nor the whole archives are needed. Where it is not reached but npm is installed,
npm brings the archives. `web.json` holds the hash of each file.
"""

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from steps.environment import clean_environment
from steps.fetch import Part
from steps.lockfile import Pin
from steps.place import Place

NAME = "fettle_web"
PINS = "pins.json"
DOCSTRING = '"""Files for web pages, put here by the set-up. No code."""\n'
ADDRESS, ADDRESS_VARIABLE = "https://cdn.jsdelivr.net/npm", "FETTLE_WEB_PARTS"
"""Where the files are, and the variable that names a mirror."""


def rows(place: Place) -> list[dict[str, Any]]:
    """Return the wanted packages with versions, hashes and sizes."""
    return list(json.loads((place.root / "installer" / "web.json").read_text(encoding="utf-8"))["packages"])


def as_pins(place: Place) -> list[Pin]:
    """Return the packages as pins, with their sizes in bytes."""
    return [
        Pin(row["name"], f"{row['name']}=={row['version']}", row["download_bytes"], row["installed_bytes"])
        for row in rows(place)
    ]


def parts(place: Place) -> list[Part]:
    """Return the files to fetch."""
    address = os.environ.get(ADDRESS_VARIABLE, ADDRESS).rstrip("/")
    return [
        Part(
            f"{row['name']} {row['version']}",
            f"{address}/{row['name']}@{row['version']}/{path.removeprefix('package/')}",
            frozenset((digest,)),
            row["installed_bytes"],
        )
        for row in rows(place)
        for path, digest in row["files"].items()
    ]


def by_npm(place: Place, kept: Path) -> None:
    """Put the files into `kept` by npm, if it is installed and no mirror is named; its failures leave them missing."""
    npm = None if ADDRESS_VARIABLE in os.environ else shutil.which("npm")
    for row in rows(place) if npm is not None else ():
        command = [str(npm), "pack", f"{row['name']}@{row['version']}", "--ignore-scripts", "--silent"]
        run = subprocess.run(
            command, cwd=kept, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=clean_environment(),
            check=False, shell=os.name == "nt",
        )  # fmt: skip
        if run.returncode != 0:
            return
        archive = kept / run.stdout.split()[-1]
        with tarfile.open(archive) as packed:
            for path in row["files"]:
                member = packed.extractfile(path)
                if member is not None:
                    (kept / Path(path).name).write_bytes(member.read(row["installed_bytes"] + 1))
        archive.unlink()


def lay_out(place: Place, kept: Path, work: Path) -> None:
    """Make the folder below `work` from the fetched files."""
    made = work / NAME
    made.mkdir()
    for part in parts(place):
        shutil.copyfile(kept / part.file, made / part.file)
    (made / "__init__.py").write_text(DOCSTRING, encoding="utf-8")
    shutil.copyfile(place.root / "installer" / "web.json", made / PINS)
