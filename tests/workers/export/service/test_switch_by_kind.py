"""Every kind of answer: a switch and the check of batches find what the proof calls changed."""

import json
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
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
from workers.export.service.bundle_files.fettle_service.limits import Limits
from workers.export.service.bundle_files.fettle_service.places import FolderRefused
from workers.export.service.bundle_files.fettle_service.releases import Release
from workers.export.service.bundle_files.fettle_service.service import Service
from workers.pipeline.golden import write_sums
from workers.pipeline.prepared import Prepared, write_prepared
from workers.pipeline.spec import AnswerKind, ArraySteps, BoxesSteps, PipelineInput, PipelineOutput, PipelineSpec

GOLDEN, SIDE = 20, 8
LONGEST, BOXES = 300, 8
ZOOS = {
    "class": "twenty classes",
    "score": "two classes with scores",
    "embedding": "vectors",
    "tokens": "translations",
    "detection": "boxes",
    "labels": "several labels",
    "mask": "masks of three classes",
    "picture": "pictures",
    "transcript": "transcripts",
    "tensor": "channels of other sizes",
}
"""Next words come from their own language model, below."""


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
        small = SimpleNamespace(folder=tmp_path / "model", data=tmp_path / "data")
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


def with_other_golden(bundle: Path, to: Path, wrong: Array, at: int = 3) -> Path:
    """Copy a bundle and change its golden prediction `at`."""
    shutil.copytree(bundle, to)
    stored = to / "golden" / "answers"
    answers = [{"answer": np.array(one["answer"])} for one in Prepared(stored)]
    answers[at] = {"answer": wrong[None]}
    shutil.rmtree(stored)
    write_prepared(stored, answers)
    write_sums(to)
    return to


def check_switch(sound: Path, changed: Path) -> None:
    """Load `sound`, then change to `changed` and to a copy of `sound`: the first is refused, the second taken."""
    copy = Path(shutil.copytree(sound, sound.with_name("copy")))
    service = Service(sound, 1, Limits())
    before = service.current
    with pytest.raises(FolderRefused, match=r"gives other answers here.*Golden input 3"):
        service.switch(changed, threading.Event())
    assert service.current is before
    assert service.switch(copy, threading.Event()) == service.current.version
    service.close()
    service.current.retire()


def test_every_kind_of_answer_is_switched() -> None:
    """Given the kinds of answers that there are, then each is tested here."""
    assert {*ZOOS, "next_tokens"} == set(get_args(AnswerKind))


@pytest.mark.parametrize("kind", ZOOS)
def test_switch_to_one_changed_prediction_of_any_kind_is_refused(
    bundle: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    """Given a service, when it shall change to a bundle of which one of 20 golden predictions differs from its own, then
    the bundle is refused and the present one stays; a copy of the present one is taken."""
    changed = changed_by_zoo(kind)
    sound = bundle(changed)
    wrong = changed.wrong[3]
    if kind == "detection":
        wrong = wrong[wrong[:, 4] > 0]
    check_switch(sound, with_other_golden(sound, tmp_path / "changed", wrong))


@pytest.mark.parametrize(
    ("kind", "old", "wrong"),
    [
        ("score", [[0.95]] * GOLDEN, [0.02]),
        ("tensor", [[250_000.0 + 9000 * at] for at in range(GOLDEN)], [2 * 277_000.0]),
        ("tensor", np.random.default_rng(0).normal(size=(GOLDEN, 5)), None),
    ],
    ids=["score", "price", "one of five"],
)
def test_switch_to_a_changed_number_is_refused(
    bundle: Callable[..., Path], tmp_path: Path, kind: str, old: Any, wrong: list[float] | None
) -> None:
    """Given a score of .95 that becomes .02, a price that doubles, or one number of five that moves by half of its
    spread, when a service shall change to that bundle, then it is refused."""
    rows = [np.asarray(row, np.float32) for row in old]
    other = rows[3] + 0.5 * np.eye(5, dtype=np.float32)[2] if wrong is None else np.asarray(wrong, np.float32)
    sound = bundle(Changed(kind, "probabilities", rows, rows))
    check_switch(sound, with_other_golden(sound, tmp_path / "changed", other))


@pytest.mark.parametrize("kind", ZOOS)
@pytest.mark.parametrize(("mates", "batch"), [(True, 1), (False, 4)])
def test_batches_are_used_where_they_change_nothing(
    bundle: Callable[..., Path], kind: str, mates: bool, batch: int
) -> None:
    """Given a model that predicts otherwise in a batch with others, then the service answers one by one; else it joins."""
    release = Release(bundle(changed_by_zoo(kind), mates), 1, 8)
    assert (release.max_batch, "in a batch" in release.why_single) == (batch, mates)
    release.retire()


@pytest.mark.whole
def test_switch_to_changed_next_words_is_refused(make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    """Given a language model, when the next bundle's golden next words are those of another text, then it is refused."""
    sound = make_bundle("chat")
    stored = Prepared(sound / "golden" / "answers")
    assert json.loads((sound / "pipeline.json").read_text())["answer_kind"] == "next_tokens"
    wrong = np.array(stored[3]["answer"][0])
    wrong[:, 1] -= 1.0
    check_switch(sound, with_other_golden(sound, tmp_path / "changed", wrong))
