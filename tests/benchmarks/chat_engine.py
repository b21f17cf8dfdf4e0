"""One chat engine in its own process, for `lookup.py` and `chat_peers.py`.

chat_engine.py KIND WHERE THREADS [SETTINGS]; each line of input is ``{"ids": […], "new": N, "ends": […]}``, and each line of output
``{"tokens": […], "first_s": …, "rest_s": …, "cpu_s": …}``: the likeliest tokens, the seconds to the first of them, those
of the others, and the processor's seconds of the others.

KIND is ``plain`` or ``lookup`` (a folder of one of Fettle's versions; SETTINGS in JSON override its own).
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

Speaker = Callable[[list[int], int], Iterator[int]]
"""Yields at most so many of the likeliest tokens after a prompt."""


def fettle(where: str, threads: int, settings: str, *, ahead: bool) -> Speaker:
    from workers.contracts.folder import read_model
    from workers.measure.opening import open_session

    artifact = read_model(Path(where)).artifact
    runtime = artifact.runtimes[0] if artifact.runtimes else "openvino"
    session = open_session(Path(where), runtime, json.loads(settings), threads)

    def speak(ids: list[int], most: int) -> Iterator[int]:
        session.begin()
        logits = session.read(np.asarray(ids, np.int64))
        for number in range(most):
            token = int(logits.argmax())
            yield token
            if number + 1 < most:
                left = most - number - 2
                logits = session.follow(token, left) if ahead else session.read(np.asarray([token]))

    return speak


KINDS: dict[str, Callable[[str, int, str], Speaker]] = {
    "plain": partial(fettle, ahead=False),
    "lookup": partial(fettle, ahead=True),
}


def main() -> int:
    kind, where, threads, *settings = sys.argv[1:]
    speak = KINDS[kind](where, int(threads), *(settings or ["{}"]))
    print("{}", flush=True)  # noqa: T201 - it is open
    for line in sys.stdin:
        asked = json.loads(line)
        spoken = speak(asked["ids"], asked["new"])
        began_s = time.perf_counter()
        tokens = [next(spoken)]
        first_s, first_cpu_s = time.perf_counter(), time.process_time()
        for token in spoken:
            tokens.append(token)
            if token in asked["ends"]:
                break
        timing = {"first_s": first_s - began_s, "rest_s": time.perf_counter() - first_s}
        print(  # noqa: T201 - the answer
            json.dumps({"tokens": tokens, **timing, "cpu_s": time.process_time() - first_cpu_s}), flush=True
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
