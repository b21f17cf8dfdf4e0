"""Check the device files and the driver that responds through them."""

import os
import stat
import sys
from pathlib import Path

from workers.contracts.gpu import GpuCard, RungResult
from workers.contracts.translation import _, joined, mark, ngettext
from workers.measure.gpu_state import look
from workers.measure.ladder.rung import Rung, broken, holds

DEV = Path("/dev")
CONTROL = "nvidiactl"
NEEDED = (CONTROL, "nvidia-uvm")
WSL = "dxg"
MAKE = "sudo nvidia-modprobe -u -c=0"


def nodes(folder: Path = DEV) -> RungResult:
    """Check that the device files exist and that this account may open them inside the sandbox."""
    if sys.platform != "linux":
        return holds(mark("This system gives programs no device files of a GPU; none are needed."))
    if (folder / WSL).exists():
        return _openable([folder / WSL])
    cards = sorted(path for path in folder.glob("nvidia[0-9]*") if path.name[6:].isdigit())
    missing = [name for name in NEEDED if not (folder / name).exists()]
    if not cards and CONTROL in missing:
        state = look()[0]
        reason = state.reason or mark("The driver created no device files.")
        return broken(state.trouble or "no_nodes", mark("No device file of an NVIDIA GPU."), reason,
                      state.hint or "Restart the computer.", state.command)  # fmt: skip
    if missing:
        reason = _("/dev/{0} is not there, which CUDA needs.").format(missing[0])
        return broken(
            "no_uvm",
            ngettext("{0} device file of cards.", "{0} device files of cards.", len(cards)).format(len(cards)),
            reason,
            "Let the driver create it.",
            MAKE,
        )
    return _openable([*cards, *(folder / name for name in NEEDED)])


def _openable(places: list[Path]) -> RungResult:
    report = ", ".join(str(place) for place in places)
    for place in places:
        try:
            os.close(os.open(place, os.O_RDWR))
        except PermissionError:
            reason = _("Your account may not open {0} (mode {1}).").format(place, stat.filemode(place.stat().st_mode))
            return broken("no_permission", report, reason, "Add your account to its group, then log in again.",
                          "sudo usermod -aG video,render $USER")  # fmt: skip
        except OSError as error:
            reason = _("{0} cannot be opened: {1}.").format(place, error.strerror or error)
            return broken("no_node", report, reason, "Restart the computer.")
    return holds(report)


def _driver(_card: GpuCard | None) -> RungResult:
    """Check that NVML starts, lists cards, and is new enough."""
    state, cards = look()
    if state.trouble:
        return broken(state.trouble, state.found, state.reason, state.hint, state.command)
    divided = [card.name for card in cards if card.is_divided]
    note = _("{0}: divided (MIG), CUDA uses the first part.").format(", ".join(divided)) if divided else ""
    lost = [card.name for card in cards if card.is_lost]
    return holds(joined([state.found, note, _("Lost: {0}.").format(", ".join(lost)) if lost else ""]))


RUNGS = (
    Rung("device-nodes", "Device files", 10, lambda _card: nodes(), per_card=False),
    Rung("driver", "NVIDIA driver", 20, _driver, per_card=False),
)
