"""Measure a loaded model on its card: single requests split into parts, then several requests at once."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress

from workers.contracts.errors import InputRefused
from workers.contracts.measured.card_figures import AtOnce, CardFigures
from workers.infer.base import CardSpans, OnCard, Session, gpu_index
from workers.measure.card.figures import Busy, best_streams, card_figures
from workers.measure.card.watch import CardWatch
from workers.measure.gpu import GpuReader, open_gpus
from workers.measure.requests import Requests

SPANS_S, MOST_SPANS, LEAST_SPANS = 1.0, 400, 3
BUSY_S = 3.0
STREAMS, TRY_S, SETTLE_SHARE = (1, 2, 4), 1.0, 0.3
"""Numbers of simultaneous requests, seconds for each, and the further time for warm-up as a share of these.

During the warm-up clocks rise and first requests allocate. While one request is computed, the next is copied (trtexec,
--infStreams).
"""

SLOW_OPENING_S = 10.0
"""Seconds of opening a model above which it is not opened repeatedly."""

CHECK_S = 0.05


class StreamFailed(RuntimeError):
    """A request failed while several ran at once; `str()` is its reason."""


def take_figures(
    session: Session, requests: Requests, reopen: Callable[[], Session], check: Callable[[], None]
) -> CardFigures | None:
    """Measure the card's figures; return None for a session that does not run on a card.

    Args:
        session: the loaded model.
        requests: the requests to run; with a state, each stream carries its own.
        reopen: opens the model once more; without room on the card, fewer requests run at once.
        check: may raise to stop the measurement.

    Raises:
        Exception: the library's error if a request fails.
    """
    if not isinstance(session, OnCard):
        return None
    with closing(open_gpus()) as opened:
        reader = opened.reader(gpu_index())
        spans = take_spans(session, requests.apart(), check)
        busy = measure_busy(session, requests, reopen, reader, check)
        return card_figures(reader.name if reader is not None else session.device_ran, spans, busy)


def take_spans(session: OnCard, requests: Requests, check: Callable[[], None]) -> list[CardSpans]:
    """Measure single requests one after the other for `SPANS_S`; nothing samples the card meanwhile."""
    spans: list[CardSpans] = []
    until_s = time.perf_counter() + SPANS_S
    while len(spans) < LEAST_SPANS or (time.perf_counter() < until_s and len(spans) < MOST_SPANS):
        check()
        one, answers = session.card_spans(requests.feed(len(spans)))
        requests.carry(answers)
        spans.append(one)
    return spans


def measure_busy(
    session: Session,
    requests: Requests,
    reopen: Callable[[], Session],
    reader: GpuReader | None,
    check: Callable[[], None],
) -> Busy:
    """Find the number of simultaneous requests with the best throughput and measure it for `BUSY_S`.

    The result includes NVML's readings of the measured time.
    """
    with ExitStack() as stack:
        sessions, tried = [session], list[AtOnce]()
        for streams in STREAMS:
            if not _widen(sessions, streams, reopen, stack):
                break
            try:
                _answer(sessions, requests, SETTLE_SHARE * TRY_S, check)
                count, took_s = _answer(sessions, requests, TRY_S, check)
            except StreamFailed:
                if not tried:
                    raise
                break  # the card has room for the models but not for their requests
            tried.append(AtOnce(streams=streams, throughput_per_s=count / took_s))
        streams = best_streams(tried)
        watch = stack.enter_context(CardWatch(reader)) if reader is not None else None
        count, took_s = _answer(sessions[:streams], requests, BUSY_S, check)
    if watch is None:
        return Busy(count, took_s, streams, tried=tuple(tried))
    seen = watch.energy(count), tuple(sorted(watch.masks)), watch.other_share
    return Busy(count, took_s, streams, *seen, tuple(tried))


def _widen(sessions: list[Session], streams: int, reopen: Callable[[], Session], stack: ExitStack) -> bool:
    """Open sessions until there are `streams`; return False where the card has no room or opening takes long."""
    with suppress(InputRefused, MemoryError):
        while len(sessions) < streams:
            began_s = time.perf_counter()
            further = reopen()
            stack.callback(further.close)
            sessions.append(further)
            if time.perf_counter() - began_s > SLOW_OPENING_S and len(sessions) < streams:
                return False
    return len(sessions) == streams


def _answer(
    sessions: Sequence[Session], requests: Requests, seconds: float, check: Callable[[], None]
) -> tuple[int, float]:
    """Run requests in one thread for each session, at least one request each.

    Returns:
        The number of requests and the wall time in seconds.

    Raises:
        StreamFailed: a request failed.
    """
    counts, errors, stop = [0] * len(sessions), list[Exception](), threading.Event()
    began_s = time.perf_counter()

    def work(place: int) -> None:
        own = requests.apart()
        try:
            while not stop.is_set():
                own.carry(sessions[place].run(own.feed(counts[place] * len(sessions) + place)))
                counts[place] += 1
                if time.perf_counter() - began_s >= seconds:
                    return
        except Exception as error:  # libraries raise many types
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=work, args=(place,), daemon=True) for place in range(len(sessions))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(CHECK_S)
                check()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if errors:
        raise StreamFailed(" ".join(str(errors[0]).split())[:200]) from errors[0]
    return sum(counts), time.perf_counter() - began_s
