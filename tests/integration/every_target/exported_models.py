"""Real models (FETTLE_MODELS_DIR), optimized and exported by the commands of anybody: one run each, one bundle a target.

Optimized versions are taken by their runtime, not because they were recommended: which one is faster depends on the
computer and on what else it does, and that a bundle answers alike does not.
"""

import csv
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from fettle_command import Fettle, Finished
from model_cases import PATIENCE, ROOT
from PIL import Image

from presets.sample import sample_paths
from workers.infer.base import Session
from workers.measure.opening import find_runtime

KEPT = os.environ.get("FETTLE_KEPT_DIR")
"""Where runs and bundles stay and are taken again, to work on these tests; by themselves they are made anew."""

COMMAND_S = 900.0
BUDGET_S = 600
ONNX_ONLY = ("hub", "triton", "web")
"""What takes nothing but one plain ONNX model; the others take what any runtime runs."""

EVERYWHERE = ("container", "mlflow", "python", "service")
OPENVINO, ONNX = "openvino", "onnxruntime-cpu"
TEXTS = (
    "What a lovely day, isn't it?",
    "Grüße aus Köln – naïve café №7, 日本語",
    "The train was late, and nobody said why.",
)

TWO_ENGINES = """
- id: engine
  title: OpenVINO
  why: Another engine for the same model.
  runtime: openvino
- id: whole-numbers
  title: INT8
  why: Whole numbers instead of fractions.
  runtime: onnxruntime-cpu
  steps:
    - technique: TECHNIQUE
"""


@dataclass(frozen=True)
class Case:
    """A model, and where its data lies; `rows` takes so many rows of a CSV. `kind` is what a person gives it."""

    name: str
    model: str
    data: str
    kind: str = "picture"
    rows: int = 0
    recipe: str = TWO_ENGINES.replace("TECHNIQUE", "int8_static")

    @property
    def paths(self) -> tuple[Path, Path]:
        """Model and data."""
        if not self.model:
            return sample_paths().model, sample_paths().data
        return ROOT / self.model, ROOT / self.data


CASES = (
    Case("sample", "", ""),
    Case("MobileNetV2", "P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx", "DATA/imagenet_stamps"),
    Case(
        "MiniLM",
        "P/P03_all_minilm_l6_safetensors",
        "DATA/sentiment_vader.csv",
        kind="text",
        rows=40,
        recipe=TWO_ENGINES.replace("TECHNIQUE", "int8_dynamic"),
    ),
    Case("text detector", "P/P06_ppocr_v6/PP-OCRv6_det_small.onnx", "DATA/photos"),
)
CHAT = Case("SmolLM2", "P/P13_smollm2_135m_instruct", "DATA/sentiment_vader.csv")


@dataclass
class Optimized:
    """A finished run with its bundles, which are written when they are first requested."""

    case: Case
    fettle: Fettle
    folder: Path
    document: dict[str, Any]
    _written: dict[str, tuple[Finished, Path]] = field(default_factory=dict)

    def version(self, runtime: str) -> dict[str, Any]:
        """The optimized version that this runtime runs."""
        made = (row for row in self.document["variants"] if row["artifact"] and row["runtime"] == runtime)
        found: dict[str, Any] = next(row for row in made if row["id"] != self.document["baseline"]["id"])
        return found

    def wanted(self, target: str) -> dict[str, Any]:
        """The version that goes into a bundle of this target: the remaining one for ONNX targets, else another engine's."""
        return self.version(ONNX if target in ONNX_ONLY else OPENVINO)

    def export(self, target: str) -> Finished:
        """`fettle export`, not remembered; of a regressed version, too."""
        words = (
            "export",
            self.document["run_id"],
            "--target",
            target,
            "--out",
            self.folder / f"{target}.zip",
            "--json",
        )
        version = self.wanted(target)["id"]
        reason = ("--accept-regression", "a test of what it is packed in")
        return self.fettle(*words, "--variant", version, *reason, timeout_s=COMMAND_S * PATIENCE)

    def bundle(self, target: str) -> Path:
        """The unpacked bundle with the optimized version. It passed its self-test."""
        return self.written(target)[1]

    def written(self, target: str) -> tuple[Finished, Path]:
        """Return the output of the command, and the unpacked bundle."""
        if target not in self._written:
            place = self.folder / "bundles" / target
            done = _once(self.folder / f"{target}.json", lambda: self.export(target))
            assert done.code == 0, done.err + done.out
            assert all(check["ok"] for check in done.document["selftest"])
            shutil.unpack_archive(self.folder / f"{target}.zip", place)
            self._written[target] = done, place
        return self._written[target]

    def given(self, count: int = 3) -> list[Any]:
        """What a person gives the model: files of pictures, or texts."""
        if self.case.kind == "text":
            return list(TEXTS[:count])
        place = self.folder / "given"
        if not self.case.model:
            place.mkdir(exist_ok=True)
            for number, pixels in enumerate(np.load(self.case.paths[1])["x"][:count]):
                Image.fromarray(pixels).save(place / f"{number}.png")
        else:
            place = self.case.paths[1]
        return sorted(path for path in place.iterdir() if path.suffix in (".png", ".jpg"))[:count]


def optimized(case: Case, folder: Path) -> Optimized:
    """`fettle optimize` on its own data folder."""
    model, data = case.paths
    assert model.exists(), f"{case.model} is not in FETTLE_MODELS_DIR"
    if case.rows:
        data = first_rows(data, folder / "texts.csv", case.rows)
    recipe = folder / "quick.yaml"
    recipe.write_text(case.recipe, encoding="utf-8")
    fettle = Fettle(folder / "home")
    budget = str(round(BUDGET_S * PATIENCE))
    words = ("optimize", model, "--data", data, "--recipe", recipe, "--time-budget", budget, "--json")
    done = _once(folder / "run.json", lambda: fettle(*words, timeout_s=COMMAND_S * PATIENCE))
    assert done.code in (0, 4), done.err  # 4: nothing is faster on a busy computer
    return Optimized(case, fettle, folder, done.document)


def _once(kept: Path, go: Callable[[], Finished]) -> Finished:
    """Return the output of the command, now or when it was kept."""
    if kept.is_file():
        return Finished(**json.loads(kept.read_text(encoding="utf-8")))
    done = go()
    if done.code in (0, 4):
        kept.write_text(json.dumps(asdict(done)), encoding="utf-8")
    return done


def first_rows(source: Path, target: Path, count: int) -> Path:
    """The first rows of a CSV, as their own file."""
    with source.open(newline="", encoding="utf-8") as file, target.open("w", newline="", encoding="utf-8") as new:
        rows = csv.writer(new)
        for _, row in zip(range(count + 1), csv.reader(file), strict=False):
            rows.writerow(row)
    return target


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return found


def opened_here(folder: Path) -> Session:
    """The bundle's model in this program's own runtime, on one core."""
    report = manifest(folder)
    runtime, model = report["runtime"], report["model"]
    module = __import__(f"workers.infer.{find_runtime(runtime['id']).id.replace('-', '_')}", fromlist=["load"])
    session: Session = module.load(
        folder / model["folder"] / model["main"], {**runtime["settings"], "num_threads": 1}, 1
    )
    return session
