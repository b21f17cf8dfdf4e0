"""Write the portable archive: a folder that runs wherever it is unpacked, without an installation."""

import shutil
import subprocess
import tarfile
from pathlib import Path

from versions.root import read_payload

from package import deb
from package.payload import epoch_s, settle


def build(payload: Path, out: Path) -> Path:
    """Build the archive from a payload and return its path."""
    record = read_payload(payload)
    version = record["version"]
    root = out / "portable" / f"fettle-{version}"
    shutil.rmtree(root.parent, ignore_errors=True)
    deb.lay_out(payload, root, version, f"{version}\n\n")
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
