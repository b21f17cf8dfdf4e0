"""Contracts about NVIDIA GPUs and the GPU doctor: facts as codes, with words for the user."""

from collections.abc import Iterable
from typing import Literal

from workers.contracts.base import Frozen
from workers.contracts.process.messages import Card
from workers.contracts.text import Text
from workers.contracts.translation import _, joined, mark

OLDEST_CUDA = (13, 0)
OLDEST_DRIVER = 580
"""Oldest driver release that runs the libraries, which are built for CUDA 13.

Source: CUDA Toolkit, release notes, table of minimum driver versions.
"""

GpuTrouble = Literal[
    "",
    "no_card",
    "no_driver",
    "container",
    "not_loaded",
    "restart",
    "no_permission",
    "no_device",
    "old_driver",
    "silent",
    "no_start",
]
"""Reason why no GPU can be used; "" if one can.

`container`: the container has no access to the computer's driver. `restart`: the driver's parts have different
versions. `silent`: the driver does not respond. `no_start`: the cards respond, but CUDA does not start on them.
"""


InstallSet = Literal["none", "rtx", "cuda"]
"""GPU packages installed beside the base, or fitting a card (installer/steps/sets.py uses the same rule)."""


OLDEST_CAPABILITY = (7, 5)
RTX_CAPABILITIES = ((8, 6), (8, 9))
RTX_FROM = (12, 0)


def fitting_set(compute_capability: str) -> InstallSet:
    """Return the packages that fit a card of this compute capability, such as "8.9".

    TensorRT for RTX supports GeForce RTX 30 (8.6), 40 (8.9), 50 (12.0) and related cards (its support matrix). CUDA 13
    supports 7.5 and later (its release notes).
    """
    major, _, minor = compute_capability.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        return "cuda"
    capability = (int(major), int(minor))
    if capability in RTX_CAPABILITIES or capability >= RTX_FROM:
        return "rtx"
    return "cuda" if capability >= OLDEST_CAPABILITY else "none"


SLOW_DOWN_REASONS = {
    0x0000000000000004: "power_cap",
    0x0000000000000008: "hardware_slowdown",
    0x0000000000000020: "software_thermal",
    0x0000000000000040: "hardware_thermal",
    0x0000000000000080: "power_brake",
}
"""Bits of nvmlDeviceGetCurrentClocksEventReasons that slow work down (nvml.h, nvmlClocksEventReason*).

Idle (1), chosen clocks (2), sync boost (16) and display clocks (256) do not.
"""


SLOW_DOWN_WORDS = {
    "power_cap": mark("it reached its power limit"),
    "hardware_slowdown": mark("its own protection against heat or too little power"),
    "software_thermal": mark("heat"),
    "hardware_thermal": mark("heat"),
    "power_brake": mark("too little power from outside"),
}


def slow_down_words(reasons: Iterable[str]) -> str:
    """Return the reasons for a slow-down, each once: "heat and too little power from outside"; "" for none."""
    words = tuple(dict.fromkeys(SLOW_DOWN_WORDS.get(reason, reason) for reason in reasons))
    return _("{0} and {1}").format(*map(_, words)) if len(words) == 2 else joined(map(_, words), ", ")


def slow_downs(mask: int) -> tuple[str, ...]:
    """Return the names of the slow-down reasons in this bit mask."""
    return tuple(name for bit, name in SLOW_DOWN_REASONS.items() if mask & bit)


class GpuCard(Frozen):
    """One NVIDIA GPU as NVML reports it; values that NVML does not report are 0 or empty.

    Attributes:
        index: Position by PCI address, as in ``cuda:1``.
        uuid: Id that is the same in every order.
        compute_capability: For example "9.0".
        is_divided: MIG is on.
        is_lost: The GPU fell off the bus, or its driver gave it up.
    """

    index: int
    uuid: str = ""
    name: str
    memory_bytes: int = 0
    driver: str = ""
    compute_capability: str = ""
    is_divided: bool = False
    is_lost: bool = False

    @property
    def choice(self) -> Card:
        """Return this card for the limits of a job that sees only this card."""
        return Card(uuid=self.uuid, index=self.index)


class GpuState(Frozen):
    """Whether GPUs can be used on this computer.

    Attributes:
        found: Sentence about what was found.
        reason: Sentence about the cause of a trouble.
        hint: The one thing to do.
        command: Line to copy that does it, if there is one.
    """

    trouble: GpuTrouble = ""
    found: Text = ""
    reason: Text = ""
    hint: Text = ""
    command: str = ""


class RungListing(Frozen):
    """One rung of the ladder of GPU checks.

    Attributes:
        needs: Rungs that must hold before this one is tried.
        per_card: The rung is tried on each card.
    """

    id: str
    title: Text
    needs: tuple[str, ...] = ()
    per_card: bool = True


class RungsResult(Frozen):
    """Result of the kind ``gpu_rungs``.

    Attributes:
        free_bytes: Free memory of each card by its UUID; cards that do not report it are missing.
        index: Position of the card that jobs use.
    """

    state: GpuState
    cards: tuple[GpuCard, ...]
    rungs: tuple[RungListing, ...]
    free_bytes: dict[str, int] = {}
    index: int = 0


class RungParams(Frozen):
    """Parameters of the kind ``gpu_rung``: try one rung, on `card` if the rung is per card; None: no card responds."""

    rung: str
    card: GpuCard | None = None


class RungResult(Frozen):
    """Result of one rung.

    Attributes:
        ok: None if the rung is about something optional that is missing.
        found: What was observed.
        code: Result for programs.
        reason: Why the rung fails.
        hint: The one thing that repairs it.
        command: Line to copy that repairs it.
        installs: Set of packages with which the installer repairs it.
    """

    ok: bool | None
    found: Text = ""
    code: str = ""
    reason: Text = ""
    hint: Text = ""
    command: str = ""
    installs: InstallSet | None = None


NOT_TRIED, NO_CARD = "not_tried", "no_card"
RungState = Literal["ok", "broken", "not_tried"]


class TriedRung(RungResult):
    """Result of one rung on one card; `card` is the card's UUID, None for a rung of the whole computer."""

    id: str
    title: Text
    card: str | None = None
    ok: bool

    @property
    def state(self) -> RungState:
        """Return whether the rung holds; without a card no rung is tried."""
        return "ok" if self.ok else "not_tried" if self.code in (NOT_TRIED, NO_CARD) else "broken"
