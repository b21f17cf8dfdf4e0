"""Define the parts of exported web pages: ONNX Runtime Web and a tokenizer, as a folder `fettle_web` without code.

Both are npm packages, of which a page needs five files. The delivery network that the packages name for browsers
serves each by itself, so neither npm nor the whole archives are needed. `web.json` holds the hash of each file.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

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


def lay_out(place: Place, kept: Path, work: Path) -> None:
    """Make the folder below `work` from the fetched files."""
    made = work / NAME
    made.mkdir()
    for part in parts(place):
        shutil.copyfile(kept / part.file, made / part.file)
    (made / "__init__.py").write_text(DOCSTRING, encoding="utf-8")
    shutil.copyfile(place.root / "installer" / "web.json", made / PINS)
