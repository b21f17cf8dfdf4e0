"""Small models with one planted difference, with two, and with none: what is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import planted as make
import pytest
from PIL import Image

from workers.contracts.after.changes import ExplainResult

Explain = Callable[..., ExplainResult]
PLAIN = ([0.0] * 3, [1.0] * 3)
BYTES = ([0.0] * 3, [1 / 255] * 3)
HALF = ([0.5] * 3, [0.5] * 3)
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
SIDE = 32
STEPS = f"resize={SIDE}x{SIDE},mean=0,std=1,range=0..1"
ORDER = np.array([3, 0, 4, 1, 2])


def run(model: Path, **feeds: np.ndarray) -> np.ndarray:
    engine = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    answer: np.ndarray = engine.run(None, feeds)[0]
    return answer


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make.pictures(tmp_path_factory.mktemp("pictures"))[0].parent


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make.picture_model(tmp_path_factory.mktemp("one") / "model.onnx", SIDE)


WRAPPED: list[tuple[set[str], dict[str, Any]]] = [
    ({"channel_order"}, {"before": make.swap_colors()}),
    ({"scale"}, {"before": make.other_numbers(PLAIN, BYTES)}),
    ({"scale"}, {"before": make.other_numbers(PLAIN, HALF)}),
    ({"mean_std"}, {"before": make.other_numbers(PLAIN, IMAGENET)}),
    ({"layout"}, {"before": make.colors_last(), "shape": ["n", SIDE, SIDE, 3]}),
    ({"softmax"}, {"behind": make.softmax()}),
    ({"class_order"}, {"behind": make.reorder(ORDER)}),
    ({"channel_order", "scale"}, {"before": [*make.swap_colors(), *make.other_numbers(PLAIN, BYTES)]}),
    ({"mean_std", "class_order"}, {"before": make.other_numbers(PLAIN, IMAGENET), "behind": make.reorder(ORDER)}),
    (set(), {}),
]


@pytest.mark.parametrize(("codes", "how"), WRAPPED, ids=["+".join(sorted(codes)) or "none" for codes, _ in WRAPPED])
def test_planted_difference_in_a_model_is_named(
    explain: Explain, model: Path, pictures: Path, tmp_path: Path, codes: set[str], how: dict[str, Any]
) -> None:
    """Given a model and a copy that expects or gives something else, When both are compared on pictures, Then exactly
    the planted differences are named, and with them all answers agree."""
    other = make.planted(model, tmp_path / "two" / "model.onnx", **how)
    found = explain(model, other, pictures, preprocess=STEPS)
    assert {cause.code for cause in found.causes} == codes
    assert all(cause.share_differing_after == 0 for cause in found.causes)
    assert (found.agree or codes) and found.n_items == 24


def test_class_order_gives_the_order(explain: Explain, model: Path, pictures: Path, tmp_path: Path) -> None:
    """Given classes in a known order, When it is found from the answers, Then the cause holds its inverse."""
    other = make.planted(model, tmp_path / "two" / "model.onnx", behind=make.reorder(ORDER))
    (cause,) = explain(model, other, pictures, preprocess=STEPS).causes
    assert cause.after == np.argsort(ORDER).tolist()


@pytest.mark.parametrize(
    ("name", "how"), [("nearest", Image.Resampling.NEAREST), ("bicubic", Image.Resampling.BICUBIC)]
)
def test_other_interpolation_of_own_code_is_named(
    explain: Explain, model: Path, pictures: Path, tmp_path: Path, name: str, how: Image.Resampling
) -> None:
    """Given expected outputs of own code that resizes otherwise, Then the interpolation is named."""
    rows = []
    for path in sorted(pictures.iterdir()):
        values = np.asarray(Image.open(path).convert("RGB").resize((SIDE, SIDE), how), np.float32) / 255
        rows.append(run(model, input=values.transpose(2, 0, 1)[None])[0])
    np.savez(tmp_path / "expected.npz", anything=np.stack(rows))
    (cause,) = explain(model, tmp_path / "expected.npz", pictures, preprocess=STEPS).causes
    assert (cause.code, cause.parameter, cause.after) == ("resize_mode", "interpolation", name)


def test_frame_of_own_code_is_distinguished_from_stretching(
    explain: Explain, model: Path, pictures: Path, tmp_path: Path
) -> None:
    """Given expected outputs of pictures in a gray frame and in BGR, Then both are named."""
    rows = []
    for path in sorted(pictures.iterdir()):
        picture = Image.open(path).convert("RGB")
        values = make.framed(picture, SIDE).astype(np.float32)[:, :, ::-1] / 255
        rows.append(run(model, input=np.ascontiguousarray(values.transpose(2, 0, 1)[None]))[0])
    np.savez(tmp_path / "expected.npz", output=np.stack(rows))
    found = explain(model, tmp_path / "expected.npz", pictures, preprocess=STEPS)
    assert [cause.code for cause in found.causes] == ["channel_order", "resize_mode"]
    assert "gray frame" in str(found.causes[1].after)


def test_training_mode_is_named(explain: Explain, model: Path, pictures: Path, tmp_path: Path) -> None:
    """Given batch normalization left in training mode, Then it is named, because a copy without it agrees."""
    other = make.picture_model(tmp_path / "two" / "model.onnx", SIDE, training=True)
    found = explain(model, other, pictures, preprocess=STEPS)
    assert [cause.code for cause in found.causes] == ["training_mode"]


def test_padding_side_is_named(explain: Explain, tmp_path: Path) -> None:
    """Given a model of texts that expects its padding on the left, Then the side is named."""
    one, two = (make.text_model(tmp_path / name, left=name == "two") for name in ("one", "two"))
    make.texts(tmp_path / "texts.csv")
    (cause,) = explain(one, two, tmp_path / "texts.csv").causes
    assert (cause.code, cause.before, cause.after) == ("padding_side", "right", "left")


@pytest.mark.parametrize("lowercase", [False, True])
def test_other_case_of_own_code_is_named(explain: Explain, tmp_path: Path, lowercase: bool) -> None:
    """Given expected outputs of texts in the other case than the tokenizer makes them, Then the case is named."""
    from tokenizers import Tokenizer

    model = make.text_model(tmp_path / "one")
    plain = Tokenizer.from_file(str(make.write_tokenizer(tmp_path / "plain.json")))
    make.write_tokenizer(model.parent / "tokenizer.json", lowercase=lowercase)
    lines = []
    for text in make.texts(tmp_path / "texts.csv", 24):
        ids = plain.encode(text if lowercase else text.lower()).ids
        rows = [np.array([row + [0] * (16 - len(row))], np.int64) for row in (ids, [1] * len(ids))]
        lines.append(run(model, input_ids=rows[0], attention_mask=rows[1])[0])
    np.savez(tmp_path / "expected.npz", logits=np.stack(lines))
    (cause,) = explain(model, tmp_path / "expected.npz", tmp_path / "texts.csv").causes
    assert (cause.code, cause.before, cause.after) == ("lower_case", lowercase, not lowercase)


@pytest.mark.parametrize("code", ["sample_rate", "scale", "none"])
def test_difference_in_sound_is_named(explain: Explain, tmp_path: Path, code: str) -> None:
    """Given own code that ignores the rate of its files, or 16-bit samples, or neither, Then just that is named."""
    model = make.sound_model(tmp_path / "one" / "model.onnx")
    rate = 8_000 if code == "sample_rate" else 16_000
    parts = make.sounds(tmp_path / "sounds", rate, seconds=4_000 / rate)
    scale = 1 if code == "scale" else 32768
    rows = [run(model, audio=part[None].astype(np.float32) / scale)[0] for part in parts]
    np.savez(tmp_path / "expected.npz", logits=np.stack(rows), files=[f"{at:03}.wav" for at in range(len(parts))])
    found = explain(model, tmp_path / "expected.npz", tmp_path / "sounds")
    assert [cause.code for cause in found.causes] == ([] if code == "none" else [code])


def test_other_weights_are_no_usual_difference(explain: Explain, model: Path, pictures: Path, tmp_path: Path) -> None:
    """Given a model with one damaged answer, Then none of the usual differences is named."""
    gain = np.array([1, -1, 2, -2, 0.5], np.float32)
    other = make.planted(model, tmp_path / "two" / "model.onnx", behind=[("Mul", [gain], {})])
    found = explain(model, other, pictures, preprocess=STEPS)
    assert not found.agree and not found.causes and found.tried > 100


def test_models_without_anything_in_common_name_nothing(
    explain: Explain, model: Path, pictures: Path, tmp_path: Path
) -> None:
    """Given a model of pictures and one of texts, Then every answer differs, nothing is named, and nothing fails."""
    found = explain(model, make.text_model(tmp_path / "texts"), pictures)
    assert (found.agree, found.share_differing, found.causes) == (False, 1.0, ())


def test_two_examples_are_said_to_be_few(explain: Explain, model: Path, tmp_path: Path) -> None:
    """Given two pictures only, When colors are exchanged, Then it is named, and a note says that there are few."""
    make.pictures(tmp_path / "few", 2)
    other = make.planted(model, tmp_path / "two" / "model.onnx", before=make.swap_colors())
    found = explain(model, other, tmp_path / "few")
    assert [cause.code for cause in found.causes] == ["channel_order"] and found.n_items == 2
    assert len(found.notes) == 1
