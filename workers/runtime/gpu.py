"""Prepare the environment and the system for a worker that uses NVIDIA GPUs, before its sandbox is active."""

import os
import shutil
import subprocess
import sys
from collections.abc import MutableMapping
from pathlib import Path

from workers.contracts.optional_sets import card_sets, lead_to_card_sets
from workers.contracts.process.messages import Card

DEVICE_VARIABLE, CACHE_VARIABLE = "FETTLE_DEVICE", "FETTLE_ENGINE_CACHE"
"""Variables that `workers.infer` reads.

They are repeated here because importing that package starts threads of numpy, which would stay outside the sandbox.
"""

CUDA_CACHE = "CUDA_CACHE_PATH"
"""Variable for the driver's folder of compiled kernels (CUDA Programming Guide, environment variables)."""

DRIVER = Path("/proc/driver/nvidia/version")
UVM = Path("/dev/nvidia-uvm")
MODPROBE = "nvidia-modprobe"
MODPROBE_PLACES = os.pathsep.join(("/usr/bin", "/usr/sbin", "/bin", "/sbin"))
MODPROBE_WAIT_S = 20.0


def prepare(environ: MutableMapping[str, str], *, card: Card | None, cache: str) -> None:
    """Set the import path and the variables of CUDA; create the device file that only a program outside can create."""
    lead_to_card_sets(environ)
    sys.path[:0] = card_sets()
    choose_card(environ, card)
    if cache:
        persist_caches(environ, Path(cache))
    make_uvm_node()


def choose_card(environ: MutableMapping[str, str], card: Card | None) -> None:
    """Let CUDA see only `card`, as its device 0; without `card` all cards, in the order of NVML.

    CUDA sorts cards by speed (CUDA Programming Guide, CUDA_DEVICE_ORDER), so its "device 1" may be a different card.
    """
    environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if card is not None:
        environ["CUDA_VISIBLE_DEVICES"] = card.uuid
        environ[DEVICE_VARIABLE] = f"cuda:{card.index}"


def persist_caches(environ: MutableMapping[str, str], cache: Path) -> None:
    """Put compiled kernels and engines into `cache`, which outlives the job; its home folder does not."""
    for name, folder in ((CUDA_CACHE, cache / "cuda"), (CACHE_VARIABLE, cache / "engines")):
        folder.mkdir(parents=True, exist_ok=True)
        environ[name] = str(folder)


def make_uvm_node(driver: Path = DRIVER, uvm: Path = UVM) -> bool:
    """Create /dev/nvidia-uvm if needed; return whether it exists.

    cuInit needs this file, which is missing until the first use of CUDA after a system start. libcuda would create it
    with the setuid program nvidia-modprobe, which the sandbox forbids. No file of other people is open at this point.
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
