"""Fifteen planted differences, five pairs without one, and two differences at once: what `fettle explain` finds.

    python -m tests.benchmarks.planted_differences MODELS_DIR [NAME…]

A row for each case: the planted codes, the codes that were found, the share of answers that differed before and after,
the number of tried alternatives and the seconds. Expected outputs are made by code of its own (Pillow, numpy,
tokenizers and ONNX Runtime alone).
"""

import argparse
import csv
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

from app.services.after.explaining import explain_models
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import Flow
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model
from tests.benchmarks.bench_space import bench_space
from tests.workers import planted as make
from tests.workers.small_models import nodes_of
from workers.contracts.jobs import OpenParams

MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
RGB = MEAN, STD


@dataclass(frozen=True)
class Case:
    """One pair and the codes of what was planted in it."""

    name: str
    codes: frozenset[str]
    model: Path
    other: Path
    data: Path


def wrappings() -> dict[str, dict[str, Any]]:
    """Return what is put before and behind MobileNetV2 in each case, with the codes where they are not the name."""
    tiny, half, plain = (MEAN / 255, STD / 255), ([0.5] * 3, [0.5] * 3), ([0.0] * 3, [1.0] * 3)
    last = {"before": make.colors_last(), "shape": ["n", 224, 224, 3]}
    by_text = np.argsort([str(at) for at in range(1000)])
    mixed = np.random.default_rng(0).permutation(1000)
    return {
        "channel_order": {"before": make.swap_colors()},
        "scale": {"before": make.other_numbers(RGB, tiny)},
        "mean_std": {"before": make.other_numbers(RGB, half)},
        "layout": last,
        "softmax": {"behind": make.softmax()},
        "class_order": {"behind": make.reorder(by_text)},
        "colors_and_range": {
            "codes": ("channel_order", "scale"), "before": [*make.swap_colors(), *make.other_numbers(RGB, tiny)],
        },
        "mean_and_classes": {
            "codes": ("mean_std", "class_order"), "before": make.other_numbers(RGB, plain),
            "behind": make.reorder(np.arange(1000)[::-1].copy()),
        },
        "softmax_and_classes": {
            "codes": ("softmax", "class_order"), "behind": [*make.softmax(), *make.reorder(mixed)],
        },
        "layout_and_colors": {
            **last, "codes": ("layout", "channel_order"), "before": [*make.colors_last(), *make.swap_colors()],
        },
    }  # fmt: skip


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


class Cases:
    """Makes all cases in a folder."""

    def __init__(self, models: Path, folder: Path, space: Workspace) -> None:
        self.folder, self.space, self.models = folder, space, models / "P"
        self.mobilenet = self.models / "P01_mobilenetv2_imagenet" / "derived_mobilenet_v2_op17.onnx"
        self.minilm = self.models / "P03_all_minilm_l6_safetensors"
        self.silero = self.models / "P05_silero_vad" / "silero_vad_16k_op15.onnx"
        self.photos = models / "DATA" / "imagenet_stamps"
        self.data = models / "DATA"

    def every(self) -> dict[str, Callable[[], Case]]:
        """Return what makes each case, by its name on the command line."""
        made = {
            name: partial(self.wrapped, name, *how.pop("codes", (name,)), **how) for name, how in wrappings().items()
        }
        made |= {name: partial(self.expected, name, codes, prepare) for name, (codes, prepare) in PREPARED.items()}
        others = (
            self.training_mode, self.dropout, self.padding_side, self.lower_case, self.cased, self.sample_rate,
            self.sound_scale, self.lower_and_padding, self.same_file, self.torchscript, self.same_texts, self.same_sounds,
        )  # fmt: skip
        return made | {one.__name__: one for one in others}

    def wrapped(self, name: str, *codes: str, data: Path | None = None, model: Path | None = None, **how: Any) -> Case:
        source = model or self.mobilenet
        target = make.planted(source, self.folder / name / "other.onnx", **how)
        return Case(name, frozenset(codes), source, target, data or self.photos)

    def expected(self, name: str, codes: Sequence[str], prepare: Callable[[Image.Image], np.ndarray]) -> Case:
        """Expected outputs of MobileNetV2 with the person's own preparation."""
        data = self.data / "photos"
        files = sorted(file for file in data.rglob("*") if file.suffix in (".jpg", ".png"))
        engine, rows = session(self.mobilenet), []
        for file in files:
            values = (prepare(Image.open(file).convert("RGB")).astype(np.float32) / 255 - MEAN) / STD
            rows.append(engine.run(None, {"input": values.transpose(2, 0, 1)[None]})[0][0])
        target = self.folder / f"{name}.npz"
        np.savez(target, output=np.stack(rows), files=np.array([str(file.relative_to(data)) for file in files]))
        return Case(name, frozenset(codes), self.mobilenet, target, data)

    def training_mode(self) -> Case:
        one = make.picture_model(self.folder / "bn" / "model.onnx")
        two = make.picture_model(self.folder / "bn" / "train" / "model.onnx", training=True)
        make.pictures(self.folder / "blocks")
        return Case("batch normalization", frozenset({"training_mode"}), one, two, self.folder / "blocks")

    def dropout(self) -> Case:
        """Dropout before the last layer, as other exporters write it: random numbers at each request."""
        from onnx import load, numpy_helper, save

        make.pictures(self.folder / "blocks")
        one = make.picture_model(self.folder / "drop" / "model.onnx")
        proto = load(one)
        at = next(i for i, node in enumerate(proto.graph.node) if node.op_type == "MatMul")
        proto.graph.initializer.append(numpy_helper.from_array(np.array(0.3, np.float32), "rate"))
        proto.graph.initializer.append(numpy_helper.from_array(np.array(1 / 0.7, np.float32), "keep"))
        nodes = nodes_of("""
            u = RandomUniformLike (f); g = Greater (u, rate); k = Cast <to = 1> (g); d0 = Mul (f, k); d = Mul (d0, keep)
        """)
        proto.graph.node[at].input[0] = "d"
        for number, node in enumerate(nodes):
            proto.graph.node.insert(at + number, node)
        two = self.folder / "drop" / "train" / "model.onnx"
        two.parent.mkdir(parents=True, exist_ok=True)
        save(proto, two)
        return Case("dropout", frozenset({"training_mode"}), one, two, self.folder / "blocks")

    def texts(self) -> tuple[Path, list[str]]:
        with (self.data / "sentiment_vader.csv").open(encoding="utf-8", newline="") as file:
            rows = [row["text"] for row in csv.DictReader(file)][:60]
        path = self.folder / "texts.csv"
        make.write_table(path, ["text"], ([row] for row in rows))
        return path, rows

    def sentences(self, name: str, *codes: str, lowercase: bool = True, left: int = 0) -> Case:
        """Expected sentence vectors of MiniLM with the person's own tokenization, as JSON Lines."""
        from tokenizers import Tokenizer
        from tokenizers.normalizers import BertNormalizer

        path, rows = self.texts()
        opened = self.run(open_model(OpenParams(path=str(self.minilm))))
        engine, tokenizer = (
            session(opened.folder / "model.onnx"),
            Tokenizer.from_file(str(self.minilm / "tokenizer.json")),
        )
        tokenizer.no_padding()
        if not lowercase:
            tokenizer.normalizer = BertNormalizer(lowercase=False, strip_accents=False)
        names = [entry.name for entry in engine.get_inputs()]
        lines = []
        for text in rows:
            found = tokenizer.encode(text)
            ids, mask = list(found.ids), [1] * len(found.ids)
            if left:
                ids, mask = [0] * (left - len(ids)) + ids, [0] * (left - len(mask)) + mask
            feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": [0] * len(ids)}
            arrays = {key: np.array([value], np.int64) for key, value in feeds.items() if key in names}
            hidden = engine.run(None, arrays)[0]
            weight = np.array(mask, np.float32)[None, :, None]
            vector = (hidden * weight).sum(1) / weight.sum(1)
            lines.append((vector / np.linalg.norm(vector))[0])
        target = self.folder / f"{name}.npz"
        np.savez(target, embedding=np.stack(lines))
        return Case(name, frozenset(codes), self.minilm, target, path)

    def run(self, flow: Flow[Any]) -> Any:
        return run_to_end(Driver(self.space, flow, ignore))

    def lower_case(self) -> Case:
        one = make.text_model(self.folder / "lower" / "one")
        path = self.folder / "lower" / "texts.csv"
        rows = make.texts(path)
        from tokenizers import Tokenizer

        engine, tokenizer = session(one), Tokenizer.from_file(str(one.parent / "tokenizer.json"))
        lines = []
        for text in rows:
            ids = tokenizer.encode(text.lower()).ids
            padded = [np.array([row + [0] * (16 - len(row))], np.int64) for row in (ids, [1] * len(ids))]
            lines.append(engine.run(None, {"input_ids": padded[0], "attention_mask": padded[1]})[0][0])
        target = self.folder / "lower" / "expected.csv"
        cells = ([f"{value:.6f}" for value in row] for row in lines)
        make.write_table(target, [f"logits_{at}" for at in range(4)], cells)
        return Case("lower_case", frozenset({"lower_case"}), one, target, path)

    def padding_side(self) -> Case:
        one = make.text_model(self.folder / "pad" / "one")
        two = make.text_model(self.folder / "pad" / "two", left=True)
        path = self.folder / "pad" / "texts.csv"
        make.texts(path)
        return Case("padding_side", frozenset({"padding_side"}), one, two, path)

    def cased(self) -> Case:
        return self.sentences("cased tokens", "lower_case", lowercase=False)

    def lower_and_padding(self) -> Case:
        return self.sentences("cased, left to 128", "lower_case", "padding_side", lowercase=False, left=128)

    def same_texts(self) -> Case:
        return self.sentences("sentences, equal")

    def sounds(self, rate: int, count: int = 12) -> tuple[Path, list[np.ndarray]]:
        stored = np.load(self.data / "vad_frames.npz")
        starts = np.concatenate([[0], np.cumsum(stored["lengths"])])
        folder = self.folder / f"sounds{rate}"
        folder.mkdir(exist_ok=True)
        found = []
        for number in range(count):
            part = stored["audio"][starts[number] : starts[number] + 48_000][:: 16_000 // rate]
            found.append(part)
            make.write_sound(folder / f"{number:03}.wav", rate, part)
        return folder, found

    def spoken(self, name: str, *codes: str, rate: int = 16_000) -> Case:
        """Expected scores of silero-vad by code that gives the samples to the model whatever their rate is."""
        folder, parts = self.sounds(rate)
        engine, rows = session(self.silero), []
        for part in parts:
            samples = part.astype(np.float32) / 32768
            state, context, scores = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
            count = -(-len(samples) // 512)
            samples = np.pad(samples, (0, count * 512 - len(samples)))
            for at in range(count):
                piece = samples[at * 512 : (at + 1) * 512]
                feeds = {"input": np.concatenate([context, piece])[None], "state": state, "sr": np.array(16_000)}
                score, state = engine.run(None, feeds)
                context = piece[-64:]
                scores.append(float(score[0, 0]))
            rows.append(scores)
        longest = max(map(len, rows))
        table = np.array([row + [np.nan] * (longest - len(row)) for row in rows], np.float32)
        target = self.folder / f"{name}.npz"
        np.savez(target, output=table, files=np.array([f"{at:03}.wav" for at in range(len(rows))]))
        return Case(name, frozenset(codes), self.silero, target, folder)

    def sample_rate(self) -> Case:
        return self.spoken("sample_rate", "sample_rate", rate=8_000)

    def same_sounds(self) -> Case:
        return self.spoken("sounds, equal")

    def sound_scale(self) -> Case:
        folder, _ = self.sounds(16_000)
        how = {"before": [("Mul", [np.array(1 / 32768, np.float32)], {})]}
        return self.wrapped("sound scale", "scale", model=self.silero, data=folder, **how)

    def same_file(self) -> Case:
        return Case("the same file", frozenset(), self.mobilenet, self.mobilenet, self.photos)

    def torchscript(self) -> Case:
        other = self.mobilenet.parent / "mobilenet_v2-b0353104.pth"
        return Case("PyTorch’s weights", frozenset(), self.mobilenet, other, self.photos)


def cropped(picture: Image.Image, filter_: int) -> np.ndarray:
    """Shorter side 256, then the middle 224 × 224, as torchvision does it."""
    share = 256 / min(picture.size)
    width, height = (256 if side == min(picture.size) else int(side * share) for side in picture.size)
    picture = picture.resize((width, height), filter_)
    left, top = round((width - 224) / 2), round((height - 224) / 2)
    return np.asarray(picture.crop((left, top, left + 224, top + 224)))


def squeezed(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.resize((224, 224), Image.Resampling.BILINEAR))


def with_blue_first(picture: Image.Image) -> np.ndarray:
    """Return the picture stretched, in BGR and normalized in that order, but in the scale that `Cases.expected` takes."""
    values = squeezed(picture).astype(np.float32) / 255
    return ((((values[:, :, ::-1] - MEAN[::-1]) / STD[::-1]) * STD) + MEAN) * 255


PREPARED: dict[str, tuple[Sequence[str], Callable[[Image.Image], np.ndarray]]] = {
    "stretched": (("resize_mode",), squeezed),
    "letterboxed": (("resize_mode",), lambda picture: make.framed(picture, 224)),
    "bicubic": (("resize_mode",), lambda picture: cropped(picture, Image.Resampling.BICUBIC)),
    "stretched_and_colors": (("resize_mode", "channel_order"), with_blue_first),
    "own_code": ((), lambda picture: cropped(picture, Image.Resampling.BILINEAR)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    right = 0
    with tempfile.TemporaryDirectory() as made, bench_space(Path(made) / "home") as space:
        cases = Cases(given.models, Path(made) / "cases", space)
        cases.folder.mkdir()
        wanted = [case for name, case in cases.every().items() if not given.names or name in given.names]
        print("| case | planted | found | differed | after | tried | s |\n|---|---|---|---|---|---|---|")  # noqa: T201
        for one in wanted:
            case = one()
            started = time.monotonic()
            model = OpenParams(path=str(case.model), data_path=str(case.data))
            result = cases.run(explain_models(model, case.other, case.data))
            found = {cause.code for cause in result.causes}
            right += found == case.codes
            after = f"{result.causes[0].share_differing_after:.0%}" if result.causes else "–"
            row = [
                case.name, ", ".join(sorted(case.codes)) or "–", ", ".join(sorted(found)) or "–",
                f"{result.share_differing:.0%}", after, str(result.tried), f"{time.monotonic() - started:.0f}",
            ]  # fmt: skip
            print(f"| {' | '.join(row)} |" + ("" if found == case.codes else " ← wrong"), flush=True)  # noqa: T201
            for line in (*(cause.text for cause in result.causes), *result.notes):
                print(f"    {line}", flush=True)  # noqa: T201
        print(f"{right} of {len(wanted)} right")  # noqa: T201


if __name__ == "__main__":
    main()
