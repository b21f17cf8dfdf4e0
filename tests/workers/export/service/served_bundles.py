"""Service bundles, their servers, started as a person starts them, and requests to them."""

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bundle_facts import card_facts
from recording import RecordingContext

from workers.contracts.after.load import CardLoad, SweepPoint, SweepResult, VersionLoad
from workers.contracts.bundles import ExportParams
from workers.contracts.specs import DeviceFacts, LatencySummary
from workers.export.python_folder import Contents, fill
from workers.export.service.bundle_files.fettle_service.secret import FOLDER
from workers.export.service.target import COMMANDS, NEEDS, server_files, serving
from workers.measure.opening import find_runtime
from workers.pipeline.prepared import Prepared

KEY = "a key of sixteen letters"
INFER, ANSWER = "/v2/models/my-shop/infer", "/v2/models/my-shop/answer"
LOAD = "/v2/repository/models/my-shop/load"


def export_params(
    small, knee: int | None = None, runtime: str = "onnxruntime-cpu", project: str = "My Shop!"
) -> ExportParams:
    """An export of a small model; `knee` is the batch that was best when it was measured under load."""
    device = DeviceFacts(processor="Another", cores=1, memory_bytes=1 << 30, features=())
    latency = LatencySummary(n=9, p50_ms=1.0, p90_ms=1.0, p99_ms=None, max_ms=1.0)
    point = SweepPoint(batch=1, n=9, throughput_per_s=9.0, throughput_low=None, throughput_high=None, latency=latency)
    sweep = SweepResult(points=(point,), knee_batch=knee) if knee else None
    version = VersionLoad(variant_id="v", title="", runtime=runtime, sweep=sweep)
    load = CardLoad(made_at="", seconds=1, processor="Another", cores=1, original=version, this=version)
    facts = card_facts(runtime, device).model_copy(update={"project": project, "load": load if knee else None})
    return ExportParams(
        target="service", model_dir=str(small.folder), original_dir=str(small.folder), data_dir=str(small.data),
        runtime=runtime, facts=facts,
    )  # fmt: skip


def write_bundle(params: ExportParams, root: Path, **facts: object) -> Path:
    """Write the unpacked service bundle of an export; `facts` are of the server's settings."""
    folder = root / "bundle"
    folder.mkdir(parents=True)
    contents = Contents(COMMANDS, server_files(), NEEDS, {"serving": {**serving(params), **facts}})
    fill(folder, params, find_runtime(params.runtime), RecordingContext(root / "work"), contents)
    return folder


@dataclass
class Served:
    """A running server: its folder, port, and process; `home` is the home folder that it was started with."""

    folder: Path
    port: int
    process: "subprocess.Popen[str]"
    ready: str
    home: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def secret_file(self) -> Path:
        return self.home / FOLDER / f"{self.port}.secret"

    @property
    def may_load(self) -> dict[str, str]:
        """The header that lets its own account load another bundle."""
        return {"Authorization": f"Bearer {self.secret_file.read_text()}"}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it was started with."""
        return _environment(self.home)


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "HOME": str(home), "USERPROFILE": str(home)}


def start(folder: Path, *options: str) -> Served:
    """`serve.py` of a bundle on a free port, with this environment's packages and nothing of Fettle."""
    home = Path(tempfile.mkdtemp(prefix="home-"))
    command = [sys.executable, "-I", "-B", "serve.py", "--port", "0", "--threads", "1", *options]
    process = subprocess.Popen(
        command, cwd=folder, env=_environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    found = re.search(r" on http://127\.0\.0\.1:(\d+) ", line)
    if found is None:
        process.kill()
        raise AssertionError(f"{line} {process.communicate()[1]}")
    return Served(folder, int(found[1]), process, line, home)


def stop(served: Served) -> tuple[int, str]:
    """Its exit code on SIGTERM stop, and what it complained of."""
    served.process.terminate()
    _, errors = served.process.communicate(timeout=60)
    shutil.rmtree(served.home, ignore_errors=True)
    return served.process.returncode, errors


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Served]:
    """A server that is as alive at the end as at the start, stops well, and printed nothing."""
    served = start(folder, *options)
    try:
        yield served
        assert send_request(served.port, "GET", "/v2/health/ready")[0] == 200
    except BaseException:
        stop(served)
        raise
    assert stop(served) == (0, "")


def send_request(port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None):
    """(status, JSON or text, headers) of one request on its own connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, dict(headers or {}))
    response = connection.getresponse()
    content, found = response.read(), dict(response.getheaders())
    connection.close()
    is_json = found.get("content-type", "").startswith("application/json")
    return response.status, json.loads(content) if is_json else content.decode(), found


def item_of(bundle: Path, number: int = 0) -> tuple[str, np.ndarray]:
    """Name and values of a golden input."""
    ((name, values),) = Prepared(bundle / "golden" / "inputs")[number].items()
    return name, np.array(values)


def request(item: tuple[str, np.ndarray], **changes: object) -> bytes:
    """A request that is right, but for `changes` of its input."""
    name, values = item
    entry = {"name": name, "datatype": "FP32", "shape": list(values.shape), "data": values.ravel().tolist()}
    return json.dumps({"id": "7", "inputs": [{**entry, **changes}]}).encode()


def load(served: Served, folder: object, headers: Mapping[str, str] | None = None) -> tuple[int, dict]:
    """(status, JSON) of a request to load the bundle in `folder`, with the service's secret unless there are `headers`."""
    body = json.dumps({"parameters": {"path": folder if folder is None else str(folder)}}).encode()
    return send_request(served.port, "POST", LOAD, body, served.may_load if headers is None else headers)[:2]
