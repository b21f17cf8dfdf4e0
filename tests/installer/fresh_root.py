"""A fresh root of Debian without Python, in which packages are installed and the program runs without a network."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rig import PROBE, Program, Screen
from short_runs import SHORT_RUNS

UID = 1000
PERSON = "ann"
QUICK = ("-o", "Dpkg::Options::=--force-unsafe-io")
"""The root is thrown away: dpkg need not sync each of 44,000 files."""
ENTER = """set -e
for place in /proc /dev /tmp/.X11-unix "$1"; do mkdir -p "$0$place"; mount --rbind "$place" "$0$place"; done
shift; exec chroot "$@"
"""
"""Shows folders of the computer inside. Only this process and its children see them there: deleting the root is safe."""


class FreshRoot:
    """A root made by mmdebstrap; `shared` is a folder of the same path inside and outside, which the person owns."""

    def __init__(self, folder: Path, shared: Path) -> None:
        self.path, self.shared = folder, shared
        subprocess.run(["mmdebstrap", "--quiet", "--mode=root", "--variant=apt", "trixie", folder], check=True)
        shared.mkdir(parents=True)
        home = folder / "home" / PERSON
        home.mkdir()
        for place in (shared, home):
            shutil.chown(place, UID, UID)
        with (folder / "etc/passwd").open("a", encoding="utf-8") as file:
            file.write(f"{PERSON}:x:{UID}:{UID}::/home/{PERSON}:/bin/sh\n")

    def command(self, *words: str, person: bool = False, network: bool = False) -> list[str]:
        """The command line that runs a command inside."""
        who = [f"--userspec={UID}:{UID}"] if person else []
        walls = ["--mount"] if network else ["--mount", "--net"]
        return ["unshare", *walls, "sh", "-c", ENTER, str(self.path), str(self.shared), *who, str(self.path), *words]

    def run(self, *words: str, person: bool = False, network: bool = False, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command inside, which must end with one of `codes`, and return what it printed."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        environment |= {**SHORT_RUNS, "HOME": str(self.shared)} if person else {"HOME": "/root"}
        command = self.command(*words, person=person, network=network)
        done = subprocess.run(
            command, env=environment, cwd="/", capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode in codes, f"{words}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def install(self, *packages: str | Path) -> None:
        """Install packages, by name or by a file that is copied inside."""
        files = [package for package in packages if isinstance(package, Path)]
        for file in files:
            shutil.copy(file, self.path)
        words = [f"/{package.name}" if isinstance(package, Path) else package for package in packages]
        self.run("apt-get", "-qq", "-y", "install", "--no-install-recommends", *QUICK, *words, network=True)
        for file in files:
            (self.path / file.name).unlink()

    def files(self) -> set[str]:
        """Paths of all files and folders, without those of people."""
        command = ["find", self.path, "-not", "-path", f"{self.path}/home/*", "-printf", "%P\n"]
        return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())

    def open(self, screen: Screen, name: str, program: Sequence[str], site_packages: Path) -> Program:
        """Open the program's window as the person, with the probe among its packages, and without a network."""
        shutil.copy(PROBE / "sitecustomize.py", site_packages)
        home = self.shared / name
        home.mkdir()
        shutil.chown(home, UID, UID)
        return Program(screen, home, program=self.command(*program, person=True))
