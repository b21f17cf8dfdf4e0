"""INT8 with learned rounding: closer to the original than plain INT8, within its time, the same again."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from recording import RecordingContext
from situations import CNN, CPU, POOR

from workers.contracts.errors import JobCancelled
from workers.contracts.planning import Situation
from workers.measure.opening import open_session
from workers.quantize import int8_learned, int8_mixed, int8_static
from workers.runtime.calibration import calibration_feeds

NO_LIMITS = {"min_agreement": 0.5, "min_cosine": 0.5}
"""Limits with which mixed INT8 keeps no layer."""


def made(technique: Any, small: Any, folder: Path, **params: Any) -> Path:
    """The folder of the version that the technique makes."""
    folder.mkdir()
    ctx = RecordingContext(folder, data_dir=small.data, original=small.folder)
    technique.SPEC.apply(small.model, technique.Params(**params), ctx)
    return folder / "model"


def outputs(folder: Path, small: Any, scratch: Path) -> np.ndarray:
    """All outputs for the test examples, which no version learned from."""
    scratch.mkdir(exist_ok=True)
    unseen = scratch / "calibration"
    if not unseen.exists():
        unseen.symlink_to(small.data / "test", target_is_directory=True)
    session = open_session(folder, "onnxruntime-cpu", {}, 1)
    rows = [next(iter(session.run(dict(feeds)).values())) for feeds in calibration_feeds(scratch, None)]
    session.close()
    return np.concatenate(rows)


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    graph = onnx.load(folder / "model.onnx").graph
    return {t.name: numpy_helper.to_array(t) for t in graph.initializer}


@pytest.mark.whole
@pytest.mark.parametrize(("kind", "narrow"), [("cnn", False), ("cnn", True), ("transformer", True)])
def test_learned_rounding_is_closer_on_unseen_examples(kind: str, narrow: bool, make_small, tmp_path: Path) -> None:
    """Given 16 calibration examples, When they are rounded, Then learned outputs have half the error of plain ones, and
    weights of 7 bits end at 63.

    With 8 bits, sums of ONNX Runtime overflow without VNNI, which is why mixed INT8 is compared with 7 bits alone.
    """
    small = make_small(kind, items=16)
    original = outputs(small.folder, small, tmp_path / "unseen")
    errors = []
    for technique, limits in ((int8_static, {}), (int8_learned, {}), *[(int8_mixed, NO_LIMITS)] * narrow):
        folder = made(technique, small, tmp_path / technique.ID, reduce_range=narrow, **limits)
        errors.append(float(((outputs(folder, small, tmp_path / "unseen") - original) ** 2).sum()))
        whole = [np.abs(w.astype(int)).max() for w in weights_of(folder).values() if w.dtype == np.int8 and w.ndim > 1]
        assert technique is not int8_learned or 60 <= max(whole) <= (63 if narrow else 127)
    assert max(errors[1:]) <= 0.5 * errors[0]


@pytest.mark.whole
def test_no_time_gives_the_plain_version(make_small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given no time to learn, Then the plain version is the result, and a note says so."""
    small = make_small("cnn")
    plain = weights_of(made(int8_static, small, tmp_path / "plain"))
    monkeypatch.setattr(int8_learned.Learner, "_is_over", lambda learner: True)
    learned = weights_of(made(int8_learned, small, tmp_path / "learned"))
    assert all(np.array_equal(plain[name], learned[name]) for name in plain)


@pytest.mark.whole
def test_cancelled_learning_leaves_nothing_and_gives_the_same_again(make_small, tmp_path: Path) -> None:
    """Given learning that is cancelled in the middle, When it starts again, Then it gives the uncancelled result."""
    small = make_small("cnn")
    whole = weights_of(made(int8_learned, small, tmp_path / "whole"))
    (tmp_path / "cut").mkdir()
    ctx = RecordingContext(tmp_path / "cut", data_dir=small.data, original=small.folder, cancel_after=80)
    with pytest.raises(JobCancelled):
        int8_learned.apply(small.model, int8_learned.Params(), ctx)
    assert not any((tmp_path / "cut").iterdir())
    again = weights_of(made(int8_learned, small, tmp_path / "again"))
    assert all(np.array_equal(whole[name], again[name]) for name in whole)


def test_fit_gives_a_share_of_the_run_and_7_bits_without_vnni() -> None:
    """Given a run of 240 s on a processor without VNNI, Then learning gets 72 s and weights 7 bits."""
    situation = Situation(CNN, POOR, CPU, has_calibration=True, time_budget_s=240.0)
    for technique in (int8_learned, int8_mixed):
        assert technique.SPEC.fit(situation, {}).params == {"max_s": 72, "reduce_range": True}
