"""Check that TensorRT builds an engine for the card and runs it."""

from workers.contracts.gpu import GpuCard, RungResult
from workers.contracts.translation import _
from workers.infer import tensorrt, tensorrt_editions
from workers.measure.ladder.rung import Rung, holds, not_here, to_install


def _engine(card: GpuCard | None) -> RungResult:
    """Run the runtime's own probe, which builds a product, computes it and compares it."""
    there = [edition.title for edition in tensorrt_editions.EDITIONS if tensorrt_editions.is_installed(edition)]
    if not there:
        return not_here()
    report = ", ".join(there)
    state = tensorrt.available()
    if not state.available:
        return to_install(
            "no_engine", report, _("It refused: {0}.").format(state.hint), "Let the installer repair it.", "rtx"
        )
    return holds(_("{0}: an engine was built for the card, and its product is right.").format(report))


RUNGS = (Rung("tensorrt-engine", "An engine of TensorRT", 80, _engine, needs=("context",)),)
