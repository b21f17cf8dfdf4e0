"""Write the log of a running bundle: JSON Lines in a folder, bounded in size, without delaying predictions.

The first line of each file describes the file and holds the reference (`reference.py`), so that a log can be read
without its bundle. Each further line sums up at most 25 requests of at most a minute:

    {"bundle": "1f0c…", "t": 1764236100, "s": 59.8, "n": 25, "errors": 0, "figures": {"brightness": [7.2, [0, 1, …]]},
     "classes": {"3": 11}, "latency": {"12": 20}, "kept": 4, "not_finite": 0, "lost": 0}

`bundle` names the header that the line belongs to. `t` is the start in seconds since 1970 (UTC), `n` the number of
answered requests, `errors` that of failed ones. `figures` are sum and histogram by the reference's edges. `latency`
counts ``round(8 · log2(ms))`` of computed predictions; `kept` counts those from a cache. `lost` counts requests that
came too fast to be analyzed or found no room.
"""

from __future__ import annotations

import json
import math
import os
import queue
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pipeline.pipeline import Pipeline
from .bins import binned, usual_edges
from .figures import Figures, is_finite, of_answers, of_inputs
from .reference import Reference, bundle_id, read_reference

FORMAT, VERSION = "fettle-log", 1
CURRENT = "requests.jsonl"
SUFFIX = ".jsonl"
PER_LINE, LINE_S = 25, 60.0
MOST_BYTES, FILES = 64 << 20, 16
"""Maximum size of all files together, and their number: the oldest file is deleted when the next one begins."""
BINS_PER_OCTAVE = 8
"""Latency bins per octave: each is 9 % wide."""
MOST_WAITING = 64
"""Maximum number of requests that wait for their figures; further ones are only counted."""


class CannotLog(RuntimeError):
    """Error: the folder cannot hold a log; the text is the reason."""


def latency_bin(seconds: float) -> int:
    """Return ``round(8 · log2(milliseconds))`` of a latency of at least a nanosecond."""
    return round(BINS_PER_OCTAVE * math.log2(max(seconds * 1000, 1e-6)))


class Line:
    """One line of the log while it is being summed up."""

    def __init__(self, reference: Reference, began_s: float) -> None:
        """Create an empty line that began at `began_s` (seconds since 1970), with the reference's bin edges."""
        self._reference, self.began_s = reference, began_s
        self.n = self.errors = self.kept = self.not_finite = self.lost = 0
        self._sums: dict[str, float] = {}
        self._counts: dict[str, NDArray[np.int64]] = {}
        self._classes: Counter[int] = Counter()
        self._latency: Counter[int] = Counter()

    @property
    def is_empty(self) -> bool:
        """Return whether no request was counted."""
        return not (self.n or self.errors or self.lost)

    def add_figures(self, figures: Figures) -> None:
        """Add figures of one request's items."""
        for name, values in figures.items():
            expected = self._reference.statistics.get(name)
            edges = usual_edges(name) if expected is None else expected.edges
            finite = values[np.isfinite(values)]
            self._sums[name] = self._sums.get(name, 0.0) + float(finite.sum())
            counts = binned(finite, edges)
            self._counts[name] = self._counts[name] + counts if name in self._counts else counts

    def add_answered(self, classes: NDArray[np.int64] | None, seconds: float | None) -> None:
        """Count one answered request and its latency; `seconds` is None if the prediction came from a cache."""
        self.n += 1
        if classes is not None:
            self._classes.update(int(number) for number in classes if number >= 0)
        if seconds is None:
            self.kept += 1
        else:
            self._latency[latency_bin(seconds)] += 1

    def to_json(self, now_s: float) -> dict[str, Any]:
        """Return the line as it is written."""
        figures = {name: [_short(self._sums[name]), counts.tolist()] for name, counts in self._counts.items()}
        return {
            "t": round(self.began_s, 1),
            "s": round(max(0.0, now_s - self.began_s), 1),
            "n": self.n,
            "errors": self.errors,
            "figures": figures,
            "classes": {str(number): count for number, count in sorted(self._classes.items())},
            "latency": {str(number): count for number, count in sorted(self._latency.items())},
            "kept": self.kept,
            "not_finite": self.not_finite,
            "lost": self.lost,
        }


def _short(value: float) -> float:
    return float(f"{value:.6g}") if math.isfinite(value) else 0.0


class Log:
    """Log of one process that runs the bundle in a folder; several processes may share a log's folder.

    Lines that cannot be written are counted as lost and reported once on standard error; predictions continue.
    """

    def __init__(
        self, folder: Path, bundle: Path, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.time
    ) -> None:
        """Open the log.

        Args:
            folder: Folder of the log.
            bundle: Folder of the bundle.
            most_bytes: Maximum size of all files.
            clock: Returns seconds since 1970.

        Raises:
            CannotLog: The folder cannot be written to.
        """
        self._folder, self._most_bytes, self._clock = folder, most_bytes, clock
        self._file = -1  # inode of the file that has our header
        if folder.resolve().is_relative_to(bundle.resolve()):
            raise CannotLog("a log inside the bundle's own folder would change the bundle; choose another folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._header = self._header_of(bundle)
            self._begin_file()
        except OSError as error:
            raise CannotLog(f"nothing can be written to {folder} ({error.strerror or error})") from error
        except ValueError as error:
            raise CannotLog(f"the bundle's description of its evaluation data is damaged: {error}") from error
        self._line = Line(self._reference, clock())
        self._has_reported = False

    def _header_of(self, bundle: Path) -> bytes:
        manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        self._reference = read_reference(bundle)
        self._id = bundle_id(bundle)
        head = {
            "log": FORMAT,
            "version": VERSION,
            "bundle": self._id,
            "title": str(manifest.get("title", ""))[:200],
            "run_id": str(manifest.get("run_id", ""))[:80],
            "kind": str(json.loads((bundle / "pipeline.json").read_text(encoding="utf-8"))["preprocess"]["kind"]),
            "reference": self._reference.to_json(),
        }
        return json.dumps(head, ensure_ascii=False).encode() + b"\n"

    def request(
        self, pipeline: Pipeline, feeds: Mapping[str, Any], read: Callable[[], Any], seconds: float | None
    ) -> None:
        """Log one answered request.

        Args:
            pipeline: Pipeline of the bundle.
            feeds: Model inputs of the request.
            read: Returns the result of `Pipeline.answer`.
            seconds: Latency; None if the prediction came from a cache.
        """
        line = self._current()
        try:
            prediction = read()
            figures, classes = of_answers(pipeline, prediction)
            line.add_figures({**of_inputs(pipeline, feeds, self._reference.common), **figures})
            line.not_finite += not is_finite(prediction)
            line.add_answered(classes, seconds)
        except Exception as error:  # models and runtimes raise their own types; the client already has its prediction
            line.lost += 1
            self.report_once(f"a request could not be logged ({error or type(error).__name__})")
        self._end_line()

    def failed(self) -> None:
        """Count one request that could not be read or on which the model failed."""
        self._current().errors += 1
        self._end_line()

    def lost(self, count: int) -> None:
        """Count requests that were not analyzed."""
        self._current().lost += count

    def close(self) -> None:
        """Write all pending lines."""
        self._write()

    def report_once(self, what: str) -> None:
        """Write the first problem of this log to standard error; predictions continue."""
        if not self._has_reported:
            self._has_reported = True
            sys.stderr.write(f"log: {what}; predictions continue\n")

    def tick(self) -> None:
        """Write the current line if its minute is over, even without new requests."""
        if not 0 <= self._clock() - self._line.began_s < LINE_S:
            self._write()

    def _current(self) -> Line:
        if self._line.is_empty:
            self._line.began_s = self._clock()
        else:
            self.tick()
        return self._line

    def _end_line(self) -> None:
        if self._line.n + self._line.errors >= PER_LINE:
            self._write()

    def _write(self) -> None:
        """Write a whole line with one call, so that lines of several processes do not mix."""
        line = self._line
        if line.is_empty:
            return
        document = {"bundle": self._id, **line.to_json(self._clock())}
        text = json.dumps(document, separators=(",", ":")).encode() + b"\n"
        try:
            self._begin_file()
            _append(self._folder / CURRENT, text)
            self._line = Line(self._reference, self._clock())
        except OSError as error:
            self._line = Line(self._reference, self._clock())
            self._line.lost = line.lost + line.n
            self._line.errors = line.errors
            self.report_once(f"nothing can be written to {self._folder} now ({error})")

    def _begin_file(self) -> None:
        """Write a header to a file that has none of this bundle; delete the oldest files to make room for a new one."""
        current = self._folder / CURRENT
        stat = current.stat() if current.is_file() else None
        if stat is not None and stat.st_size > max(self._most_bytes // FILES, len(self._header)):
            with suppress(FileNotFoundError):  # another process was first
                current.replace(self._folder / f"requests-{time.time_ns()}{SUFFIX}")
            older = sorted(self._folder.glob(f"requests-*{SUFFIX}"))
            for path in older[: max(0, len(older) - (FILES - 1))]:
                path.unlink(missing_ok=True)
            stat = None
        if stat is None or stat.st_ino != self._file:
            if stat is None or not self._is_headed(current):
                _append(current, self._header)
            self._file = current.stat().st_ino

    def _is_headed(self, current: Path) -> bool:
        with current.open("rb") as file:
            return any(line == self._header for line in file)


def _append(path: Path, text: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
    try:
        written = os.write(handle, text)
        if written != len(text):  # a full disk writes only a part: end this line, so that the next one is separate
            with suppress(OSError):
                os.write(handle, b"\n")
            raise OSError(f"{written} of {len(text)} bytes were written")
    finally:
        os.close(handle)


class Background:
    """Log whose figures are computed by a separate thread, so that adding a request takes a few microseconds."""

    def __init__(self, log: Log) -> None:
        """Start the thread of a log."""
        self._log = log
        self._lost, self._counting = 0, threading.Lock()
        self._waiting: queue.Queue[Callable[[Log], None] | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    def add(self, entry: Callable[[Log], None]) -> None:
        """Queue a request for the log; if too many wait, it is only counted."""
        try:
            self._waiting.put_nowait(entry)
        except queue.Full:
            self._lose_one()

    def close(self) -> None:
        """Write all waiting requests; do not wait for a thread that has ended."""
        while self._thread.is_alive():
            with suppress(queue.Full):
                self._waiting.put(None, timeout=1)
                break
        self._thread.join()

    def _lose_one(self) -> None:
        with self._counting:
            self._lost += 1

    def _work(self) -> None:
        entry: Callable[[Log], None] | None = Log.tick
        while entry is not None:
            self._write(entry)
            try:
                entry = self._waiting.get(timeout=LINE_S)
            except queue.Empty:
                entry = Log.tick
        self._write(Log.close)

    def _write(self, entry: Callable[[Log], None]) -> None:
        with self._counting:
            lost, self._lost = self._lost, 0
        try:
            self._log.lost(lost)
            entry(self._log)
        except Exception as error:  # the service needs this thread to stop or switch
            self._lose_one()
            self._log.report_once(f"a request could not be logged ({error or type(error).__name__})")
