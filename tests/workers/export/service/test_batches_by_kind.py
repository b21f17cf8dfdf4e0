"""The service finds for each kind of answer whether a batch changes what the proof calls changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from served_bundles import export_params, write_bundle
from small_models import floats, model_of
from zoo import Array, all_zoos

from workers.contracts.folder import write_model
from workers.contracts.pipeline import write_pipeline
from workers.export.service.bundle_files.fettle_service.releases import Release
from workers.pipeline.prepared import write_prepared
from workers.pipeline.spec import AnswerKind, ArraySteps, BoxesSteps, PipelineInput, PipelineOutput, PipelineSpec

GOLDEN, SIDE = 20, 8
LONGEST, BOXES = 300, 8
ZOOS = {
    "class": "twenty classes",
    "score": "two classes with scores",
    "embedding": "vectors",
    "tokens": "translations",
    "detection": "boxes of end to end",
    "labels": "several labels",
    "mask": "masks of three classes",
    "picture": "pictures",
    "transcript": "transcripts",
    "tensor": "channels of other sizes",
}
"""Next words come from chats, which are never joined in a batch."""


@dataclass(frozen=True)
class Small:
    """A model folder and its data, as `export_params` takes them."""

    folder: Path
    data: Path


def written(part: Any, kind: str) -> Array:
    """Return a prediction of the zoo as an array of the same shape for each item of its kind."""
    if kind in ("tokens", "transcript"):
        return np.asarray([ord(letter) for letter in str(part)[:LONGEST].ljust(LONGEST)], np.float32)
    if kind == "detection":
        return np.vstack([part, np.zeros((BOXES - len(part), 6))]).astype(np.float32)
    return np.asarray(part, np.float32)


def model_that_predicts(alone: Sequence[Array], in_batches: Sequence[Array]) -> onnx.ModelProto:
    """A model that looks its prediction up by the first number of its input, in the second table where several come."""
    table = np.concatenate([np.stack(alone), np.stack(in_batches)]).astype(np.float32)
    constants = {"table": table, "at": 0, "one": 1, "count": len(alone)}
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["number"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Cast", ["number"], ["whole"], to=onnx.TensorProto.INT64),
        helper.make_node("Mod", ["whole", "count"], ["row"]),
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "at"], ["items"], axis=0),
        helper.make_node("Greater", ["items", "one"], ["several"]),
        helper.make_node("Cast", ["several"], ["is_batch"], to=onnx.TensorProto.INT64),
        helper.make_node("Mul", ["is_batch", "count"], ["shift"]),
        helper.make_node("Add", ["row", "shift"], ["place"]),
        helper.make_node("Gather", ["table", "place"], ["y"], axis=0),
    ]
    outputs = [floats("y", "n", *table.shape[1:])]
    return model_of(nodes, [floats("x", "n", 3, SIDE, SIDE)], outputs, weights)


def spec_of(kind: AnswerKind, shape: tuple[int, ...], scores: str) -> PipelineSpec:
    more: dict[str, Any] = {}
    if kind == "detection":
        more = {"postprocess": BoxesSteps(form="end_to_end", boxes="y"), "classes": tuple("abcdefghijkl")}
    return PipelineSpec(
        task="object-detection" if kind == "detection" else "arrays",
        inputs=(PipelineInput(name="x", dtype="float32", shape=(None, 3, SIDE, SIDE), source="array"),),
        outputs=(PipelineOutput(name="y", dtype="float32", shape=(None, *shape), answer=True),),
        preprocess=ArraySteps(),
        answer_kind=kind,
        scores=scores,
        **more,
    )


@dataclass
class Changed:
    """Predictions of a kind, and the same with one or all that are others for sure."""

    kind: Any
    scores: str = "probabilities"
    old: list[Array] = field(default_factory=list)
    wrong: list[Array] = field(default_factory=list)


def changed_by_zoo(kind: str) -> Changed:
    zoo, rng = all_zoos()[ZOOS[kind]], np.random.default_rng(5)
    old = zoo.make(GOLDEN, rng)
    scores = str(zoo.more.get("scores", "probabilities"))
    wrong = [zoo.wrong(part.copy() if isinstance(part, np.ndarray) else part, rng) for part in old]
    return Changed(kind, scores, *([written(part, kind) for part in side] for side in (old, wrong)))


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[..., Path]:
    """`bundle(changed, mates)`: a service bundle that predicts `old`, and in batches `wrong` where `mates`."""

    def make(changed: Changed, mates: bool = False) -> Path:
        small = Small(tmp_path / "model", tmp_path / "data")
        small.folder.mkdir()
        onnx.save_model(
            model_that_predicts(changed.old, changed.wrong if mates else changed.old), small.folder / "model.onnx"
        )
        spec = spec_of(changed.kind, changed.old[0].shape, changed.scores)
        write_pipeline(small.folder, spec)
        write_model(small.folder, "model.onnx", ["model.onnx"])
        write_prepared(
            small.data / "test", ({"x": np.full((1, 3, SIDE, SIDE), at, np.float32)} for at in range(GOLDEN))
        )
        return write_bundle(export_params(small, 4), tmp_path)

    return make


def test_every_kind_of_answer_is_here() -> None:
    """Given the kinds of answers that there are, then each is tested here."""
    assert {*ZOOS, "next_tokens"} == set(get_args(AnswerKind))


@pytest.mark.parametrize("kind", ZOOS)
@pytest.mark.parametrize(("mates", "batch"), [(True, 1), (False, 4)])
def test_batches_are_used_where_they_change_nothing(
    bundle: Callable[..., Path], kind: str, mates: bool, batch: int
) -> None:
    """Given a model that predicts otherwise beside others in a batch, then the service answers one by one; else it joins."""
    release = Release(bundle(changed_by_zoo(kind), mates), 1, 8)
    assert (release.max_batch, "in a batch" in release.why_single) == (batch, mates)
    release.retire()
