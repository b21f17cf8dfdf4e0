"""A server of a bundle, started as a person starts it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bundle_facts import card_facts

from workers.contracts.after.load import CardLoad, SweepPoint, SweepResult, VersionLoad
from workers.contracts.bundles import ExportParams
from workers.contracts.specs import DeviceFacts, LatencySummary
from workers.export.service.bundle_files.fettle_service.secret import FOLDER

KEY = "a key of sixteen letters"


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
    """Its exit code when it is told to stop, and what it complained of."""
    served.process.terminate()
    _, said = served.process.communicate(timeout=60)
    shutil.rmtree(served.home, ignore_errors=True)
    return served.process.returncode, said
