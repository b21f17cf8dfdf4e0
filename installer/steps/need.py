"""Compute the cost of an installation, which is shown before it starts."""

from dataclasses import dataclass

from steps.lockfile import Pin, normalized
from steps.pip import Item
from steps.words import size

# PyTorch's build for NVIDIA GPUs on Linux brings the CUDA libraries: 3 GB to download, 7 GB on disk.
CUDA_DOWNLOAD_BYTES = 3_000_000_000
CUDA_INSTALLED_BYTES = 7_000_000_000


@dataclass(frozen=True)
class Need:
    """Totals of the packages that pip will install; the sizes were measured for the lock and are approximate."""

    packages: int
    download_bytes: int
    installed_bytes: int
    from_disk: int
    cuda: bool

    def lines(self, takes_cuda: bool) -> list[str]:
        """Return sentences for the user about the cost; `takes_cuda` says that the CUDA build was chosen."""
        lying = f" {self.from_disk} of the packages lie on this computer already." if self.from_disk else ""
        packages = "1 package" if self.packages == 1 else f"{self.packages} packages"
        report = [
            f"To install: {packages}, about {size(self.download_bytes)} to download and "
            f"{size(self.installed_bytes)} on disk.{lying}"
        ]
        if self.cuda:
            report.append("PyTorch comes in its build for NVIDIA GPUs, which is about 3 GB of it.")
        if self.cuda and not takes_cuda:
            report.append("pip offers no smaller build for this system. If a folder holds one for the processor alone,")
            report.append("stop now (Ctrl+C), set PIP_FIND_LINKS to that folder, and run the same command again.")
        report.append("You may stop at any time (Ctrl+C); the same command goes on where it was.")
        return report


def weigh(items: list[Item], pins: list[Pin]) -> Need:
    """Return the totals of pip's plan, with the sizes in the lock."""
    known = {pin.name: pin for pin in pins}
    download = installed = 0
    for item in items:
        pin = known.get(normalized(item.name))
        if pin is not None:
            installed += pin.installed_bytes
            download += 0 if item.local_bytes is not None else pin.download_bytes
    cuda = any(_is_cuda_library(item.name) and normalized(item.name) not in known for item in items)
    return Need(
        packages=len(items),
        download_bytes=download + (CUDA_DOWNLOAD_BYTES if cuda else 0),
        installed_bytes=installed + (CUDA_INSTALLED_BYTES if cuda else 0),
        from_disk=sum(item.local_bytes is not None for item in items),
        cuda=cuda,
    )


def _is_cuda_library(name: str) -> bool:
    """Return whether a package is an NVIDIA library of PyTorch's CUDA build; nvidia-ml-py only reads telemetry."""
    plain = normalized(name)
    return plain.startswith(("nvidia-", "cuda-")) and plain != "nvidia-ml-py"
