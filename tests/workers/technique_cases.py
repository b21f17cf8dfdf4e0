"""All techniques as cases of a test, and the model that each of them is to get."""

import contextlib
import functools
from pathlib import Path
from typing import Any

import pytest
from recording import RecordingContext

from workers import registry
from workers.contracts.folder import read_model
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.infer import openvino_program, processor
from workers.quantize import eight_bits

OPTIONAL = ("language_onnx",)
"""Techniques whose library is not among those that Fettle installs: here they are run where it is there."""

TECHNIQUES = registry.techniques()


def _case(spec: TechniqueSpec) -> Any:
    gone = spec.id in OPTIONAL and bool(registry.missing(spec.requires))
    return pytest.param(spec, id=spec.id, marks=pytest.mark.skipif(gone, reason=spec.install_hint))


CASES = [_case(spec) for spec in TECHNIQUES.values()]
every_technique = pytest.mark.parametrize("spec", CASES)


@functools.cache
def has_bf16() -> bool:
    """Whether this processor computes with BF16 itself."""
    return processor.has_bf16(openvino_program.import_library().Core())


def narrow(spec: TechniqueSpec) -> dict[str, Any]:
    """Weights of 7 bits where this processor's sums of 8-bit products may overflow, as the notes advise there; blocks
    that small models have; 8 bits that answer first where there is no BF16."""
    if "missed_share" in spec.params.model_fields and not has_bf16():
        return {"first": "int8_static", "max_second_share": 1}
    if "block_size" in spec.params.model_fields:
        return {"block_size": 32}
    return {"reduce_range": True} if "reduce_range" in spec.params.model_fields and eight_bits.lacks_fast_int8() else {}


def params_here(spec: TechniqueSpec) -> TechniqueParams:
    """Default parameters, but for what this processor needs so that answers stay alike."""
    return spec.params(**narrow(spec))


QUICK: dict[str, Any] = {
    "max_s": 30, "examples": 4, "check_examples": 2, "copies": 1, "rounds": 1, "steps": 2, "recover": False,
    "min_agreement": 0.5, "min_cosine": 0.5, "max_kept": 1.0, "scales": False,
}  # fmt: skip
"""Parameters that make versions quick; the structure stays."""


def quick_params(spec: TechniqueSpec) -> TechniqueParams:
    """Return parameters that make a version quickly, for tests of its structure alone."""
    params = params_here(spec)
    for name, value in QUICK.items():
        with contextlib.suppress(ValueError):  # a technique has other limits, or no such parameter
            params = spec.params.model_validate({**params.model_dump(), name: value})
    return params


def runtime_of(folder: Path) -> str:
    """Return the runtime that a version is run with: the first that it allows."""
    artifact = read_model(folder).artifact
    return (artifact.runtimes or (("openvino",) if artifact.format == "openvino-ir" else ("onnxruntime-cpu",)))[0]


def staged(spec: TechniqueSpec, small: Any, scratch: Path) -> Model:
    """The model that the technique gets: where it improves what another one makes, that one has run before."""
    if not spec.follows:
        return small.model
    if not (scratch / "model").is_dir():
        scratch.mkdir(exist_ok=True)
        before = TECHNIQUES[spec.follows[0]]
        before.apply(small.model, params_here(before), RecordingContext(scratch, data_dir=small.data))
    return read_model(scratch / "model")
