"""The doctor with real models, opened with hints that are wrong (FETTLE_MODELS_DIR)."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from recording import RecordingContext

from workers.contracts.data.doctor import DoctorParams, DoctorResult
from workers.contracts.jobs import OpenParams, OpenResult
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps
from workers.runtime.kinds import load_job

pytestmark = pytest.mark.models
MOBILENET = "P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx"
STAMPS = "DATA/imagenet_stamps"
MAGIKA, SILERO = "P/P08_magika_filetype/model.onnx", "P/P05_silero_vad/silero_vad_16k_op15.onnx"
MOST_CPU_S = 40.0
"""20 s on two cores: the search for a picture model with 180 pictures. Other programs' work does not count."""


@pytest.fixture
def doctor(tmp_path: Path) -> Any:
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


FAR_OFF = "resize=64,crop=224,mean=0,std=1,range=0..255,channels=bgr"


def test_mobilenet_with_wrong_hints_is_prepared_as_for_imagenet(doctor: Any) -> None:
    """Given MobileNetV2 opened as BGR, 0 to 255 and far too small, Then ImageNet's preparation is found in time."""
    began_s = time.process_time()
    found = doctor(MOBILENET, STAMPS, FAR_OFF)
    assert time.process_time() - began_s <= MOST_CPU_S, found.seconds
    assert found.verdict == "far_better" and found.evidence == "labels"
    steps = found.best.preprocess
    assert isinstance(steps, ImageSteps)
    assert (steps.channels, steps.range, steps.crop, steps.resize) == ("rgb", "0..1", (224, 224), 256)
    assert steps.mean == pytest.approx((0.485, 0.456, 0.406)) and steps.std == pytest.approx((0.229, 0.224, 0.225))


@pytest.mark.parametrize(
    ("model", "data", "hints", "wanted"),
    [
        (MAGIKA, "DATA/filetypes_magika.npz", "order=reversed,offset=1,swap=256/0", ArraySteps()),
        (SILERO, "DATA/vad_frames.npz", "frame=256,context=0,scale=32768", AudioSteps(context_samples=64)),
    ],
)
def test_wrong_hints_are_corrected(doctor: Any, model: str, data: str, hints: str, wanted: Any) -> None:
    """Given bytes in reversed order, counted from 1 and filled with 0, or small pieces of 16-bit sound without context,
    Then the model's own preparation is found."""
    found = doctor(model, data, hints)
    assert found.verdict == "far_better" and found.best.preprocess == wanted


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("model", "data"), [(MOBILENET, STAMPS), (MAGIKA, "DATA/filetypes_magika.npz")])
def test_right_hints_stay(doctor: Any, model: str, data: str) -> None:
    """Given models opened as their files declare, Then the chosen preparation fits."""
    assert doctor(model, data).verdict == "fits"


def test_noise_is_unclear(doctor: Any, tmp_path: Path) -> None:
    """Given pictures of noise, Then the verdict is unclear."""
    rng = np.random.default_rng(0)
    (tmp_path / "noise").mkdir()
    for number in range(40):
        picture = Image.fromarray(rng.integers(0, 256, (256, 256, 3), np.uint8))
        picture.save(tmp_path / "noise" / f"{number}.png")
    assert doctor(MOBILENET, tmp_path / "noise").verdict == "unclear"
