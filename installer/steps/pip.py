"""Run the environment's pip for plans and installations, and report progress and failures in plain words."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app import programs
from steps.environment import clean_environment, distributions, versions
from steps.lockfile import Pin, normalized
from steps.place import Place
from steps.words import Progress, SetupError, size

_OFFLINE = re.compile(
    r"NameResolutionError|Temporary failure in name resolution|getaddrinfo failed|No address associated"
    r"|Failed to establish a new connection|Network is unreachable|Connection refused|Max retries exceeded"
    r"|ConnectTimeout|ProxyError"
)
_FULL = re.compile(r"No space left on device|not enough space on the disk", re.IGNORECASE)
_UNKNOWN = re.compile(r"No matching distribution found for (\S+)")
_FILE = re.compile(r"^\s*(?:Downloading|Using cached|Processing)\s+(\S.*?\.whl)(?:\s|$)")
_PART = re.compile(r"^Progress (\d+) of (\d+)")


class Pip:
    """The pip of one environment, created by one set-up."""

    def __init__(self, place: Place, held: int) -> None:
        """Create a pip runner for `place`; pip keeps the lock's open file `held` open while it works."""
        self._place = place
        self._held = held

    def plan(self, requirements: Path) -> list[Pin]:
        """Return the packages that are still to be installed, including dependencies; nothing is installed."""
        report = self._place.venv / "plan.json"
        arguments = ["--dry-run", "--report", str(report), "-r", str(requirements)]
        progress = Progress()
        seen, total = 0, _count(requirements)
        for line in self._lines("install", arguments):
            if line.startswith(("Collecting ", "Requirement already satisfied: ")):
                seen += 1
                progress.show("Looking up", min(seen, total), total)
        progress.end()
        return parse_report(json.loads(report.read_text(encoding="utf-8")))

    def install(self, items: list[Pin]) -> None:
        """Install exactly these packages, all downloads first.

        Raises:
            SetupError: if pip fails.
        """
        chosen = self._place.venv / "chosen.txt"
        chosen.write_text("".join(f"{item.requirement}\n" for item in items), encoding="utf-8")
        numbers = [int(number) for number in versions(self._place)["pip"].split(".")[:2]]
        raw = ["--progress-bar", "raw" if numbers >= [24, 1] else "off"]
        progress = Progress()
        seen: set[str] = set()
        started = {path.name for path in distributions(self._place)}
        installing = False
        for line in self._lines("install", [*raw, "--no-deps", "-r", str(chosen)], tick_s=0.5):
            installing = installing or line.startswith("Installing collected packages")
            if installing:
                done = len({path.name for path in distributions(self._place)} - started)
                progress.show("Installing", min(done, len(items)), len(items))
            elif (found := _FILE.match(line)) and not line.rstrip().endswith(".metadata"):
                seen.add(found[1])
                progress.show("Downloading", len(seen), len(items), Path(found[1]).name.partition("-")[0])
            elif part := _PART.match(line):
                note = f"{size(int(part[1]))} of {size(int(part[2]))}"
                progress.show("Downloading", len(seen), len(items), note)
        progress.end()

    def bring_itself(self, requirement: str) -> None:
        """Install the pinned pip, because older versions cannot make a plan without downloading packages."""
        if not next(iter(self._place.site_packages.glob(f"pip-{requirement.partition('==')[2]}.dist-info")), None):
            for _ in self._lines("install", ["--progress-bar", "off", requirement]):
                pass

    def remove(self, name: str) -> None:
        """Uninstall a package."""
        for _ in self._lines("uninstall", ["--yes", name]):
            pass

    def _lines(self, command: str, arguments: list[str], tick_s: float | None = None) -> Iterator[str]:
        """Yield pip's output lines, and an empty line after each `tick_s` seconds of silence.

        Raises:
            SetupError: if pip fails.
        """
        whole = [str(self._place.python), "-m", "pip", command, *arguments]
        if command == "install":
            whole[4:4] = ["--only-binary", ":all:", "--retries", "3"]
        environment, held = {**clean_environment(), "PYTHONUTF8": "1"}, () if os.name == "nt" else (self._held,)
        process = programs.start(whole, environment, self._place.venv, pass_fds=held)
        log: list[str] = []
        try:
            for line in programs.lines_of(process, tick_s):
                if line and not _PART.match(line):
                    log.append(line)
                yield line
        finally:
            _end(process)
            with self._place.log.open("a", encoding="utf-8") as file:
                file.writelines([f"$ pip {command} {' '.join(arguments)}\n", *log])
        if process.returncode != 0:
            raise failure("".join(log), self._place.log)


def _end(process: "subprocess.Popen[str]") -> None:
    """Wait for pip; stop it first if the reading was interrupted."""
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _count(requirements: Path) -> int:
    return len(requirements.read_text(encoding="utf-8").splitlines())


def parse_report(report: dict[str, Any]) -> list[Pin]:
    """Return the packages of pip's installation report (version 1)."""
    pins = []
    for entry in report["install"]:
        name, version = entry["metadata"]["name"], entry["metadata"]["version"]
        is_local = entry["download_info"]["url"].startswith("file:")
        pins.append(Pin(normalized(name), f"{name}=={version}", is_local=is_local))
    return pins


def failure(output: str, log: Path) -> SetupError:
    """Return the reason of pip's failure in plain words."""
    if _FULL.search(output):
        return SetupError("The disk is full.", "Make room, then try again: it goes on where it was.")
    if _OFFLINE.search(output):
        return SetupError(
            "The packages could not be fetched: this computer does not reach the package index.",
            "Connect it to the internet (or set pip's proxy), then try again: it goes on.",
        )
    if missing := _UNKNOWN.search(output):
        return SetupError(
            f"The package index has no ready-built {missing[1]} for this system and Python.",
            f"Use a Python from 3.11 to 3.14 on Linux, Windows or macOS. pip's own words are in {log}.",
        )
    last = next(
        (line for line in reversed(output.splitlines()) if line.startswith("ERROR")), "pip failed without a word."
    )
    return SetupError(
        f"A package could not be installed. {last.removeprefix('ERROR: ')}",
        f"Try again; if it stays so, pip's own words are in {log}.",
    )
