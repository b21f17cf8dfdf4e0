"""Find out whether NVIDIA GPUs can be used on this computer and, if not, why and what to do.

All parts of Fettle use this module for that. Sources: NVML API reference (nvmlReturn_t), CUDA compatibility guide
(minimum drivers), PCI ID of NVIDIA 0x10de.
"""

import contextlib
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from workers.contracts.gpu import OLDEST_CUDA, OLDEST_DRIVER, GpuCard, GpuState
from workers.measure.gpu import GpuLostError, Gpus, open_gpus

NVIDIA, DISPLAY = "0x10de", "0x03"
PCI = Path("/sys/bus/pci/devices")
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))

NOT_LOADED, NO_PERMISSION, NOT_FOUND_LIBRARY, MISMATCH = 9, 4, 12, 18

INSTALL = "Install NVIDIA's driver {0} or newer (your system's driver settings or nvidia.com have it), then restart."
IN_CONTAINER = "docker run --gpus all …"
LOST = "{0} is lost: it fell off the bus, or its driver gave it up."
LOST_HINT = "Restart the computer. If it comes again, check its power and its seat."
USES_PROCESSOR = "The processor does the work meanwhile."


def pci_cards(folder: Path = PCI) -> int:
    """Return the number of NVIDIA display adapters, with or without a driver; 0 where the system does not list them."""
    count = 0
    with contextlib.suppress(OSError):
        for device in folder.iterdir():
            with contextlib.suppress(OSError):
                vendor = (device / "vendor").read_text(encoding="ascii").strip()
                kind = (device / "class").read_text(encoding="ascii").strip()
                count += vendor == NVIDIA and kind.startswith(DISPLAY)
    return count


def in_container() -> bool:
    """Return whether Docker or Podman left its mark in this system."""
    return any(mark.exists() for mark in CONTAINER_MARKS)


def look() -> tuple[GpuState, list[GpuCard]]:
    """Return the state and the cards that respond."""
    opened = open_gpus()
    try:
        cards = [_card(opened, place) for place in range(len(opened.readers))]
        return state_of(opened, cards), cards
    finally:
        opened.close()


def state_of(
    opened: Gpus, cards: list[GpuCard], *, plugged: int | None = None, container: bool | None = None
) -> GpuState:
    """Interpret NVML's result; `plugged` and `container` are detected unless they are given."""
    plugged = pci_cards() if plugged is None else plugged
    container = in_container() if container is None else container
    if opened.code is not None:
        return _no_answer(opened, plugged, container)
    if not cards:
        reason = "; ".join(opened.problems) or "The driver is there and lists no card."
        hint = "Check that the card is plugged in and has power, and that this account may use it. " + USES_PROCESSOR
        if container:
            hint = "Start the container with the card handed in."
        return GpuState(trouble="no_device", found="A driver without a GPU.", reason=reason, hint=hint,
                        command=IN_CONTAINER if container else "")  # fmt: skip
    if opened.cuda is not None and opened.cuda < OLDEST_CUDA:
        told = f"The driver {cards[0].driver} runs CUDA up to {opened.cuda[0]}.{opened.cuda[1]}."
        reason = f"At least driver {OLDEST_DRIVER} (CUDA {OLDEST_CUDA[0]}.{OLDEST_CUDA[1]}) is needed."
        return GpuState(trouble="old_driver", found=told, reason=reason, hint=INSTALL.format(OLDEST_DRIVER))
    return GpuState(found=f"Driver {cards[0].driver}, {'1 GPU' if len(cards) == 1 else f'{len(cards)} GPUs'}.")


def _no_answer(opened: Gpus, plugged: int, container: bool) -> GpuState:
    """Return the state for the case that NVML did not start."""
    if opened.code == NOT_FOUND_LIBRARY:
        if container and plugged:
            reason = "This is a container, and the computer's driver is not handed in to it."
            hint = "Start the container with the GPU (NVIDIA Container Toolkit)."
            return GpuState(trouble="container", found="No driver in this container.", reason=reason, hint=hint,
                            command=IN_CONTAINER)  # fmt: skip
        if plugged:
            reason = "There is an NVIDIA card in this computer, and no driver for it."
            command = "sudo ubuntu-drivers install" if shutil.which("ubuntu-drivers") else ""
            return GpuState(trouble="no_driver", found="No NVIDIA driver.", reason=reason,
                            hint=INSTALL.format(OLDEST_DRIVER), command=command)  # fmt: skip
        reason = "No NVIDIA card with a driver was found in this computer."
        return GpuState(trouble="no_card", found="No NVIDIA GPU.", reason=reason,
                        hint="Nothing needs to be done: this computer's processor does the work.")  # fmt: skip
    if opened.code == NOT_LOADED:
        reason = "The driver is installed and its part in the system is not loaded."
        hint = "Restart the computer. If it stays so, install the driver anew (Secure Boot may refuse to load it)."
        return GpuState(trouble="not_loaded", found="A driver that is not loaded.", reason=reason, hint=hint,
                        command="sudo modprobe nvidia" if sys.platform == "linux" else "")  # fmt: skip
    if opened.code == MISMATCH:
        reason = "The driver was updated, and the old one is still running."
        return GpuState(
            trouble="restart", found="Two versions of the driver.", reason=reason, hint="Restart the computer."
        )
    if opened.code == NO_PERMISSION:
        reason = "This account may not use the GPU's device files."
        return GpuState(trouble="no_permission", found="A driver that refuses this account.", reason=reason,
                        hint="Add the account to the group that owns them, then log in anew.",
                        command="sudo usermod -aG video,render $USER")  # fmt: skip
    said = opened.problems[0] if opened.problems else "The NVIDIA driver does not answer."
    return GpuState(trouble="silent", found="A driver that does not answer.", reason=said, hint="Restart the computer.")


def _card(opened: Gpus, place: int) -> GpuCard:
    reader = opened.readers[place]
    nvml, handle = reader.nvml, reader.handle
    told: dict[str, object] = {}
    with contextlib.suppress(nvml.NVMLError):
        told["memory_bytes"] = int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
    with contextlib.suppress(nvml.NVMLError):
        told["driver"] = str(nvml.nvmlSystemGetDriverVersion())
    with contextlib.suppress(nvml.NVMLError):
        told["compute_capability"] = "{}.{}".format(*nvml.nvmlDeviceGetCudaComputeCapability(handle))
    with contextlib.suppress(nvml.NVMLError):
        told["uuid"] = str(nvml.nvmlDeviceGetUUID(handle))
    with contextlib.suppress(nvml.NVMLError):
        told["is_divided"] = bool(nvml.nvmlDeviceGetMigMode(handle)[0])
    try:
        reader.read_one("load_pct")
    except GpuLostError:
        told["is_lost"] = True
    return GpuCard.model_validate({"index": reader.index, "name": reader.name, **told})


def free_bytes(cards: Iterable[GpuCard]) -> dict[str, int]:
    """Return the free bytes of each card by its UUID: all memory less what is used and what the driver reserves."""
    opened = open_gpus()
    found = {}
    try:
        for card in cards:
            reader = opened.reader(card.index)
            if reader is None or not card.uuid:
                continue
            with contextlib.suppress(GpuLostError):
                used, kept = reader.read_one("memory_bytes"), reader.read_one("reserved_bytes") or 0.0
                if used is not None and card.memory_bytes:
                    found[card.uuid] = max(0, int(card.memory_bytes - used - kept))
    finally:
        opened.close()
    return found
