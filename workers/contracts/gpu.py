"""What is known of NVIDIA GPUs, and what the GPU doctor found: facts as codes, words beside them for people."""

from collections.abc import Iterable
from typing import Literal

from workers.contracts.base import Frozen
from workers.contracts.process.messages import Card

OLDEST_CUDA = (13, 0)
OLDEST_DRIVER = 580
"""The libraries are built for CUDA 13, which drivers of this release and later run (CUDA Toolkit, release notes, table
of minimum driver versions)."""

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
"""Why no GPU can be used; "" where one can. `container`: the computer's driver is not handed in; `restart`: the
driver's parts are of different versions; `silent`: it does not answer; `no_start`: cards answer, and CUDA does not
start on them."""


InstallSet = Literal["none", "rtx", "cuda"]
"""Which packages for a GPU are installed beside the base, or fit a card (installer/steps/sets.py decides alike)."""


OLDEST_CAPABILITY = (7, 5)
RTX_CAPABILITIES = ((8, 6), (8, 9))
RTX_FROM = (12, 0)


def fitting_set(compute_capability: str) -> InstallSet:
    """For a card of this capability, such as "8.9". TensorRT for RTX supports GeForce RTX 30 (8.6), 40 (8.9), 50 (12.0)
    and their kin (its support matrix); CUDA 13 supports 7.5 and later (its release notes)."""
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
"""Bits of nvmlDeviceGetCurrentClocksEventReasons that slow work down (nvml.h, nvmlClocksEventReason*); idle (1), chosen
clocks (2), sync boost (16) and display clocks (256) do not."""


SLOW_DOWN_WORDS = {
    "power_cap": "it reached its power limit",
    "hardware_slowdown": "its own protection against heat or too little power",
    "software_thermal": "heat",
    "hardware_thermal": "heat",
    "power_brake": "too little power from outside",
}


def slow_down_words(reasons: Iterable[str]) -> str:
    """Why it slows down, each reason once: "heat and too little power from outside"; "" for none."""
    return " and ".join(dict.fromkeys(SLOW_DOWN_WORDS.get(reason, reason) for reason in reasons))


def slow_downs(mask: int) -> tuple[str, ...]:
    """What slows the card down now, by name."""
    return tuple(name for bit, name in SLOW_DOWN_REASONS.items() if mask & bit)


class GpuCard(Frozen):
    """One NVIDIA GPU as NVML tells it. `compute_capability` is e.g. "9.0"; what it does not tell is 0 or empty.

    `index` is its place by PCI address, as in ``cuda:1``; `uuid` is the same everywhere. `is_divided`: MIG is on.
    `is_lost`: it fell off the bus, or its driver gave it up.
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
        """For the limits of a job that shall see this card alone."""
        return Card(uuid=self.uuid, index=self.index)


class GpuState(Frozen):
    """Whether GPUs can be used here. `found` and `reason` are sentences, `hint` the one thing to do; `command` is a
    line to copy that does it, where there is one."""

    trouble: GpuTrouble = ""
    found: str = ""
    reason: str = ""
    hint: str = ""
    command: str = ""


class RungListing(Frozen):
    """One rung of the ladder: what is tried of it needs that the rungs `needs` hold. `per_card`: on each card anew."""

    id: str
    title: str
    needs: tuple[str, ...] = ()
    per_card: bool = True


class RungsParams(Frozen):
    """kind ``gpu_rungs``: which cards and which rungs there are."""


class RungsResult(Frozen):
    """`free_bytes` is what is free on each card now, by its UUID; a card that does not tell is not in it. `index` is
    the place of the card that jobs work on."""

    state: GpuState
    cards: tuple[GpuCard, ...]
    rungs: tuple[RungListing, ...]
    free_bytes: dict[str, int] = {}
    index: int = 0


class RungParams(Frozen):
    """kind ``gpu_rung``: try one rung, on one card where it is about one. None: there is no card that answers."""

    rung: str
    card: GpuCard | None = None


class RungResult(Frozen):
    """`ok` is None where the rung is about something that need not be here. `found` says what was seen, `reason` why it
    does not hold, `hint` the one thing that mends it, `command` a line to copy for that. `code` is for programs.
    `installs`: the installer mends it by taking that set of packages."""

    ok: bool | None
    found: str = ""
    code: str = ""
    reason: str = ""
    hint: str = ""
    command: str = ""
    installs: InstallSet | None = None


NOT_TRIED, NO_CARD = "not_tried", "no_card"
RungState = Literal["ok", "broken", "not_tried"]


class TriedRung(RungResult):
    """The result of one rung on one card. `card` is the card's UUID, None for a rung of the whole computer."""

    id: str
    title: str
    card: str | None = None
    ok: bool

    @property
    def state(self) -> RungState:
        """Return whether it holds; without a card nothing could be tried."""
        return "ok" if self.ok else "not_tried" if self.code in (NOT_TRIED, NO_CARD) else "broken"
