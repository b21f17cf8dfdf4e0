"""Write the Debian package: the version below /opt/fettle and what a desktop needs to know about the program."""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from steps.system import QT_BASE, QT_WAYLAND, QT_X11

from package import command_line
from package.payload import RECORD, epoch_s, settle

FILES = Path(__file__).with_name("linux")
LAUNCHER = Path(__file__).parents[1] / "versions" / "launcher.sh"
ROOT = "opt/fettle"
LEVEL = 9
"""Level of zstd; level 15 needs more than six times as long."""

PLACES = {
    "fettle.desktop": "usr/share/applications/fettle.desktop",
    "fettle-mime.xml": "usr/share/mime/packages/fettle.xml",
    "fettle.metainfo.xml": "usr/share/metainfo/io.github.fettle.fettle.metainfo.xml",
    "fettle.svg": "usr/share/icons/hicolor/scalable/apps/fettle.svg",
    "copyright": "usr/share/doc/fettle/copyright",
    "lintian-overrides": "usr/share/lintian/overrides/fettle",
}
CONTROL = """Package: fettle
Version: {version}
Architecture: {architecture}
Maintainer: The Fettle developers <fettle@localhost>
Installed-Size: {installed_kib}
Depends: {depends}
Recommends: ca-certificates, fonts-dejavu-core | fonts-freefont-ttf, shared-mime-info, desktop-file-utils, {recommends}
Section: science
Priority: optional
Description: makes machine-learning models smaller and faster
 Fettle makes a trained machine-learning model smaller and faster, proves that
 it still gives the same answers, and exports a bundle that runs on its own.
 It brings its own Python and all libraries of models, and works offline.
"""


def build(payload: Path, out: Path) -> Path:
    """Build the package from a payload and return its path."""
    record = json.loads((payload / RECORD).read_text(encoding="utf-8"))
    version, tree = record["version"], out / "deb"
    shutil.rmtree(tree, ignore_errors=True)
    lay_out(payload, tree / ROOT, version)
    (tree / "usr" / "bin").mkdir(parents=True)
    (tree / "usr" / "bin" / "fettle").symlink_to(f"/{ROOT}/fettle")
    for name, place in PLACES.items():
        write(tree / place, fill(name, version))
    _write_texts(tree, version)
    _write_control(tree, record)
    settle(tree)
    target = out / f"fettle_{version}_{_architecture()}.deb"
    options = ["--root-owner-group", "-Zzstd", f"-z{LEVEL}", "--threads-max=1"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch_s())}
    subprocess.run(["dpkg-deb", *options, "--build", str(tree), str(target)], check=True, env=environment)
    shutil.rmtree(tree)
    return target


def fill(name: str, version: str) -> str:
    """Return a file of this package with the version and its date."""
    text = (FILES / name).read_text(encoding="utf-8")
    return text.replace("@VERSION@", version).replace("@DATE@", date())


def date() -> str:
    """Return the date of the packages' files (YYYY-MM-DD)."""
    return time.strftime("%Y-%m-%d", time.gmtime(epoch_s()))


def lay_out(payload: Path, root: Path, version: str, pointer: str = "") -> None:
    """Lay out an installed program in `root`: links to the payload's files, the launcher, and a `pointer` if given."""
    shutil.copytree(payload, root / "versions" / version, symlinks=True, copy_function=os.link)
    write(root / "fettle", LAUNCHER.read_text(encoding="utf-8"), mode=0o755)
    if pointer:
        write(root / "pointer", pointer)


def write(path: Path, text: str | bytes, mode: int = 0o644) -> None:
    """Write a new file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)


def _write_texts(tree: Path, version: str) -> None:
    share = tree / "usr" / "share"
    write(share / "man" / "man1" / "fettle.1.gz", _zipped(command_line.manual(version, date())))
    write(share / "bash-completion" / "completions" / "fettle", command_line.bash())
    write(share / "zsh" / "vendor-completions" / "_fettle", command_line.zsh())
    write(share / "fish" / "vendor_completions.d" / "fettle.fish", command_line.fish())
    stamp = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(epoch_s()))
    log = f"fettle ({version}) unstable; urgency=medium\n\n  * Version {version}; see CHANGELOG.md.\n\n"
    write(
        share / "doc" / "fettle" / "changelog.gz",
        _zipped(f"{log} -- The Fettle developers <fettle@localhost>  {stamp}\n"),
    )


def _zipped(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def _architecture() -> str:
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


def depends(record: dict[str, dict[str, str]]) -> str:
    """Return the packages of Debian whose libraries the payload needs and does not bring."""
    brought = {Path(name).name for name in record["files"]}
    packages = [package for library, package in (*QT_BASE, *QT_X11) if library not in brought]
    renamed = [f"{name}t64 | {name}" if name == "libglib2.0-0" else name for name in packages]
    always = [f"libc6 (>= {record['needs']['glibc']})", "libgcc-s1", "libstdc++6", "xkb-data"]
    return ", ".join([*always, *sorted(renamed)])


def _write_control(tree: Path, record: dict[str, dict[str, str]]) -> None:
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    folders = sum(path.is_dir() for path in tree.rglob("*"))
    control = CONTROL.format(
        version=record["version"],
        architecture=_architecture(),
        installed_kib=sum(-(-path.stat().st_size // 1024) for path in files) + folders,
        depends=depends(record),
        recommends=", ".join(package for _library, package in QT_WAYLAND),
    )
    write(tree / "DEBIAN" / "control", control)
    sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in files]
    write(tree / "DEBIAN" / "md5sums", "".join(sums))
    for name in ("preinst", "postinst", "postrm"):
        write(tree / "DEBIAN" / name, fill(name, str(record["version"])), mode=0o755)
