"""Inputs prepared by hand, as described by `model_info.json` next to each model: Pillow, numpy and the model's own tokenizer."""

import csv
import json
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from model_cases import Arrays, Raw, Source
from numpy.typing import NDArray
from PIL import Image, ImageOps

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FRAME, CONTEXT, RATE_HZ = 512, 64, 16_000
TEXT = 0.3
SIGMA_MIN, SECOND_SIGMA, NOISE_SEED = 0.002, 0.821, 2303
"""Of a whole sampling run: the second level and the seed of its noise are the ones that Fettle documents."""


def opened(path: Path) -> Image.Image:
    """As red, green and blue, upright."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
        if "A" in upright.getbands() or "transparency" in upright.info:
            layers = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers)
        return upright.convert("RGB")


def imagenet(path: Path) -> NDArray[np.float32]:
    """The shorter side 256, the middle 224, /255, − mean, / std: float32 (1, 3, 224, 224)."""
    image = opened(path)
    width, height = image.size
    short = min(width, height)
    image = image.resize((int(256 * width / short), int(256 * height / short)), Image.Resampling.BILINEAR)
    left, top = round((image.width - 224) / 2), round((image.height - 224) / 2)
    return normalized(np.asarray(image.crop((left, top, left + 224, top + 224))), MEAN, STD)


def normalized(pixels: NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]) -> NDArray[np.float32]:
    """uint8 (H, W, 3) → float32 (1, 3, H, W)."""
    shares = pixels.astype(np.float32) / np.float32(255)
    values = (shares - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def labelled_pictures(source: Source, names: Sequence[str]) -> list[Raw]:
    """A folder with `labels.csv`, whose labels are accepted classes joined by "|"."""
    with (source.data / "labels.csv").open(newline="", encoding="utf-8") as file:
        labels = {row["file"]: tuple(int(one) for one in row["label"].split("|")) for row in csv.DictReader(file)}
    named = [entry["name"] for entry in source.inspected["inputs"]] or ["x"]  # a program reports its own once it runs
    return [Raw(str(source.data / name), {named[0]: imagenet(source.data / name)}, labels[name]) for name in names]


def pictures_as_shown(source: Source, names: Sequence[str]) -> list[Raw]:
    """Prepare inputs without a description as `fettle inspect` shows it, which checks what it shows."""
    shown = source.inspected["preprocessing"]
    (entry,) = source.inspected["inputs"]
    assert (shown["crop"], shown["range"], shown["channels"], shown["layout"]) == (None, "0..1", "rgb", "nchw")
    height, width = shown["resize"]
    found = []
    for name in names:
        image = opened(source.data / name).resize((width, height), Image.Resampling[shown["interpolation"].upper()])
        feeds = {entry["name"]: normalized(np.asarray(image), shown["mean"], shown["std"])}
        found.append(Raw(str(source.data / name), feeds))
    return found


def text_map(outputs: Arrays, _feeds: Arrays) -> NDArray[np.int64]:
    """1 where a text is: shares of the only plane from .3 on (DB, arXiv 1911.08947)."""
    (values,) = outputs.values()
    return (np.asarray(values[0, 0]) >= TEXT).astype(np.int64)


def texts(source: Source, names: Sequence[str]) -> list[Raw]:
    """Rows of a CSV by the folder's own tokenizer, cut at 256 tokens as in `sentence_bert_config.json`."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source.model, local_files_only=True)
    longest = json.loads((source.model / "sentence_bert_config.json").read_text(encoding="utf-8"))["max_seq_length"]
    rows = read_rows(source.data)
    found = []
    for name in names:
        text = rows[int(name.removeprefix("row ")) - 1]["text"]
        encoded = tokenizer(text, truncation=True, max_length=longest, return_tensors="np")
        feeds = {key: np.asarray(encoded[key], np.int64) for key in ("input_ids", "attention_mask", "token_type_ids")}
        found.append(Raw(text, feeds, is_text=True))
    return found


def read_rows(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(sys.maxsize)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def first_rows(data: Path, _model: Path, folder: Path, most: int = 500) -> Path:
    """The first rows of a CSV, as their own file."""
    rows = read_rows(data)[:most]
    path = folder / data.name
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def mean_of_tokens(outputs: Arrays, feeds: Arrays) -> NDArray[np.float64]:
    """The mean over the tokens that count, made 1 long (`1_Pooling` and `2_Normalize` of the hub's folder)."""
    counts = feeds["attention_mask"][0].astype(bool)
    mean = np.asarray(outputs["last_hidden_state"][0], np.float64)[counts].mean(axis=0)
    embedding: NDArray[np.float64] = mean / np.linalg.norm(mean)
    return embedding


def recordings(source: Source, names: Sequence[str]) -> list[Raw]:
    """Steps of 512 samples after 64 of the step before, silence first; a WAV file each, a label for each step."""
    with np.load(source.data) as stored:
        audio, lengths, labels = stored["audio"], stored["lengths"], stored["labels"]
        assert (int(stored["frame"]), int(stored["sr"])) == (FRAME, RATE_HZ)
    ends, label_ends = np.cumsum(lengths), np.cumsum(lengths // FRAME)
    found = []
    for name in names:
        number = int(name.removeprefix("recording ")) - 1
        samples = audio[ends[number] - lengths[number] : ends[number]]
        own = labels[label_ends[number] - lengths[number] // FRAME : label_ends[number]]
        path = source.folder / f"{number}.wav"
        write_wav(path, samples)
        steps = -(-len(samples) // FRAME)
        values = np.zeros(CONTEXT + steps * FRAME, np.float32)
        values[CONTEXT : CONTEXT + len(samples)] = samples / np.float32(32768)
        rows = np.stack([values[i * FRAME : i * FRAME + CONTEXT + FRAME] for i in range(steps)])
        feeds = {"input": rows, "sr": np.asarray(RATE_HZ, np.int64)}
        found.append(Raw(str(path), feeds, tuple(int(own[min(i, len(own) - 1)]) for i in range(steps))))
    return found


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())


def scores_of_steps(outputs: Arrays, _feeds: Arrays) -> NDArray[np.float32]:
    """(steps, 1) of one recording."""
    return np.asarray(outputs["output"], np.float32).reshape(-1, 1)


def file_bytes(source: Source, names: Sequence[str]) -> list[Raw]:
    """Tokens of files with their types; classes are in the order of the model's `target_labels_space`."""
    order = json.loads((source.model.parent / "config.min.json").read_text(encoding="utf-8"))["target_labels_space"]
    with np.load(source.data) as stored:
        tokens, types, known = stored["x"], stored["y"], stored["labels"]
    found = []
    for name in names:
        number = int(name.removeprefix("item ")) - 1
        path = source.folder / f"{number}.npy"
        np.save(path, tokens[number])
        label = order.index(str(known[types[number]]))
        found.append(Raw(str(path), {"bytes": tokens[number][None]}, (label,)))
    return found


def noise_maps(data: Path, _model: Path, folder: Path) -> Path:
    """15 height maps of pure noise at the highest level, of all difficulties."""
    random = np.random.default_rng(7)
    noisy = (80 * random.standard_normal((15, 1, 128, 128))).astype(np.float32)
    path = folder / "noise.npz"
    difficulty = np.linspace(0, 99, 15).round().astype(np.float32)
    np.savez(path, noisy=noisy, sigma=np.full(15, 80, np.float32), difficulty=difficulty)
    return path


def noises(source: Source, names: Sequence[str]) -> list[Raw]:
    """Arrays that go into the network as they are."""
    with np.load(source.data) as stored:
        arrays = {name: stored[name] for name in stored.files}
    found = []
    for name in names:
        number = int(name.removeprefix("item ")) - 1
        path = source.folder / f"{number}.npz"
        feeds = {key: values[number : number + 1] for key, values in arrays.items()}
        np.savez(path, allow_pickle=False, **feeds)
        found.append(Raw(str(path), feeds))
    return found


def cleaned_again(feeds: Arrays, outputs: Arrays) -> Arrays:
    """Noise of the second level over what the first call gave (arXiv 2303.01469, algorithm 1)."""
    noise = np.random.default_rng(NOISE_SEED).standard_normal((1, 1, 128, 128)).astype(np.float32)
    noisy = outputs["denoised"] + np.float32(np.sqrt(SECOND_SIGMA**2 - SIGMA_MIN**2)) * noise
    return {**feeds, "noisy": noisy.astype(np.float32), "sigma": np.full(1, SECOND_SIGMA, np.float32)}
