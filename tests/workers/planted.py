"""Models with a planted difference: nodes before their inputs or behind their outputs, and small ones to plant it in."""

import csv
import wave
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.workers.small_models import floats, model_of, nodes_of

Nodes = Sequence[tuple[str, Sequence[Any], dict[str, Any]]]
"""Operators one after the other: their kind, further inputs as arrays, and attributes."""


def planted(
    source: Path, target: Path, *, before: Nodes = (), behind: Nodes = (), shape: Sequence[Any] | None = None
) -> Path:
    """Write a model with operators before its first input (whose sizes become `shape`) and behind its first output."""
    proto = onnx.load(source)
    graph = proto.graph
    entry, answer = graph.input[0].name, graph.output[0].name
    made: list[onnx.NodeProto] = []
    last = _chain(graph, made, entry, before, "before")
    for node in graph.node:
        node.input[:] = [last if name == entry else name for name in node.input]
    for at, node in enumerate(made):
        graph.node.insert(at, node)
    if shape is not None:
        graph.input[0].CopyFrom(helper.make_tensor_value_info(entry, graph.input[0].type.tensor_type.elem_type, shape))
    if behind:
        for node in graph.node:
            node.output[:] = ["planted_inner" if name == answer else name for name in node.output]
        more: list[onnx.NodeProto] = []
        end = _chain(graph, more, "planted_inner", behind, "behind")
        more[-1].output[0] = answer if more[-1].output[0] == end else end
        graph.node.extend(more)
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, target)
    return target


def _chain(graph: Any, made: list[Any], first: str, nodes: Nodes, prefix: str) -> str:
    for at, (kind, more, attributes) in enumerate(nodes):
        names = []
        for number, value in enumerate(more):
            names.append(f"{prefix}_{at}_{number}")
            graph.initializer.append(numpy_helper.from_array(np.asarray(value), names[-1]))
        made.append(helper.make_node(kind, [first, *names], [f"{prefix}_{at}"], **attributes))
        first = f"{prefix}_{at}"
    return first


def swap_colors(axis: int = 1) -> Nodes:
    """The model expects the colors in the other order."""
    return [("Gather", [np.array([2, 1, 0])], {"axis": axis})]


def other_numbers(own: tuple[Any, Any], other: tuple[Any, Any]) -> Nodes:
    """The model expects (v − mean) / std of `other` where its inner part takes that of `own`; v is 0 to 1."""
    (mean, std), (other_mean, other_std) = (
        [np.asarray(x, np.float32).reshape(-1, 1, 1) for x in one] for one in (own, other)
    )
    factor = (other_std / std).astype(np.float32)
    return [("Mul", [factor], {}), ("Add", [((other_mean - mean) / std).astype(np.float32)], {})]


def colors_last() -> Nodes:
    """The model expects the colors last."""
    return [("Transpose", [], {"perm": [0, 3, 1, 2]})]


def softmax() -> Nodes:
    """The model gives probabilities."""
    return [("Softmax", [], {"axis": -1})]


def reorder(order: NDArray[np.int64]) -> Nodes:
    """The model has its classes in another order."""
    return [("Gather", [order], {"axis": -1})]


def save(target: Path, text: str, entries: list[Any], answer: Any, weights: dict[str, Any]) -> Path:
    """Write a small model, whose operators are in ONNX's text form; fractions are stored in 32 bits."""
    arrays = {name: np.asarray(value) for name, value in weights.items()}
    tensors = [
        numpy_helper.from_array(array.astype(np.float32) if array.dtype.kind == "f" else array, name)
        for name, array in arrays.items()
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model_of(nodes_of(text), entries, [answer], tensors), target)
    return target


def picture_model(target: Path, side: int = 32, *, training: bool = False) -> Path:
    """A small convolutional model of five classes, with batch normalization; `training` leaves it in training mode."""
    rng = np.random.default_rng(7)
    weights = {
        "w": rng.normal(0, 0.4, (8, 3, 5, 5)), "gain": rng.uniform(0.5, 2, 8), "shift": rng.normal(0, 0.5, 8),
        "mean": rng.normal(0, 1.5, 8), "var": rng.uniform(0.5, 6, 8), "v": rng.normal(0, 1, (8 * 16, 5)), "b": rng.normal(0, 1, 5),
    }  # fmt: skip
    outputs, mode = ("n, m1, v1", "<training_mode = 1>") if training else ("n", "")
    text = f"""
        c = Conv <strides = [2, 2]> (input, w); {outputs} = BatchNormalization {mode} (c, gain, shift, mean, var)
        r = Relu (n); p = AveragePool <kernel_shape = [3, 3], strides = [3, 3]> (r); f = Flatten (p)
        m = MatMul (f, v); output = Add (m, b)
    """
    return save(target, text, [floats("input", "n", 3, side, side)], floats("output", "n", 5), weights)


def text_model(folder: Path, length: int = 16, *, left: bool = False) -> Path:
    """A small model of texts that counts from the left; with `left` it expects the padding there. Returns the file."""
    rng = np.random.default_rng(3)
    weights: dict[str, Any] = {
        "table": rng.normal(0, 1, (40, 6)), "w": rng.normal(0, 0.6, (6, 6, 3)), "v": rng.normal(0, 1, (6, 4)),
        "axis": [1], "last": [2], "ramp": np.linspace(4, 0.2, length)[None, :, None],
    }  # fmt: skip
    text, ids, mask = "", "input_ids", "attention_mask"
    if left:  # the tokens are moved to the left, as the inner model takes them
        weights |= {"places": np.arange(length)[None], "size": length}
        text, ids, mask = """
            used = ReduceSum <keepdims = 1> (attention_mask, axis); start = Sub (size, used)
            moved = Add (places, start); at = Mod (moved, size); ids = GatherElements <axis = 1> (input_ids, at)
            mask = GatherElements <axis = 1> (attention_mask, at)
        """, "ids", "mask"  # fmt: skip
    text += f"""
        e = Gather (table, {ids}); k = Cast <to = 1> ({mask}); k3 = Unsqueeze (k, last); m = Mul (e, k3)
        g = Mul (m, ramp); t = Transpose <perm = [0, 2, 1]> (g); c = Conv <pads = [1, 1]> (t, w)
        r = ReduceMean <axes = [2], keepdims = 0> (c); logits = MatMul (r, v)
    """
    names = ("input_ids", "attention_mask")
    entries = [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", length]) for name in names]
    path = save(folder / "model.onnx", text, entries, floats("logits", "n", 4), weights)
    write_tokenizer(folder / "tokenizer.json")
    return path


WORDS = ("good", "bad", "film", "sea", "red", "blue", "ship", "tree", "Good", "Bad", "Film", "Sea", "Red", "Ship")


def write_tokenizer(path: Path, *, lowercase: bool = False) -> Path:
    """Write a tokenizer of whole words that knows some words with a capital letter."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {word: at for at, word in enumerate(("[PAD]", "[UNK]", *WORDS))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    if lowercase:
        made.normalizer = normalizers.Lowercase()
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(str(path))
    return path


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def texts(path: Path, count: int = 40) -> list[str]:
    """Write a CSV of short texts and return them."""
    rng = np.random.default_rng(2)
    rows = [" ".join(rng.choice(WORDS, rng.integers(3, 12))) for _ in range(count)]
    write_table(path, ["text"], ([row] for row in rows))
    return rows


def pictures(folder: Path, count: int = 24, size: tuple[int, int] = (60, 44)) -> list[Path]:
    """Write pictures with colored blocks of many sizes."""
    from PIL import Image

    rng = np.random.default_rng(5)
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number in range(count):
        blocks = rng.integers(0, 256, (rng.integers(3, 12), rng.integers(3, 12), 3)).astype(np.uint8)
        picture = Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)
        found.append(folder / f"{number:03}.png")
        picture.save(found[-1])
    return found


def framed(picture: Any, side: int) -> NDArray[np.uint8]:
    """A picture inside a gray square, as code of its own makes it."""
    from PIL import Image

    share = side / max(picture.size)
    inner = picture.resize((round(picture.width * share), round(picture.height * share)), Image.Resampling.BILINEAR)
    frame = Image.new("RGB", (side, side), (114, 114, 114))
    frame.paste(inner, ((side - inner.width) // 2, (side - inner.height) // 2))
    return np.asarray(frame)


def sound_model(target: Path, samples: int = 4000) -> Path:
    """A small model of sounds of a fixed number of samples, with three classes."""
    rng = np.random.default_rng(11)
    weights = {"w": rng.normal(0, 0.5, (6, 1, 32)), "v": rng.normal(0, 1, (6, 3)), "half": [0.05], "one": [1]}
    text = """
        u = Unsqueeze (audio, one); c = Conv <strides = [8]> (u, w); a = Abs (c); h = Add (a, half); l = Log (h)
        r = ReduceMean <axes = [2], keepdims = 0> (l); logits = MatMul (r, v)
    """
    return save(target, text, [floats("audio", "n", samples)], floats("logits", "n", 3), weights)


def write_sound(path: Path, rate: int, samples: NDArray[np.int16]) -> None:
    """Write a WAV file of one channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def sounds(folder: Path, rate: int, count: int = 16, seconds: float = 0.25) -> list[NDArray[np.int16]]:
    """Write WAV files of mixed tones and return their samples."""
    rng = np.random.default_rng(13)
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number in range(count):
        t = np.arange(int(rate * seconds)) / rate
        tones = sum(rng.uniform(0.05, 0.3) * np.sin(2 * np.pi * rng.uniform(80, 3000) * t) for _ in range(3))
        found.append((np.clip(tones, -1, 1) * 32767).astype(np.int16))
        write_sound(folder / f"{number:03}.wav", rate, found[-1])
    return found
