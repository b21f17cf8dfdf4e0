"""A first reading of a small model's time, so that the planner knows whether sharing the work can pay at all."""

import time
from pathlib import Path
from statistics import median

import numpy as np

from workers.contracts.pipeline import AudioSteps, PipelineSpec
from workers.infer.base import Arrays
from workers.measure.opening import open_session
from workers.measure.requests import load_requests

RUNS = 30
FREE_SIZE = 16
"""What an open size other than the batch is set to, where there are no real inputs."""


def example_feeds(spec: PipelineSpec) -> Arrays:
    """One request of zeros (constants have their value), batch 1."""
    feeds: Arrays = {}
    for entry in spec.inputs:
        steps = spec.preprocess
        frame = steps.frame_samples + steps.context_samples if isinstance(steps, AudioSteps) else FREE_SIZE
        free = frame if entry.source == "audio" else FREE_SIZE
        sizes = [size or (1 if axis == 0 else free) for axis, size in enumerate(entry.shape)]
        feeds[entry.name] = np.full(sizes, entry.constant or 0, dtype=np.dtype(entry.dtype))
    return feeds


def probe_ms(folder: Path, data_dir: Path | None, threads: int) -> float | None:
    """Median milliseconds of a request in ONNX Runtime: the first test input, else zeros.

    None where the model does not run on zeros.
    """
    spec = PipelineSpec.model_validate_json((folder / "pipeline.json").read_text(encoding="utf-8"))
    feeds = load_requests(folder, data_dir, limit=1).feed(0) if data_dir else example_feeds(spec)
    session = open_session(folder, "onnxruntime-cpu", {}, threads)
    spans = []
    try:
        for _ in range(RUNS):
            begin = time.perf_counter()
            session.run(feeds)
            spans.append((time.perf_counter() - begin) * 1000)
            if sum(spans) > 500:
                break
    except Exception:  # zeros may be no valid input; the planner then knows nothing about the time
        return None
    finally:
        session.close()
    return median(spans)
