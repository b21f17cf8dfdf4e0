"""Two models as one: who answers which row, whatever the shapes, and alone where the fast one cannot run."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from workers.contracts.errors import InputRefused
from workers.infer.base import Session
from workers.infer.cascade import CascadeSession, margins, open_cascade
from workers.measure.opening import open_session


class Fixed:
    """Predicts for each row the scores of the number in it."""

    device_ran = "cpu"

    def __init__(self, rows: dict[int, list[float]], fallbacks: tuple[str, ...] = ()) -> None:
        self.rows, self.fallbacks, self.evaluated, self.closed = rows, fallbacks, 0, False

    def run(self, feeds: Any) -> dict[str, np.ndarray]:
        self.evaluated += len(feeds["x"])
        answer = np.array([self.rows[int(number)] for number in feeds["x"][:, 0]], np.float32)
        return {"y": answer, "total": np.float32(len(answer))}

    def close(self) -> None:
        self.closed = True


SETTINGS = {"output": "y", "threshold": 0.5, "batched": ["x"]}
FAST = {1: [3.0, 0.0, 1.0], 2: [1.0, 0.9, 0.0], 3: [0.0, np.nan, 1.0]}
EXACT = {1: [9.0, 0.0, 0.0], 2: [0.0, 9.0, 0.0], 3: [0.0, 0.0, 9.0]}


def x(*numbers: int) -> dict[str, np.ndarray]:
    return {"x": np.array(numbers, np.float32)[:, None]}


def test_unsure_rows_alone_are_evaluated_again() -> None:
    """Given a sure row, an unsure one and one that is no number, Then the exact model answers the last two."""
    first, exact = Fixed(FAST), Fixed(EXACT)
    session: Session = CascadeSession(first, exact, SETTINGS)
    answer = session.run(x(1, 2, 3))["y"]
    np.testing.assert_array_equal(answer, [FAST[1], EXACT[2], EXACT[3]])
    assert (first.evaluated, exact.evaluated) == (3, 2)
    np.testing.assert_array_equal(session.run(x(1))["y"], [FAST[1]])
    assert exact.evaluated == 2
    np.testing.assert_array_equal(session.run(x(2))["y"], [EXACT[2]])
    session.close()
    assert first.closed and exact.closed


def test_margins_are_the_same_for_logits_and_their_probabilities() -> None:
    logits = np.array([[2.0, 0.5, -1.0], [0.0, 0.0, 30.0]])
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(margins(logits, "logits"), [1.5, 30.0])
    np.testing.assert_allclose(margins(shares, "probabilities"), [1.5, 30.0], rtol=1e-6)
    assert np.isfinite(margins(np.array([[1.0, 0.0]], np.float32), "probabilities")).all()


def test_cascade_without_a_fast_version_uses_the_exact_one(tmp_path: Path) -> None:
    """Given a computer that lacks what the fast one needs, Then it is closed, and the exact one reports why it is alone."""
    opened: list[Fixed] = []

    def load(path: Path, settings: Any, threads: int) -> Session:
        lacks = settings.get("inference_precision") == "bf16"
        opened.append(Fixed(EXACT, ("no such arithmetic",) if lacks else ()))
        return opened[-1]

    settings = {"cascade": {**SETTINGS, "first": {"inference_precision": "bf16"}}}
    session = open_cascade(load, tmp_path / "model.onnx", settings, 1)
    assert session is opened[1] and opened[0].closed
    assert session.fallbacks == ("no such arithmetic; the exact version answers alone",)


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime-cpu"])
def test_both_runtimes_open_a_cascade_from_settings(runtime: str, make_small) -> None:
    """Given a threshold that no margin reaches, Then all answers are the exact one's; given 0, the fast one's."""
    small = make_small("cnn")
    plain = open_session(small.folder, runtime, {}, 1).run(small.feeds())["logits"]
    for threshold in (0.0, 1e9):
        own = {"output": "logits", "threshold": threshold, "batched": ["image"], "first": {"num_threads": 1}}
        session = open_session(small.folder, runtime, {"cascade": own}, 1)
        with patch.object(session._exact, "run", wraps=session._exact.run) as exact:
            np.testing.assert_allclose(session.run(small.feeds())["logits"], plain, atol=1e-5)
        assert exact.call_count == (1 if threshold else 0)
        session.close()


@pytest.mark.parametrize(
    "own",
    [
        {},
        {**SETTINGS, "nonsense": 1},
        {**SETTINGS, "threshold": "high"},
        {**SETTINGS, "first_main": "../other.onnx"},
        {**SETTINGS, "first_main": "/etc/passwd"},
        {**SETTINGS, "first_main": "C:other.onnx"},
        {**SETTINGS, "first_main": "..\\other.onnx"},
    ],
)
def test_broken_cascade_settings_are_refused(own: dict, make_small) -> None:
    with pytest.raises(InputRefused, match="setting"):
        open_session(make_small("cnn").folder, "openvino", {"cascade": own}, 1)
