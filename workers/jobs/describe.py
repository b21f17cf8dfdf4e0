"""Job kind ``describe``: list the devices, runtimes, techniques and targets of this computer."""

import importlib.metadata
import platform

from workers import registry
from workers.contracts.base import Nothing
from workers.contracts.gpu import GpuCard, GpuState
from workers.contracts.jobs import DescribeResult
from workers.contracts.measured.power import power_words
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Described, DeviceFacts
from workers.contracts.translation import _, joined, ngettext
from workers.jobs.machine import device_facts, instructions_of
from workers.measure.gpu_state import LOST, LOST_HINT, look
from workers.measure.ladder.rungs.cuda_start import start_cuda

LIBRARIES = (
    "numpy", "onnx", "onnxruntime", "onnxruntime-gpu", "openvino", "torch", "torchvision", "timm", "transformers",
    "tokenizers", "safetensors", "pydantic", "nvidia-ml-py", "tensorrt", "tensorrt-rtx", "tensorrt-rtx-cu13-libs",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return the versions of Python and of installed libraries that influence results."""
    installed_versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            installed_versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed_versions


def _device_rows(facts: DeviceFacts, gpus: list[GpuCard], state: GpuState) -> tuple[Described, ...]:
    rows = [
        Described(
            id="cpu",
            title=facts.processor,
            available=True,
            summary=joined(
                [ngettext("{0} core", "{0} cores", facts.cores).format(facts.cores), power_words(facts.power)], ", "
            ),
            group="cpu",
        )
    ]
    why_not = joined([_(state.reason), _(state.hint)]) if state.trouble else ""
    for gpu in gpus:
        lost = joined([_(LOST).format(gpu.name), _(LOST_HINT)]) if gpu.is_lost else ""
        report = _("{0:.0f} GiB, compute capability {1}").format(
            gpu.memory_bytes / 2**30, gpu.compute_capability or _("unknown")
        )
        summary = _("{0}, divided (MIG): CUDA uses its first part").format(report) if gpu.is_divided else report
        rows.append(
            Described(
                id=f"cuda:{gpu.index}",
                title=gpu.name,
                available=not state.trouble and not lost,
                summary=summary,
                hint=lost or why_not,
                group="cuda",
            )
        )
    if not gpus:
        rows.append(Described(id="cuda:0", title="NVIDIA GPU", available=False, hint=why_not, group="cuda"))
    return tuple(rows)


def _started(state: GpuState) -> GpuState:
    """Return the GPU state after a check that CUDA starts; otherwise the state names the reason and the repair."""
    start = start_cuda()
    if start.ok:
        return state
    report = {"found": start.found, "reason": start.reason, "hint": start.hint, "command": start.command}
    return GpuState(trouble="no_start", **report)


def run(params: Nothing, ctx: JobContext) -> DescribeResult:
    """Check devices, runtimes, techniques and targets; each runtime is checked for whether it works."""
    state, gpus = look()
    if gpus and not state.trouble:
        state = _started(state)
    if state.trouble not in ("", "no_card"):
        ctx.log(f"{state.reason} {state.hint}", "warning")
    facts = device_facts(gpus)
    ctx.progress("Look at the devices", 1, 3)
    ctx.check_cancelled()
    runtimes = registry.describe_runtimes(registry.runtimes())
    ctx.progress("Check the runtimes", 2, 3)
    ctx.check_cancelled()
    return DescribeResult(
        device=facts,
        devices=_device_rows(facts, gpus, state),
        runtimes=runtimes,
        techniques=registry.describe_techniques(registry.techniques()),
        targets=registry.describe_targets(registry.targets()),
        versions=versions(),
        instructions=instructions_of(facts),
        cards=tuple(gpus),
        gpu=state,
    )
