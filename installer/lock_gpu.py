"""Write the locks of both sets for NVIDIA GPUs again from the package index, without installing anything.

Usage:
    .venv/bin/python installer/lock_gpu.py

pip resolves each set. The sizes come from the wheels' tables of contents, of which pip reads only the ends.
PyTorch's CUDA build requires exact versions of the CUDA libraries, so ONNX Runtime gets the same versions.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from pip._internal.network.lazy_wheel import LazyZipOverHTTP
from pip._internal.network.session import PipSession
from steps.lockfile import read

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# Written by installer/lock_gpu.py; do not edit by hand. Sizes in bytes, as the index reports them.\n"

RTX = (
    "onnxruntime-ep-nv-tensorrt-rtx-cu13==0.5.*",
    "tensorrt-rtx-cu13-bindings==1.7.*",
    "tensorrt-rtx-cu13-libs==1.7.*",
)
ONNXRUNTIME = "onnxruntime-gpu[cuda,cudnn]==1.31.*"
TORCH = "torch==2.13.0"
LINUX = ' ; sys_platform == "linux"'


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
    with LazyZipOverHTTP(url, PipSession()) as file, zipfile.ZipFile(file) as wheel:
        return file.seek(0, os.SEEK_END), sum(entry.file_size for entry in wheel.infolist())


def main() -> None:
    """Write both locks."""
    base = {pin.name for pin in read([ROOT / "installer" / "requirements.lock"])}
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
