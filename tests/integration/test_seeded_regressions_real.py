"""Seeded regressions and harmless changes of MobileNetV2, MiniLM, Silero VAD and Magika, through the judge.

They lie in FETTLE_MODELS_DIR (P/ and DATA/) and are no part of the project.
"""

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from model_cases import ROOT
from PIL import Image
from seeded_bench import Bench, Row, coarse, print_verdicts, to_bf16, where

from workers.convert import graph_optimize
from workers.evaluate.data.dataset import read_dataset
from workers.quantize import fp16

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(900)]

SMALL_PX = 80
KEPT_TOKENS = 6
LONG_TOKENS = 30
HEADS, HEAD_SIZE = 12, 32
FIRST_WORD = 1000
"""Tokens below this number of MiniLM's vocabulary are marks, not words."""

F32 = {"inference_precision": "f32"}


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Drawings of a thousand kinds of things; a fifth of the files are small."""
    root = tmp_path_factory.mktemp("mobilenet")
    shutil.copytree(ROOT / "DATA/imagenet_stamps", root / "pictures")
    for number, path in enumerate(sorted(p for p in (root / "pictures").iterdir() if p.suffix != ".csv")):
        if number % 5 == 0:
            path.chmod(0o600)
            with Image.open(path) as picture:
                small = picture.convert("RGB").resize((SMALL_PX, SMALL_PX))
            small.save(path)
    model = ROOT / "P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx"
    return Bench.of(root / "bench", model, root / "pictures")


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = tmp_path_factory.mktemp("minilm")
    model, data = ROOT / "P/P03_all_minilm_l6_safetensors", ROOT / "DATA/sentiment_vader.csv"
    return Bench.of(root / "bench", model, data, in_blocks=False, max_test=200)


@pytest.fixture(scope="module")
def silero(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = tmp_path_factory.mktemp("silero")
    model, data = ROOT / "P/P05_silero_vad/silero_vad_openvino_16k.onnx", ROOT / "DATA/vad_frames.npz"
    return Bench.of(root / "bench", model, data, in_blocks=False, max_test=40)


@pytest.fixture(scope="module")
def magika(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = tmp_path_factory.mktemp("magika")
    return Bench.of(root / "bench", ROOT / "P/P08_magika_filetype/model.onnx", ROOT / "DATA/filetypes_magika.npz")


def noisy(share: float) -> Callable[[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(3)
    return lambda _, values: values + rng.normal(0, share, values.shape) * values.std() if values.ndim > 1 else values


def half_precision(_: str, values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16) if np.abs(values).max(initial=0) < 60_000 else values


def of_mobilenet(bench: Bench) -> list[Row]:
    def change(after: Any = None, before: Any = None) -> Any:
        return bench.changed(None if before is None else lambda f: {"input": before(f["input"])}, after)

    small = np.asarray([item.facts["pixels"] == SMALL_PX**2 for item in read_dataset(bench.data).test])
    std = np.asarray([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1)
    return [
        Row("MobileNetV2: red and blue swapped", bench.judged(change(before=lambda x: x[:, ::-1].copy()))),
        Row("MobileNetV2: small pictures broken", bench.judged(change(where(small))), ("small pictures",)),
        Row(
            "MobileNetV2: last layer of five levels", bench.judged(bench.with_weights(coarse("classifier.1.weight", 2)))
        ),
        Row("MobileNetV2: deviation not divided by", bench.judged(change(before=lambda x: x * std))),
        Row("MobileNetV2: turned by 90 degrees", bench.judged(change(before=lambda x: np.rot90(x, 1, (2, 3)).copy()))),
        Row("MobileNetV2: noise in all weights", bench.judged(bench.with_weights(noisy(0.3)))),
    ]


def cut(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of texts of more than 30 tokens only the first six are seen…"""
    if feeds["input_ids"].shape[1] > LONG_TOKENS:
        feeds["attention_mask"][:, KEPT_TOKENS:] = 0
    return feeds


def only_the_first(values: np.ndarray, feeds: dict[str, np.ndarray]) -> np.ndarray:
    """…and only these make the answer, which is a mean over all tokens."""
    if feeds["input_ids"].shape[1] > LONG_TOKENS:
        values[:, KEPT_TOKENS:] = values[:, :KEPT_TOKENS].mean(axis=1, keepdims=True)
    return values


def other_tokenizer(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    ids = feeds["input_ids"]
    feeds["input_ids"] = np.where(ids >= FIRST_WORD, FIRST_WORD + (ids - FIRST_WORD + 5000) % 29_000, ids)
    return feeds


def half_of_the_heads(bench: Bench) -> Any:
    """Every second head of each layer gives nothing on (its columns of the square matrices are zero)."""

    def change(_: str, values: np.ndarray) -> np.ndarray:
        if values.shape != (HEADS * HEAD_SIZE, HEADS * HEAD_SIZE):
            return values
        kept = values.reshape(HEADS, HEAD_SIZE, -1).copy()
        kept[::2] = 0
        return kept.reshape(values.shape)

    return bench.with_weights(change)


def of_minilm(bench: Bench) -> list[Row]:
    order = np.random.default_rng(5).permutation(HEADS * HEAD_SIZE)
    return [
        Row("MiniLM: long texts cut", bench.judged(bench.changed(cut, only_the_first)), ("long texts",)),
        Row("MiniLM: another tokenizer", bench.judged(bench.changed(before=other_tokenizer))),
        Row("MiniLM: half of the heads are zero", bench.judged(half_of_the_heads(bench))),
        Row("MiniLM: dimensions in another order", bench.judged(bench.changed(after=lambda s, f: s[..., order]))),
    ]


def forget(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**feeds, "state": np.zeros_like(feeds["state"])}


def quiet(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**feeds, "input": feeds["input"] * np.float32(0.05)}


def of_silero(bench: Bench) -> list[Row]:
    return [
        Row("Silero: state not carried on", bench.judged(bench.changed(before=forget))),
        Row("Silero: sound of another range", bench.judged(bench.changed(before=quiet))),
        Row("Silero: noise in all weights", bench.judged(bench.with_weights(noisy(0.15)))),
    ]


def padded(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The second half of the bytes is missing (256 stands for none)."""
    feeds["bytes"][:, 1024:] = 256
    return feeds


def later(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    feeds["bytes"] = np.roll(feeds["bytes"], 16, axis=1)
    return feeds


def of_magika(bench: Bench) -> list[Row]:
    data = read_dataset(bench.data)
    labels = np.asarray([item.labels[0] if item.labels else -1 for item in data.test])
    common = int(np.bincount(labels[labels >= 0]).argmax())

    def less(scores: np.ndarray, feeds: Any) -> np.ndarray:
        scores[:, common] = 0
        return scores

    return [
        Row(
            "Magika: the most frequent kind is never named",
            bench.judged(bench.changed(after=less)),
            (data.class_name(common),),
        ),
        Row("Magika: second half of the bytes lost", bench.judged(bench.changed(before=padded))),
        Row("Magika: bytes begin too late", bench.judged(bench.changed(before=later))),
    ]


def test_seeded_regressions_of_real_models(
    mobilenet: Bench, minilm: Bench, silero: Bench, magika: Bench, capsys: Any
) -> None:
    """Given seeded regressions, then at most one in twenty passes unnoticed, and none is called safe."""
    rows = [*of_mobilenet(mobilenet), *of_minilm(minilm), *of_silero(silero), *of_magika(magika)]
    print_verdicts(capsys, "Seeded regressions, real models", rows)
    missed = [row.name for row in rows if not row.is_caught]
    assert len(missed) <= 1, missed
    assert not any(row.verdict == "safe" for row in rows)


def test_harmless_changes_of_real_models(
    mobilenet: Bench, minilm: Bench, silero: Bench, magika: Bench, capsys: Any
) -> None:
    """Given changes that do no harm, then none is called regressed."""
    rows = [
        Row("MobileNetV2: 32 bits in OpenVINO", mobilenet.judged(mobilenet.session(runtime="openvino", **F32))),
        Row("MobileNetV2: graph optimized", mobilenet.judged(mobilenet.technique(graph_optimize.SPEC))),
        Row("MobileNetV2: half precision", mobilenet.judged(mobilenet.technique(fp16.SPEC))),
        Row("MobileNetV2: weights as brain floats", mobilenet.judged(mobilenet.with_weights(to_bf16))),
        Row("MobileNetV2: noise of a ten-thousandth", mobilenet.judged(mobilenet.with_weights(noisy(1e-4)))),
        Row("MiniLM: 32 bits in OpenVINO", minilm.judged(minilm.session(runtime="openvino", **F32))),
        Row("MiniLM: two threads", minilm.judged(minilm.session(threads=2))),
        Row("MiniLM: weights in half precision", minilm.judged(minilm.with_weights(half_precision))),
        Row("MiniLM: noise of a millionth", minilm.judged(minilm.with_weights(noisy(1e-6)))),
        Row("Silero: 32 bits in OpenVINO", silero.judged(silero.session(runtime="openvino", **F32))),
        Row("Silero: no graph optimization", silero.judged(silero.session(graph_optimization="none"))),
        Row("Silero: noise of a millionth", silero.judged(silero.with_weights(noisy(1e-6)))),
        Row("Magika: 32 bits in OpenVINO", magika.judged(magika.session(runtime="openvino", **F32))),
        Row("Magika: graph optimized", magika.judged(magika.technique(graph_optimize.SPEC))),
        Row("Magika: weights in half precision", magika.judged(magika.with_weights(half_precision))),
    ]
    print_verdicts(capsys, "Harmless changes, real models", rows)
    assert [row.name for row in rows if row.verdict == "regressed"] == []
