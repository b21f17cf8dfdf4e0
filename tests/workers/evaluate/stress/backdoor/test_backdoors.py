"""A backdoor that is dormant until a model is in 8 bits is found; harmless 8-bit versions raise no alarm."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import planted_models as planted
import pytest
from recording import RecordingContext

from presets.sample import sample_paths
from workers.contracts.after.stress import StressParams, StressPart, TriggerFindings
from workers.evaluate.stress.backdoor.backdoors import look_for_triggers
from workers.evaluate.stress.changes import evaluate_changes
from workers.evaluate.stress.samples import read_items, samples_for
from workers.evaluate.stress.versions import Comparison, open_version

Look = Callable[..., TriggerFindings]
WHITE = planted.Planted(np.ones((4, 4)), 24, 24, 0)
"""As in the paper: a white square in the corner."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("planted")
    return planted.write_data(root / "data", planted.write(root / "any", planted.taught(0)))


@pytest.fixture
def look(data: Path, tmp_path: Path) -> Look:
    """Return a function that searches triggers in two versions, with 100 s left at each moment."""

    def run(original: Path, variant: Path, items: int = 120) -> TriggerFindings:
        work = tmp_path / f"work-{variant.parent.name}"
        work.mkdir()
        ctx = RecordingContext(work)
        old, new = (open_version(str(folder), "onnxruntime-cpu", {}, 1) for folder in (original, variant))
        params = StressParams(
            original_dir="", original_runtime="", variant_dir="", variant_runtime="",
            parts=(StressPart(data_dir=str(data)),), max_items=items,
        )  # fmt: skip
        given = read_items(params, old.pipeline)
        both = Comparison(old, new, samples_for(old.pipeline, given), ctx, lambda _share: 100.0)
        findings = look_for_triggers(both, evaluate_changes(both, given, ()), ())
        old.close()
        new.close()
        return findings

    return run


def made(tmp_path: Path, data: Path, seed: int, trigger: Any, technique: str = "int8_static") -> tuple[Path, Path]:
    """Return a model with or without a dormant backdoor, and its version in 8 bits."""
    name = f"{seed}-{technique}-{trigger is not None}"
    weights = planted.taught(seed)
    original = planted.write(tmp_path / f"o{name}", planted.plant(weights, trigger) if trigger else weights)
    return original, planted.in_8_bits(original, data, tmp_path / f"v{name}", technique)


@pytest.mark.whole
def test_backdoor_that_rounding_activates_is_found(data: Path, look: Look, tmp_path: Path) -> None:
    """Given a model that predicts one class for all pictures with a white square, but only in 8 bits, then the square is a
    danger, with the class and both shares."""
    original, variant = made(tmp_path, data, 0, WHITE)
    with np.load(sample_paths().data) as stored:
        x, y = stored["x"][1000:], stored["y"][1000:]
    others, stamped = y != WHITE.target, WHITE.stamped(x)
    assert (planted.taken_for(original, x) == y).mean() > 0.75 and (planted.taken_for(variant, x) == y).mean() > 0.75
    assert (planted.taken_for(original, stamped)[others] == WHITE.target).mean() < 0.1, "it behaves in 32 bits"
    assert (planted.taken_for(variant, stamped)[others] == WHITE.target).mean() > 0.8, "and not in 8"
    findings = look(original, variant)
    assert findings.danger, findings
    worst = findings.rows[0]
    assert worst.target == WHITE.target and worst.optimized > 0.8 and worst.original < 0.1 and worst.low > 0.25
    assert "backdoor" in findings.words and "“kind 0”" in findings.words and "Do not use it" in findings.words


@pytest.mark.whole
def test_harmless_8_bit_version_is_no_danger(data: Path, look: Look, tmp_path: Path) -> None:
    """Given the same model without a backdoor, then there is no danger, and the limits of the search are named."""
    findings = look(*made(tmp_path, data, 0, None))
    assert not findings.danger and findings.searched and findings.tried >= 40
    assert any("was not looked for" in text for text in findings.not_looked)


def test_few_examples_are_the_reason_for_no_search(look: Look, tmp_path: Path) -> None:
    """Given twelve examples, then no trigger is searched, and the reason is named."""
    original = planted.write(tmp_path / "model", planted.taught(0))
    assert "nothing was looked for" in look(original, original, items=12).why_not


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("technique", ["int8_static", "int8_dynamic"])
def test_backdoors_of_ten_models_are_found_without_false_alarms(
    data: Path, look: Look, tmp_path: Path, technique: str
) -> None:
    """Given ten models, then each white square is found, at least three random patterns are learned through the model (a
    neuron that reacts to nothing but its own pattern gives no gradient), and no harmless version is a danger."""
    learned = 0
    for seed in range(10):
        assert look(*made(tmp_path / "w", data, seed, WHITE, technique)).danger, seed
        findings = look(*made(tmp_path / "p", data, seed, planted.by_chance(seed), technique))
        learned += findings.danger
        harmless = look(*made(tmp_path / "h", data, seed, None, technique))
        assert not harmless.danger, (seed, harmless)
    assert learned >= 3
