"""Compute the cost of an installation, which is shown before it starts."""

from steps.lockfile import Pin
from steps.words import size

# PyTorch's build for NVIDIA GPUs on Linux brings the CUDA libraries: 3 GB to download, 7 GB on disk.
CUDA_DOWNLOAD_BYTES = 3_000_000_000
CUDA_INSTALLED_BYTES = 7_000_000_000


def cost_of(plan: list[Pin], pins: list[Pin], takes_cuda: bool) -> tuple[int, list[str]]:
    """Return the bytes on disk of what pip will install, and sentences for the user about the cost.

    The sizes in the lock are approximate. `takes_cuda` says that the CUDA build was chosen.
    """
    known = {pin.name: pin for pin in pins}
    sized = [(pin.is_local, known[pin.name]) for pin in plan if pin.name in known]
    installed = sum(pin.installed_bytes for _is_local, pin in sized)
    download = sum(pin.download_bytes for is_local, pin in sized if not is_local)
    has_cuda = any(_is_cuda_library(pin.name) and pin.name not in known for pin in plan)
    if has_cuda:
        installed, download = installed + CUDA_INSTALLED_BYTES, download + CUDA_DOWNLOAD_BYTES
    n_local = sum(pin.is_local for pin in plan)
    lying = f" {n_local} of the packages lie on this computer already." if n_local else ""
    packages = "1 package" if len(plan) == 1 else f"{len(plan)} packages"
    lines = [f"To install: {packages}, about {size(download)} to download and {size(installed)} on disk.{lying}"]
    if has_cuda:
        lines.append("PyTorch comes in its build for NVIDIA GPUs, which is about 3 GB of it.")
    if has_cuda and not takes_cuda:
        lines.append("pip offers no smaller build for this system. If a folder holds one for the processor alone,")
        lines.append("stop now (Ctrl+C), set PIP_FIND_LINKS to that folder, and run the same command again.")
    return installed, [*lines, "You may stop at any time (Ctrl+C); the same command goes on where it was."]


def _is_cuda_library(name: str) -> bool:
    """Return whether a package is an NVIDIA library of PyTorch's CUDA build; nvidia-ml-py only reads telemetry."""
    return name.startswith(("nvidia-", "cuda-")) and name != "nvidia-ml-py"
