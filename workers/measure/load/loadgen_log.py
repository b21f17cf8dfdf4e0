"""Read LoadGen's own log `mlperf_log_detail.txt`, with one JSON object per line behind ``:::MLLOG``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.contracts.errors import WorkerError
from workers.contracts.translation import mark

DETAIL_LOG = "mlperf_log_detail.txt"
PREFIX = ":::MLLOG "
INVALID = "result_invalid_reason"
ENDING, MAX_NS = "_percentile_latency_ns", "result_max_latency_ns"
RATES = ("result_completed_samples_per_sec", "result_samples_per_second", "result_qps_with_loadgen_overhead")
"""Keys of samples a second for Server, Offline and SingleStream."""


@dataclass(frozen=True)
class LoadGenLog:
    """Content of one log.

    `latencies_ms` maps a percentile ("50.00") or "max" to milliseconds. `per_s` is in LoadGen's samples, or None.
    `reasons` are LoadGen's explanations of an invalid run, and its errors. `ended_early` means that LoadGen ran out of
    planned queries before the requested time was over.
    """

    valid: bool
    reasons: tuple[str, ...]
    queries: int
    per_s: float | None
    latencies_ms: Mapping[str, float]
    ended_early: bool = False


def read_log(folder: Path) -> LoadGenLog:
    """Return the result in a folder that LoadGen wrote.

    Raises:
        WorkerError: there is no result.
    """
    file = folder / DETAIL_LOG
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    rows: dict[str, Any] = {}
    reasons: list[str] = []
    for line in text.splitlines():
        row = _row(line)
        key, value = row.get("key"), row.get("value")
        if row.get("metadata", {}).get("is_error"):
            reasons.append(" ".join(str(value).split()))
        elif isinstance(key, str):
            rows[key] = value
    if "result_validity" not in rows:
        raise WorkerError(
            "loadgen_without_result",
            "LoadGen gave no result",
            "MLCommons LoadGen ended before it wrote what it had measured.",
            "Measure again; if it happens twice, report it with the log.",
        )
    if rows["result_validity"] != "VALID":
        reasons += _reasons(rows)
    return LoadGenLog(
        valid=rows["result_validity"] == "VALID", reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
        queries=int(rows["result_query_count"]), latencies_ms=_latencies(rows),
        per_s=next((float(rows[key]) for key in RATES if key in rows), None),
        ended_early=rows.get("result_min_duration_met") is False,
    )  # fmt: skip


def _row(line: str) -> dict[str, Any]:
    if not line.startswith(PREFIX):
        return {}
    try:
        found = json.loads(line.removeprefix(PREFIX))
    except ValueError:  # a line that was cut off
        return {}
    return found if isinstance(found, dict) else {}


def _latencies(rows: Mapping[str, Any]) -> dict[str, float]:
    """Return the latencies of single samples by percentile, and the largest as "max"."""
    found: dict[str, float] = {}
    for key, value in rows.items():
        percentile = key.removeprefix("result_").removesuffix(ENDING)
        if key.endswith(ENDING) and percentile.replace(".", "").isdigit() and isinstance(value, int | float):
            found[percentile] = value / 1e6
    if isinstance(rows.get(MAX_NS), int | float):
        found["max"] = rows[MAX_NS] / 1e6
    return found


CONDITIONS = {
    "result_perf_constraints_met": mark("Answers took longer than the scenario allows."),
    "result_min_duration_met": mark("It ended before the requested time was over."),
    "result_min_queries_met": mark("There were too few requests."),
    "early_stopping_met": mark("There were too few requests to be sure of the percentile."),
}


def _reasons(rows: Mapping[str, Any]) -> list[str]:
    """Return the conditions that do not hold, with LoadGen's explanations."""
    found = [text for key, text in CONDITIONS.items() if rows.get(key) is False]
    report = (rows.get("early_stopping_result") if rows.get("early_stopping_met") is False else "", rows.get(INVALID))
    found += [" ".join(str(text).replace("*", "").split()) for text in report if text]
    return found or [mark("LoadGen gave no reason.")]
