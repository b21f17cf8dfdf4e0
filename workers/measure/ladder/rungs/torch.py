"""Check that PyTorch supports the card and computes the same product as the processor."""

from workers.contracts.gpu import GpuCard, RungResult
from workers.contracts.translation import _
from workers.infer.base import NotRunnable
from workers.measure.ladder.rung import Rung, broken, not_here, to_install
from workers.measure.ladder.rungs.installed import CUDA, folder_of, version_of
from workers.measure.ladder.rungs.onnxruntime import compared, trial_input


def _product(_card: GpuCard | None) -> RungResult:
    """Check PyTorch where the set “cuda” replaced it by the build for cards; a set in a folder of its own has none."""
    if not version_of(CUDA) or not version_of("torch") or folder_of(CUDA) != folder_of("torch"):
        return not_here()
    import torch

    report = f"PyTorch {torch.__version__}"
    if torch.version.cuda is None:
        return to_install("torch_for_processor", report, "This build of PyTorch supports the processor only.",
                          "Let the installer replace it with the build for the card.", "cuda")  # fmt: skip
    x = trial_input()
    try:
        on_card = torch.from_numpy(x).to("cuda:0")
        answer = (on_card @ on_card).cpu().numpy()
    except (RuntimeError, AssertionError) as error:
        return broken(
            "no_product", report, _("It refused: {0}.").format(NotRunnable(error)), "Repair the step before this one."
        )
    return compared(answer, x, report)


RUNGS = (Rung("torch-product", "A product in PyTorch", 70, _product, needs=("context",)),)
