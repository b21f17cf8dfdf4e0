"""A detector, a segmentation and a speech model that are trained here: optimized, exported, and judged once more by the
field's own tools on the bundle. What these find must be what Fettle reported, to a thousandth.

FETTLE_TRAINED_DIR keeps the trained models; FETTLE_MODELS_DIR holds the recordings of `speech_words`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import trained
from changed import upper_bound
from sides import Side
from trained import Trained
from workflow import Workflow, run_workflow

from workers.export.selftest import run_in

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(3600)]

AS_TOLD = 1e-3
LEVEL = 0.04
"""Of the first look at a set of examples (docs/evaluation.md)."""

GOOD = {"map": 0.5, "miou": 0.7, "wer": 0.2}
"""What the originals reach, or stay below: models that know their task."""


@dataclass(frozen=True)
class Seen:
    """A finished workflow, and what people see of both models' answers to all examples."""

    kind: Trained
    workflow: Workflow
    original: list[Any]
    exported: list[Any]


@pytest.fixture(scope="module", params=trained.ALL, ids=[kind.name for kind in trained.ALL])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    kind: Trained = request.param
    workflow = run_workflow(kind.case, tmp_path_factory.mktemp("trained"), prove=True)
    assert workflow.version["task"] == kind.task
    with workflow.original("original") as original, workflow.exported("exported") as exported:
        return Seen(kind, workflow, decoded(kind, workflow, original), decoded(kind, workflow, exported))


def decoded(kind: Trained, workflow: Workflow, side: Side) -> list[Any]:
    outputs = side.answers([raw.feeds for raw in workflow.raws])
    return [kind.decode(kind.model, trained.output(found, {})) for found in outputs]


def test_the_scores_are_those_of_the_fields_tools(seen: Seen) -> None:
    """Given labels of all examples, then pycocotools, scikit-learn and jiwer find the scores that were reported of both."""
    report = {row["id"]: row for row in seen.workflow.version["scores"]}
    names = seen.workflow.document["items"]
    original, optimized = (seen.kind.scores(seen.kind.data, names, found) for found in (seen.original, seen.exported))
    print(f"\n{seen.kind.name}: {seen.workflow.version['title']}, reported {report}, found {original} {optimized}")  # noqa: T201
    assert set(original) <= set(report)
    for name, value in original.items():
        assert report[name]["original"] == pytest.approx(value, abs=AS_TOLD), name
        assert report[name]["optimized"] == pytest.approx(optimized[name], abs=AS_TOLD), name
        assert report[name]["n"] == len(names)
        if name in GOOD:
            assert value > GOOD[name] if name != "wer" else value < GOOD[name]


def test_the_share_changed_is_what_a_person_would_count(seen: Seen) -> None:
    """Given the rules that are written down, then as many examples changed as was reported, and the bound follows."""
    version = seen.workflow.version
    found = [seen.kind.is_changed(a, b) for a, b in zip(seen.original, seen.exported, strict=True)]
    counted = [one for one in found if one is not None]
    share, bound = float(np.mean(counted)), upper_bound(sum(counted), len(counted), LEVEL)
    print(f"\n{seen.kind.name}: {share:.4f} of {len(counted)} changed, at most {bound:.4f}; reported {version}")  # noqa: T201
    assert version["changed_share"] == pytest.approx(share, abs=AS_TOLD)
    assert version["agreement"] == pytest.approx(1 - share, abs=AS_TOLD)
    assert version["changed_high"] == pytest.approx(bound, abs=AS_TOLD)


def test_its_bundle_shows_people_the_same(seen: Seen) -> None:
    """Given the examples' files, then `run.py` prints the boxes, the masks or the words that were judged."""
    raws, shown = seen.workflow.raws[:50], seen.exported[:50]
    for row, wanted in zip(seen.workflow.bundle.answers(raws), shown, strict=True):
        check_shown(seen.kind.task, row, wanted)


def check_shown(task: str, row: dict[str, Any], wanted: Any) -> None:
    if task == "transcript":
        assert row["answer"] == wanted
    elif task == "segmentation":
        assert np.array_equal(np.asarray(row["answer"]).reshape(wanted.shape), wanted)
    else:
        sure = wanted[wanted[:, 4] >= 0.25]
        assert len(row["boxes"]) == len(sure)
        for box, mine in zip(row["boxes"], sure, strict=True):
            assert box["score"] == pytest.approx(mine[4], abs=AS_TOLD)
            assert box["box"] == pytest.approx(np.clip(mine[:4], 0, 160).tolist(), abs=0.02)


def test_its_bundle_prints_for_people(seen: Seen) -> None:
    """Given one file without --json, then `run.py` prints its answer in a line, and verify.py finds nothing else."""
    bundle = seen.workflow.bundle
    done = run_in(bundle.python, bundle.folder, ["run.py", seen.workflow.raws[0].argument])
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
    assert run_in(bundle.python, bundle.folder, ["verify.py"]).returncode == 0
