"""`fettle inspect MODEL --data PATH`: what goes into the model, as a table and as JSON."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from presets.sample import sample_paths

Fettle = Callable[..., Any]


def test_it_shows_what_goes_in(fettle: Fettle, tmp_path: Path) -> None:
    """Given arrays that were prepared before, under the input's name, Then the JSON shows bit by bit what goes in, and
    the text shows the range; without data nothing of it is reported."""
    sample = sample_paths()
    with np.load(sample.data) as stored:
        values = ((stored["x"][:40].astype(np.float32) / 255 - 0.286) / 0.353).reshape(40, 1, 28, 28)
        labels, classes = stored["y"][:40], stored["classes"]
    name = fettle.here("inspect", sample.model, "--json").document["inputs"][0]["name"]
    np.savez(tmp_path / "a.npz", **{name: values, "y": labels, "classes": classes})
    report = fettle.here("inspect", sample.model, "--data", tmp_path / "a.npz", "--json")
    assert report.code == 0
    fed = report.document["fed"]
    assert fed["kind"] == "arrays" and [found["code"] for found in fed["findings"]] == ["as_they_are"]
    for example in fed["examples"]:
        one = values[int(example["source"].split()[-1]) - 1]
        (entry,) = example["inputs"]
        assert entry["shape"] == [1, 1, 28, 28] and (entry["low"], entry["high"]) == (one.min(), one.max())
        with Image.open(example["picture"]) as picture:
            assert picture.size == (28, 28)
    text = fettle.here("inspect", sample.model, "--data", tmp_path / "a.npz")
    output = text.out + text.err
    assert text.code == 0 and "what the model is fed (as they are)" in output and "−0.81 to 2.02" in output
    assert "fed" not in fettle.here("inspect", sample.model, "--json").document


def test_data_that_do_not_fit_are_refused(fettle: Fettle, tmp_path: Path) -> None:
    """Given arrays of another shape, Then exit code 3 with the expected shape, and no traceback."""
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).random((20, 30, 20, 3)).astype(np.float32))
    report = fettle.here("inspect", sample_paths().model, "--data", tmp_path / "a.npz", "--json")
    assert report.code == 3 and "any×1×28×28" in str(report.document)
    gone = fettle.here("inspect", sample_paths().model, "--data", tmp_path / "gone.npz")
    assert gone.code == 3
