"""What a real NVIDIA card does with Fettle's runtimes: one script that a stranger runs and sends back.

    installer/test -m gpu                         # the same, as a test
    .venv/bin/python tests/gpu/card_report.py      # writes build/gpu-report.md and .json

First the doctor's ladder, then the whole job on the built-in sample, then three models by every path that Fettle has to a
card, in FP32, FP16 and BF16: latency and computing alone, throughput, memory on the card, energy, whether answers are the
processor's, and how many times faster than PyTorch as it is and than trtexec would be. Without a working card it reports
that and measures nothing: a figure of a GPU comes from a GPU.
"""

import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from card_models import MODELS, Feeds
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
OUT = ROOT / "build"
WARMUP, REQUESTS, ENERGY_S = 30, 200, 12.0
NO_CARD = 6
MOST_APART = {"FP32": 0.02, "FP16": 0.1, "BF16": 0.3}
"""Of the largest answer. Untrained networks round badly: PyTorch on a processor differs by .025 in FP16 and .14 in BF16 for
MobileNetV2; cards round the factors of products in FP32 to 10 bits (TF32)."""

PATHS = (
    ("PyTorch, compiled", "torch-cuda", {"compile": True}),
    ("ONNX Runtime CUDA", "onnxruntime-cuda", {}),
    ("ONNX Runtime CUDA, as one step", "onnxruntime-cuda", {"cuda_graph": True}),
    ("ONNX Runtime with TensorRT for RTX", "onnxruntime-rtx", {}),
    ("TensorRT", "tensorrt", {}),
)
EAGER, TENSORRT = "PyTorch", "TensorRT"

Run = Callable[[Feeds], Mapping[str, NDArray[Any]]]
Loaded = tuple[Run, Any]
"""The function that answers, and its session, which can report where the time goes on a card (`OnCard`)."""


@dataclass(frozen=True)
class Row:
    """One model on one engine. Latency is from host to host, transfers included; `memory_bytes` on the card, above the
    level before loading; `energy_mj` for one answer, None where the card does not count; `difference` is the largest,
    relative to the largest answer of the processor's FP32. `compute_ms` and `card_ms` are by the card's own clock, as
    trtexec defines them: computing alone, and with copying. `absent` is the reason why a path is not for this card."""

    model: str
    engine: str
    precision: str
    p50_ms: float | None = None
    p99_ms: float | None = None
    per_s: float | None = None
    memory_bytes: int | None = None
    energy_mj: float | None = None
    difference: float | None = None
    compute_ms: float | None = None
    card_ms: float | None = None
    failed: str = ""
    absent: str = ""

    @property
    def confirmed(self) -> bool:
        """Its answers are the processor's, but for rounding."""
        return self.difference is not None and self.difference <= MOST_APART[self.precision]


def print_now(text: str) -> None:
    sys.stdout.write(text + "\n")


def main() -> int:
    """Exit code 6 where there is no card that works."""
    report_of_doctor = doctor()
    broken = [rung for rung in report_of_doctor["rungs"] if not rung["ok"]]
    if broken:
        for rung in broken[:1]:
            print_now(f"No card that works: {rung['reason']} {rung['hint']}")
        print_now("Nothing was measured.")
        return NO_CARD
    rows = list(measure())
    kept = [asdict(row) for row in rows]
    report = {"cards": report_of_doctor["cards"], "system": platform.platform(), "proof": proof(), "rows": kept}
    OUT.mkdir(exist_ok=True)
    (OUT / "gpu-report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    text = table(report_of_doctor["cards"], rows)
    (OUT / "gpu-report.md").write_text(text, encoding="utf-8")
    print_now(text)
    print_now(f"Please send {OUT / 'gpu-report.json'} back.")
    return 0 if all(row.confirmed or row.absent for row in rows) else 1


def doctor() -> dict[str, Any]:
    """The ladder, as `fettle gpu doctor --json` prints it."""
    return fettle("gpu", "doctor", "--json")


def proof() -> dict[str, Any]:
    """The whole job on the built-in sample, on the card: optimize, compare, export, verify."""
    from presets.sample import sample_paths

    sample = sample_paths()
    return fettle("optimize", str(sample.model), "--data", str(sample.data), "--device", "cuda:0", "--time-budget", "180",
                  "--json")  # fmt: skip


def fettle(*arguments: str) -> dict[str, Any]:
    """The command's JSON, in its own data folder."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "app", "--data-dir", home, *arguments]
        run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    document: dict[str, Any] = json.loads(run.stdout)
    return document


def measure() -> Iterator[Row]:
    """Each model on each engine."""
    for name, make in MODELS.items():
        module, feeds = make()
        right = on_processor(module, feeds)
        for engine, precision, load in engines(module, feeds):
            yield one(name, engine, precision, load, feeds, right)


def on_processor(module: Any, feeds: Feeds) -> NDArray[Any]:
    import torch

    with torch.inference_mode():
        answer: NDArray[Any] = module(*(torch.from_numpy(array) for array in feeds.values())).numpy()
    return answer


def engines(module: Any, feeds: Feeds) -> Iterator[tuple[str, str, Callable[[], Loaded]]]:
    """(path, precision, how it is loaded)."""
    for precision in MOST_APART:
        yield EAGER, precision, partial(in_torch, module, precision)
        for title, runtime_id, settings in PATHS:
            if precision != "BF16" or runtime_id in ("torch-cuda", "tensorrt"):
                yield title, precision, partial(by_runtime, runtime_id, settings, module, feeds, precision)


def in_torch(module: Any, precision: str) -> Loaded:
    import copy

    import torch

    dtype = {"FP32": torch.float32, "FP16": torch.float16, "BF16": torch.bfloat16}[precision]
    placed = copy.deepcopy(module).to("cuda:0", dtype)

    def run(feeds: Feeds) -> Mapping[str, NDArray[Any]]:
        with torch.inference_mode():
            given = [torch.from_numpy(array).to("cuda:0") for array in feeds.values()]
            given = [tensor.to(dtype) if tensor.is_floating_point() else tensor for tensor in given]
            return {"y": placed(*given).float().cpu().numpy()}  # .cpu() waits until the card is done

    return run, None


def by_runtime(runtime_id: str, settings: dict[str, Any], module: Any, feeds: Feeds, precision: str) -> Loaded:
    """Through Fettle's own runtime, as a bundle runs it. Raises `BackendMissing` where it is not for this card."""
    from workers.infer.base import OnCard
    from workers.measure.opening import find_runtime

    runtime = find_runtime(runtime_id)
    path = Path(tempfile.mkdtemp(prefix="fettle-card-")) / "model.onnx"
    if runtime.torch_program:
        as_program(module, feeds, path)
        settings = settings if precision == "FP32" else {**settings, "precision": precision.lower()}
    else:
        as_onnx(module, feeds, precision, path)
    session = runtime.load(path, settings, 1)
    return session.run, session if isinstance(session, OnCard) else None


def as_program(module: Any, feeds: Feeds, path: Path) -> None:
    import torch

    given = tuple(torch.from_numpy(array) for array in feeds.values())
    torch.export.save(torch.export.export(module, given), str(path.with_name("model.pt2")))
    about = {"inputs": [{"name": name} for name in feeds], "outputs": [{"name": "y"}]}
    path.with_name("info.json").write_text(json.dumps(about), encoding="utf-8")


def as_onnx(module: Any, feeds: Feeds, precision: str, path: Path) -> None:
    import onnx
    import torch
    from onnxruntime.transformers.float16 import convert_float_to_float16

    from workers.quantize import bf16_tensorrt, qdq

    given = tuple(torch.from_numpy(array) for array in feeds.values())
    torch.onnx.export(module, given, str(path), input_names=list(feeds), output_names=["y"], dynamo=False)
    if precision == "FP16":
        onnx.save(convert_float_to_float16(onnx.load(str(path)), keep_io_types=True), str(path))
    elif precision == "BF16":
        onnx.save(bf16_tensorrt.convert(qdq.load_named(path), (), path.stat().st_size), str(path))


def one(name: str, engine: str, precision: str, load: Callable[[], Loaded], feeds: Feeds, right: NDArray[Any]) -> Row:
    from workers.contracts.errors import BackendMissing
    from workers.measure.card.figures import card_figures
    from workers.measure.energy import nvml_counter
    from workers.measure.gpu_memory import GpuPeak

    try:
        peak = GpuPeak(0)
        run, session = load()
        answer = next(iter(run(feeds).values()))
        for _ in range(WARMUP):
            run(feeds)
        peak.stop()
        times = timed(run, feeds)
        spans = [session.card_spans(feeds)[0] for _ in range(REQUESTS)] if session is not None else []
        counter = nvml_counter(0)
        before, began, answers = counter.joules(), time.perf_counter(), 0
        while (took := time.perf_counter() - began) < ENERGY_S:
            run(feeds)
            answers += 1
        joules = counter.between(before, counter.joules())
        counter.close()
    except BackendMissing as error:
        return Row(name, engine, precision, absent=error.hint)
    except Exception as error:  # the table shows which engine refused, and why
        return Row(name, engine, precision, failed=f"{type(error).__name__}: {' '.join(str(error).split())[:160]}")
    times.sort()
    figures = card_figures("", spans) if spans else None
    scale = float(np.abs(right).max()) or 1.0
    return Row(
        name,
        engine,
        precision,
        p50_ms=statistics.median(times),
        p99_ms=times[int(0.99 * len(times))],
        per_s=answers / took,
        memory_bytes=peak.peak_bytes,
        energy_mj=1000 * joules / answers,
        difference=float(np.abs(answer - right).max()) / scale,
        compute_ms=figures.compute.p50_ms if figures is not None else None,
        card_ms=figures.latency.p50_ms if figures is not None else None,
    )


def timed(run: Run, feeds: Feeds) -> list[float]:
    """Milliseconds of single requests, one after the other."""
    times = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        run(feeds)
        times.append(1000 * (time.perf_counter() - began))
    return times


COLUMNS = (
    "card", "driver", "model", "path", "precision", "confirmed", "p50 ms", "p99 ms", "computing ms", "× PyTorch eager",
    "× trtexec's way", "answers/s", "memory MB", "mJ/answer", "difference",
)  # fmt: skip


def table(cards: list[dict[str, Any]], rows: list[Row]) -> str:
    """Markdown. Above 1 a path is faster than PyTorch as it is, in the same precision, and than TensorRT's engine is by
    the card's own clock, as trtexec reports it."""
    about = "{name}, compute capability {compute_capability}, driver {driver}"
    lines = [about.format(**card) for card in cards]
    lines += ["", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    where = [str(cards[0].get("name", "")), str(cards[0].get("driver", ""))] if cards else ["", ""]
    for row in rows:
        what = [*where, row.model, row.engine, row.precision]
        if row.failed or row.absent:
            lines.append("| " + " | ".join([*what, "no", row.failed or f"not for this card: {row.absent}"]) + " |")
            continue
        eager, best = (_of(rows, row, title) for title in (EAGER, TENSORRT))
        figures = (
            row.p50_ms, row.p99_ms, row.compute_ms, _ratio(eager and eager.p50_ms, row.p50_ms),
            _ratio(best and best.card_ms, row.p50_ms), row.per_s, _mega(row.memory_bytes), row.energy_mj, row.difference,
        )  # fmt: skip
        report = [f"{value:.3g}" if value is not None else "–" for value in figures]
        lines.append("| " + " | ".join([*what, "yes" if row.confirmed else "no", *report]) + " |")
    return "\n".join(lines) + "\n"


def _of(rows: list[Row], row: Row, engine: str) -> Row | None:
    """The row of another path for the same model in the same precision."""
    same = (one for one in rows if (one.model, one.precision, one.engine) == (row.model, row.precision, engine))
    return next(same, None)


def _ratio(other_ms: float | None, own_ms: float | None) -> float | None:
    return other_ms / own_ms if other_ms and own_ms else None


def _mega(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else size_bytes / 1e6


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
