"""The service of a bundle under an open-loop load on loopback: tails, errors, memory, and what joining requests gains.

    python -m tests.benchmarks.service_under_load BUNDLE [--seconds 60] [--share 0.7] [--threads N]

BUNDLE is an unpacked bundle of the target `service`. Requests with binary tensors arrive at random (Poisson) whether
or not those before were answered, and each counts from when it was due (no coordinated omission). First the latency of
one request at a time, then by bisection the highest rate whose 99th percentile is at most five times that, then
`--seconds` at `--share` of it. The process's memory is read each second, after the search has warmed everything up.
The cache is off. Batches of 1 to 16 are timed with the bundle's own model; where one above 1 gives most answers a
second, the same bundle is served joined and one by one, in turn, to as many clients as that batch, and the medians of
answers a second are compared. Ratios are reported, nothing is a limit in seconds; the exit code is 1 where a request
failed, memory grew by more than `MEMORY_GROWTH`, or joining gains less than `GAIN`.
"""

import argparse
import asyncio
import http.client
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from tests.benchmarks.under_load import log_line
from workers.export.service.bundle_files.fettle_service.protocol import DATATYPES, HEADER_LENGTH
from workers.measure.throughput import poisson_arrivals
from workers.pipeline.golden import write_sums
from workers.pipeline.prepared import Prepared

TAIL = 5.0
"""Times the latency of a single request that 99 % may take."""
SINGLES, LOOK_S, HALVINGS, PARALLEL_S, ROUNDS = 200, 8.0, 7, 6.0, 3
MOST_CONNECTIONS = 400
BATCHES, BATCH_S = (1, 2, 4, 8, 16), 1.5
WORTH_A_BATCH = 1.05
"""A larger batch is the best one where it gives so many times the answers; less is noise."""
GAIN, MEMORY_GROWTH = 1.3, 0.05


@contextmanager
def started(command: list[str], ready: Callable[[], bool], folder: Path) -> Iterator[None]:
    """A server until the end; raises RuntimeError where it is not ready within a minute."""
    with (folder / "server.log").open("a") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            for _ in range(600):
                if ready():
                    break
                if process.poll() is not None:
                    raise RuntimeError((folder / "server.log").read_text()[-800:])
                time.sleep(0.1)
            else:
                raise RuntimeError(f"{command[1]} is not ready")
            yield
        finally:
            process.kill()
            process.wait(20)


def answers(port: int, path: str) -> Callable[[], bool]:
    """Whether a GET of `path` is answered well."""

    def ask() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    return ask


@dataclass
class Load:
    """Seconds from due to answered of each request, and what failed: a status, or the exception's name."""

    latencies_s: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def per_s(self) -> float:
        return len(self.latencies_s) / self.seconds

    def ms(self, percentile: float) -> float:
        return 1000 * float(np.percentile(self.latencies_s, percentile)) if self.latencies_s else float("inf")


class Client:
    """Connections to one server that are used again; `bodies` are whole requests in turn."""

    def __init__(self, port: int, bodies: list[bytes]) -> None:
        self._port, self._bodies, self._turn = port, bodies, 0
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._room = asyncio.Semaphore(MOST_CONNECTIONS)

    async def ask(self, load: Load, due_s: float) -> None:
        """One request; `due_s` is when it should have been sent (perf_counter)."""
        self._turn += 1
        body = self._bodies[self._turn % len(self._bodies)]
        async with self._room:
            try:
                pair = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
                status = await _exchange(*pair, body)
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                load.failed[type(error).__name__] += 1
                return
        self._free.append(pair)
        if status == 200:
            load.latencies_s.append(time.perf_counter() - due_s)
        else:
            load.failed[str(status)] += 1

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> int:
    """HTTP's status of an answer that was read to its end."""
    writer.write(body)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(int(line[15:]) for line in head.splitlines() if line.startswith("content-length:"))
    await reader.readexactly(length)
    return int(head.split(" ", 2)[1])


def bodies_of(bundle: Path, port: int) -> list[bytes]:
    """The golden inputs as whole requests with binary tensors."""
    name = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["serving"]["name"]
    made = []
    for feeds in Prepared(bundle / "golden" / "inputs"):
        arrays = {key: np.ascontiguousarray(values) for key, values in feeds.items()}
        rows = [
            {"name": key, "datatype": DATATYPES[one.dtype.name], "shape": list(one.shape), "parameters": {"binary_data_size": one.nbytes}}
            for key, one in arrays.items()
        ]  # fmt: skip
        report = json.dumps({"inputs": rows, "parameters": {"binary_data_output": True}}).encode()
        content = b"".join([report, *(one.tobytes() for one in arrays.values())])
        head = (
            f"POST /v2/models/{name}/infer HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"{HEADER_LENGTH}: {len(report)}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        made.append(head.encode() + content)
    return made


async def one_by_one(port: int, bodies: list[bytes], count: int) -> Load:
    """`count` requests, each after the answer to the one before."""
    client, load, began = Client(port, bodies), Load(), time.perf_counter()
    for _ in range(count):
        await client.ask(load, time.perf_counter())
    load.seconds = time.perf_counter() - began
    client.close()
    return load


async def at_random(port: int, bodies: list[bytes], rate_per_s: float, seconds: float, seed: int) -> Load:
    """An open loop: requests are sent when they are due."""
    client, load, waiting = Client(port, bodies), Load(), set()
    began = time.perf_counter()
    for at_s in poisson_arrivals(rate_per_s, seconds, seed):
        due_s = began + float(at_s)
        if (ahead_s := due_s - time.perf_counter()) > 0:
            await asyncio.sleep(ahead_s)
        task = asyncio.create_task(client.ask(load, due_s))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)
    load.seconds = time.perf_counter() - began
    client.close()
    return load


async def all_at_once(port: int, bodies: list[bytes], clients: int, seconds: float) -> Load:
    """So many clients, each without a pause."""
    client, load, began = Client(port, bodies), Load(), time.perf_counter()

    async def ask() -> None:
        while (now := time.perf_counter()) - began < seconds:
            await client.ask(load, now)

    await asyncio.gather(*(ask() for _ in range(clients)))
    load.seconds = time.perf_counter() - began
    client.close()
    return load


def highest_rate(port: int, bodies: list[bytes], single: Load) -> float:
    """Requests a second, by bisection up to what one client after the other gets at most."""
    limit_ms = TAIL * single.ms(50)
    low, high = 0.0, 2.0 * single.per_s
    for number in range(HALVINGS):
        rate = (low + high) / 2
        found = asyncio.run(at_random(port, bodies, rate, LOOK_S, seed=number))
        holds = not found.failed and found.ms(99) <= limit_ms
        low, high = (rate, high) if holds else (low, rate)
        log_line(f"  {rate:7.1f}/s: p99 {found.ms(99):7.1f} ms of {limit_ms:.1f} {'holds' if holds else 'too late'}")
    return low


@contextmanager
def served(bundle: Path, port: int, threads: int) -> Iterator[psutil.Process]:
    """The service's process, ready."""
    command = [
        sys.executable,
        str(bundle / "serve.py"),
        "--port",
        str(port),
        "--threads",
        str(threads),
        "--cache-mb",
        "0",
    ]
    with tempfile.TemporaryDirectory() as folder, started(command, answers(port, "/v2/health/ready"), Path(folder)):
        children = psutil.Process().children()
        yield next(one for one in children if str(bundle / "serve.py") in one.cmdline())


async def watched(process: psutil.Process, load: "asyncio.Task[Load]") -> list[int]:
    """Its resident bytes each second until the load has ended."""
    found = [process.memory_info().rss]
    while not load.done():
        await asyncio.sleep(1)
        found.append(process.memory_info().rss)
    return found


async def under_load(
    process: psutil.Process, port: int, bodies: list[bytes], rate: float, seconds: float
) -> tuple[Load, list[int]]:
    task = asyncio.create_task(at_random(port, bodies, rate, seconds, seed=60))
    memory = await watched(process, task)
    return await task, memory


def best_batch(bundle: Path, threads: int) -> int:
    """Items at once that give the most answers a second, with the bundle's own model; 1 where none is worth it."""
    spec = importlib.util.spec_from_file_location("bundle_under_load", bundle / "bundle.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.load(threads)
    entries = {entry.name: entry for entry in model.pipeline.spec.inputs}
    feeds = {name: np.array(values) for name, values in Prepared(bundle / "golden" / "inputs")[0].items()}
    found: dict[int, list[float]] = {batch: [] for batch in BATCHES}
    for number in range(ROUNDS):
        for batch in BATCHES[:: 1 if number % 2 else -1]:
            joined = {name: np.concatenate([one] * batch, entries[name].batch_axis) for name, one in feeds.items()}
            found[batch].append(_answers_per_s(model, joined, batch))
    rates = {batch: median(values) for batch, values in found.items()}
    log_line("answers a second by batch: " + ", ".join(f"{batch}: {rate:.1f}" for batch, rate in rates.items()))
    best = max(rates, key=lambda batch: rates[batch])
    return best if rates[best] >= WORTH_A_BATCH * rates[1] else 1


def _answers_per_s(model: Any, feeds: dict[str, Any], batch: int) -> float:
    model.run(feeds)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < BATCH_S:
        model.run(feeds)
        count += batch
    return count / (time.perf_counter() - began)


def joined_copy(bundle: Path, folder: Path, batch: int) -> Path:
    """The same bundle, set to join so many requests."""
    shutil.copytree(bundle, folder)
    report: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    report["serving"] = {**report["serving"], "max_batch": batch, "why_single": "" if batch > 1 else "for comparison"}
    (folder / "manifest.json").write_text(json.dumps(report), encoding="utf-8")
    write_sums(folder)
    return folder


def gain_of_joining(bundle: Path, port: int, threads: int, batch: int) -> float:
    """Answers a second joined over one by one, each with two batches of clients in turn."""
    with tempfile.TemporaryDirectory() as place:
        copies = {size: joined_copy(bundle, Path(place) / f"by{size}", size) for size in (1, batch)}
        with served(copies[1], port, threads), served(copies[batch], port + 1, threads):
            rates: dict[int, list[float]] = {1: [], batch: []}
            for number in range(ROUNDS + 1):
                for size in (1, batch) if number % 2 else (batch, 1):
                    at = port + (size > 1)
                    bodies = bodies_of(bundle, at)
                    alike = [one for one in bodies if len(one) == len(bodies[0])]  # of other sizes none are joined
                    found = asyncio.run(all_at_once(at, alike, 2 * batch, PARALLEL_S))
                    if found.failed:
                        raise RuntimeError(f"requests failed: {dict(found.failed)}")
                    if number:  # the first round warms both up
                        rates[size].append(found.per_s)
    log_line(f"one by one {median(rates[1]):.1f}/s, up to {batch} joined {median(rates[batch]):.1f}/s")
    return median(rates[batch]) / median(rates[1])


def main() -> int:
    """Exit code 0 where nothing failed, memory is flat, and joining gains what it should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--share", type=float, default=0.7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--port", type=int, default=18_810)
    options = parser.parse_args()
    log_line(f"load average {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores before anything began")
    bodies = bodies_of(options.bundle, options.port)
    with served(options.bundle, options.port, options.threads) as process:
        asyncio.run(one_by_one(options.port, bodies, len(bodies)))
        single = asyncio.run(one_by_one(options.port, bodies, SINGLES))
        log_line(f"single: p50 {single.ms(50):.2f} ms, p99 {single.ms(99):.2f} ms, {single.per_s:.1f}/s")
        most = highest_rate(options.port, bodies, single)
        if not most:
            log_line("no rate holds: the machine is too busy to measure")
            return 1
        rate = options.share * most
        load, memory = asyncio.run(under_load(process, options.port, bodies, rate, options.seconds))
    middle = len(memory) // 2
    growth = median(memory[middle:]) / median(memory[:middle]) - 1
    log_line(f"highest rate {most:.1f}/s; {options.seconds:g} s at {rate:.1f}/s: {len(load.latencies_s)} answered")
    log_line(
        f"p50 {load.ms(50):.2f} ms, p99 {load.ms(99):.2f} ms = {load.ms(99) / single.ms(50):.2f} times the single p50"
    )
    log_line(f"failed: {dict(load.failed) or 0}")
    log_line(
        f"memory {memory[0] / 1e6:.1f} MB before, {memory[-1] / 1e6:.1f} MB after; second half {100 * growth:+.2f} %"
    )
    batch = best_batch(options.bundle, options.threads)
    gain = gain_of_joining(options.bundle, options.port, options.threads, batch) if batch > 1 else None
    log_line(f"best batch {batch}; joining gains {'nothing here' if gain is None else f'{gain:.2f} times'}")
    return 1 if load.failed or growth > MEMORY_GROWTH or (gain is not None and gain < GAIN) else 0


if __name__ == "__main__":
    raise SystemExit(main())
