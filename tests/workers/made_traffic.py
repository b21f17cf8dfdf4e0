"""Traffic as people make it, out of real answers of a real model: days and nights, one person's several pictures, moods.

A pool holds figures, classes and the like of real inputs; a log is drawn from it request by request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presets.sample import sample_paths
from workers.monitor.bins import binned
from workers.monitor.figures import Figures, of_answers, of_inputs
from workers.monitor.reading import LogPart, Record
from workers.monitor.reference import Reference
from workers.monitor.writing import CURRENT, FORMAT, LINE_S, PER_LINE, VERSION, latency_bin
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec_file import parse_spec

DAY_S = 86_400.0


@dataclass(frozen=True)
class Pool:
    """Figures (n,) by name, the answered classes (n,) and the kinds (n,) that people would call them."""

    figures: Figures
    classes: NDArray[np.int64]
    kinds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.kinds)

    def of(self, chosen: NDArray[Any]) -> Pool:
        return Pool({name: one[chosen] for name, one in self.figures.items()}, self.classes[chosen], self.kinds[chosen])


@dataclass(frozen=True)
class Sample:
    """The sample model with its pictures (1400, 28, 28)."""

    pipeline: Pipeline
    session: Any
    pictures: NDArray[np.uint8]
    kinds: NDArray[np.int64]

    def logits(self, pictures: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(feeds, logits) of pictures (n, 28, 28), 0..255."""
        feeds = ((pictures.astype(np.float32) / 255 - 0.286) / 0.353)[:, None]
        return feeds, self.session.run(None, {"picture": feeds})[0]

    def pool(self, pictures: NDArray[Any], kinds: NDArray[np.int64], without: int | None = None) -> Pool:
        """What the model answers; `without` a class that it then never learned to name."""
        feeds, logits = self.logits(pictures)
        if without is not None:
            logits = np.delete(logits, without, axis=1)
        found, classes = of_answers(self.pipeline, logits)
        assert classes is not None
        return Pool({**of_inputs(self.pipeline, {"picture": feeds}), **found}, classes, kinds)


@cache
def sample() -> Sample:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(sample_paths().model), providers=["CPUExecutionProvider"])
    spec = parse_spec(json.loads(session.get_modelmeta().custom_metadata_map["fettle.pipeline"]))
    with np.load(sample_paths().data) as data:
        return Sample(Pipeline(spec, Path()), session, data["x"], data["y"])


def reference_from(pool: Pool) -> Reference:
    """As an export makes it of evaluation data."""
    from workers.monitor.bins import expected_of

    statistics = {name: expected_of(values) for name, values in pool.figures.items()}
    numbers, counts = np.unique(pool.classes, return_counts=True)
    known = {name: one for name, one in statistics.items() if one is not None}
    return Reference(known, dict(zip(numbers.tolist(), counts.tolist(), strict=True)))


@dataclass(frozen=True)
class Traffic:
    """`requests` within `days`. People send `in_a_row` items at once on average, `alike` of them of the kind before; how
    often a kind comes has hours (`rhythm`, of its logarithm) and moods by day (`mood`, its standard deviation); pictures
    are by a share `dimmer` darker by night; latencies are log-normal (`spread`) around `latency_ms`, by a share `busy`
    slower by day, one in a hundred takes five times as long, and a backup slows five minutes of each night."""

    requests: int = 20_000
    days: float = 30.0
    in_a_row: float = 3.0
    alike: float = 0.5
    rhythm: float = 0.15
    mood: float = 0.1
    dimmer: float = 0.04
    latency_ms: float = 8.0
    spread: float = 0.15
    busy: float = 0.15
    errors: float = 0.003


Changed = Callable[[NDArray[np.int64], np.random.Generator], tuple[Pool, NDArray[np.int64]]]


def drawn(
    pool: Pool,
    reference: Reference,
    traffic: Traffic,
    seed: int,
    change_at: int | None = None,
    changed: Pool | None = None,
    share: float = 1.0,
    slower: float = 1.0,
) -> LogPart:
    """A log. From request `change_at` on a `share` of all come from `changed`, and answers take `slower` times as long."""
    rng = np.random.default_rng(seed)
    times = _times(traffic, rng)
    chosen = _chosen(pool, traffic, times, rng)
    is_new = np.zeros(len(times), np.bool_)
    if change_at is not None and changed is not None:
        is_new[change_at:] = rng.random(len(times) - change_at) < share
    others = rng.integers(0, len(changed), len(times)) if changed is not None else chosen
    figures = {
        name: np.where(is_new, changed.figures[name][others], one[chosen]) if changed is not None else one[chosen]
        for name, one in pool.figures.items()
    }
    classes = (
        np.where(is_new, changed.classes[others], pool.classes[chosen]) if changed is not None else pool.classes[chosen]
    )
    by_night = 1 + traffic.dimmer * np.sin(2 * np.pi * (times / DAY_S - 0.3))
    for name in {"brightness", "contrast", "detail"} & set(figures):  # all of them are multiples of the exposure
        figures[name] = figures[name] * by_night
    seconds = _latencies(traffic, times, rng)
    if change_at is not None:
        seconds[change_at:] *= slower
    failed = rng.random(len(times)) < traffic.errors
    return LogPart(
        "0" * 12, "made", "", "image", reference, _records(reference, times, figures, classes, seconds, failed)
    )


def _times(traffic: Traffic, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sessions come by a rate with a day and a night (one tenth of the day's); requests within one every few seconds."""
    hours = np.linspace(0, traffic.days * 24, int(traffic.days * 24 * 60) + 1)
    rate = 1 + 0.82 * np.sin(2 * np.pi * (hours / 24 - 0.3))
    whole = np.cumsum(rate)
    sessions = int(traffic.requests / traffic.in_a_row * 1.2)
    begun = np.sort(np.interp(rng.random(sessions), whole / whole[-1], hours)) * 3600
    lengths = rng.geometric(1 / traffic.in_a_row, sessions)
    each = np.repeat(begun, lengths)[: traffic.requests]
    return 1.764e9 + np.maximum.accumulate(each + rng.exponential(0.5, len(each)))


def _chosen(pool: Pool, traffic: Traffic, times: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Which item of the pool each request sends: kinds by hour and mood, some as the request before."""
    kinds, places = np.unique(pool.kinds, return_inverse=True)
    days = (times - times[0]) / DAY_S
    phases = rng.random(len(kinds)) * 2 * np.pi
    moods = rng.normal(0, traffic.mood, (int(days[-1]) + 2, len(kinds)))
    weights = np.bincount(places) * np.exp(
        traffic.rhythm * np.sin(2 * np.pi * days[:, None] + phases) + moods[days.astype(int)]
    )
    weights /= weights.sum(axis=1, keepdims=True)
    kind = (weights.cumsum(axis=1) < rng.random((len(times), 1))).sum(axis=1).clip(0, len(kinds) - 1)
    same = (np.diff(times, prepend=-1) < 5) & (rng.random(len(times)) < traffic.alike)
    for at in np.flatnonzero(same):
        kind[at] = kind[at - 1]
    members = [np.flatnonzero(places == number) for number in range(len(kinds))]
    picks = rng.random(len(times))
    return np.asarray([members[k][int(p * len(members[k]))] for k, p in zip(kind, picks, strict=True)])


def _latencies(traffic: Traffic, times: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    by_day = 1 + traffic.busy * np.sin(2 * np.pi * (times / DAY_S - 0.3))
    found = traffic.latency_ms / 1000 * by_day * np.exp(rng.normal(0, traffic.spread, len(times)))
    found[rng.random(len(times)) < 0.01] *= 5
    backup = (times / DAY_S) % 1 < 5 / 1440  # five minutes each night
    found[backup] *= 1.6
    return found


def _records(
    reference: Reference,
    times: NDArray[np.float64],
    figures: Mapping[str, NDArray[np.float64]],
    classes: NDArray[np.int64],
    seconds: NDArray[np.float64],
    failed: NDArray[np.bool_],
) -> list[Record]:
    """Lines as `writing.Log` puts them together."""
    records, start = [], 0
    edges = {name: one.edges for name, one in reference.statistics.items()}
    bins = np.asarray([latency_bin(one) for one in seconds])
    while start < len(times):
        end = min(start + PER_LINE, int(np.searchsorted(times, times[start] + LINE_S)))
        end = max(end, start + 1)
        at = np.flatnonzero(~failed[start:end]) + start
        numbers, counts = np.unique(classes[at], return_counts=True)
        slow, slow_counts = np.unique(bins[at], return_counts=True)
        records.append(
            Record(
                t=float(times[start]),
                seconds=float(times[end - 1] - times[start]),
                n=len(at),
                errors=end - start - len(at),
                figures={
                    name: (float(figures[name][at].sum()), tuple(binned(figures[name][at], edges[name]).tolist()))
                    for name in edges
                },
                classes=dict(zip(numbers.tolist(), counts.tolist(), strict=True)),
                latency=dict(zip(slow.tolist(), slow_counts.tolist(), strict=True)),
                kept=0,
                not_finite=0,
                lost=0,
            )
        )
        start = end
    return records


def write_log(part: LogPart, folder: Path, run_id: str = "") -> Path:
    """The same as a bundle would have written it; the folder."""
    head = {
        "log": FORMAT, "version": VERSION, "bundle": part.bundle, "title": "Clothes classifier, INT8", "run_id": run_id,
        "kind": part.kind, "reference": part.reference.to_json(),
    }  # fmt: skip
    lines = [head, *({"bundle": part.bundle, **_line(record)} for record in part.records)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CURRENT).write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    return folder


def _line(record: Record) -> dict[str, Any]:
    own = dict(vars(record))
    return {"s": own.pop("seconds"), **own}


def delay(part: LogPart, change_at: int, noticed: float) -> int:
    """Requests from the change to the end of the line with which it was noticed."""
    done = np.cumsum([one.n + one.errors for one in part.records])
    line = next(number for number, one in enumerate(part.records) if one.t >= noticed)
    return int(done[line]) - change_at
