"""What a look at the model finds: where the time goes, rewrites that pay, settings that pay."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording import RecordingContext

from workers import registry
from workers.contracts.after.changes import Layer
from workers.contracts.errors import JobCancelled
from workers.tune import search as module
from workers.tune.search import gain, search, share_of

REWRITES = tuple(registry.techniques().values())
"""All techniques: those that rewrite no graph are passed over."""


def profile(**shares: float) -> list[Layer]:
    """Operators whose kind and name are the key, in milliseconds."""
    return [Layer(name=name, kind=name, ms=ms) for name, ms in shares.items()]


class Sleeping:
    """Answers after so many milliseconds."""

    device_ran, fallbacks = "cpu", ()

    def __init__(self, ms: float) -> None:
        self.ms = ms

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        time.sleep(self.ms / 1000)
        return {}

    def close(self) -> None: ...


def test_share_counts_kinds_and_names_once() -> None:
    rows = (("a/MatMul", "FullyConnected", 2), ("hot", "OneHot", 1), ("conv/WithoutBiases", "C", 1))
    found = [Layer(name=name, kind=kind, ms=ms) for name, kind, ms in rows]
    assert share_of(found, {"OneHot"}) == 0.25
    assert share_of(found, {"OneHot"}, {"hot", "a/MatMul:0", "conv"}) == 1.0
    assert share_of((), {"OneHot"}) == 0.0


@pytest.mark.whole
def test_gain_is_seen_and_noise_is_none() -> None:
    """Given one that takes half the time, Then about twice; given two alike, then nothing worth a word."""
    calls = []
    assert 1.5 < gain(Sleeping(6), Sleeping(3), [{}], 2.0, lambda: calls.append(1)) < 3
    assert calls
    assert gain(Sleeping(3), Sleeping(6), [{}], 2.0, lambda: None) == 1.0


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch, make_small, tmp_path: Path):
    """`looked(kind, profile, gain)` searches a small model with the profile and comparison of a test."""

    def look(kind: str, profile: list[Layer], faster: float, **context: Any):
        monkeypatch.setattr(module, "layers_of", lambda *_: profile)
        monkeypatch.setattr(module, "gain", lambda *_: faster)
        small = make_small(kind)
        ctx = RecordingContext(tmp_path, data_dir=small.data, **context)
        found = search(small.model, small.feeds(), "f32", 1000, REWRITES, ctx)
        assert list(tmp_path.iterdir()) == []
        return found

    return look


@pytest.mark.parametrize(
    ("kind", "technique", "profile"),
    [
        ("one_hot", "gather_rewrite", profile(rows=20, other=80)),
        ("group_norm", "norm_rewrite", profile(Reorder=20, other=80)),
        ("nhwc", "layout_rewrite", profile(Transpose=20, other=80)),
        ("casts", "cast_cleanup", profile(Convert=20, other=80)),
    ],
)
def test_faster_rewrite_goes_before_every_recipe(kind: str, technique: str, profile: list[Layer], looked) -> None:
    found = looked(kind, profile, 1.3)
    assert [step.technique for step in found.steps] == [technique]
    assert "1.30 times as fast" in found.words[0] and found.settings == {}


def test_rewrite_of_little_time_is_not_tried(looked) -> None:
    """Given transposes that take 9 % of the time, Then nothing is rewritten, with the reason."""
    found = looked("nhwc", profile(Transpose=9, other=91), 1.3)
    assert not found.steps and "9 %" in found.dropped[0].reason.text


def test_rewrite_without_a_gain_is_dropped(looked) -> None:
    found = looked("nhwc", profile(Transpose=50, other=50), 1.01)
    assert not found.steps and "was not faster" in found.dropped[0].reason.text


def test_rewrite_without_places_is_not_tried(looked) -> None:
    found = looked("cnn", profile(Transpose=50, other=50), 2.0)
    assert not found.steps and not found.dropped


def test_partitioner_is_compared_for_short_requests_on_several_cores(looked) -> None:
    assert looked("cnn", profile(other=5), 1.2, threads=2).settings == {"tbb_partitioner": "auto"}
    assert looked("cnn", profile(other=5), 1.02, threads=2).settings == {}
    assert looked("cnn", profile(other=5), 1.2, threads=1).settings == {}
    assert looked("cnn", profile(other=500), 1.2, threads=2).settings == {}


def test_search_without_time_tries_nothing(monkeypatch, make_small, tmp_path: Path) -> None:
    """Given requests of a second and ten seconds to look, Then nothing is tried, with the reason."""
    monkeypatch.setattr(module, "layers_of", lambda *_: profile(Transpose=500, other=500))
    small = make_small("nhwc")
    found = search(small.model, small.feeds(), "f32", 1000, REWRITES, RecordingContext(tmp_path), max_s=10)
    assert not found.steps and "your time" in found.dropped[0].reason.text


def test_search_without_openvino_finds_nothing(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    feeds = {"image": np.zeros((1, 4, 16, 16), np.float32)}
    found = search(small.model, feeds, "f32", 1000, REWRITES, RecordingContext(tmp_path, data_dir=small.data))
    assert (found.steps, found.settings) == ([], {})


def test_search_is_cancelled(make_small, tmp_path: Path) -> None:
    small = make_small("nhwc")
    with pytest.raises(JobCancelled):
        ctx = RecordingContext(tmp_path, data_dir=small.data, cancel_after=0)
        search(small.model, small.feeds(), "f32", 1000, REWRITES, ctx)
