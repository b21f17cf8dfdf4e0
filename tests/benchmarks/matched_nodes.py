"""Share of operators that are matched between real models and what each technique makes of them.

    export PYTHONPATH=tests/fixtures:tests/workers FETTLE_MODELS_DIR=DIR
    python -m tests.benchmarks.matched_nodes CACHE [--only MODEL …] [--techniques ID …]

CACHE keeps opened models and versions, so that a second run only matches. A row for each model and technique: the
share of operators with a status other than unmatched, and the number of operators of each status. Versions are made
from a few random inputs, as their structure and not their predictions counts. With `--rows` each row is
printed.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from recording import RecordingContext
from technique_cases import TECHNIQUES, quick_params, runtime_of

from workers.contracts.folder import read_model
from workers.contracts.jobs import OpenParams
from workers.contracts.pipeline import read_pipeline
from workers.explain.graphs.reading import read_graph
from workers.explain.matching import match_graphs
from workers.model_io.opening import open_model
from workers.pipeline.arrays import dtype_of
from workers.pipeline.prepared import write_prepared

MODELS = {
    "mobilenet": "P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx",
    "minilm": "P03_all_minilm_l6_safetensors",
    "detector": "P06_ppocr_v6/PP-OCRv6_det_small.onnx",
    "smollm": "P13_smollm2_135m_instruct",
    "unet": "P07_terrain_consistency_unet/terrain_consistency_unet_difficulty100.onnx",
}
ITEMS = 12
LEAST = 0.95


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def prepared(cache: Path, name: str) -> Path:
    """The opened model's folder, with a few random inputs beside it."""
    folder = cache / name / "model"
    if not folder.is_dir():
        (cache / name).mkdir(parents=True, exist_ok=True)
        source = Path(os.environ["FETTLE_MODELS_DIR"]) / "P" / MODELS[name]
        open_model(OpenParams(path=str(source)), RecordingContext(cache / name))
    data = cache / name / "data"
    if not data.is_dir():
        for split in ("test", "calibration"):
            write_prepared(data / split, items(folder))
    return folder


def items(folder: Path) -> Iterator[dict[str, Any]]:
    """Random pictures, sounds and tokens of sizes that each of the models takes."""
    rng = np.random.default_rng(1)
    for _ in range(ITEMS):
        feeds = {}
        for entry in read_pipeline(folder).inputs:
            free = 64 if len(entry.shape) == 4 else 16
            sizes = [size or (1 if axis == entry.batch_axis else free) for axis, size in enumerate(entry.shape)]
            if dtype_of(entry).kind == "f":
                feeds[entry.name] = rng.normal(0, 1, sizes).astype(dtype_of(entry))
            else:
                most = 200 if entry.name == "input_ids" else 1  # masks are 1, kinds of tokens 0
                feeds[entry.name] = rng.integers("mask" in entry.name, most + ("mask" in entry.name), sizes).astype(
                    dtype_of(entry)
                )
        yield feeds


def version(cache: Path, name: str, technique: str) -> Path:
    """The folder of a version; raises WorkerError where the technique does not apply."""
    made = cache / name / "versions" / technique
    if not made.is_dir():
        spec = TECHNIQUES[technique]
        source = version(cache, name, spec.follows[0]) if spec.follows else prepared(cache, name)
        work = Path(tempfile.mkdtemp(dir=cache))
        ctx = RecordingContext(work, threads=2, data_dir=cache / name / "data", original=cache / name / "model")
        try:
            spec.apply(read_model(source), quick_params(spec), ctx)
            made.parent.mkdir(exist_ok=True)
            shutil.move(work / "model", made)
        finally:
            shutil.rmtree(work)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--only", nargs="*", default=list(MODELS))
    parser.add_argument("--techniques", nargs="*", default=[*TECHNIQUES])
    parser.add_argument("--cached", action="store_true", help="only versions that were made before")
    parser.add_argument("--rows", action="store_true")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    low = 0
    say("| model | technique | matched | seconds | operators by status |\n|---|---|---|---|---|")
    for name in options.only:
        original = prepared(options.cache, name)
        before = read_graph(original, runtime_of(original))
        for technique in options.techniques:
            if options.cached and not (options.cache / name / "versions" / technique).is_dir():
                continue
            try:
                folder = version(options.cache, name, technique)
            except Exception as error:  # libraries raise their own types where a technique does not apply
                say(f"| {name} | {technique} | – | | does not apply: {' '.join(str(error).split())[:90]} |")
                continue
            low += row(name, technique, before, read_graph(folder, runtime_of(folder)), options.rows)
    return 1 if low else 0


def row(name: str, technique: str, before: Any, after: Any, rows: bool) -> bool:
    start_s = time.monotonic()
    nodes = match_graphs(before, after)
    seconds = time.monotonic() - start_s
    counts = Counter(node.status for node in nodes)
    share = 1 - counts["unmatched"] / max(1, len(nodes))
    words = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    say(f"| {name} | {technique} | {share:.1%} | {seconds:.2f} | {words} |")
    for node in nodes if rows else ():
        if node.status != "unchanged":
            say(f"    {node.status:10} {node.op} {node.a} → {node.op_b} {node.b} {node.dtype_a} {node.dtype_b}")
    return share < LEAST


if __name__ == "__main__":
    sys.exit(main())
