"""Find out whether NVIDIA GPUs can be used on this computer and, if not, why and what to do.

All parts of Fettle use this module for that. Sources: NVML API reference (nvmlReturn_t), CUDA compatibility guide
(minimum drivers), PCI ID of NVIDIA 0x10de.
"""

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from workers.contracts.gpu import OLDEST_CUDA, OLDEST_DRIVER, GpuCard, GpuState, GpuTrouble
from workers.contracts.translation import _, joined, mark, ngettext
from workers.measure.gpu import NO_LIBRARY, GpuLostError, GpuReader, Gpus, open_gpus

NVIDIA, DISPLAY = "0x10de", "0x03"
PCI = Path("/sys/bus/pci/devices")
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))

NOT_LOADED, NO_PERMISSION, MISMATCH = 9, 4, 18

INSTALL = mark("Install NVIDIA's driver {0} or newer (from your system's settings or nvidia.com), then restart.")
IN_CONTAINER = "docker run --gpus all …"
LOST = mark("{0} is lost: it fell off the bus, or its driver gave it up.")
LOST_HINT = mark("Restart the computer. If this happens again, check the card's power supply and its slot.")


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
    with contextlib.closing(open_gpus()) as opened:
        cards = [_card(reader) for reader in opened.readers]
        return state_of(opened, cards), cards


def state_of(
    opened: Gpus, cards: list[GpuCard], *, plugged: int | None = None, container: bool | None = None
) -> GpuState:
    """Interpret NVML's result; `plugged` and `container` are detected unless they are given."""
    plugged = pci_cards() if plugged is None else plugged
    container = in_container() if container is None else container
    if opened.code is not None:
        return _no_answer(opened, plugged, container)
    if not cards:
        found, reason = (
            mark("A driver without a GPU."),
            joined(opened.problems) or mark("The driver works and lists no card."),
        )
        if container:
            return _trouble("no_device", found, reason, "Start the container with access to the card.", IN_CONTAINER)
        hint = mark(
            "Check that the card is plugged in and has power, and that your account may use it. Until then, the "
            "processor does the work."
        )
        return _trouble("no_device", found, reason, hint)
    if opened.cuda is not None and opened.cuda < OLDEST_CUDA:
        found = _("The driver {0} runs CUDA up to {1}.{2}.").format(cards[0].driver, opened.cuda[0], opened.cuda[1])
        reason = _("Fettle needs at least driver {0} (CUDA {1}.{2}).").format(
            OLDEST_DRIVER, OLDEST_CUDA[0], OLDEST_CUDA[1]
        )
        return _trouble("old_driver", found, reason, _(INSTALL).format(OLDEST_DRIVER))
    found = ngettext("Driver {0}, 1 GPU.", "Driver {0}, {1} GPUs.", len(cards)).format(cards[0].driver, len(cards))
    return GpuState(found=found)


def _trouble(code: GpuTrouble, found: str, reason: str, hint: str, command: str = "") -> GpuState:
    return GpuState(trouble=code, found=found, reason=reason, hint=hint, command=command)


def _no_answer(opened: Gpus, plugged: int, container: bool) -> GpuState:
    """Return the state for the case that NVML did not start."""
    if opened.code == NO_LIBRARY:
        if not plugged:
            reason = mark("This computer has no NVIDIA card with a driver.")
            hint = "You need not do anything: this computer's processor does the work."
            return _trouble("no_card", "No NVIDIA GPU.", reason, hint)
        if container:
            reason = mark("This container has no access to the computer's driver.")
            hint = mark("Start the container with the GPU (NVIDIA Container Toolkit).")
            return _trouble("container", "No driver in this container.", reason, hint, IN_CONTAINER)
        command = "sudo ubuntu-drivers install" if shutil.which("ubuntu-drivers") else ""
        reason = mark("This computer has an NVIDIA card, and no driver for it.")
        return _trouble("no_driver", "No NVIDIA driver.", reason, _(INSTALL).format(OLDEST_DRIVER), command)
    if opened.code == NOT_LOADED:
        hint = mark(
            "Restart the computer. If that does not help, reinstall the driver (Secure Boot may refuse to load it)."
        )
        reason = mark("The driver is installed, but the system has not loaded it.")
        command = "sudo modprobe nvidia" if sys.platform == "linux" else ""
        return _trouble("not_loaded", "A driver that is not loaded.", reason, hint, command)
    if opened.code == MISMATCH:
        reason = mark("The driver was updated, and the old version is still running.")
        return _trouble("restart", "Two versions of the driver.", reason, "Restart the computer.")
    if opened.code == NO_PERMISSION:
        found, reason = (
            mark("A driver that refuses this account."),
            mark("Your account may not use the GPU's device files."),
        )
        hint = mark("Add your account to the group that owns them, then log in again.")
        return _trouble("no_permission", found, reason, hint, "sudo usermod -aG video,render $USER")
    reason = opened.problems[0] if opened.problems else mark("The NVIDIA driver does not respond.")
    return _trouble("silent", "A driver that does not respond.", reason, "Restart the computer.")


def _card(reader: GpuReader) -> GpuCard:
    nvml, handle = reader.nvml, reader.handle
    facts: dict[str, Callable[[], object]] = {
        "memory_bytes": lambda: int(nvml.nvmlDeviceGetMemoryInfo(handle).total),
        "driver": lambda: str(nvml.nvmlSystemGetDriverVersion()),
        "compute_capability": lambda: "{}.{}".format(*nvml.nvmlDeviceGetCudaComputeCapability(handle)),
        "uuid": lambda: str(nvml.nvmlDeviceGetUUID(handle)),
        "is_divided": lambda: bool(nvml.nvmlDeviceGetMigMode(handle)[0]),
    }
    known: dict[str, object] = {"index": reader.index, "name": reader.name}
    for name, fact in facts.items():
        with contextlib.suppress(nvml.NVMLError):
            known[name] = fact()
    try:
        reader.read_one("load_pct")
    except GpuLostError:
        known["is_lost"] = True
    return GpuCard.model_validate(known)


def free_bytes(cards: Iterable[GpuCard]) -> dict[str, int]:
    """Return the free bytes of each card by its UUID: all memory without the used and the reserved part."""
    found = {}
    with contextlib.closing(open_gpus()) as opened:
        for card in cards:
            reader = opened.reader(card.index)
            if reader is None or not card.uuid:
                continue
            with contextlib.suppress(GpuLostError):
                used, reserved = reader.read_one("memory_bytes"), reader.read_one("reserved_bytes") or 0.0
                if used is not None and card.memory_bytes:
                    found[card.uuid] = max(0, int(card.memory_bytes - used - reserved))
    return found
