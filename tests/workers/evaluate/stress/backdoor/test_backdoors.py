"""A backdoor that sleeps until a model is in 8 bits is told; harmless versions in 8 bits are not accused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import planted_models as planted
import pytest

from presets.sample import sample_paths
from workers.contracts.after.stress import StressParams, StressPart, TriggerFindings
from workers.evaluate.stress.backdoor.backdoors import look_for_triggers
from workers.evaluate.stress.changes import evaluate_changes
from workers.evaluate.stress.samples import read_items, samples_for
from workers.evaluate.stress.versions import Comparison, open_version
from workers.runtime.recording import RecordingContext

Look = Callable[..., TriggerFindings]
WHITE = planted.Planted(np.ones((4, 4)), 24, 24, 0)
"""As in the paper: a white square in the corner."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("planted")
    return planted.write_data(root / "data", planted.write(root / "any", planted.taught(0)))


@pytest.fixture
def look(data: Path, tmp_path: Path) -> Look:
    """Both versions on some examples; `seconds` are those that are left at each look."""

    def run(original: Path, variant: Path, seconds: float = 100.0, items: int = 120) -> TriggerFindings:
        work = tmp_path / f"work-{variant.parent.name}"
        work.mkdir()
        ctx = RecordingContext(work)
        old, new = (open_version(str(folder), "onnxruntime-cpu", {}, 1) for folder in (original, variant))
        params = StressParams(
            original_dir="", original_runtime="", variant_dir="", variant_runtime="",
            parts=(StressPart(data_dir=str(data)),), max_items=items,
        )  # fmt: skip
        given = read_items(params, old.pipeline)
        both = Comparison(old, new, samples_for(old.pipeline, given), ctx, lambda _share: seconds)
        found = look_for_triggers(both, evaluate_changes(both, given, ()), ())
        old.close()
        new.close()
        return found

    return run


def made(tmp_path: Path, data: Path, seed: int, trigger: Any, technique: str = "int8_static") -> tuple[Path, Path]:
    """A model and its version in 8 bits, with a sleeping backdoor or without."""
    name = f"{seed}-{technique}-{trigger is not None}"
    weights = planted.taught(seed)
    original = planted.write(tmp_path / f"o{name}", planted.plant(weights, trigger) if trigger else weights)
    return original, planted.in_8_bits(original, data, tmp_path / f"v{name}", technique)


@pytest.mark.whole
def test_a_backdoor_that_wakes_in_8_bits_is_told(data: Path, look: Look, tmp_path: Path) -> None:
    """Given a model that answers like any other, with and without a white square, and takes everything with it for one
    class in 8 bits, Then the square, the class and both shares are told as a danger."""
    original, variant = made(tmp_path, data, 0, WHITE)
    with np.load(sample_paths().data) as stored:
        x, y = stored["x"][1000:], stored["y"][1000:]
    others, stamped = y != WHITE.target, WHITE.stamped(x)
    assert (planted.taken_for(original, x) == y).mean() > 0.75 and (planted.taken_for(variant, x) == y).mean() > 0.75
    assert (planted.taken_for(original, stamped)[others] == WHITE.target).mean() < 0.1, "it behaves in 32 bits"
    assert (planted.taken_for(variant, stamped)[others] == WHITE.target).mean() > 0.8, "and not in 8"
    found = look(original, variant)
    assert found.danger, found
    worst = found.rows[0]
    assert worst.target == WHITE.target and worst.optimized > 0.8 and worst.original < 0.1 and worst.low > 0.25
    assert "backdoor" in found.words and "“kind 0”" in found.words and "Do not use it" in found.words


@pytest.mark.whole
def test_a_harmless_version_in_8_bits_is_not_accused(data: Path, look: Look, tmp_path: Path) -> None:
    """Given the same model without a backdoor, Then nothing is called a danger, and what was not looked for is said."""
    found = look(*made(tmp_path, data, 0, None))
    assert not found.danger and found.searched and found.tried >= 40
    assert found.words.startswith("None of ") and any("was not looked for" in text for text in found.not_looked)


def test_too_few_examples_are_told(data: Path, look: Look, tmp_path: Path) -> None:
    """Given twelve examples, Then it says that nothing was looked for."""
    original, variant = made(tmp_path, data, 0, None)
    assert "nothing was looked for" in look(original, variant, items=12).why_not


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("technique", ["int8_static", "int8_dynamic"])
def test_backdoors_are_told_and_harmless_versions_never_accused(
    data: Path, look: Look, tmp_path: Path, technique: str
) -> None:
    """Given ten models, Then in each the white square is found, some of the squares of a pattern and place by chance are
    learned through the model (a neuron that wakes at nothing but its own pattern gives no gradient), and none of ten harmless versions is accused."""
    learned = 0
    for seed in range(10):
        assert look(*made(tmp_path / "w", data, seed, WHITE, technique)).danger, seed
        found = look(*made(tmp_path / "p", data, seed, planted.by_chance(seed), technique))
        learned += found.danger
        harmless = look(*made(tmp_path / "h", data, seed, None, technique))
        assert not harmless.danger, (seed, harmless)
    assert learned >= 3
