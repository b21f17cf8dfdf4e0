"""Check that CUDA starts and provides a context with memory on the card."""

from contextlib import closing

from workers.contracts.gpu import OLDEST_DRIVER, GpuCard, RungResult
from workers.contracts.translation import _, mark
from workers.infer.cuda_driver import NO_DEVICE, NO_FUNCTION, Buffer, CudaError, Driver, Library
from workers.infer.cuda_words import MEANINGS
from workers.measure.ladder.rung import Rung, broken, holds

TRIAL_BYTES = 1 << 20

NEWER = mark("Install NVIDIA's driver {0} or newer, then restart.")
REPAIRS: dict[int, tuple[str, str]] = {
    2: (mark("Close programs that use the card, then check again."), "nvidia-smi"),
    35: (NEWER, ""),
    36: (NEWER, ""),
    46: (mark("Allow several programs to use the card."), "sudo nvidia-smi -c 0"),
    100: (mark("Check that CUDA_VISIBLE_DEVICES does not hide the card, and that a container may use it."),
          "nvidia-smi -L"),
    304: (mark("Let the driver create its device files, then check again."), "sudo nvidia-modprobe -u -c=0"),
    802: (mark("Start the service of the card's fabric."), "sudo systemctl start nvidia-fabricmanager"),
    803: (mark("Restart the computer."), ""),
    804: (NEWER, ""),
    999: (mark("Reload the driver's memory module, which may hang after standby, or restart the computer."),
          "sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm"),
}  # fmt: skip
"""The repair of each CUresult as a sentence and a command."""

UNKNOWN, USUAL_MEND = mark("an unknown error"), (mark("Restart the computer, then check again."), "")


def failed(error: CudaError) -> RungResult:
    """Return the failure of a driver call in words."""
    if error.code == NO_FUNCTION:
        return broken(
            "old_driver", "", _("The driver has no {0}.").format(error.function), _(NEWER).format(OLDEST_DRIVER)
        )
    hint, command = REPAIRS.get(error.code, USUAL_MEND)
    return broken(
        f"cuda_{error.code}",
        _("{0} was refused.").format(error.function),
        _("{0:capital} (CUDA error {1}).").format(_(MEANINGS.get(error.code, UNKNOWN)), error.code),
        _(hint).format(OLDEST_DRIVER),
        command,
    )


def start_cuda() -> RungResult:
    """Check that cuInit works in this process and sees a card."""
    try:
        count = Library().start()
    except OSError as error:
        return broken(
            "no_driver",
            "No CUDA library of the driver.",
            _("It cannot be loaded: {0}.").format(error),
            _(NEWER).format(OLDEST_DRIVER),
        )
    except CudaError as error:
        return failed(error)
    if count == 0:
        return failed(CudaError("cuDeviceGetCount", NO_DEVICE))
    return holds(mark("CUDA starts and sees the card."))


def _context(card: GpuCard | None) -> RungResult:
    """Check that a context and some memory can be created, on the intended card."""
    try:
        with closing(Driver()) as driver:
            trial = Buffer(driver)
            trial.hold(TRIAL_BYTES)
            uuid, (free, total) = driver.uuid(), driver.memory()
            trial.free()
    except CudaError as error:
        return failed(error)
    if card is not None and card.uuid and uuid != card.uuid and not card.is_divided:
        reason = _("CUDA's first card is {0}, but {1} was requested.").format(uuid, card.uuid)
        return broken("other_card", "Another card.", reason, "Report this with the lines above.")
    return holds(_("{0:.1f} of {1:.1f} GiB are free.").format(free / 2**30, total / 2**30))


RUNGS = (
    Rung("cuda-start", "CUDA starts (cuInit)", 30, lambda _card: start_cuda(), needs=("driver",)),
    Rung("context", "Memory on the card", 40, _context, needs=("cuda-start",)),
)
