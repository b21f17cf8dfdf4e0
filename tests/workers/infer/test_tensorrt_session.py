"""TensorRT's runtime with a stand-in driver and library: calls, keys, caches and errors, never figures."""

import json
from pathlib import Path

import numpy as np
import pytest
from stand_in_card import StandInDriver, StandInTensorRt

from workers.infer import tensorrt, tensorrt_editions, tensorrt_engines
from workers.infer.base import NotRunnable, SessionOptions
from workers.infer.cuda_driver import CudaError, Driver, Place
from workers.infer.tensorrt_editions import Classic, Rtx
from workers.infer.tensorrt_engines import COMPILED, ENGINE, FILE, TIMING

HERE = Place("sm89", "Stand-in card", 13_000)
PROFILE = {"profile": {"x": [[1, 4], [1, 4], [8, 4]]}, "engines": []}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(b"a model")
    (tmp_path / FILE).write_text(json.dumps(PROFILE), encoding="utf-8")
    return tmp_path / "model.onnx"


def opened(model: Path, edition: tensorrt_editions.Edition, trt: StandInTensorRt, cache: Path | None, place=HERE):
    return tensorrt_engines.open_engine(model, edition, trt, place, cache, tensorrt.ignore_progress)


def test_place_reports_the_card_of_the_driver() -> None:
    assert Driver(StandInDriver((12, 0))).place() == Place("sm120", "Stand-in card", 13_000)


def test_driver_errors_have_names() -> None:
    """Given a driver that refuses to start (304 is what Landlock brought about), Then the error has code and name."""
    with pytest.raises(CudaError, match=r"cuInit: CUDA_ERROR_STAND_IN \(304\)"):
        Driver(StandInDriver(cuInit=304))


@pytest.mark.parametrize("edition", [Rtx(), Classic()], ids=lambda one: one.id)
def test_session_predicts_and_frees_its_memory(edition, model: Path, tmp_path: Path) -> None:
    """Given requests of several sizes, Then answers have their shapes; a size beyond the profile is refused by name;
    at the end no memory of the card is left taken."""
    library = StandInDriver()
    session = tensorrt.TensorRtSession(opened(model, edition, StandInTensorRt(), tmp_path / "c"), Driver(library), {})
    for rows in (1, 8, 3):
        x = np.arange(rows * 4, dtype=np.float32).reshape(rows, 4)
        np.testing.assert_array_equal(session.run({"x": x})["y"], 2 * x)
    with pytest.raises(ValueError, match=r"'x': the engine was not built for the shape \(9, 4\)"):
        session.run({"x": np.zeros((9, 4), np.float32)})
    with pytest.raises(ValueError, match="takes float32, not float64"):
        session.run({"x": np.zeros((1, 4))})
    session.close()
    assert library.memory == {}
    kept = list((tmp_path / "c").rglob(COMPILED))
    assert bool(kept) == (edition.id == "rtx")  # a runtime cache is for RTX alone


def test_second_start_uses_the_cached_engine(model: Path, tmp_path: Path) -> None:
    trt = StandInTensorRt()
    first = opened(model, Classic(), trt, tmp_path / "c")
    again = opened(model, Classic(), trt, tmp_path / "c")
    assert first.origin.startswith("The engine was built here")
    assert again.origin == "The engine was kept from an earlier start"
    assert len(trt.built) == 1
    folder = next((tmp_path / "c").iterdir())
    assert {file.name for file in folder.iterdir()} == {ENGINE, TIMING}
    assert (folder / ENGINE).stat().st_mode & 0o077 == 0  # an engine decides what runs: the person's alone


def test_engine_built_ahead_is_used_if_it_is_valid(model: Path, tmp_path: Path) -> None:
    """Given an engine built ahead, Then it is used where the library reports it as valid; else one is built, and the
    reason is reported."""
    (model.parent / "ahead.plan").write_bytes(b"plan ahead")
    row = {"file": "ahead.plan", "edition": "rtx"}
    (model.parent / FILE).write_text(json.dumps({**PROFILE, "engines": [row]}), encoding="utf-8")
    assert opened(model, Rtx(), StandInTensorRt(), None).origin == "The engine was built ahead"
    refused = opened(model, Rtx(), StandInTensorRt(valid=False), None)
    assert refused.origin.startswith("The engine was built here") and "ahead.plan: unsupported cc" in refused.origin
    assert opened(model, Classic(), StandInTensorRt(), None).origin.startswith("The engine was built here")


def test_keys_differ_where_engines_do() -> None:
    """Given another driver or card, Then a classic engine has another key and one of RTX has not; given another model,
    profile or version, both have."""
    other = Place("sm86", "Another card", 12_080)
    requested = {"model": "a", "profile": {}}
    for edition, moves in ((Classic(), True), (Rtx(), False)):
        key = edition.key(requested, "11.4", HERE)
        assert (key != edition.key(requested, "11.4", other)) == moves
        assert key != edition.key({**requested, "model": "b"}, "11.4", HERE)
        assert key != edition.key(requested, "11.5", HERE)


def test_classic_builds_for_the_card_that_is_here_alone() -> None:
    with pytest.raises(NotRunnable, match="cannot build for SM120"):
        Classic().target(StandInTensorRt(), None, ("sm120",), HERE)


def test_timings_of_another_card_are_not_taken() -> None:
    config = StandInTensorRt().Builder(None).create_builder_config()
    Classic().give_timing(config, b"of another card")
    assert config.timing.data == b""
    Classic().give_timing(config, b"timed")
    assert config.timing.data == b"timed" and Classic().take_timing(config) == b"timed"


def test_stub_or_old_library_gives_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the stub of the usual index, whose import fails, and one that is too old, Then the line that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "tensorrt", None)
    with pytest.raises(NotRunnable, match="pip install tensorrt --extra-index-url"):
        tensorrt_editions.load_library(Classic())
    old = type("old", (), {"__version__": "10.16.1"})
    monkeypatch.setitem(__import__("sys").modules, "tensorrt", old)
    with pytest.raises(NotRunnable, match=r"10\.16\.1 is too old, 11 is needed"):
        tensorrt_editions.load_library(Classic())


@pytest.mark.parametrize(
    ("architecture", "edition"), [("sm75", "classic"), ("sm80", "classic"), ("sm86", "rtx"), ("sm89", "rtx"),
                                  ("sm90", "classic"), ("sm100", "classic"), ("sm120", "rtx"), ("sm121", "rtx")]
)  # fmt: skip
def test_edition_follows_the_card(architecture: str, edition: str) -> None:
    assert tensorrt_editions.for_architecture(architecture).id == edition


def test_damaged_description_is_refused(model: Path) -> None:
    (model.parent / FILE).write_text('{"profile": {"x": [1]}}', encoding="utf-8")
    with pytest.raises(NotRunnable, match="is damaged"):
        opened(model, Classic(), StandInTensorRt(), None)


def test_without_a_card_available_gives_the_reason() -> None:
    found = tensorrt.available()
    assert not found.available and found.hint
    with pytest.raises(NotRunnable, match="needs an NVIDIA GPU"):
        tensorrt.load(Path("model.onnx"), {}, 1)


def test_settings_of_other_engines_are_refused_before_anything_is_made() -> None:
    wanted = SessionOptions({"inference_precision": "bf16"}, (), False, True, False, False, (), frozenset(), None)
    refusal = tensorrt.why_not(wanted)
    assert refusal is not None and "inference_precision" in refusal.text
