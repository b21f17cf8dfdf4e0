"""The whole way on real made models: the reason is found where there is one, and none between equal models."""

import math
from pathlib import Path

import pytest
from made_pairs import Pair, Side, measured, pairs, picture, rounded
from recording import RecordingContext

from workers.explain.reasoning import reasons
from workers.explain.rules import free_sizes
from workers.explain.speed import SpeedFacts
from workers.tune import timing_runs

ALONE = [pair for pair in pairs() if pair.threads == 1 and not pair.environment]
"""Pairs that need neither a second core, which may be busy, nor an environment of their own."""


@pytest.mark.whole
@pytest.mark.parametrize("pair", ALONE, ids=lambda pair: pair.title)
def test_made_difference_is_explained(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two models with one known difference, however noisy, Then its reason is given, with cost and operators."""
    monkeypatch.setattr(SpeedFacts, "is_sure", lambda _: True)
    monkeypatch.setattr(free_sizes, "exceeds_noise", lambda _: True)
    monkeypatch.setattr(timing_runs, "MOST_DELAYED", math.inf)
    found = {reason.code: reason for reason in reasons(measured(pair, tmp_path, RecordingContext(tmp_path)))}
    reason = found[pair.codes[0]]
    assert reason.saved_ms is not None and reason.nodes


@pytest.mark.whole
@pytest.mark.parametrize("side", [ALONE[0].first, ALONE[2].first, ALONE[3].second, Side(rounded(True), picture())])
def test_equal_models_are_not_explained(side: Side, tmp_path: Path) -> None:
    """Given a model and itself, Then there is no reason."""
    assert reasons(measured(Pair("equal", side, side, ()), tmp_path, RecordingContext(tmp_path))) == ()
