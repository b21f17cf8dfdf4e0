"""Every real model's exported version compared with its original, which its own library runs: the same raw inputs to both.

The figures that are computed here again must be those that Fettle reported. The models lie in FETTLE_MODELS_DIR (P/ and DATA/) and are no part
of the project. FETTLE_PATIENCE gives each optimization so many times as long, where the machine is shared.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import pytest
from catalogue import MODEL_CASES
from changed import masks, words
from field_tools import area_under_curve, cosine, letters_in, right_classes, same_neighbors, spoken_text
from figures import figures, softmax
from model_cases import PATIENCE, ROOT, ModelCase
from numpy.typing import NDArray
from sides import Side, speed_in_turn
from workflow import Workflow, run_workflow

from workers.export.selftest import run_in

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(3600)]

AS_TOLD = 1e-3
SCORE_MOVED = 0.1
NEVER_SLOWER = 0.97
OVER_S = 5.0
"""A step that was begun may end so much later."""
BUSY_PERCENT = 15.0
"""Other programs' share of the processor from which a ratio of times is meaningless."""


@dataclass(frozen=True)
class Outputs:
    """One side's answers to all examples, and all outputs of the first one: name, shape, dtype."""

    answers: list[NDArray[Any]]
    described: set[tuple[str, tuple[int, ...], str]]


@dataclass(frozen=True)
class BothOutputs:
    """Outputs of both sides for inputs that were prepared by hand."""

    original: Outputs
    exported: Outputs


@pytest.fixture(scope="module", params=MODEL_CASES, ids=[case.name for case in MODEL_CASES])
def workflow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    case: ModelCase = request.param
    return run_workflow(case, tmp_path_factory.mktemp("workflow"))


@pytest.fixture(scope="module")
def requested_outputs(workflow: Workflow) -> BothOutputs:
    with workflow.original("original") as original, workflow.exported("exported") as exported:
        return BothOutputs(outputs_of(workflow, original), outputs_of(workflow, exported))


def outputs_of(workflow: Workflow, side: Side) -> Outputs:
    """The answer to each example, of whole sampling runs where there is a second call."""
    case = workflow.case
    feeds = [raw.feeds for raw in workflow.raws]
    outputs = side.answers(feeds)
    described = {(name, values.shape, values.dtype.str) for name, values in outputs[0].items()}
    if case.then is not None:
        feeds = [case.then(given, found) for given, found in zip(feeds, outputs, strict=True)]
        outputs = side.answers(feeds)
    answers = [np.asarray(case.answer(found, given)) for found, given in zip(outputs, feeds, strict=True)]
    return Outputs(answers, described)


def test_nothing_regressed_is_recommended_in_its_time(workflow: Workflow) -> None:
    """Given the model with its data, then the run keeps to its time and recommends a faster version that answers alike, or nothing."""
    assert workflow.seconds <= workflow.case.budget_s * PATIENCE + OVER_S
    if workflow.is_recommended:
        assert workflow.version["speedup"] > 1
        assert workflow.version["verdict"] in ("safe", "not_enough_data")
        assert workflow.version["agreement"] >= 0.98


def test_its_bundle_verifies(workflow: Workflow) -> None:
    """Given its bundle, then hashes and answers hold for Fettle and for verify.py where only its requirements are."""
    bundle = workflow.bundle
    checked = workflow.fettle("verify", bundle.archive, "--json", timeout_s=300)
    assert checked.code == 0, checked.err + checked.out
    alone = run_in(bundle.python, bundle.folder, ["verify.py"])
    assert alone.returncode == 0, alone.stdout
    assert {name: bundle.pipeline[name] for name in workflow.case.expected_pipeline} == workflow.case.expected_pipeline


def test_it_has_the_interface_of_the_original(requested_outputs: BothOutputs) -> None:
    """Given the same arrays by input name, then both give outputs of the same names, shapes and dtypes."""
    assert requested_outputs.exported.described == requested_outputs.original.described


def test_reported_figures_equal_the_recomputed_ones(workflow: Workflow, requested_outputs: BothOutputs) -> None:
    """Given a judged version, then changed answers, similarity and accuracy are what the original and the bundle give."""
    version, part = workflow.version, workflow.judged(workflow.version)
    n = len(workflow.raws[part])
    assert workflow.case.task in ("", version["task"])
    if workflow.case.compared in ("masks", "texts"):
        is_changed = masks if workflow.case.compared == "masks" else words
        changes = [
            is_changed(a, b)
            for a, b in seen_by_people(workflow, requested_outputs.original.answers, requested_outputs.exported.answers)
        ]
        counted = [one for one in changes if one is not None]
        share = float(np.mean(counted))
        print(f"\n{workflow.case.name}: {version['title']}, {version['verdict']}, {share} changed, reported {version}")  # noqa: T201
        assert n == len(counted), "those in which nothing is found prove nothing"
        assert version["changed_share"] == pytest.approx(share, abs=AS_TOLD)
        return
    assert n >= 10
    old, new = requested_outputs.original.answers[part], requested_outputs.exported.answers[part]
    found = figures(old, new)
    print(f"\n{workflow.case.name}: {version['title']}, {version['verdict']}, reported {version['agreement']}; {found}")  # noqa: T201
    report, mine = {
        "class": (version["agreement"], 1 - changed_classes(workflow, old, new)),
        "embedding": (version["similarity"], found.centered),
        "moments": (version["agreement"], 1 - found.moved),
        "numbers": (version["agreement"], 1 - found.beyond),
    }[workflow.case.compared]
    assert report == pytest.approx(mine, abs=AS_TOLD), str(found)
    if workflow.case.compared == "class":
        (changed,) = (row for row in workflow.document["changed"] if row["variant"] == version["id"])
        assert changed["count"] == pytest.approx(changed_classes(workflow, old, new) * found.n, abs=AS_TOLD * found.n)
    if workflow.case.accuracy is None or workflow.case.compared == "moments":
        assert version["accuracy"] is None  # of moments the area under the curve is reported
        return
    assert workflow.document["baseline"]["accuracy"] >= workflow.case.accuracy
    for report, side in (
        (workflow.document["baseline"], requested_outputs.original),
        (version, requested_outputs.exported),
    ):
        assert report["accuracy"] == pytest.approx(accuracy(workflow, report, side.answers), abs=AS_TOLD), report[
            "title"
        ]


def changed_classes(workflow: Workflow, old: Sequence[NDArray[Any]], new: Sequence[NDArray[Any]]) -> float:
    """The share of items that are called otherwise; of two classes also those whose share moved by more than .1."""
    pairs = [(a, b) if workflow.case.are_shares else (softmax(a), softmax(b)) for a, b in zip(old, new, strict=True)]
    moved = [a.size == 2 and np.abs(a - b).max() > SCORE_MOVED for a, b in pairs]
    return float(np.mean([m or a.argmax() != b.argmax() for m, (a, b) in zip(moved, pairs, strict=True)]))


def seen_by_people(workflow: Workflow, old: Sequence[Any], new: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Masks, or texts by the characters that the model's own file names."""
    if workflow.case.compared == "masks":
        return list(zip(old, new, strict=True))
    letters = letters_in(ROOT / workflow.case.model)
    return [(spoken_text(a, letters), spoken_text(b, letters)) for a, b in zip(old, new, strict=True)]


def accuracy(workflow: Workflow, version: dict[str, Any], values: Sequence[NDArray[Any]]) -> float:
    """The share of right answers."""
    part = workflow.judged(version)
    return right_classes(values[part], [raw.labels for raw in workflow.raws[part]])


def test_the_scores_are_those_of_the_fields_tools(workflow: Workflow, requested_outputs: BothOutputs) -> None:
    """Given labels, or the original's answers, then scikit-learn finds the scores that were reported."""
    report = {row["id"]: row for row in workflow.version["scores"]}
    part = (
        slice(report["neighbours"]["n"]) if workflow.case.compared == "embedding" else workflow.judged(workflow.version)
    )
    old, new = requested_outputs.original.answers[part], requested_outputs.exported.answers[part]
    labels = [raw.labels for raw in workflow.raws[part]]
    mine: dict[str, tuple[float, float]] = {}
    if workflow.case.compared == "embedding":
        mine = {"neighbours": (1.0, same_neighbors(old, new)), "cosine": (1.0, cosine(old, new))}
    elif workflow.case.compared == "moments":
        mine = {"auc": (area_under_curve(old, labels), area_under_curve(new, labels))}
    elif workflow.case.compared == "class" and all(labels):
        mine = {"top1": (right_classes(old, labels), right_classes(new, labels))}
    print(f"\n{workflow.case.name}: reported {report}, found {mine}")  # noqa: T201
    assert set(mine) <= set(report)
    if workflow.case.compared == "moments":
        assert mine["auc"][0] >= (workflow.case.accuracy or 0)
    for name, (original, optimized) in mine.items():
        assert report[name]["optimized"] == pytest.approx(optimized, abs=AS_TOLD), name
        assert report[name]["original"] in (None, pytest.approx(original, abs=AS_TOLD)), name


def test_it_prepares_what_people_have_as_it_should(workflow: Workflow, requested_outputs: BothOutputs) -> None:
    """Given files and texts as they are, then run.py answers as the bundle does to inputs prepared by hand."""
    report, wanted = workflow.bundle.answers(workflow.raws), requested_outputs.exported.answers
    if "scores" not in report[0]:
        for row, one in zip(report, wanted, strict=True):
            if workflow.case.compared == "texts":
                assert row["answer"] == spoken_text(one, letters_in(ROOT / workflow.case.model)), row["input"]
                continue
            given, scale = np.asarray(row["answer"], np.float64).reshape(one.shape), float(np.abs(one).max())
            if workflow.case.compared == "masks":
                assert np.mean(given != one) <= AS_TOLD, row["input"]
                continue
            np.testing.assert_allclose(given / scale, one / scale, rtol=0, atol=AS_TOLD, err_msg=row["input"])
        return
    for row, one in zip(report, wanted, strict=True):
        scores = row["scores"]
        if workflow.case.links is not None:  # the mean over all steps
            assert scores == {"score": pytest.approx(float(one.mean()), abs=AS_TOLD)}, row["input"]
            continue
        shares = one if workflow.case.are_shares else softmax(one)
        best = np.argsort(-shares, kind="stable")[: len(scores)]
        assert list(scores.values()) == pytest.approx(shares[best].tolist(), abs=AS_TOLD), row["input"]
        mine = [float(shares[workflow.bundle.class_number(name)]) for name in scores]
        assert list(scores.values()) == pytest.approx(mine, abs=AS_TOLD), row["input"]


def test_it_is_never_slower_than_the_original(workflow: Workflow, requested_outputs: BothOutputs) -> None:
    """Given both in turn on a quiet machine, then what was recommended is not slower; what reads so is timed again."""
    if not workflow.is_recommended:
        pytest.skip("nothing was recommended, so that nothing was promised")
    busy = busy_percent()
    if busy > BUSY_PERCENT:
        pytest.skip(f"other programs use {busy:.0f} % of the processor: times would be meaningless")
    feeds = [raw.feeds for raw in workflow.raws[:16]]
    with workflow.original("original in turn") as original, workflow.exported("exported in turn") as exported:
        original.answers(feeds)
        exported.answers(feeds)
        ratios = [speed_in_turn(original, exported)]
        if ratios[0] < NEVER_SLOWER:
            ratios.append(speed_in_turn(original, exported))
    print(f"\n{workflow.case.name}: {ratios} times as fast, reported {workflow.version['speedup']}")  # noqa: T201
    assert max(ratios) >= NEVER_SLOWER, ratios


def busy_percent(patience_s: float = 60.0) -> float:
    """How much of the processor is in use while this does nothing; waits a while for less."""
    end = time.monotonic() + patience_s
    while (busy := float(psutil.cpu_percent(interval=2.0))) > BUSY_PERCENT and time.monotonic() < end:
        time.sleep(3)
    return busy
