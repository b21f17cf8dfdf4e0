"""Write the portable archive: a folder that runs wherever it is unpacked, without an installation."""

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from package import deb
from package.payload import RECORD, epoch_s, settle


def build(payload: Path, out: Path) -> Path:
    """Build the archive from a payload and return its path."""
    record = json.loads((payload / RECORD).read_text(encoding="utf-8"))
    version = record["version"]
    root = out / "portable" / f"fettle-{version}"
    shutil.rmtree(root.parent, ignore_errors=True)
    shutil.copytree(payload, root / "versions" / version, symlinks=True, copy_function=os.link)
    deb.put_launcher(root)
    deb.write(root / "pointer", f"{version}\n\n")
    deb.write(root / "fettle.svg", deb.fill("fettle.svg", version))
    settle(root)
    target = out / f"fettle-{version}-{record['platform']}.tar.zst"
    # The number of threads is fixed, because zstd's result may depend on it.
    command = ["zstd", "-qf", f"-{deb.LEVEL}", "--long=27", "-T1", "-o", str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as packer:
        with tarfile.open(fileobj=packer.stdin, mode="w|", format=tarfile.GNU_FORMAT) as archive:
            for path in (root, *sorted(root.rglob("*"))):
                archive.add(path, path.relative_to(root.parent), recursive=False, filter=_nobody)
        assert packer.stdin is not None
        packer.stdin.close()
    if packer.returncode != 0:
        raise subprocess.CalledProcessError(packer.returncode, "zstd")
    shutil.rmtree(root.parent)
    return target


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Take out who built the archive and when."""
    return member.replace(mtime=epoch_s(), uid=0, gid=0, uname="", gname="", deep=False)
