"""The job that stays open: one loaded model, one input after another, through real runtimes."""

import time
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import write_wav, write_words
from PIL import Image
from pydantic import ValidationError
from recording import RecordingContext

from workers import registry
from workers.contracts.after.trying import LiveResult, TryAnswer, TryRequest
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import JobCancelled
from workers.contracts.pipeline import read_pipeline, write_pipeline
from workers.contracts.process.messages import Request
from workers.contracts.specs import RunParams
from workers.measure.single import time_calls
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, TextSteps
from workers.runtime.kinds import load_job

Make = Callable[..., Any]


def tried(small: Any, work: Path, *requests: dict[str, Any], **more: Any) -> list[Any]:
    """Run the job with these requests and return the reply to each."""
    work.mkdir(exist_ok=True)
    planned = [Request(index=number, request=request) for number, request in enumerate(requests)]
    ctx = RecordingContext(work, planned_requests=planned, **more.pop("context", {}))
    params = RunParams(
        model_dir=str(small.folder), data_dir=str(small.data), runtime=more.pop("runtime", "onnxruntime-cpu"), **more
    )
    result = load_job("try_it").run(params, ctx)
    assert isinstance(result, LiveResult)
    assert (result.requests, ctx.loaded_calls) == (len(requests), 1)
    assert [index for index, _ in ctx.answers] == list(range(len(requests)))
    return [answer for _, answer in ctx.answers]


def change_spec(small: Any, **changes: Any) -> None:
    """Write another pipeline.json for the same model."""
    write_pipeline(small.folder, replace(read_pipeline(small.folder), **changes))


def test_same_item_has_the_same_prediction(small: Any, tmp_path: Path) -> None:
    """Given each small model, then every item has a prediction with its time, and the same item the same prediction."""
    first, second, again = tried(small, tmp_path, {"item": 0}, {"item": 1}, {"item": 0})
    for answer in (first, second, again):
        assert isinstance(answer, TryAnswer)
        assert answer.latency_ms > 0 and 1 <= answer.n_calls <= 9
        assert answer.kind != "nothing" and (answer.rows or answer.values)
    assert (first.rows, first.values) == (again.rows, again.values)
    stored = np.load(tmp_path / "answer.npy")
    assert stored.dtype == np.float32 and stored.size >= 1


def test_prediction_of_a_version_is_compared_with_the_original(small: Any, tmp_path: Path) -> None:
    """Given the original's prediction, when OpenVINO runs the same item, then both are the same."""
    tried(small, tmp_path / "original", {"item": 0})
    beside = str(tmp_path / "original" / "answer.npy")
    (alike,) = tried(
        small, tmp_path / "variant", {"item": 0, "beside": beside}, runtime="openvino",
        settings={"inference_precision": "f32"},
    )  # fmt: skip
    assert alike.same is not False
    assert alike.same or alike.similarity == pytest.approx(1.0, abs=1e-5)


def test_picture_is_predicted_and_other_files_are_refused(make_small: Make, tmp_path: Path) -> None:
    """Given a picture, a text and damaged or missing files, then the picture has a prediction and is drawn, and the others
    have an error with a hint."""
    small = make_small("cnn")
    change_spec(small, answer_kind="class", classes=tuple("abcdefghijklmnop"))
    size = read_pipeline(small.folder)
    assert isinstance(size.preprocess, ImageSteps | ArraySteps)
    change_spec(small, preprocess=ImageSteps(resize=tuple(size.inputs[0].shape[2:4])))
    good, bad = tmp_path / "ünï 模型.png", tmp_path / "bad.png"
    Image.new("RGB", (900, 300), (200, 10, 10)).save(good)
    bad.write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    answer, no_text, damaged, gone, again = tried(
        small, tmp_path / "w", {"path": str(good), "draw": True}, {"text": "hello"}, {"path": str(bad), "draw": True},
        {"path": str(tmp_path / "gone.png")}, {"path": str(good)},
    )  # fmt: skip
    shares = [share for _, share in answer.rows]
    assert answer.kind == "class" and len(shares) == 3 and shares == sorted(shares, reverse=True)
    assert (answer.seen.kind, answer.seen.height_px) == ("image", size.inputs[0].shape[2])
    with Image.open(tmp_path / "w" / answer.picture) as drawn:
        assert drawn.size == (360, 120)
    for error in (no_text, damaged, gone):
        assert isinstance(error, ErrorInfo) and error.title and error.detail.endswith(".") and error.hint.endswith(".")
    assert no_text.detail == "This model takes no text."
    assert "bad.png" in damaged.detail and "gone.png" in gone.detail
    assert again.rows == answer.rows


def test_version_that_takes_pixels_predicts_as_the_original(make_small: Make, tmp_path: Path) -> None:
    """Given a version that takes pixels, then a picture and a prepared item have the original's predictions."""
    small = make_small("pictures")
    spec = registry.techniques()["pixels_in"]
    (tmp_path / "work").mkdir()
    spec.apply(small.model, spec.params(), RecordingContext(tmp_path / "work", data_dir=small.data))
    Image.new("RGB", (50, 30), (200, 10, 90)).save(tmp_path / "one.png")
    requested = ({"path": str(tmp_path / "one.png")}, {"item": 0})
    before = tried(small, tmp_path / "before", *requested)
    after = tried(replace(small, folder=tmp_path / "work" / "model"), tmp_path / "after", *requested)
    for old, new in zip(before, after, strict=True):
        assert [label for label, _ in new.rows] == [label for label, _ in old.rows]
        assert [share for _, share in new.rows] == pytest.approx([share for _, share in old.rows], abs=1e-4)
        assert (new.seen.height_px, new.seen.width_px) == (old.seen.height_px, old.seen.width_px) == (16, 16)


def test_texts_are_predicted_with_their_number_of_tokens(make_small: Make, tmp_path: Path) -> None:
    """Given typed texts and a text file, then each has its prediction and number of tokens, and a long one is marked as
    cut."""
    small = make_small("texts")
    write_words(small.folder / "tokenizer.json", ("[UNK]", "[PAD]", "good", "bad", "film"))
    change_spec(small, preprocess=TextSteps(max_length=6), classes=("negative", "positive"))
    (tmp_path / "note.txt").write_text("good film", encoding="utf-8")
    short, file, long, empty = tried(
        small, tmp_path / "w", {"text": "good film"}, {"path": str(tmp_path / "note.txt"), "draw": True},
        {"text": "bad " * 50}, {"text": "good"},
    )  # fmt: skip
    assert short.rows == file.rows and {name for name, _ in short.rows} == {"negative", "positive"}
    assert (short.seen.tokens, short.seen.cut, file.picture) == (2, False, None)
    assert (long.seen.tokens, long.seen.cut) == (6, True)
    assert empty.seen.tokens == 1 and empty.rows != short.rows


def test_sound_has_scores_length_and_levels(make_small: Make, tmp_path: Path) -> None:
    """Given a WAV file for a model with a state, then the reply has the mean and the largest score, length and levels."""
    small = make_small("stateful")
    spec = read_pipeline(small.folder)
    width = spec.inputs[0].shape[-1]
    assert width is not None
    change_spec(
        small, preprocess=AudioSteps(sample_rate_hz=8000, frame_samples=width), answer_kind="score",
        scores="probabilities",
    )  # fmt: skip
    path = write_wav(tmp_path / "tone.wav", np.sin(np.arange(4000) / 9) * 16000)
    (answer,) = tried(small, tmp_path / "w", {"path": str(path)})
    assert isinstance(answer, TryAnswer), answer
    assert answer.kind == "moments" and [name for name, _ in answer.rows] == ["mean", "largest"]
    assert answer.seen.seconds == pytest.approx(0.5)
    assert len(answer.seen.levels) == 64 and max(answer.seen.levels) == pytest.approx(0.488, abs=0.01)
    assert answer.sound is not None and answer.picture is None
    with wave.open(str(tmp_path / "w" / answer.sound)) as heard:
        assert tuple(heard.getparams())[:4] == (1, 2, 8000, 4000)
    beside = str(tmp_path / "w" / "answer.npy")
    item, second = tried(small, tmp_path / "w2", {"item": 0}, {"item": 0, "beside": beside})
    assert item.sound is not None and (tmp_path / "w2" / item.sound).is_file(), "as the model gets it"
    assert second.sound is None, "the original's is enough"


def test_first_of_many_examples_is_predicted(make_small: Make, tmp_path: Path) -> None:
    """Given a file of 30 rows, then the first is predicted and the number reported; a file without rows is refused."""
    small = make_small("constants")
    rows = np.random.default_rng(0).normal(size=(30, 20)).astype(np.float32)
    for name, values in (("many", rows), ("first", rows[:1]), ("none", rows[:0])):
        np.savez(tmp_path / f"{name}.npz", x=values)
    many, first, none = tried(
        small, tmp_path, *({"path": str(tmp_path / f"{n}.npz")} for n in ("many", "first", "none"))
    )
    assert many.rows == first.rows and (many.seen.first_of, first.seen.first_of) == (30, 1)
    assert many.seen.shapes == {"x": (1, 20)}
    assert none.detail == "There is no example in it."


def test_typed_row_of_numbers_is_predicted(make_small: Make, tmp_path: Path) -> None:
    """Given a row that is typed as it stands in a table, Then the answer is that of the same numbers in a file; a row
    with a word is refused with the word."""
    small = make_small("constants")
    row = np.random.default_rng(0).normal(size=20).astype(np.float32)
    np.savez(tmp_path / "row.npz", x=row[None])
    typed = ", ".join(map(str, row.tolist()))
    by_hand, by_file, refused = tried(
        small, tmp_path, {"text": typed}, {"path": str(tmp_path / "row.npz")}, {"text": f"much, {typed}"}
    )
    assert by_hand.rows == by_file.rows and by_hand.seen.shapes == {"x": (1, 20)}
    assert refused.code == "input_unreadable" and "“much”" in refused.detail


def test_bad_requests_do_not_affect_later_ones(make_small: Make, tmp_path: Path) -> None:
    """Given a missing item and a contradictory request, then each has an error, and the next request has a prediction; a
    cancelled job ends."""
    small = make_small("constants")
    none, both, fine = tried(small, tmp_path, {"item": 999}, {"item": 1, "text": "x"}, {"item": 1})
    assert none.code == "input_unreadable" and both.code == "bad_request"
    assert isinstance(fine, TryAnswer)
    with pytest.raises(ValidationError):
        TryRequest()
    with pytest.raises(JobCancelled):
        tried(small, tmp_path, {"item": 0}, context={"cancel_after": 2})


def test_time_calls_makes_fewer_calls_of_a_slow_model() -> None:
    """Given a slow call, then only one is timed; given a fast one, then as many as requested."""
    calls: list[int] = []
    _, slow = time_calls(lambda: calls.append(1), 9, lambda: None, max_s=0.0)
    assert (len(slow), len(calls)) == (1, 2)
    long: list[int] = []
    _, very_slow = time_calls(lambda: (long.append(1), time.sleep(0.05)), 9, lambda: None, slow_ms=20.0)
    assert (len(very_slow), len(long)) == (1, 1), "nobody waits twice"
    result, fast = time_calls(lambda: 7, 9, lambda: None)
    assert (result, len(fast)) == (7, 9) and min(fast) >= 0
