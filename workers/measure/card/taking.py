"""Takes a card's figures of one loaded model: single requests split into parts, then busy seconds, several at once."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

from workers.contracts.errors import InputRefused
from workers.contracts.measured.card_figures import CardFigures
from workers.infer.base import CardSpans, OnCard, Session, gpu_index
from workers.measure.card.figures import Busy, card_figures
from workers.measure.card.watch import CardWatch
from workers.measure.gpu import GpuReader, open_gpus
from workers.measure.requests import Requests

SPANS_S, MOST_SPANS, LEAST_SPANS = 1.0, 400, 3
BUSY_S, SETTLE_S = 3.0, 0.5
STREAMS = 2
"""Requests at once: while one is computed the next is copied (trtexec, --infStreams)."""

CHECK_S = 0.05


class StreamFailed(RuntimeError):
    """A request failed while several ran at once; `str()` is its own reason."""


def take_figures(
    session: Session,
    requests: Requests,
    reopen: Callable[[], Session],
    check: Callable[[], None],
    *,
    spans_s: float = SPANS_S,
    busy_s: float = BUSY_S,
) -> CardFigures | None:
    """None for a session that does not work on a card, and for a model that carries a state. `reopen` opens the same
    once more; where the card has no room for that, requests come one at a time. `check` may raise to stop.

    Raises what the library raises where a request fails.
    """
    if not isinstance(session, OnCard) or requests.links:
        return None
    opened = open_gpus()
    try:
        reader = next((one for one in opened.readers if one.index == gpu_index()), None)
        spans = take_spans(session, requests, spans_s, check)
        busy = keep_busy(session, requests, reopen, reader, busy_s, check)
        return card_figures(reader.name if reader is not None else session.device_ran, spans, busy)
    finally:
        opened.close()


def take_spans(session: OnCard, requests: Requests, seconds: float, check: Callable[[], None]) -> list[CardSpans]:
    """Of single requests, one after the other; nothing samples meanwhile."""
    spans: list[CardSpans] = []
    until_s = time.perf_counter() + seconds
    while len(spans) < LEAST_SPANS or (time.perf_counter() < until_s and len(spans) < MOST_SPANS):
        check()
        spans.append(session.card_spans(requests.feed(len(spans))))
    return spans


def keep_busy(
    session: Session,
    requests: Requests,
    reopen: Callable[[], Session],
    reader: GpuReader | None,
    seconds: float,
    check: Callable[[], None],
) -> Busy:
    """Answer for so long with `STREAMS` at once; what NVML tells meanwhile goes along."""
    with ExitStack() as stack:
        sessions = [session, *_further(reopen, stack)]
        try:
            _answer(sessions, requests, SETTLE_S, check)  # clocks rise, and what a first request makes is made
        except StreamFailed:  # room for two models, and none for two requests
            sessions = sessions[:1]
        watch = stack.enter_context(CardWatch(reader)) if reader is not None else None
        count, took_s = _answer(sessions, requests, seconds, check)
    if watch is None:
        return Busy(count, took_s, len(sessions))
    return Busy(count, took_s, len(sessions), watch.energy(count), tuple(sorted(watch.masks)), watch.other_share)


def _further(reopen: Callable[[], Session], stack: ExitStack) -> list[Session]:
    """The sessions beside the first; none where the card has no room for them."""
    further: list[Session] = []
    with suppress(InputRefused, MemoryError):
        for _ in range(STREAMS - 1):
            further.append(reopen())
            stack.callback(further[-1].close)
    return further


def _answer(
    sessions: Sequence[Session], requests: Requests, seconds: float, check: Callable[[], None]
) -> tuple[int, float]:
    """(requests, seconds of wall time): one thread for each session, at least one request each. Raises
    `StreamFailed`."""
    counts, errors, stop = [0] * len(sessions), list[Exception](), threading.Event()
    began_s = time.perf_counter()

    def work(place: int) -> None:
        try:
            while not stop.is_set():
                sessions[place].run(requests.feed(counts[place] * len(sessions) + place))
                counts[place] += 1
                if time.perf_counter() - began_s >= seconds:
                    return
        except Exception as error:  # libraries raise many types; all mean the same where it is waited for
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
