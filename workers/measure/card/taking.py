"""Takes a card's figures of one loaded model: single requests split into parts, then busy seconds, several at once."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

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
"""Requests at once that are tried, for how long each, and the share of that before anything counts: clocks rise, and
what a first request makes is made. While one is computed the next is copied (trtexec, --infStreams)."""

SLOW_OPENING_S = 10.0
"""A model that takes longer to open once more is not opened again and again."""

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
    try_s: float = TRY_S,
) -> CardFigures | None:
    """None for a session that does not work on a card. `reopen` opens the same once more; where the card has no room
    for that, fewer requests come at once. Of a model with a state each of those goes on with its own. `check` may raise
    to stop.

    Raises what the library raises where a request fails.
    """
    if not isinstance(session, OnCard):
        return None
    opened = open_gpus()
    try:
        reader = next((one for one in opened.readers if one.index == gpu_index()), None)
        spans = take_spans(session, requests.apart(), spans_s, check)
        busy = keep_busy(session, requests, reopen, reader, busy_s, check, try_s=try_s)
        return card_figures(reader.name if reader is not None else session.device_ran, spans, busy)
    finally:
        opened.close()


def take_spans(session: OnCard, requests: Requests, seconds: float, check: Callable[[], None]) -> list[CardSpans]:
    """Of single requests, one after the other; nothing samples meanwhile."""
    spans: list[CardSpans] = []
    until_s = time.perf_counter() + seconds
    while len(spans) < LEAST_SPANS or (time.perf_counter() < until_s and len(spans) < MOST_SPANS):
        check()
        one, answers = session.card_spans(requests.feed(len(spans)))
        requests.carry(answers)
        spans.append(one)
    return spans


def keep_busy(
    session: Session,
    requests: Requests,
    reopen: Callable[[], Session],
    reader: GpuReader | None,
    seconds: float,
    check: Callable[[], None],
    *,
    try_s: float = TRY_S,
) -> Busy:
    """Find out how many requests at once answer the most, then answer for `seconds` with so many; what NVML tells
    meanwhile goes along."""
    with ExitStack() as stack:
        sessions, tried = [session], list[AtOnce]()
        for streams in STREAMS:
            if not _widen(sessions, streams, reopen, stack):
                break
            try:
                _answer(sessions, requests, SETTLE_SHARE * try_s, check)
                count, took_s = _answer(sessions, requests, try_s, check)
            except StreamFailed:
                if not tried:
                    raise
                break  # room for the models, and none for their requests
            tried.append(AtOnce(streams=streams, throughput_per_s=count / took_s))
        streams = best_streams(tried)
        watch = stack.enter_context(CardWatch(reader)) if reader is not None else None
        count, took_s = _answer(sessions[:streams], requests, seconds, check)
    if watch is None:
        return Busy(count, took_s, streams, tried=tuple(tried))
    seen = watch.energy(count), tuple(sorted(watch.masks)), watch.other_share
    return Busy(count, took_s, streams, *seen, tuple(tried))


def _widen(sessions: list[Session], streams: int, reopen: Callable[[], Session], stack: ExitStack) -> bool:
    """Whether there are so many sessions now; False where the card has no room for them, or opening takes long."""
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
    """(requests, seconds of wall time): one thread for each session, at least one request each. Raises
    `StreamFailed`."""
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
