"""Compare golden predictions of every kind: changes by the proof's rules are found, and rounding is accepted."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from zoo import Array, Zoo, all_zoos

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.case import case_of
from workers.evaluate.proof.engine import task_for
from workers.pipeline.alike.vectors import CHORD, finds_others
from workers.pipeline.golden import compare_golden
from workers.pipeline.pipeline import Pipeline, Runs
from workers.pipeline.prepared import write_prepared
from workers.pipeline.spec import ArraySteps, BoxesSteps, Chat, PipelineInput, PipelineOutput, PipelineSpec

GOLDEN, GALLERY = 20, 200
ZOOS = all_zoos()
END = 79


class Given(Pipeline):
    """A pipeline that takes what the model gives as it is."""

    def __init__(self, spec: PipelineSpec) -> None:
        super().__init__(spec, Path())

    def answer(self, session: Runs, feeds: Mapping[str, Array]) -> Array:
        return session.run(feeds)["y"]


class Stored:
    """A model that predicts the i-th of `predictions` for input i."""

    def __init__(self, predictions: Sequence[Array]) -> None:
        self._predictions = predictions

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        return {"y": self._predictions[int(feeds["x"][0, 0])]}


def spec_of(kind: str, scores: str = "logits", stateful: bool = False) -> PipelineSpec:
    return PipelineSpec(
        task="arrays",
        inputs=(PipelineInput("x", "float32", (None, 1), "array"),),
        outputs=(PipelineOutput("y", "float32", answer=True),),
        preprocess=ArraySteps(),
        answer_kind="tensor" if kind == "detection" else kind,
        scores=scores,
        links={"state": "state"} if stateful else None,
        postprocess=BoxesSteps(form="yolo_v8", boxes="y") if kind == "detection" else None,
        chat=Chat(context=512, ends=(END,)) if kind == "next_tokens" else None,
    )


def compared(
    folder: Path,
    spec: PipelineSpec,
    expected: Sequence[Array],
    given: Sequence[Array],
    manifest: dict[str, Any] | None = None,
) -> list[str]:
    """Return the differences that `verify`, the start of the service, a switch and its check of batches find."""
    golden = folder / "golden"
    write_prepared(golden / "inputs", ({"x": np.full((1, 1), at, np.float32)} for at in range(len(expected))))
    write_prepared(golden / "answers", ({"answer": one} for one in as_given(spec, expected)))
    if manifest is not None:
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    alike, differences = compare_golden(golden, Given(spec), Stored(as_given(spec, given)))
    assert alike + len(differences) == len(expected)
    return differences


def as_given(spec: PipelineSpec, parts: Sequence[Array]) -> list[Array]:
    """Return the predictions as a pipeline gives them: with a batch axis, one score per step, texts as tokens."""
    if spec.answer_kind in ("tokens", "transcript"):
        return [np.asarray([[ord(letter) for letter in str(part)]], np.float32) for part in parts]
    return [np.asarray(part[:, None] if spec.links else part[None], np.float32) for part in parts]


def changed_by_proof(zoo: Zoo, old: list[Array], new: list[Array], gallery: list[Array]) -> set[int]:
    """Return the items that the zoo's proof task calls changed."""
    searched = [np.asarray(part, np.float32) for part in gallery]
    before, after = (zoo.answers_of(parts) for parts in (old, new))
    for one in (before, after):
        object.__setattr__(one, "gallery", searched)
    data = DataSet("arrays", "person", None, zoo.classes, test=tuple(Item(str(i)) for i in range(len(old))))
    case = case_of(data, before, after)
    task = task_for(case)
    assert task.id == zoo.task
    found = task.compare(case)
    return set(found.items[found.changed].tolist())


def zoo_case(zoo: Zoo) -> tuple[PipelineSpec, list[Array], list[Array]]:
    parts = zoo.make(GOLDEN + zoo.gallery, np.random.default_rng(5))
    more = {"scores": "probabilities", "stateful": False, **zoo.more}
    spec = spec_of(zoo.kind, more["scores"], more["stateful"])
    return spec, parts[:GOLDEN], parts[GOLDEN:]


@pytest.mark.parametrize("zoo", ZOOS.values(), ids=list(ZOOS))
def test_golden_predictions_of_every_kind_find_what_the_proof_calls_changed(zoo: Zoo, tmp_path: Path) -> None:
    """Given 20 golden predictions, When a version is harmed, Then the change is found; one wrong item is reported as
    that item."""
    spec, old, gallery = zoo_case(zoo)
    rng = np.random.default_rng(6)
    all_wrong = [zoo.wrong(part.copy(), rng) for part in old]
    at = min(changed_by_proof(zoo, old, all_wrong, gallery))
    found = compared(tmp_path / "wrong", spec, old, [*old[:at], all_wrong[at], *old[at + 1 :]])
    assert [text.split(":")[0] for text in found] == [f"Golden input {at}"]
    missed = {}
    for number, (how, harm) in enumerate(zoo.harm.items()):
        new = list(harm([part.copy() for part in old], rng))
        by_proof = changed_by_proof(zoo, old, new, gallery)
        differences = compared(tmp_path / str(number), spec, old, new)
        found_at = {int(text.split(":")[0].split()[-1]) for text in differences}
        missed[how] = by_proof - found_at
    assert not {how: items for how, items in missed.items() if items}


def manifest(precision: str, runtime: str = "onnxruntime-cpu", **settings: str) -> dict[str, Any]:
    return {"model": {"precision": precision}, "runtime": {"id": runtime, "settings": settings}}


NO_ROUNDING = ("low scores in another order", "longer")
"""Nobody misses it in a version, but no processor does it to all items."""

NUMBERS = {
    "the same": manifest("fp32"),
    "another engine": manifest("fp32"),
    "BF16": manifest("bf16"),
    "FP16": manifest("fp32", "openvino"),
}


@pytest.mark.parametrize("zoo", ZOOS.values(), ids=list(ZOOS))
def test_golden_predictions_of_every_kind_let_rounding_through(zoo: Zoo, tmp_path: Path) -> None:
    """Given 20 golden predictions, When another processor rounds as expected for the bundle's number format, Then all
    are equal."""
    spec, old, _ = zoo_case(zoo)
    wrongly = {}
    for number, how in enumerate(zoo.harmless):
        if zoo.kind in ("tokens", "transcript") and how != "the same":
            continue  # their tokens are compared exactly
        if how in NO_ROUNDING:
            continue
        new = list(zoo.harmless[how]([part.copy() for part in old], np.random.default_rng(7)))
        wrongly[how] = compared(tmp_path / str(number), spec, old, new, NUMBERS.get(how, manifest("int8")))
    assert not {how: differences for how, differences in wrongly.items() if differences}


PRICES = np.asarray([250_000, 310_000, 180_000, 420_000, 270_000], np.float32)[:, None]
FIVE = np.random.default_rng(0).normal(size=(5, 5)).astype(np.float32)


@pytest.mark.parametrize(
    ("kind", "scores", "expected", "given"),
    [
        ("score", "probabilities", [[0.95]], [[0.02]]),
        ("score", "logits", [[2.9], [-1.0]], [[-3.9], [-1.0]]),
        ("class", "probabilities", [[0.7, 0.2, 0.1]], [[0.45, 0.35, 0.2]]),
        ("tensor", "none", PRICES, 2 * PRICES),
        ("tensor", "none", PRICES[:1], [[3.0]]),
        ("tensor", "none", FIVE, FIVE + np.eye(5, dtype=np.float32)[2] * 0.5),
        ("tensor", "none", FIVE[:1], FIVE[:1] + np.eye(5, dtype=np.float32)[2] * 0.5),
        ("embedding", "none", FIVE[:1], FIVE[:1] * 1.2),
    ],
    ids=["score", "logit", "surer class", "prices", "one price", "one number of five", "of one item", "length"],
)
def test_golden_predictions_of_few_numbers_are_compared_number_by_number(
    kind: str, scores: str, expected: Any, given: Any, tmp_path: Path
) -> None:
    """Given predictions of one to five numbers, When one changes by the proof's rules, Then it is found for every
    number format."""
    old, new = ([np.asarray(row, np.float32) for row in rows] for rows in (expected, given))
    for number, precision in enumerate(("fp32", "bf16", "int8")):
        differences = compared(tmp_path / str(number), spec_of(kind, scores), old, new, manifest(precision))
        changed = [at for at in range(len(old)) if not np.array_equal(old[at], new[at])]
        assert [text.split(":")[0] for text in differences] == [f"Golden input {at}" for at in changed]


def drawn_to_others(rows: Array, step: float) -> Array:
    """Move each vector by `step` of its length away from its nearest, towards those that come behind its third."""
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    order = np.argsort(-(units @ units.T - 2 * np.eye(len(rows))), axis=1)
    away = units[order[:, 3:7]].mean(axis=1) - units[order[:, 0]]
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows + step * length * away / np.linalg.norm(away, axis=1, keepdims=True), np.float32)


def test_golden_vectors_whose_neighbors_change_are_found(tmp_path: Path) -> None:
    """Given vectors that all move less than rounding may, When a search among them finds others, Then it is found;
    random moves as by BF16 and copies of vectors are equal."""
    rng = np.random.default_rng(8)
    rows = rng.standard_normal((20, 48)).astype(np.float32)
    moved, spec, int8 = drawn_to_others(rows, 0.17), spec_of("embedding"), manifest("int8")
    units, new_units = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (rows, moved))
    assert (np.linalg.norm(units - new_units, axis=1) < CHORD).all()
    eye = 2 * np.eye(20)
    by_proof = finds_others(units @ units.T - eye, new_units @ new_units.T - eye)
    assert by_proof.sum() > 12
    assert len(compared(tmp_path / "moved", spec, list(rows), list(moved), int8)) > 12
    for number, original in enumerate((rows, np.repeat(rows[:4], 5, axis=0))):
        rounded = original + 0.03 * rng.standard_normal(original.shape).astype(np.float32)
        assert compared(tmp_path / f"r{number}", spec, list(original), list(rounded), int8) == []


def test_tolerance_follows_the_number_format_of_the_model_that_ran(tmp_path: Path) -> None:
    """Given a change of .05 of the spread, Then 32-bit models find it and 16-bit ones do not; a fallback has its own
    format; without a manifest the full tolerance holds."""
    spec, old = spec_of("tensor"), list(FIVE)
    new = [row + 0.05 * FIVE.std(axis=0) for row in old]
    exact, half = manifest("fp32"), manifest("bf16")
    assert len(compared(tmp_path / "32", spec, old, new, exact)) == 5
    assert compared(tmp_path / "16", spec, old, new, half) == []
    assert compared(tmp_path / "any", spec, old, new) == []
    assert compared(tmp_path / "broken", spec, old, new, {"model": "none"}) == []
    assert compared(tmp_path / "f32", spec, old, new, manifest("fp32", "openvino", inference_precision="f32")) != []
    assert compared(tmp_path / "own", spec, old, new, manifest("fp32", "openvino")) == []
    write_prepared(tmp_path / "16" / "golden" / "fallback", ({"answer": one} for one in as_given(spec, old)))
    (tmp_path / "16" / "manifest.json").write_text(json.dumps({**half, "fallback": exact}), encoding="utf-8")
    assert compare_golden(tmp_path / "16" / "golden", Given(spec), Stored(as_given(spec, new)), "fallback")[0] == 0
    assert compare_golden(tmp_path / "16" / "golden", Given(spec), Stored(as_given(spec, new)))[0] == 5
