"""Let one piece of work at a time use each GPU, across all programs of this account."""

import os
import tempfile
from pathlib import Path
from typing import Any

from app.filelock import try_lock, unlock
from app.services.flow.steps import AnyStep, DiskStep, JobStep, MeasureStep, limits_of_runtime
from workers.contracts.process.messages import Card
from workers.contracts.translation import mark

WAITING = mark("Waiting for the graphics card")


def works_on_gpu(step: AnyStep) -> bool:
    """Return whether a step fills a GPU of this computer; listing GPUs does not."""
    if not isinstance(step, DiskStep) and step.computer:
        return False
    if isinstance(step, JobStep):
        return step.limits.gpu and not step.shares_card
    if isinstance(step, MeasureStep):
        given = [variant.params for variant in step.variants]
        return any(limits_of_runtime(params.runtime, params.settings).gpu for params in given)
    return False


def device_of(step: JobStep[Any] | MeasureStep, chosen: Card | None) -> str:
    """Return where a step runs: "cpu", "cuda:" with the index of its card (else of the `chosen` one), or "on NAME"."""
    if step.computer:
        return f"on {step.computer}"
    if not works_on_gpu(step):
        return "cpu"
    card = (step.limits.card if isinstance(step, JobStep) else None) or chosen
    return f"cuda:{card.index if card is not None else 0}"


class CardSlot:
    """Exclusive use of one GPU by a driver, as a lock on a file; the system releases it however the program ends."""

    def __init__(self, folder: Path | None = None) -> None:
        """Create a slot whose lock file lies in `folder`; None means the system's folder for temporary files."""
        self._folder = folder or Path(tempfile.gettempdir())
        self._handle: int | None = None

    def take(self, step: AnyStep, chosen: Card | None) -> bool:
        """Try to lock the GPU of a step (else the `chosen` one); return whether the step may run.

        Steps without a GPU may always run, and so may all steps if the lock file cannot be created.
        """
        if not works_on_gpu(step):
            return True
        card = (step.limits.card if isinstance(step, JobStep) else None) or chosen
        owner = os.getuid() if hasattr(os, "getuid") else 0
        name = f"fettle-gpu-{owner}-{card.uuid if card is not None else 'first'}.lock"
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            handle = os.open(self._folder / name, flags, 0o600)
        except OSError:
            return True
        if not try_lock(handle):
            os.close(handle)
            return False
        self._handle = handle
        return True

    def leave(self) -> None:
        """Release the lock if this slot holds it."""
        if self._handle is not None:
            unlock(self._handle)
            os.close(self._handle)
            self._handle = None
