"""Hostile requests, honest clients next to them, and services of small models for both."""

import http.client
import io
import json
import socket
import struct
import threading
import time
import wave
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from onnx import helper, numpy_helper
from served_bundles import ANSWER, INFER, LOAD, Served, send_request, start, stop, write_bundle
from small_models import floats, model_of
from web_pages import Page, params_of, pictures, texts

from workers.export.service.bundle_files.fettle_service.protocol import DATATYPES
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import AudioSteps, PipelineInput, PipelineOutput, PipelineSpec

MOST_S, MOST_BYTES = 5.0, 250 << 20
CROWD = 1_000
KINDS = ("array", "picture", "text", "sound")


def sounds(root: Path) -> Page:
    """A classifier of whole sounds by their loudness."""
    weights = [numpy_helper.from_array(np.array([[1.0, -1.0, 0.5]], np.float32), "weights")]
    nodes = [
        helper.make_node("Mul", ["audio", "audio"], ["power"]),
        helper.make_node("ReduceMean", ["power"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
    ]
    proto = model_of(nodes, [floats("audio", "n", "s")], [floats("logits", "n", 3)], weights)
    spec = PipelineSpec(
        task="array-classification",
        inputs=(PipelineInput(name="audio", dtype="float32", shape=(None, None), source="audio"),),
        outputs=(PipelineOutput(name="logits", dtype="float32", shape=(None, 3), answer=True),),
        preprocess=AudioSteps(frame_samples=0),
        answer_kind="class",
        classes=("loud", "quiet", "middling"),
    )
    root.mkdir(parents=True)
    paths = [root / f"{number}.wav" for number in range(6)]
    rng = np.random.default_rng(4)
    for path in paths:
        path.write_bytes(wav(16_000, rng.normal(0, 2_000, 1_600).astype("<i2")))
    return Page(spec, proto, tuple(paths))


def large_pictures() -> Page:
    """A classifier whose pictures are first resized to 256 pixels on their shorter side, as usual ones are."""
    page = pictures()
    steps = replace(page.spec.preprocess, resize=256)
    return replace(page, spec=replace(page.spec, preprocess=steps))


def wav(rate_hz: int, samples: Any) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, rate_hz, 0, "NONE", ""))
        written.writeframes(samples.tobytes())
    return file.getvalue()


def png(width: int, height: int, pixels: bytes | None = None) -> bytes:
    """A gray picture, black unless other `pixels` are given, as small as a file can be."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * height) if pixels is None else pixels, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def bundle_of(page: Page, root: Path) -> Path:
    """The unpacked service of a page's model."""
    params = params_of(page, root / "made", project="My Shop!").model_copy(update={"target": "service"})
    return write_bundle(params, root)


@contextmanager
def all_services(array: Path, root: Path) -> Iterator[dict[str, Served]]:
    """Services by the kind of their model; none fails or complains until the end."""
    bundles = {
        "array": array,
        "picture": bundle_of(large_pictures(), root / "picture"),
        "text": bundle_of(texts(), root / "text"),
        "sound": bundle_of(sounds(root / "wavs"), root / "sound"),
    }
    with ExitStack() as ends:
        served = {}
        for kind in KINDS:
            served[kind] = start(bundles[kind], "--cache-mb", "0")
            ends.callback(lambda one=served[kind]: stop(one))
        yield served
        ended = [stop(one) for one in served.values()]
        ends.pop_all()
    assert ended == [(0, "")] * len(KINDS)


def feeds_of(served: Served, number: int = 0) -> dict[str, Any]:
    return {name: np.array(values) for name, values in Prepared(served.folder / "golden" / "inputs")[number].items()}


def body_of(served: Served, number: int = 0, **changes: dict[str, Any]) -> bytes:
    """A request in JSON; `changes` are of single inputs, by name, "" for each."""
    inputs = [
        {"name": name, "datatype": DATATYPES[values.dtype.name], "shape": list(values.shape),
         "data": values.ravel().tolist(), **changes.get(name, changes.get("each", {}))}
        for name, values in feeds_of(served, number).items()
    ]  # fmt: skip
    return json.dumps({"inputs": inputs}).encode()


def ends_after_s(connection: socket.socket) -> tuple[float, bytes]:
    """Return (when the server closed, on the clock of `time.monotonic`; what it sent)."""
    connection.settimeout(60)
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except ConnectionError:
        pass
    return time.monotonic(), found


def crowd(served: Served, content: bytes, count: int) -> None:
    """So many connections that send `content` and wait; each has to be closed, without a prediction, in time."""
    opened: list[tuple[float, socket.socket]] = []
    late: list[float] = []
    with ExitStack() as held:

        def read() -> None:
            for number in range(count):
                while len(opened) <= number:
                    time.sleep(0.002)
                began_s, connection = opened[number]
                ended_s, found = ends_after_s(connection)
                assert b" 200 " not in found
                late.append(ended_s - began_s)

        reading = threading.Thread(target=read)
        reading.start()
        for _ in range(count):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", served.port), 60))
            if content:
                connection.sendall(content)
            opened.append((time.monotonic(), connection))
        reading.join()
    assert len(late) == count
    assert max(late) < MOST_S, f"{max(late):.1f} s"


def second_request(served: Served) -> None:
    """One byte after a whole request: the connection is closed in time."""
    with socket.create_connection(("127.0.0.1", served.port), 60) as connection:
        connection.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\n\r\nG")
        began_s = time.monotonic()
        ended_s, found = ends_after_s(connection)
        assert b" 200 " in found
        assert ended_s - began_s < MOST_S


def refused(path: str, body: Callable[[Served], bytes], status: int, **headers: str) -> Callable[[Served], None]:
    """An attack by one request, which has to be answered by `status`."""

    def attack(served: Served) -> None:
        found = send_request(served.port, "POST", path, body(served), headers)[0]
        assert found == status, f"{path} is answered with {found}"

    return attack


def among_numbers(served: Served) -> bytes:
    count = feeds_of(served)[next(iter(feeds_of(served)))].size
    return body_of(served, each={"data": [1.0] * (count - 1) + ["9" * 100_000]})


def shapes(served: Served) -> None:
    for shape in ([1 << 62, 3, 16, 16], [1 << 40, 1 << 40, 16, 16], [-1, 3, 16, 16], [0, 1 << 60, 16, 16]):
        assert send_request(served.port, "POST", INFER, body_of(served, each={"shape": shape}))[0] == 400


def half_a_batch(served: Served) -> bytes:
    values = feeds_of(served)["attention_mask"]
    double = {"shape": [2 * len(values), *values.shape[1:]], "data": np.concatenate([values] * 2).ravel().tolist()}
    return body_of(served, attention_mask=double)


def bodies(served: Served) -> None:
    head = f"POST {ANSWER} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {32 << 20}\r\n\r\n"
    crowd(served, head.encode() + bytes(1_000), CROWD)


DEEP = b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
HOSTILE: dict[str, tuple[str, Callable[[Served], None]]] = {
    "text among numbers": ("array", refused(INFER, among_numbers, 400)),
    "1e300": ("array", refused(INFER, lambda one: body_of(one).replace(b'"data": [', b'"data": [1e300, ', 1), 400)),
    "deep nesting": ("array", refused(INFER, lambda _: DEEP, 400)),
    "huge and negative shapes": ("array", shapes),
    "a header of 5,000 digits": (
        "array",
        refused(INFER, body_of, 400, **{"Inference-Header-Content-Length": "9" * 5_000}),
    ),
    "unequal batch sizes": ("text", refused(INFER, half_a_batch, 400)),
    "a WAV of 1,000,003 Hz": ("sound", refused(ANSWER, lambda _: wav(1_000_003, np.zeros(5, "<i2")), 400)),
    "a picture of 1×30,000": ("picture", refused(ANSWER, lambda _: png(1, 30_000), 400)),
    "a foreign host": ("array", refused(INFER, body_of, 421, Host="stranger.example")),
    "one byte of a second request": ("array", second_request),
    "loading without the secret": (
        "array",
        refused(LOAD, lambda served: json.dumps({"parameters": {"path": str(served.folder)}}).encode(), 401),
    ),
    "1,000 idle connections": ("array", lambda served: crowd(served, b"", CROWD)),
    "1,000 bodies of 32 MB announced": ("array", bodies),
}
"""Each with the kind of the model that it is for."""


class Peak:
    """The largest resident memory of a process while a block runs, above that of its beginning."""

    def __init__(self, served: Served) -> None:
        self._process, self._ended = psutil.Process(served.process.pid), threading.Event()
        self._first = self.bytes = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            self.bytes = max(self.bytes, self._process.memory_info().rss)

    @property
    def growth_bytes(self) -> int:
        return self.bytes - self._first


@dataclass
class Honest:
    """A client that sends the golden inputs in turn until `ended`, on a kept connection or each time on a new one."""

    port: int
    bodies: list[bytes]
    expected: list[bytes]
    keeps: bool
    pause_s: float = 0.02
    ended: threading.Event = field(default_factory=threading.Event)
    wrong: list[object] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def run(self) -> None:
        connection, number = self._connected(), 0
        while not self.ended.wait(self.pause_s):
            at, began_s = number % len(self.bodies), time.perf_counter()
            try:
                connection.request("POST", INFER, self.bodies[at])
                response = connection.getresponse()
                content = response.read()
                if (response.status, content) != (200, self.expected[at]):
                    self.wrong.append((response.status, content[:200]))
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(error)
                connection = self._connected()
            self.seconds.append(time.perf_counter() - began_s)
            number += 1
            if not self.keeps:
                connection.close()
        connection.close()

    def _connected(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)


def golden_exchange(served: Served) -> tuple[list[bytes], list[bytes]]:
    """(bodies of the golden inputs, the answers of a quiet service to them)."""
    given = [body_of(served, number) for number in range(len(Prepared(served.folder / "golden" / "inputs")))]
    answers = []
    for body in given:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        connection.request("POST", INFER, body)
        answers.append(connection.getresponse().read())
        connection.close()
    return given, answers


def honest_for(
    port: int, bodies: list[bytes], expected: list[bytes], keeps: bool, seconds: float, result: Connection
) -> None:
    """Be an honest client for so long, in its own process; send (seconds of each request, what was wrong)."""
    client = Honest(port, bodies, expected, keeps)
    threading.Timer(seconds, client.ended.set).start()
    client.run()
    result.send((client.seconds, [repr(wrong) for wrong in client.wrong]))
