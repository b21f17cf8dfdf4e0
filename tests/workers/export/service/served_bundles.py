"""A server of a bundle, started as a person starts it."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bundle_facts import card_facts

from workers.contracts.after.load import CardLoad
from workers.contracts.bundles import ExportParams
from workers.contracts.specs import DeviceFacts

KEY = "a key of sixteen letters"


def export_params(
    small, knee: int | None = None, runtime: str = "onnxruntime-cpu", project: str = "My Shop!"
) -> ExportParams:
    """An export of a small model; `knee` is the batch that was best when it was measured under load."""
    device = DeviceFacts(processor="Another", cores=1, memory_bytes=1 << 30, features=())
    load = CardLoad(made_at="", seconds=1, processor="Another", cores=1, knee_batch=knee)
    facts = card_facts(runtime, device).model_copy(update={"project": project, "load": load if knee else None})
    return ExportParams(
        target="service", model_dir=str(small.folder), original_dir=str(small.folder), data_dir=str(small.data),
        runtime=runtime, facts=facts,
    )  # fmt: skip


@dataclass
class Served:
    """A running server: its folder, port, and process."""

    folder: Path
    port: int
    process: "subprocess.Popen[str]"
    ready: str

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


def start(folder: Path, *options: str) -> Served:
    """`serve.py` of a bundle on a free port, with this environment's packages and nothing of Fettle."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-I", "-B", "serve.py", "--port", "0", "--threads", "1", *options]
    process = subprocess.Popen(command, cwd=folder, env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    found = re.search(r" on http://127\.0\.0\.1:(\d+) ", line)
    if found is None:
        process.kill()
        raise AssertionError(f"{line} {process.communicate()[1]}")
    return Served(folder, int(found[1]), process, line)


def stop(served: Served) -> tuple[int, str]:
    """Its exit code when it is told to stop, and what it complained of."""
    served.process.terminate()
    _, said = served.process.communicate(timeout=60)
    return served.process.returncode, said
