"""The doctor with real models, opened with hints that are wrong (FETTLE_MODELS_DIR)."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workers.contracts.data.doctor import DoctorParams, DoctorResult
from workers.contracts.jobs import OpenParams, OpenResult
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps
from workers.runtime.kinds import load_job
from workers.runtime.recording import RecordingContext

pytestmark = pytest.mark.models
MOBILENET = "P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx"
MAGIKA, SILERO = "P/P08_magika_filetype/model.onnx", "P/P05_silero_vad/silero_vad_16k_op15.onnx"
MOST_CPU_S = 40.0
"""20 s on two cores: the search for a picture model with 180 pictures. Other programs' work does not count."""


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    root = Path(os.environ["FETTLE_MODELS_DIR"])

    def run(model: str, data: str | Path, preprocess: str | None = None) -> DoctorResult:
        for part in ("open", "doctor"):
            shutil.rmtree(tmp_path / part, ignore_errors=True)
            (tmp_path / part).mkdir()
        params = OpenParams(path=str(root / model), preprocess=preprocess)
        opened = load_job("open").run(params, RecordingContext(tmp_path / "open", threads=2))
        assert isinstance(opened, OpenResult)
        folder = tmp_path / "open" / opened.model_dir
        requested = DoctorParams(model_dir=str(folder), path=str(root / data), seconds=60)
        result = load_job("doctor").run(requested, RecordingContext(tmp_path / "doctor", threads=2))
        assert isinstance(result, DoctorResult)
        return result

    return run


def test_mobilenet_with_shuffled_hints(ask: Any) -> None:
    """Given MobileNetV2 opened as BGR, 0 to 255 and far too small, Then ImageNet's own way is found in time."""
    wrong = "resize=64,crop=224,mean=0,std=1,range=0..255,channels=bgr"
    began_s = time.process_time()
    found = ask(MOBILENET, "DATA/imagenet_stamps", wrong)
    assert time.process_time() - began_s <= MOST_CPU_S, found.seconds
    assert found.verdict == "far_better" and found.evidence == "labels"
    steps = found.best.preprocess
    assert isinstance(steps, ImageSteps)
    assert (steps.channels, steps.range, steps.crop, steps.resize) == ("rgb", "0..1", (224, 224), 256)
    assert steps.mean == pytest.approx((0.485, 0.456, 0.406)) and steps.std == pytest.approx((0.229, 0.224, 0.225))


def test_magika_with_shuffled_hints(ask: Any) -> None:
    """Given bytes backwards, counted from one, filled up with 0, Then they are given as they are."""
    found = ask(MAGIKA, "DATA/filetypes_magika.npz", "order=reversed,offset=1,swap=256/0")
    assert found.verdict == "far_better" and found.best.preprocess == ArraySteps()


def test_silero_with_shuffled_hints(ask: Any) -> None:
    """Given small pieces without their context as 16-bit values, Then 512 after 64 in −1..1 are found."""
    found = ask(SILERO, "DATA/vad_frames.npz", "frame=256,context=0,scale=32768")
    assert found.verdict == "far_better" and found.best.preprocess == AudioSteps(context_samples=64)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("model", "data"), [(MOBILENET, "DATA/imagenet_stamps"), (MAGIKA, "DATA/filetypes_magika.npz")]
)
def test_right_hints_stay(ask: Any, model: str, data: str) -> None:
    """Given models opened as their files say, Then the chosen way fits."""
    assert ask(model, data).verdict == "fits"


def test_noise_tells_nothing(ask: Any, tmp_path: Path) -> None:
    """Given pictures of noise, Then it cannot be told."""
    rng = np.random.default_rng(0)
    (tmp_path / "noise").mkdir()
    for number in range(40):
        picture = Image.fromarray(rng.integers(0, 256, (256, 256, 3), np.uint8))
        picture.save(tmp_path / "noise" / f"{number}.png")
    assert ask(MOBILENET, tmp_path / "noise").verdict == "unclear"
