"""Install, use, upgrade and remove the packages in a fresh root of Debian: installer/test -m package."""

import json
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fresh_root import PERSON, UID, FreshRoot
from rig import ROOT, Screen

from app.version import VERSION

NEXT = "9.9.9"
SITE = "python/lib/python3.11/site-packages"
DESKTOP = (
    "libegl1", "libgl1", "libfontconfig1", "libdbus-1-3", "libglib2.0-0t64", "libx11-xcb1", "libxcb-randr0", "libxcb-sync1",
    "libxcb-shape0", "libxcb-xfixes0", "fonts-dejavu-core", "zstd", "libgomp1", "libstdc++6",
)  # fmt: skip
"""What a computer with a desktop has; the portable archive brings the rest."""

RUN_S = 400
NOTHING_SAFE = 4
"""Exit code of a run that kept the original or had no time for its proof, as on a busy computer."""

pytestmark = [pytest.mark.package, pytest.mark.timeout(3000)]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both versions of both packages; the second differs by its version."""
    out = Path(os.environ.get("FETTLE_PACKAGES_DIR") or tmp_path_factory.mktemp("packages"))
    wanted = {
        f"fettle_{VERSION}_amd64.deb": [],
        f"fettle-{VERSION}-linux-x86_64.tar.zst": [],
        f"fettle_{NEXT}_amd64.deb": ["--version", NEXT, "--same-python", str(out / f"payload-{VERSION}")],
    }
    for name, options in wanted.items():
        if not (out / name).exists():
            kind = "deb" if name.endswith(".deb") else "portable"
            subprocess.run([ROOT / "installer" / "build", kind, "--out", out, *options], check=True)
    return out


@pytest.fixture
def root(tmp_path: Path) -> Iterator[FreshRoot]:
    yield FreshRoot(tmp_path / "root", tmp_path / "shared")
    shutil.rmtree(tmp_path / "root")  # a few GB


def use_it(root: FreshRoot, program: Sequence[str], site_packages: Path, name: str) -> None:
    """The version, the demonstration by command, and the sample by clicks; all as a person and without a network."""
    bundle = root.shared / f"{name}.zip"
    root.run(*program, "demo", "--out", str(bundle), "--json", person=True, codes=(0, NOTHING_SAFE))
    assert json.loads(root.run(*program, "verify", str(bundle), "--json", person=True))["ok"] is True
    screen = Screen()
    opened_s = time.monotonic()
    window = root.open(screen, name, program, site_packages)
    logging.getLogger(__name__).info("%s: the window was there after %.2f s", name, time.monotonic() - opened_s)
    try:
        window.until_page("model", "empty", 60)
        window.press("Try the sample")
        window.until_page("goal", limit_s=60)
        window.press("Start (")
        window.until(lambda view: view.button("See "), RUN_S, "the end of the run")
        window.press("See ")
        window.until_page("compare", "full")
        window.export_from_compare()
        window.until_page("export", "done", RUN_S)
        window.check_clean()
        screen.picture(root.shared / f"{name}.png")
    finally:
        window.process.terminate()
        window.process.wait(30)
        screen.close()
        (site_packages / "sitecustomize.py").unlink()
        (site_packages / "__pycache__" / "sitecustomize.cpython-311.pyc").unlink(missing_ok=True)


def test_debian_package_is_installed_used_upgraded_and_purged(packages: Path, root: FreshRoot) -> None:
    """Given a fresh root without Python, When the package is installed, used, upgraded, taken back and purged, Then each
    version works without a network and nothing stays but the person's own files."""
    root.run("apt-get", "-qq", "update", network=True)
    assert not (root.path / "usr/bin/python3").exists()
    before = root.files()
    root.install(packages / f"fettle_{VERSION}_amd64.deb")
    assert not (root.path / "usr/bin/python3").exists()
    assert root.run("fettle", "--version", person=True) == f"fettle {VERSION}\n"
    versions = root.path / "opt/fettle/versions"
    use_it(root, ["fettle"], versions / VERSION / SITE, "installed")

    root.install(packages / f"fettle_{NEXT}_amd64.deb")
    assert root.run("fettle", "--version", person=True) == f"fettle {NEXT}\n"
    assert {path.name for path in versions.iterdir()} == {VERSION, NEXT}
    pointer = root.path / "opt/fettle/pointer"
    assert pointer.read_text(encoding="utf-8") == f"{NEXT}\n{VERSION}\n"
    pointer.write_text(f"{VERSION}\n{NEXT}\n", encoding="utf-8")
    assert root.run("fettle", "--version", person=True) == f"fettle {VERSION}\n"

    root.run("apt-get", "-qq", "purge", "-y", "fettle")
    left = {name for name in root.files() - before if "fettle" in name}
    assert left == set()
    assert (root.shared / "installed" / "data" / "fettle.db").exists()


def test_portable_archive_runs_read_only_from_any_folder(packages: Path, root: FreshRoot) -> None:
    """Given a desktop without administrator, When the archive is unpacked in a folder with spaces and other letters that
    nobody may write to, Then the program works there and changes nothing in it."""
    root.run("apt-get", "-qq", "update", network=True)
    root.install(*DESKTOP)
    place = root.path / "home" / PERSON / "Mödelle und 模型"
    place.mkdir()
    shutil.chown(place, UID, UID)
    archive = packages / f"fettle-{VERSION}-linux-x86_64.tar.zst"
    os.link(archive, root.shared / archive.name)
    inside = "/" + str(place.relative_to(root.path))
    root.run("tar", "--zstd", "-xf", str(root.shared / archive.name), "-C", inside, person=True)
    (folder,) = place.iterdir()
    program = [f"{inside}/{folder.name}/fettle"]
    assert root.run(*program, "--version", person=True) == f"fettle {VERSION}\n"
    site_packages = folder / "versions" / VERSION / SITE
    root.run("chmod", "-R", "a-w", inside)
    use_it(root, program, site_packages, "portable")
    listed = json.loads((folder / "versions" / VERSION / "payload.json").read_text(encoding="utf-8"))
    names = {
        path.relative_to(folder / "versions" / VERSION).as_posix()
        for path in folder.glob(f"versions/{VERSION}/**/*")
        if not path.is_dir()
    }
    assert names == {*listed["files"], *listed["links"], "payload.json"}
