"""The service of a bundle beside LitServe: the same ONNX, ONNX Runtime, threads and requests, in turn, in one run.

    python -m tests.benchmarks.beside_litserve BUNDLE --litserve-python VENV/bin/python [--clients 4] [--rounds 6]

BUNDLE is an unpacked bundle of the target `service` that runs in ONNX Runtime; LitServe wants an environment of its own
(pip install litserve onnxruntime). Both answer JSON: ours the Open Inference Protocol, LitServe a list that becomes an
array. Each round asks both for answers as fast as `--clients` connections get them, then at a fixed load that both can
bear; told are the medians over rounds of ours divided by theirs (throughput), and theirs by ours (99th percentile).
"""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from tests.benchmarks.under_load import say
from workers.pipeline.prepared import Prepared

SECONDS = 3.0
SHARE = 0.5
"""Of the slower one's throughput: the fixed load."""

LITSERVE = """
import sys
import litserve, numpy, onnxruntime

class Api(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(sys.argv[3])
        self.session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    def decode_request(self, request):
        return {one["name"]: numpy.asarray(one["data"], one["kind"]).reshape(one["shape"]) for one in request["inputs"]}
    def predict(self, feeds):
        return self.session.run(None, feeds)
    def encode_response(self, outputs):
        return {"outputs": [{"shape": list(one.shape), "data": one.ravel().tolist()} for one in outputs]}

if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=1, timeout=60)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="warning")
"""


@dataclass(frozen=True)
class Server:
    """`body` is one request to `path` at `port`."""

    name: str
    port: int
    path: str
    body: bytes


@dataclass(frozen=True)
class Load:
    """Answers a second, and milliseconds within which 99 % came."""

    throughput_per_s: float
    p99_ms: float


def asked(server: Server, clients: int, seconds: float, rate_per_s: float | None) -> Load:
    """`clients` connections at once; with `rate_per_s` requests are due at fixed times, and late ones count as late."""
    spans: list[float] = []
    began = time.perf_counter()
    until = began + seconds

    def one(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        due, step = began + (number / rate_per_s if rate_per_s else 0.0), clients / rate_per_s if rate_per_s else 0.0
        while (now := time.perf_counter()) < until and due < until:
            if rate_per_s and due > now:
                time.sleep(due - now)
            start = due if rate_per_s else now
            connection.request("POST", server.path, server.body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{server.name}: {answer.status} {content[:200]!r}")
            spans.append(time.perf_counter() - start)
            due += step
        connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(len(spans) / (time.perf_counter() - began), 1000 * float(np.percentile(spans, 99)))


@contextmanager
def started(command: list[str], ready: Callable[[], bool], folder: Path) -> Iterator[None]:
    """A server until the end; raises RuntimeError where it is not ready within a minute."""
    with (
        (folder / "server.log").open("a") as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as process,
    ):
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
            os.killpg(process.pid, signal.SIGKILL)  # LitServe leaves processes of its own behind
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


def main() -> int:
    """Exit code 0 where both ratios are at least 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--litserve-python", required=True)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--port", type=int, default=18_800)
    options = parser.parse_args()
    manifest = json.loads((options.bundle / "manifest.json").read_text(encoding="utf-8"))
    model = options.bundle / manifest["model"]["folder"] / manifest["model"]["main"]
    threads = int(manifest["runtime"]["settings"].get("num_threads", 1))
    feeds = Prepared(options.bundle / "golden" / "inputs")[0]
    rows = [
        {"name": name, "shape": list(v.shape), "kind": v.dtype.name, "data": v.ravel().tolist()} for name, v in feeds.items()
    ]  # fmt: skip
    ours_rows = [{**row, "datatype": {"float32": "FP32", "int64": "INT64"}[str(row["kind"])]} for row in rows]
    path = f"/v2/models/{manifest['serving']['name']}/infer"
    ours = Server("Fettle", options.port, path, json.dumps({"inputs": ours_rows}).encode())
    theirs = Server("LitServe", options.port + 1, "/predict", json.dumps({"inputs": rows}).encode())
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "litserve_app.py"
        script.write_text(LITSERVE, encoding="utf-8")
        serve = [
            sys.executable,
            str(options.bundle / "serve.py"),
            "--port",
            str(ours.port),
            "--threads",
            str(threads),
            "--cache-mb",
            "0",
        ]
        other = [options.litserve_python, str(script), str(model), str(theirs.port), str(threads)]
        with (
            started(serve, answers(ours.port, "/v2/health/ready"), Path(folder)),
            started(other, answers(theirs.port, "/health"), Path(folder)),
        ):
            return compare(ours, theirs, options.clients, options.rounds)


def compare(ours: Server, theirs: Server, clients: int, rounds: int) -> int:
    """Tell the ratios of rounds that take turns; the first one warms both up."""
    rates: list[float] = []
    tails: list[float] = []
    for number in range(rounds + 1):
        order = (ours, theirs) if number % 2 else (theirs, ours)
        full = {one.name: asked(one, clients, SECONDS, None) for one in order}
        bearable = SHARE * min(load.throughput_per_s for load in full.values())
        steady = {one.name: asked(one, clients, SECONDS, bearable) for one in order}
        if not number:
            continue
        rates.append(full[ours.name].throughput_per_s / full[theirs.name].throughput_per_s)
        tails.append(steady[theirs.name].p99_ms / steady[ours.name].p99_ms)
        for one in (ours, theirs):
            fast, even = full[one.name], steady[one.name]
            say(f"{number} {one.name:9} {fast.throughput_per_s:8.1f}/s; at {bearable:.0f}/s p99 {even.p99_ms:7.2f} ms")
    say(f"throughput, Fettle over LitServe: {median(rates):.2f} ({min(rates):.2f} to {max(rates):.2f})")
    say(f"p99 at the same load, LitServe over Fettle: {median(tails):.2f} ({min(tails):.2f} to {max(tails):.2f})")
    return 0 if median(rates) >= 1 and median(tails) >= 1 else 1


if __name__ == "__main__":
    raise SystemExit(main())
