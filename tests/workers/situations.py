"""Models, machines and planners for the tests of the planner."""

from dataclasses import replace
from typing import Any

from workers import registry
from workers.contracts.planning import ModelFacts, PlanResult, Situation
from workers.contracts.specs import DeviceFacts, RecipeStep
from workers.infer import processor
from workers.tune.plan import Planner
from workers.tune.search import SearchResult


def device(*features: str) -> DeviceFacts:
    return DeviceFacts(processor="p", cores=2, memory_bytes=1 << 33, features=features)


RICH = device("avx2", "avx512", "avx512_bf16", "avx512_vnni")
POOR = device("avx2")
AMX = device("avx2", "avx512", "avx512_vnni", "amx_bf16", "amx_int8", "avx512_bf16")

CNN = ModelFacts(
    products=1, convolutions=50, depthwise=17, free_sizes=True, precision="fp32", weight_bytes=50 << 20, nodes=160,
    light=20, biased=50, classes=True,
)  # fmt: skip
TEXT = ModelFacts(
    products=73, free_sizes=True, has_torch=True, precision="fp32", weight_bytes=90 << 20, nodes=420, light=300,
    biased=73, classes=True, masked_texts=True, smoothable=24,
)  # fmt: skip
VOICE = ModelFacts(
    products=6, convolutions=9, free_sizes=True, branches=True, constants=("sr",), stateful=True, precision="fp32",
    weight_bytes=2 << 20, nodes=120, light=40, biased=9,
)  # fmt: skip
BARE = ModelFacts(products=0, precision="fp32", weight_bytes=1 << 10, nodes=4, light=3)

CPU = ("onnxruntime-cpu", "openvino", "torch-cpu")
GPU = ("onnxruntime-cpu", "onnxruntime-cuda", "openvino", "torch-cpu", "torch-cuda")
FOUND = SearchResult(
    steps=[RecipeStep(technique="gather_rewrite")],
    settings={"tbb_partitioner": "auto"},
    words=["Look-ups: 1.20 times as fast."],
)

SITUATIONS: dict[str, dict[str, Any]] = {
    "pictures": {"model": CNN, "device": RICH},
    "pictures, old processor": {"model": CNN, "device": POOR},
    "pictures, much time": {"model": CNN, "device": AMX, "time_budget_s": 900.0},
    "pictures, no examples": {"model": CNN, "device": RICH, "has_calibration": False},
    "pictures, in 8 bits": {"model": replace(CNN, precision="int8"), "device": RICH},
    "pictures, in 16 bits": {"model": replace(CNN, precision="fp16", free_sizes=False), "device": RICH},
    "pictures, large graph": {"model": replace(CNN, nodes=2000, classes=False), "device": POOR},
    "pictures, graphics card": {
        "model": replace(CNN, has_torch=True), "device": RICH, "runtimes": GPU, "time_budget_s": 900.0
    },
    "pictures, ONNX Runtime alone": {"model": CNN, "device": RICH, "runtimes": ("onnxruntime-cpu",)},
    "texts": {"model": TEXT, "device": RICH},
    "texts, old processor, something found": {"model": TEXT, "device": POOR, "found": FOUND},
    "texts, much time, something found": {"model": TEXT, "device": AMX, "found": FOUND, "time_budget_s": None},
    "texts, no NNCF": {
        "model": TEXT, "device": AMX, "unavailable": {"nncf_int8": "pip install nncf"}, "probe_ms": 40.0
    },
    "speech with a state": {"model": VOICE, "device": RICH, "probe_ms": 0.8},
    "tiny speech with a state": {"model": VOICE, "device": POOR, "probe_ms": 0.1},
    "tiny pictures": {"model": replace(CNN, weight_bytes=1 << 20), "device": RICH, "probe_ms": 0.2},
    "hardly anything": {"model": BARE, "device": RICH, "probe_ms": None},
}  # fmt: skip


def planner(found: SearchResult | None = None, techniques: Any = None, **values: Any) -> Planner:
    """A planner with the registry's plug-ins; a situation without arguments is a usual one."""
    values = {"device": RICH, "runtimes": CPU, "has_calibration": True, "probe_ms": 5.0, **values}
    situation = Situation(fast=processor.fast(values["device"].features), **values)
    known = registry.techniques() if techniques is None else techniques
    return Planner(situation, known, registry.runtimes(), found or SearchResult())


def reasons(plan: PlanResult) -> dict[str, str]:
    """What was dropped: title and sentence."""
    return {one.title: one.reason.text for one in plan.dropped}
