"""Forecasts against what came, over real models: time and peak memory, before the start and once it was measured.

    python -m tests.benchmarks.forecasts MODELS_DIR [--only NAME] [--budget SECONDS] [--homes FOLDER]

Each model is optimized with Balanced in a data folder of its own (kept below --homes, to look at), so that nothing was
learned before; beside it stands what a forecast would have said that had learned from all the other models. The aim is
a factor of 2 for the time and 30 % for the memory.
"""

import argparse
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from app.cli.output import Globals
from app.cli.session import workspace
from app.services.run.forecasting import Expected, Forecasts, RunForecast, corrected
from presets.sample import sample_paths
from workers.contracts.measured.sizes import bytes_words

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 600
TIME_AIM, MEMORY_AIM = 2.0, 1.3


@dataclass(frozen=True)
class Case:
    """A model below MODELS_DIR and its data, None: inputs that Fettle makes."""

    name: str
    model: str
    data: str | None = None


CASES = (
    Case("sample", str(sample_paths().model), str(sample_paths().data)),
    Case("MobileNetV2", "P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx", "DATA/imagenet_stamps"),
    Case("MiniLM-L6", "P/P03_all_minilm_l6_safetensors", "DATA/sentiment_vader.csv"),
    Case("text classifier", "P/P04_nanoguard_text_classifier", "DATA/spam_assassin.csv"),
    Case("silero-vad", "P/P05_silero_vad/silero_vad_16k_op15.onnx", "DATA/vad_frames.npz"),
    Case("text detector", "P/P06_ppocr_v6/PP-OCRv6_det_small.onnx", "DATA/photos"),
    Case("text recognizer", "P/P06_ppocr_v6/PP-OCRv6_rec_small.onnx", "DATA/photos"),
    Case("terrain U-Net", "P/P07_terrain_consistency_unet/terrain_consistency_unet_difficulty100.onnx"),
    Case("magika", "P/P08_magika_filetype/model.onnx", "DATA/filetypes_magika.npz"),
)


def forecast_of(case: Case, models: Path, home: Path, budget_s: float | None) -> RunForecast | None:
    """Optimize it in a process of its own; None where the model was refused."""
    command = [sys.executable, "-m", "app", "optimize", str(models / case.model), "--data-dir", str(home), "--quiet"]
    command += ["--data", str(models / case.data)] if case.data else []
    command += ["--time-budget", str(budget_s)] if budget_s else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode not in (0, 4):
        print(f"{case.name}: not optimized ({done.stderr.strip().splitlines()[-1:]})")  # noqa: T201
        return None
    with workspace(Globals(data_dir=home), writes=False) as space:
        run = space.repositories.runs.list()[-1]
        return Forecasts(space.repositories).of_run(run.id)


def lines(found: Sequence[tuple[str, RunForecast]]) -> list[str]:
    """The table, and how far off the forecasts were on the geometric mean."""
    rows = ["| model | time: before | refined | learned | came | memory: before | refined | learned | came |"]
    rows.append("|---|---|---|---|---|---|---|---|---|")
    off: dict[str, list[float]] = {}
    for name, one in found:
        others = [other for title, other in found if title != name]
        came_s, came_bytes = one.seconds or 0.0, one.memory_bytes or 0
        cells = [name]
        for kind, came in (("time", came_s), ("memory", float(came_bytes))):
            for stage, expected in stages(one, others).items():
                value = expected.seconds if kind == "time" else float(expected.memory_bytes)
                ratio = value / came
                off.setdefault(f"{kind} {stage}", []).append(ratio)
                cells.append(f"{shown(kind, value)} ({ratio:.2f} ×)")
            cells.append(shown(kind, came))
        rows.append(f"| {' | '.join(cells)} |")
    for what, ratios in off.items():
        factor = math.exp(fmean(abs(math.log(ratio)) for ratio in ratios))
        aim = TIME_AIM if what.startswith("time") else MEMORY_AIM
        within = sum(1 / aim <= ratio <= aim for ratio in ratios)
        rows.append(
            f"{what}: off by a factor of {factor:.2f} on the geometric mean, {within} of {len(ratios)} within {aim:g}"
        )
    return rows


def stages(one: RunForecast, others: Sequence[RunForecast]) -> dict[str, Expected]:
    """What was said before, once the original was measured, and what would be said after runs of the others."""
    assert one.before is not None
    refined = one.refined or one.before
    past = [(was, other) for other in others if other.seconds and (was := other.refined or other.before) is not None]
    learned = corrected(refined.plain_s, refined.plain_bytes, past)
    return {"before": one.before, "refined": refined, "learned": learned}


def shown(kind: str, value: float) -> str:
    return f"{value:.0f} s" if kind == "time" else bytes_words(value)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", type=Path)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--budget", type=float)
    parser.add_argument("--homes", type=Path)
    asked = parser.parse_args()
    found: list[tuple[str, RunForecast]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(CASES):
            if asked.only and case.name not in asked.only:
                continue
            one = forecast_of(case, asked.models, (asked.homes or Path(scratch)) / str(number), asked.budget)
            if one is not None and one.before is not None:
                found.append((case.name, one))
                print(case.name, one.model_dump_json(), file=sys.stderr)  # noqa: T201
    print("\n".join(lines(found)))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
