"""Measure a small model's time once, so that the planner knows whether several cores can help."""

import time
from pathlib import Path
from statistics import median

from workers.contracts.pipeline import read_pipeline
from workers.convert.asking.calibration import example_feeds
from workers.measure.opening import open_session
from workers.measure.requests import load_requests

RUNS = 30


def probe_ms(folder: Path, data_dir: Path | None, threads: int) -> float | None:
    """Return the median milliseconds of a request in ONNX Runtime, with the first test input or zeros.

    Return None where the model does not run on zeros.
    """
    spec = read_pipeline(folder)
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
    except Exception:  # zeros may be an invalid input; the planner then knows no time
        return None
    finally:
        session.close()
    return median(spans)
