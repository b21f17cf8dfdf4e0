"""Writes the locks of the two sets for NVIDIA GPUs anew, from what the package index offers; nothing is installed.

    .venv/bin/python installer/lock_gpu.py

pip resolves each set; sizes come from the wheels' own tables of contents, of which only the ends are read. PyTorch's
build for CUDA names exact CUDA libraries, so that ONNX Runtime takes the same ones.
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
    """A file on a server, of which only what is read is fetched."""

    def __init__(self, url: str) -> None:
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
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = offset + (0, self._place, self.size)[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else min(self.size, self._place + size)
        if self._place >= self._tail_from:
            data = self._tail[self._place - self._tail_from : end - self._tail_from]
        else:
            data = self._fetch(self._place, end)
        self._place += len(data)
        return data


def resolved(requirements: Iterable[str], constraints: Iterable[str] = ()) -> list[dict[str, Any]]:
    """What pip would install of `requirements` into nothing, by its report."""
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
    return {canonicalize_name(item["metadata"]["name"]) for item in items}


def pin(item: dict[str, Any], marker: str = "") -> str:
    """One line of a lock."""
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
