"""Install Fettle's workers on this computer and let Fettle's key in. The restricted key cannot run this.

Usage:
    python3 -I agent/workers/remote/setup.py HOME install VERSION ENVIRONMENT [INDEX]   the archive is the input
    python3 -I agent/workers/remote/setup.py HOME authorize KEY_ID              the public key is the input
    python3 -I agent/workers/remote/setup.py HOME undo KEY_ID is_new|was_there

It writes its progress as lines of JSON and a refusal as one line to stderr, as the agent does.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workers.remote.arrival import MOST_BYTES, replace, unpack
from workers.remote.leave import MARK, is_key, key_lines, leave, remove_key, write_keys
from workers.remote.refused import Refused, exit_code_of

OLDEST, NEWEST = (3, 11), (3, 14)
COMPLETE = "complete"
CUDA_BYTES = 7_000_000_000
"""Bytes on disk of the libraries that PyTorch's build for NVIDIA cards needs."""
KEPT_VERSIONS = 2
IMPORTS = "import numpy, onnx, onnxruntime, torch, workers.runtime.kinds, workers.start"
FOUND = re.compile(r"^\s*(?:Collecting|Downloading|Using cached|Processing)\s+(\S+)")
FULL = re.compile("No space left on device|Disk quota exceeded", re.IGNORECASE)
OFFLINE = re.compile(
    "NameResolutionError|Temporary failure in name resolution|No address associated|Connection refused"
    "|Failed to establish a new connection|Network is unreachable|Max retries exceeded|ConnectTimeout|ProxyError"
)


def report(what: str, done: int = 0, total: int = 0) -> None:
    """Write one line of progress; a reader that is gone ends this program."""
    print(json.dumps({"what": what, "done": done, "total": total}), flush=True)  # noqa: T201


def find_python() -> str:
    """Return the path of the newest Python that Fettle's packages are built for."""
    names = ["python3.%d" % minor for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]  # noqa: UP031
    for name in [*names, sys.executable, "python3"]:
        path = shutil.which(name)
        if path is not None and OLDEST <= version_of(path) <= NEWEST:
            return path
    raise Refused("python_old", found="%d.%d" % sys.version_info[:2])  # noqa: UP031


def version_of(path: str) -> tuple[int, int]:
    """Return the version of a Python; (0, 0) if it does not start."""
    code = "import sys; print('%d %d' % sys.version_info[:2])"
    try:
        text = subprocess.check_output([path, "-I", "-c", code], stderr=subprocess.DEVNULL, timeout=60).decode()
        major, minor = text.split()
        return int(major), int(minor)
    except (OSError, subprocess.SubprocessError, ValueError):
        return 0, 0


def install(home: Path, words: list[str]) -> int:
    """Install a version of the workers with the packages it needs; an incomplete one is removed."""
    version, environment, *index = words
    part = home / "versions" / (version + ".part")
    shutil.rmtree(str(part), ignore_errors=True)
    try:
        unpack(sys.stdin.buffer.read(MOST_BYTES), part)
        place = home / "environments" / environment
        if not (place / COMPLETE).exists():
            make_environment(place, part / "lock", part / "pip" / "pip", index)
        shutil.rmtree(str(part / "pip"))
        report("Checking")
        (part / "venv").symlink_to(Path("..", "..", "environments", environment))
        check(part)
        (part / COMPLETE).touch()
        replace(part, home / "versions" / version)
    except OSError as error:
        if error.errno in (28, 122):
            raise Refused("no_room", str(error)) from error
        raise
    finally:
        shutil.rmtree(str(part), ignore_errors=True)
    remove_old(home)
    return 0


def make_environment(place: Path, lock: Path, own_pip: Path, index: list[str]) -> None:
    """Make the folder of packages with the pip that was sent; whatever fails removes it.

    `index` has an address at most, of another package index that PyTorch may come from.
    """
    python = find_python()
    plan = json.loads((lock / "plan.json").read_text(encoding="utf-8"))
    shutil.rmtree(str(place), ignore_errors=True)
    place.mkdir(mode=0o700, parents=True)
    try:
        check_room(place, plan["installed_bytes"])
        report("Preparing")
        run_or_refuse([python, "-I", "-m", "venv", "--without-pip", str(place)], place, "venv_missing")
        os.environ["TMPDIR"] = str(place / "tmp")  # the system's folder may lie in memory
        (place / "tmp").mkdir()
        pip = [str(place / "bin" / "python"), "-I", str(own_pip), "--no-cache-dir"]
        hashed, torch = str(lock / "hashed.txt"), str(lock / "torch.txt")
        more = [word for address in index for word in ("--extra-index-url", address)]
        pip_install([*pip, "install", "--no-deps", "--require-hashes", "-r", hashed], plan["packages"])
        wanted = place / "torch.json"
        pip_install([*pip, "install", *more, "--dry-run", "--report", str(wanted), "-r", torch], 0)
        names = [row["metadata"]["name"] for row in json.loads(wanted.read_text(encoding="utf-8"))["install"]]
        if any(name.startswith(("nvidia-", "cuda-")) for name in names):
            check_room(place, CUDA_BYTES, cuda=True)
        pip_install([*pip, "install", *more, "-r", torch], len(names))
        shutil.rmtree(os.environ["TMPDIR"])
        (place / COMPLETE).touch()
    except BaseException:
        shutil.rmtree(str(place), ignore_errors=True)
        raise


def check_room(folder: Path, needed: int, cuda: bool = False) -> None:
    """Refuse an installation that does not fit on the disk."""
    free = shutil.disk_usage(str(folder)).free
    if free < needed:
        raise Refused("no_room", needed=needed, free=free, cuda=cuda)


def pip_install(command: list[str], total: int) -> None:
    """Run pip and report its progress."""
    command[-2:-2] = ["--only-binary", ":all:", "--retries", "3", "--progress-bar", "off", "--no-input"]
    last: list[str] = []
    seen: set[str] = set()
    code, stage = 1, "Downloading"
    with contextlib.closing(lines_of(command)) as lines:  # a reader that is gone ends pip
        for line in lines:
            last = [*last[-40:], line] if line else last
            found = FOUND.match(line)
            if found is not None:
                seen.add(re.split("[=<>~;-]", found[1])[0])
            elif line.startswith("Installing collected packages"):
                stage, total = "Installing", 0  # it says nothing until it is done
            elif line.startswith("exit "):
                code = int(line[5:])
            report(stage, len(seen), total)
    if code != 0:
        text = "\n".join(last)
        codes = (("no_room", FULL), ("packages_offline", OFFLINE))
        raise Refused(next((name for name, words in codes if words.search(text)), "packages_failed"), text[-2000:])


def lines_of(command: list[str]) -> Generator[str, None, None]:
    """Yield what a program prints, an empty text after each silent second, and its exit code in the end."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    rest = b""
    try:
        piece = b"begins"
        while piece:
            if not select.select([process.stdout], [], [], 1.0)[0]:
                yield ""
                continue
            piece = os.read(process.stdout.fileno(), 1 << 16)
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace")
        yield "exit %d" % process.wait()  # noqa: UP031
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        process.stdout.close()


def check(part: Path) -> None:
    """Start the installed workers once, and compile them, because jobs in a sandbox cannot write byte code."""
    code = f"{IMPORTS}; import compileall; compileall.compile_dir('workers', quiet=2)"
    home = part / "home"  # libraries write into the home folder when they are imported
    home.mkdir()
    os.environ.update(HOME=str(home), ORT_DISABLE_TELEMETRY="1")
    run_or_refuse([str(part / "venv" / "bin" / "python"), "-c", code], part / "code", "workers_broken")
    shutil.rmtree(str(home))


def run_or_refuse(command: list[str], folder: Path, code: str) -> None:
    """Run a program in `folder`; if it fails, raise `Refused` with its last words."""
    run = subprocess.run(
        command,
        cwd=str(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if run.returncode != 0:
        raise Refused(code, run.stdout.decode("utf-8", "replace")[-2000:])


def remove_old(home: Path) -> None:
    """Remove all versions but the newest ones, and the packages that no version uses."""
    versions = sorted((home / "versions").iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in versions[KEPT_VERSIONS:]:
        shutil.rmtree(str(path), ignore_errors=True)
    used = {os.path.basename(os.readlink(str(path / "venv"))) for path in versions[:KEPT_VERSIONS]}  # noqa: PTH115, PTH119
    for path in (home / "environments").iterdir():
        if path.name not in used:
            shutil.rmtree(str(path), ignore_errors=True)


def authorize(home: Path, words: list[str]) -> int:
    """Let a key in for the verbs of the agent and nothing else; the input is its public key."""
    kind, key = sys.stdin.buffer.read(1 << 14).decode("ascii").split()[:2]
    command = shlex.join([sys.executable, "-I", str(home) + MARK, str(home)])
    if '"' in command or "\\" in command or not command.isprintable():
        raise Refused("home_refused", command)
    lines = [line for line in key_lines() if not is_key(line, words[0])]
    write_keys([*lines, 'restrict,command="%s" %s %s %s' % (command, kind, key, words[0])])  # noqa: UP031
    return 0


def undo(home: Path, words: list[str]) -> int:
    """Remove what a failed pairing left: the key, and all files if there were none before."""
    key_id, before = words
    remove_key(key_id)
    return leave(home, []) if before == "is_new" else 0


ACTIONS = {"install": install, "authorize": authorize, "undo": undo}


def main(arguments: list[str]) -> int:
    """Run one action and return its exit code."""
    os.umask(0o077)
    home, action, *words = arguments
    return exit_code_of(lambda: ACTIONS[action](Path(home), words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
