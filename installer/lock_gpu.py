"""Write the locks of both sets for NVIDIA GPUs again from the package index, without installing anything.

Usage:
    .venv/bin/python installer/lock_gpu.py

pip resolves each set. The sizes come from the wheels' tables of contents, and only the ends of the wheels are read.
PyTorch's CUDA build requires exact versions of the CUDA libraries, so ONNX Runtime gets the same versions.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterable
from io import RawIOBase
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# Written by installer/lock_gpu.py; do not edit by hand. Sizes in bytes, as the index tells them.\n"
TAIL_BYTES = 1 << 16

RTX = (
    "onnxruntime-ep-nv-tensorrt-rtx-cu13==0.5.*",
    "tensorrt-rtx-cu13-bindings==1.7.*",
    "tensorrt-rtx-cu13-libs==1.7.*",
)
ONNXRUNTIME = "onnxruntime-gpu[cuda,cudnn]==1.31.*"
TORCH = "torch==2.13.0"
LINUX = ' ; sys_platform == "linux"'


class RemoteFile(RawIOBase):
    """A file on a server that fetches only the ranges that are read; `zipfile` reads wheels through it."""

    def __init__(self, url: str) -> None:
        """Open the file at `url`: fetch its size and its last 64 KiB."""
        self._url, self._place = url, 0
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD")) as answer:
            self.size = int(answer.headers["Content-Length"])
        self._tail_from = max(0, self.size - TAIL_BYTES)
        self._tail = self._fetch(self._tail_from, self.size)

    def _fetch(self, first: int, end: int) -> bytes:
        request = urllib.request.Request(self._url, headers={"Range": f"bytes={first}-{end - 1}"})
        with urllib.request.urlopen(request) as answer:
            return bytes(answer.read())

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position in bytes and return it."""
        self._place = offset + (0, self._place, self.size)[whence]
        return self._place

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes from the position; a negative size means all remaining bytes."""
        end = self.size if size < 0 else min(self.size, self._place + size)
        if self._place >= self._tail_from:
            data = self._tail[self._place - self._tail_from : end - self._tail_from]
        else:
            data = self._fetch(self._place, end)
        self._place += len(data)
        return data


def resolved(requirements: Iterable[str], constraints: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return the packages that pip would install for `requirements` into an empty environment, from its report."""
    environment = {**os.environ, "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    with tempfile.TemporaryDirectory() as folder:
        report, bounds = Path(folder, "report.json"), Path(folder, "bounds.txt")
        bounds.write_text("".join(f"{line}\n" for line in constraints), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
        command += ["--only-binary", ":all:", "--report", str(report), "-c", str(bounds), *requirements]
        subprocess.run(command, check=True, env=environment)
        found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
    return found


def names(items: Iterable[dict[str, Any]]) -> set[str]:
    """Return the normalized names of the packages of a pip report."""
    return {canonicalize_name(item["metadata"]["name"]) for item in items}


def pin(item: dict[str, Any], marker: str = "") -> str:
    """Return one line of a lock."""
    about, url = item["metadata"], item["download_info"]["url"]
    download, installed = _sizes(url)
    spelled = canonicalize_name(about["name"])
    return f"{spelled}=={about['version']}{marker}  # download {download} installed {installed}\n"


def _sizes(url: str) -> tuple[int, int]:
    file = RemoteFile(url)
    with zipfile.ZipFile(file) as wheel:  # type: ignore[arg-type]
        return file.size, sum(entry.file_size for entry in wheel.infolist())


def main() -> None:
    """Write both locks."""
    base = {canonicalize_name(Requirement(line.partition("#")[0]).name) for line in
            (ROOT / "installer" / "requirements.lock").read_text(encoding="utf-8").splitlines()
            if line.partition("#")[0].strip()}  # fmt: skip
    torch = resolved([TORCH])
    exact = [f"{item['metadata']['name']}=={item['metadata']['version']}" for item in torch]
    runtime = resolved([ONNXRUNTIME], exact)
    everywhere = names(runtime)
    cuda = {canonicalize_name(item["metadata"]["name"]): item for item in [*torch, *runtime]}
    lines = [
        pin(item, "" if name in everywhere else LINUX)
        for name, item in sorted(cuda.items())
        if name not in base or name == "torch"
    ]
    rtx = [pin(item) for item in sorted(resolved(RTX), key=lambda item: str(item["metadata"]["name"]))]
    for file, text in (("requirements-cuda.lock", lines), ("requirements-rtx.lock", rtx)):
        (ROOT / "installer" / file).write_text(HEAD + "".join(text), encoding="utf-8")
        print(f"{file}: {len(text)} packages")


if __name__ == "__main__":
    main()
