"""Fettle's recommended bundle against the known tools, interleaved in one run.

    python -m tests.benchmarks.peers MODELS_DIR [NAME…]

A row for each tool: milliseconds, speedup over ONNX Runtime f32, and the share of its results that Fettle's judge counts
as unchanged (of the test items, `ASKED` at most). Only tools with at most 1 % of changed results count, Fettle's own bundle
too; a model that generates texts may have .01 more word errors instead. Fettle's speed over that of the best other tool
that counts is the figure. The environment variable FETTLE_PEER_PYTHON names the Python of tools that Fettle does not
install (CTranslate2, faster-whisper, with pydantic, tokenizers and transformers); a tool or a model that is not there
is named with the reason.
"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import numpy as np

from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import Flow
from app.services.flow.to_end import run_to_end
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from tests.benchmarks.bench_space import bench_space
from tests.benchmarks.peer_generation import loop_in
from tests.benchmarks.under_load import recommended
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.process.allowance import usable_cores
from workers.evaluate.data.dataset import DataSet, read_dataset
from workers.evaluate.judge import judge
from workers.evaluate.proof.predictions import Predictions, load_predictions
from workers.pipeline.pipeline import load_pipeline

Texts = Sequence[str]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROUNDS, WARM_SHARE, BLOCK_S = 7, 0.1, 1.0
FEWEST, MOST, ASKED = 10, 5000, 400
"""Timed requests of a block, of which a tenth as many warm up (five at least), and judged test items."""
LIMIT_PCT, MORE_WORD_ERRORS = 1.0, 0.01
PEER_PYTHON = os.environ.get("FETTLE_PEER_PYTHON", sys.executable)


@dataclass(frozen=True)
class Case:
    """A model and its data, below MODELS_DIR. `options` as on the command line.

    `make_data(data, model, folder)` makes the case's own data of them instead. `weights` is the transformers folder of
    a model that generates, which some tools convert.
    """

    name: str
    model: str
    data: str | None
    options: tuple[str, ...] = ()
    make_data: Callable[[Path, Path, Path], Path] | None = None
    weights: str = ""


LONG_TOKENS, TEXTS = 64, 600


def texts_of_one_length(data: Path, model: Path, folder: Path) -> Path:
    """Texts of exactly 64 tokens: words of `data` (CSV, text last) that the tokenizer keeps whole, two special ones."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    csv.field_size_limit(sys.maxsize)
    with data.open(newline="") as file:
        texts = " ".join(row[-1] for row in list(csv.reader(file))[1 : 20 * TEXTS])
    words = re.findall(r"[a-z]{3,}", texts.lower())
    is_whole = {word: len(tokenizer.encode(word, add_special_tokens=False).ids) == 1 for word in set(words)}
    whole = [word for word in words if is_whole[word]]
    each = LONG_TOKENS - 2
    path = folder / "texts.csv"
    with path.open("w", newline="") as file:
        rows = [[" ".join(whole[start * each : (start + 1) * each])] for start in range(TEXTS)]
        csv.writer(file).writerows([["text"], *rows])
    return path


CASES = (
    Case("MobileNetV2", "P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx", "DATA/imagenet_stamps"),
    Case("MiniLM-L6", "P/P03_all_minilm_l6_safetensors", "DATA/sentiment_vader.csv"),
    Case(
        "MiniLM-L6, 64 tokens",
        "P/P03_all_minilm_l6_safetensors",
        "DATA/sentiment_vader.csv",
        make_data=texts_of_one_length,
    ),
    Case("silero-vad", "P/P05_silero_vad/silero_vad_16k_op15.onnx", "DATA/vad_frames.npz"),
    Case("text detector", "P/P06_ppocr_v6/PP-OCRv6_det_small.onnx", "DATA/photos"),
    Case(
        "terrain U-Net",
        "P/P07_terrain_consistency_unet/terrain_consistency_unet_difficulty100.onnx",
        None,
        ("--time-budget", "240"),  # a whole sampling run for each answer: 90 s end after one version
    ),
    Case("magika", "P/P08_magika_filetype/model.onnx", "DATA/filetypes_magika.npz"),
    Case("Whisper layout", "P/whisper/onnx", "DATA/speech_words", weights="P/whisper/transformers"),
    Case("Marian layout", "P/marian/onnx", "DATA/translations.csv", weights="P/marian/transformers"),
)


@dataclass
class Tool:
    """A process, or why there is none; `rounds_ms` are the medians of its rounds."""

    name: str
    process: "subprocess.Popen[str] | None"
    why_not: str = ""
    rounds_ms: list[float] = field(default_factory=list)
    answers: Predictions | None = None

    def optimize(self, line: str) -> list[float]:
        """One line there, one line back. A tool that falls is out."""
        assert self.process is not None and self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self.why_not, self.process = "it ended", None
            return []
        found: list[float] = json.loads(answer)
        return found


@dataclass
class Bench:
    """One case: its prepared model and data, and a folder for what the tools make."""

    case: Case
    models: Path
    folder: Path

    def go(self) -> dict[str, Any]:
        home = self.folder / "home"
        environment = {**os.environ, "FETTLE_HOME": str(home), "PYTHONPATH": str(ROOT)}
        if self.case.make_data is not None and self.case.data is not None:
            data = self.case.make_data(self.models / self.case.data, self.models / self.case.model, self.folder)
            self.case = replace(self.case, data=str(data))
        bundle, document = self.recommended_bundle(environment)
        model, data = self.opened(home)
        generates = load_pipeline(model.folder).spec.generation is not None
        make = self._make_generating_tools if generates else self._make_tools
        tools = list(make(bundle, model, data, environment))
        for tool in tools:
            if tool.process is not None:
                self.hold_answers(tool)
        self._rounds(tools)
        for tool in tools:
            if tool.process is not None:
                tool.process.communicate()
        return {
            "model": self.case.name,
            "recommended": (recommended(document) or document["baseline"])["title"],
            "rows": list(rows(tools, read_dataset(data.folder), generates=generates)),
        }

    def recommended_bundle(self, environment: dict[str, str]) -> tuple[Path, dict[str, Any]]:
        """Optimize and export by the command line, as anybody would; return (folder of the bundle, document of the run)."""
        data = ["--data", str(self.models / self.case.data)] if self.case.data else []
        optimize = ["optimize", str(self.models / self.case.model), *data, *self.case.options, "--json"]
        done = run([*FETTLE, *optimize], environment)
        document: dict[str, Any] = json.loads(done)
        out = self.folder / "bundle.zip"
        run([*FETTLE, "export", document["run_id"], "--target", "python", "--out", str(out)], environment)
        shutil.unpack_archive(out, self.folder / "bundle")
        return self.folder / "bundle", document

    def opened(self, home: Path) -> tuple[OpenedModel, ReadData]:
        """The same from the store, as the commands left it."""
        with bench_space(home) as space:
            return run_to_end(Driver(space, self._open(), ignore))

    def _open(self) -> Flow[tuple[OpenedModel, ReadData]]:
        model = yield from open_model(OpenParams(path=str(self.models / self.case.model)))
        path = str(self.models / self.case.data) if self.case.data else None
        data = yield from read_data(DataParams(model_dir=str(model.folder), path=path))
        return model, data

    def _make_tools(
        self, bundle: Path, model: OpenedModel, data: ReadData, environment: dict[str, str]
    ) -> Iterator[Tool]:
        original = str(model.folder / "model.onnx")
        folders = [str(model.folder), str(data.folder)]
        yield self.started("Fettle", "bundle", str(bundle), folders, environment)
        for name, kind in (("ONNX Runtime f32", "ort"), ("OpenVINO f32", "ov"), ("OpenVINO bf16", "ov-bf16")):
            yield self.started(name, kind, original, folders, environment)
        yield self.started("OpenVINO bf16, fixed shape", "ov-fixed", original, folders, environment)
        for name, recipe, kind, suffix in (
            ("ONNX Runtime dynamic INT8", "dynamic", "ort", "onnx"),
            ("ONNX Runtime static INT8", "static", "ort", "onnx"),
            ("OpenVINO + NNCF INT8", "nncf", "ov-bf16", "xml"),
        ):
            made = self.folder / f"{recipe}.{suffix}"
            why_not = self._made([sys.executable, recipe, *folders, str(made)], environment)
            yield Tool(name, None, why_not) if why_not else self.started(name, kind, str(made), folders, environment)

    def _make_generating_tools(
        self, bundle: Path, model: OpenedModel, data: ReadData, environment: dict[str, str]
    ) -> Iterator[Tool]:
        """The tools for an encoder and a decoder; some need the weights, and a Python of their own."""
        folders = [str(model.folder), str(data.folder)]
        yield self.started("Fettle", "bundle", str(bundle), folders, environment)
        for name, kind in (("ONNX Runtime f32", "ort"), ("OpenVINO f32", "ov"), ("OpenVINO bf16", "ov-bf16")):
            yield self.started(name, f"{kind}-parts", str(model.folder), folders, environment)
        made, weights = self.folder / "ctranslate2", self.models / self.case.weights
        why_not = self._made([PEER_PYTHON, "ctranslate2", str(model.folder), str(weights), str(made)], environment)
        heard = {"faster-whisper f32": "faster-whisper", "faster-whisper INT8": "faster-whisper-int8"}
        speech = loop_in(str(model.folder)).mel is not None
        for name, kind in {
            "CTranslate2 f32": "ct2",
            "CTranslate2 INT8": "ct2-int8",
            **(heard if speech else {}),
        }.items():
            if why_not:
                yield Tool(name, None, why_not)
            else:
                yield self.started(name, kind, str(made), folders, environment, PEER_PYTHON)

    def _made(self, command: list[str], environment: dict[str, str]) -> str:
        """Run a recipe (its Python first); why it failed, "" where it did not."""
        python, *words = command
        try:
            run([python, str(HERE / "peer_recipes.py"), *words], environment, self.folder)
        except subprocess.CalledProcessError as error:
            return (str(error.stderr).strip().splitlines() or ["it failed"])[-1][:120]
        return ""

    def started(
        self,
        name: str,
        kind: str,
        where: str,
        folders: list[str],
        environment: dict[str, str],
        python: str = sys.executable,
    ) -> Tool:
        command = [python, str(HERE / "peer_engine.py"), kind, where, *folders, str(usable_cores())]
        log = (self.folder / f"{name}.log").open("w")
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, text=True
        )
        assert process.stdout is not None
        if process.stdout.readline():
            return Tool(name, process)
        process.communicate()
        lines = (self.folder / f"{name}.log").read_text().strip().splitlines() or ["it ended"]
        return Tool(name, None, lines[-1][:120])

    def hold_answers(self, tool: Tool, most: int = ASKED) -> None:
        path = self.folder / f"{tool.name.replace(' ', '-')}.npz"
        tool.optimize(f"ask {most} {path}")
        tool.answers = load_predictions(path) if path.exists() else None

    @staticmethod
    def _rounds(tools: list[Tool]) -> None:
        """All in turn, each round in the other direction; blocks of about a second of the slowest."""
        alive = [tool for tool in tools if tool.process is not None]
        slowest = max(median(tool.optimize("time 5 10") or [0.0]) for tool in alive)
        count = int(np.clip(BLOCK_S * 1000 / max(slowest, 1e-3), FEWEST, MOST))
        warm = max(5, int(WARM_SHARE * count))
        for number in range(ROUNDS):
            for tool in alive if number % 2 == 0 else reversed(alive):
                spans = tool.optimize(f"time {warm} {count}") if tool.process is not None else []
                if spans:
                    tool.rounds_ms.append(median(spans))


def run(command: list[str], environment: dict[str, str], cwd: Path = ROOT) -> str:
    """Standard output; exit code 4 (keep the original) is an answer too."""
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 4):
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout


FETTLE = [sys.executable, "-m", "app"]


def alike(answers: Predictions | None, reference: Predictions, data: DataSet) -> tuple[float, bool] | None:
    """Return (share of unchanged results, whether that counts), as the judge of a run finds it."""
    if answers is None:
        return None
    share = judge(data, reference, answers, LIMIT_PCT).agreement
    return None if share is None else (share, share >= 1 - LIMIT_PCT / 100)


def alike_texts(answers: Texts | None, reference: Texts, right: Texts) -> tuple[float, bool] | None:
    """Return (share of right words, whether that counts); the texts of ONNX Runtime f32 are right where `right` is empty."""
    if answers is None or len(answers) != len(reference):
        return None
    wanted = right if any(right) else reference
    errors = word_errors(answers, wanted)
    return 1 - errors, errors <= word_errors(reference, wanted) + MORE_WORD_ERRORS


def word_errors(texts: Texts, right: Texts) -> float:
    """Share of the words of `right` that are wrong, missing or too many."""
    from rapidfuzz.distance import Levenshtein

    pairs = [(text.split(), truth.split()) for text, truth in zip(texts, right, strict=False) if truth]
    return sum(Levenshtein.distance(*pair) for pair in pairs) / max(1, sum(len(truth) for _, truth in pairs))


def truths(data: DataSet) -> list[str]:
    """The right text of each test item, "" where it has none."""
    return [" ".join((item.transcript or item.group).split()) for item in data.test]


def rows(tools: list[Tool], data: DataSet, *, generates: bool) -> Iterator[dict[str, Any]]:
    """Each tool compared with ONNX Runtime f32: by the judge, or texts of a model that generates by their word errors."""
    base = next(tool for tool in tools if tool.name == "ONNX Runtime f32")
    assert base.answers is not None
    for tool in tools:
        ms = median(tool.rounds_ms) if tool.rounds_ms else None
        if generates:
            texts = None if tool.answers is None else tool.answers.texts
            similarity = alike_texts(texts, base.answers.texts or (), truths(data))
        else:
            similarity = alike(tool.answers, base.answers, data)
        yield {
            "name": tool.name,
            "ms": ms,
            "speedup": median(base.rounds_ms) / ms if ms else None,
            "alike": similarity[0] if similarity else None,
            "counts": bool(ms and similarity and similarity[1]),
            "why_not": tool.why_not,
        }


def ratio_to_best(found: dict[str, Any]) -> float:
    """Fettle's speed over that of the best peer that answers alike. Raises ValueError where none does, not even f32."""
    ours = next(row for row in found["rows"] if row["name"] == "Fettle")
    alike_ms = [row["ms"] for row in found["rows"] if row["counts"] and row["name"] != "Fettle"]
    if not alike_ms:
        raise ValueError(f"{found['model']}: no peer was measured: {found['rows']}")
    best = min(alike_ms)
    return float(best / ours["ms"]) if ours["counts"] else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("names", nargs="*")
    requested = parser.parse_args()
    known = [case.name for case in CASES]
    if unknown := sorted(set(requested.names) - set(known)):
        parser.error(f"no such model: {', '.join(unknown)}; there are {', '.join(known)}")
    ratios = []
    for case in CASES:
        if requested.names and case.name not in requested.names:
            continue
        if not (requested.models / case.model).exists():
            print(f"\n{case.name}: left out, there is no {case.model}")  # noqa: T201
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            found = Bench(case, requested.models, Path(folder)).go()
        ratios.append(ratio_to_best(found))
        print(f"\n{case.name}: {found['recommended']}, {ratios[-1]:.2f} of the best peer")  # noqa: T201
        for row in found["rows"]:
            figures = f"{row['ms']:8.3f} ms {row['speedup']:6.2f} x" if row["ms"] else f"fails: {row['why_not']}"
            similarity = "" if row["alike"] is None else f"  alike {row['alike']:.5f}{'' if row['counts'] else ' (no)'}"
            print(f"  {row['name']:28} {figures}{similarity}")  # noqa: T201
    alike = [ratio for ratio in ratios if ratio]
    mean = f": {geometric_mean(alike):.2f} of the best peer" if alike else ""
    print(f"\nGeometric mean over the {len(alike)} of {len(ratios)} models that answer alike{mean}")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
