"""Forged logs: they are read or refused in bounded memory and time."""

import json
import os
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workers.contracts.after.monitor import MonitorResult
from workers.monitor import series
from workers.monitor.bins import usual_edges
from workers.monitor.reading import LATENCY_BINS, MOST_COUNT, MOST_PARTS, NotALog, read_log
from workers.monitor.reference import MOST_CLASSES
from workers.monitor.report import report_log
from workers.monitor.writing import FORMAT, VERSION

EDGES = [0.0, 0.5, 1.0]


def head(bundle: str = "b", **reference: Any) -> dict[str, Any]:
    """Build the first line of a log; `reference` replaces parts of the description of the evaluation data."""
    described = {"version": 1, "statistics": {}, "classes": {}, "names": [], "common": [], **reference}
    return {"log": FORMAT, "version": VERSION, "bundle": bundle, "kind": "image", "reference": described}


def line(n: int = 25, bundle: str = "b", **changed: Any) -> dict[str, Any]:
    """Build one line of `n` requests."""
    usual = {"t": 1e9, "s": 1.0, "errors": 0, "figures": {}, "classes": {}, "latency": {}}
    return {"bundle": bundle, **usual, "n": n, "kept": 0, "not_finite": 0, "lost": 0, **changed}


def written(path: Path, *documents: dict[str, Any]) -> Path:
    """Write a log of these lines."""
    path.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    return path


def read(path: Path) -> MonitorResult:
    """Read a log as the worker does; a warning of numpy is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return MonitorResult.model_validate(report_log(path))


def test_report_of_ten_billion_requests_counts_them(tmp_path: Path) -> None:
    """Given a thousand lines that each claim ten million requests, then all are counted."""
    one = {"edges": EDGES, "counts": [0, 50, 50, 0], "mean": 0.5}
    lines = [line(MOST_COUNT, figures={"brightness": [5e6, [0, 5, 5, 0]]}) for _ in range(1000)]
    result = read(written(tmp_path / "log.jsonl", head(statistics={"brightness": one}), *lines))
    assert result.drift.requests == 1000 * MOST_COUNT


def test_report_of_one_line_with_all_classes_stays_small(tmp_path: Path) -> None:
    """Given 3,000 lines of which one names 20,000 classes, then the tables take less than 400 MB."""
    all_classes = {str(number): 1 for number in range(20_000)}
    log = written(tmp_path / "log.jsonl", head(), *(line() for _ in range(3000)), line(classes=all_classes))
    tracemalloc.start()
    try:
        result = read(log)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.drift.requests == 3001 * 25
    assert peak < 400 << 20


def test_lines_are_combined_beyond_the_limit_of_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a limit of fewer cells than the log has, then lines are combined without changing their sums."""
    log = written(tmp_path / "log.jsonl", head(), *(line(t=1e9 + at, classes={"1": 20, "7": 5}) for at in range(1000)))
    (part,) = read_log(log).parts
    whole = series.series_of(part)
    monkeypatch.setattr(series, "MOST_CELLS", 300)
    fewer = series.series_of(part)
    assert len(whole.times) == 1000 and len(fewer.times) == 100
    assert fewer.times.tolist() == [1e9 + 10 * at for at in range(100)]
    assert fewer.n.tolist() == [250] * 100 and fewer.classes.tolist() == [[200, 50]] * 100


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among its files")
@pytest.mark.timeout(20)
def test_a_folder_with_other_than_files_is_read_without_them(tmp_path: Path) -> None:
    """Given a log beside a pipe, a folder and links that lead to nothing or to a device, all named as logs, then it is read."""
    written(tmp_path / "requests.jsonl", head(), line())
    (tmp_path / "b.jsonl").mkdir()
    (tmp_path / "c.jsonl").symlink_to(tmp_path / "nothing")
    (tmp_path / "d.jsonl").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "a.jsonl")
    assert read(tmp_path).drift.requests == 25


def test_bundles_beyond_the_limit_are_left_out(tmp_path: Path) -> None:
    """Given headers of more bundles than the limit, then the lines of further ones are counted and left out."""
    names = [f"bundle {number}" for number in range(MOST_PARTS + 5)]
    result = read_log(written(tmp_path / "log.jsonl", *(one for name in names for one in (head(name), line(1, name)))))
    assert len(result.parts) == MOST_PARTS
    assert result.left_out == {"too_many_bundles": 5, "no_header": 5}


def test_figures_beyond_the_limit_of_names_are_left_out(tmp_path: Path) -> None:
    """Given lines with 40 new names of figures each, then lines beyond 64 names are left out."""
    counts = [0] * (1 + len(usual_edges("x")))
    lines = [line(figures={f"{at}-{number}": [0.0, counts] for number in range(40)}) for at in range(5)]
    result = read_log(written(tmp_path / "log.jsonl", head(), *lines))
    assert (len(result.parts[0].records), result.left_out) == (1, {"not_a_line": 4})


COUNT = st.one_of(st.integers(0, 30), st.integers(0, MOST_COUNT))
NUMBER = st.one_of(st.floats(0, 1), st.floats(-1e300, 1e300))
BINS = st.one_of(st.lists(COUNT, min_size=4, max_size=4), st.just([0, 25, 0, 0]), st.just([0, 0, 0, 0]))
TIME = st.one_of(st.floats(1e9, 1.001e9), st.floats(0, 1e11))
FIGURES = st.dictionaries(
    st.sampled_from(["brightness", "confidence", "energy", "strange"]), st.tuples(NUMBER, BINS), max_size=3
)
CLASSES = st.dictionaries(st.integers(0, MOST_CLASSES - 1).map(str), COUNT, max_size=4)
LATENCY = st.dictionaries(st.integers(*LATENCY_BINS).map(str), COUNT, max_size=4)
EXPECTED = st.fixed_dictionaries(
    {
        "edges": st.just(EDGES),
        "counts": BINS,
        "mean": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    }
)
HEAD = st.builds(
    head,
    statistics=st.dictionaries(st.sampled_from(["brightness", "confidence", "energy"]), EXPECTED, max_size=3),
    classes=CLASSES,
    names=st.lists(st.text(max_size=3), max_size=3),
)
LINE = st.builds(
    line, n=COUNT, t=TIME, s=st.floats(0, 1e7), errors=COUNT, figures=FIGURES, classes=CLASSES, latency=LATENCY,
    not_finite=COUNT, kept=COUNT, lost=COUNT,
)  # fmt: skip
LOG = st.tuples(HEAD, st.lists(st.tuples(LINE, st.integers(1, 60)), max_size=6))


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(log=LOG)
def test_any_log_is_reported_or_refused(tmp_path: Path, log: tuple[dict[str, Any], list[tuple[Any, int]]]) -> None:
    """Given a log with any numbers, each line several times, then the report is complete and holds no NaN, or the log is
    refused."""
    first, lines = log
    path = written(tmp_path / "log.jsonl", first, *(one for one, times in lines for _ in range(times)))
    try:
        result = read(path)
    except NotALog:
        return
    json.dumps(result.model_dump(), allow_nan=False)
