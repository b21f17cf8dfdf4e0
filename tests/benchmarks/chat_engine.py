"""One chat engine in its own process, for `lookup.py` and `chat_peers.py`.

chat_engine.py KIND WHERE THREADS [SETTINGS]; each line of input is ``{"ids": […], "new": N, "ends": […]}``, and each line
of output ``{"tokens": […], "first_s": …, "rest_s": …, "cpu_s": …}``: the likeliest tokens, the seconds to the first of
them, those of the others, and the processor's seconds of the others.

KIND is ``plain`` or ``lookup`` (a folder of one of Fettle's versions; SETTINGS in JSON override its own), ``llama`` (a
GGUF file for llama-cpp-python or, with that package alone, ik-llama-cpp-python), ``openvino-genai`` or
``onnxruntime-genai`` (their folders).
"""

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

Speaker = Callable[[list[int], int], Iterator[int]]
"""Yields at most so many of the likeliest tokens after a prompt."""


def fettle(where: str, threads: int, settings: dict[str, Any], *, ahead: bool) -> Speaker:
    import numpy as np

    from workers.contracts.folder import read_model
    from workers.measure.opening import open_session

    artifact = read_model(Path(where)).artifact
    runtime = artifact.runtimes[0] if artifact.runtimes else "openvino"
    session: Any = open_session(Path(where), runtime, settings, threads)

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


def llama(where: str, threads: int, settings: dict[str, Any]) -> Speaker:
    library: Any = importlib.import_module("llama_cpp")
    usual = {"n_ctx": 2048, "n_threads": threads, "n_threads_batch": threads, "verbose": False}
    model = library.Llama(where, **{**usual, **settings})

    def speak(ids: list[int], most: int) -> Iterator[int]:
        model.reset()  # or it would keep what it read of the last prompt
        yield from islice(model.generate(ids, top_k=1, temp=0.0, repeat_penalty=1.0), most)

    return speak


def openvino_genai(where: str, threads: int, settings: dict[str, Any]) -> Speaker:
    from queue import SimpleQueue
    from threading import Thread

    import numpy as np

    library: Any = importlib.import_module("openvino_genai")
    openvino: Any = importlib.import_module("openvino")
    pipeline = library.LLMPipeline(where, "CPU", INFERENCE_NUM_THREADS=threads, **settings)

    class Streamer(library.StreamerBase):
        def __init__(self, found: "SimpleQueue[int | None]") -> None:
            super().__init__()
            self.found = found

        def write(self, token: int | list[int]) -> Any:
            for one in [token] if isinstance(token, int) else token:
                self.found.put(one)
            return library.StreamingStatus.RUNNING

        def end(self) -> None:
            self.found.put(None)

    def speak(ids: list[int], most: int) -> Iterator[int]:
        config = library.GenerationConfig()
        config.max_new_tokens, config.ignore_eos, config.do_sample = most, True, False
        found: SimpleQueue[int | None] = SimpleQueue()
        given = openvino.Tensor(np.asarray([ids], np.int64))
        thread = Thread(target=pipeline.generate, args=(given, config, Streamer(found)))
        thread.start()
        yield from iter(found.get, None)
        thread.join()

    return speak


def onnxruntime_genai(where: str, threads: int, settings: dict[str, Any]) -> Speaker:
    library: Any = importlib.import_module("onnxruntime_genai")
    config = library.Config(where)
    options = {"intra_op_num_threads": threads, **settings}
    config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
    model = library.Model(config)

    def speak(ids: list[int], most: int) -> Iterator[int]:
        params = library.GeneratorParams(model)
        params.set_search_options(max_length=len(ids) + most, do_sample=False)
        generator = library.Generator(model, params)
        generator.append_tokens(ids)
        for _ in range(most):
            generator.generate_next_token()
            yield int(generator.get_next_tokens()[0])

    return speak


KINDS: dict[str, Callable[[str, int, dict[str, Any]], Speaker]] = {
    "plain": partial(fettle, ahead=False),
    "lookup": partial(fettle, ahead=True),
    "llama": llama,
    "openvino-genai": openvino_genai,
    "onnxruntime-genai": onnxruntime_genai,
}


def main() -> int:
    kind, where, threads, *settings = sys.argv[1:]
    speak = KINDS[kind](where, int(threads), json.loads(settings[0]) if settings else {})
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
