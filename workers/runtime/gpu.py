"""What a worker for NVIDIA GPUs needs of its environment and of the system before its walls are up."""

import os
import shutil
import subprocess
import sys
from collections.abc import MutableMapping
from pathlib import Path

from workers.contracts.process.messages import Card

DEVICE_VARIABLE, CACHE_VARIABLE = "FETTLE_DEVICE", "FETTLE_ENGINE_CACHE"
"""As `workers.infer` reads them, which is not imported here: numpy starts threads that would stay outside the walls."""

CUDA_CACHE = "CUDA_CACHE_PATH"
"""The driver's own folder of compiled kernels (CUDA Programming Guide, environment variables)."""

DRIVER = Path("/proc/driver/nvidia/version")
UVM = Path("/dev/nvidia-uvm")
MODPROBE = "nvidia-modprobe"
MODPROBE_PLACES = os.pathsep.join(("/usr/bin", "/usr/sbin", "/bin", "/sbin"))
MODPROBE_WAIT_S = 20.0


def prepare(environ: MutableMapping[str, str], *, card: Card | None, cache: str) -> None:
    """Variables of CUDA, and the device file that only a program outside the walls can make."""
    choose_card(environ, card)
    if cache:
        keep_caches(environ, Path(cache))
    make_uvm_node()


def choose_card(environ: MutableMapping[str, str], card: Card | None) -> None:
    """Let CUDA see `card` alone, as its device 0; without one all cards, in the order of NVML.

    CUDA's own order is by speed (CUDA Programming Guide, CUDA_DEVICE_ORDER), so that "device 1" would be another one.
    """
    environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if card is not None:
        environ["CUDA_VISIBLE_DEVICES"] = card.uuid
        environ[DEVICE_VARIABLE] = f"cuda:{card.index}"


def keep_caches(environ: MutableMapping[str, str], cache: Path) -> None:
    """What is compiled for a card outlives the job, although its home folder does not."""
    for name, folder in ((CUDA_CACHE, cache / "cuda"), (CACHE_VARIABLE, cache / "engines")):
        folder.mkdir(parents=True, exist_ok=True)
        environ[name] = str(folder)


def make_uvm_node(driver: Path = DRIVER, uvm: Path = UVM) -> bool:
    """Whether /dev/nvidia-uvm is there, which cuInit needs: until something used CUDA since the start it may not be.

    libcuda would start the setuid nvidia-modprobe for it, and may not behind the walls. Nothing of strangers has been
    opened by then.
    """
    if sys.platform != "linux" or uvm.exists() or not driver.exists():
        return uvm.exists()
    program = shutil.which(MODPROBE) or shutil.which(MODPROBE, path=MODPROBE_PLACES)
    if program is not None:
        command = [program, "-u", "-c=0"]
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=MODPROBE_WAIT_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return uvm.exists()
