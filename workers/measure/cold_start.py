"""Measure cold starts: from the start of a fresh process to its first prediction.

The files are in the system's cache, as on a computer that starts a model repeatedly; the first start after switching on
takes longer.
"""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from workers.contracts.errors import WorkerError
from workers.contracts.specs import RunParams
from workers.contracts.translation import _

PACKAGE = Path(__file__).parents[1]
CODE = """
import importlib.util, sys
sys.modules["openvino_telemetry"] = None
folder = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location(
    "workers", folder + "/__init__.py", submodule_search_locations=[folder]
)
sys.modules["workers"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["workers"])
from workers.measure.cold_child import main
sys.exit(main())
"""
"""Program of the fresh process.

It names this package, because a worker may read it but not the folder around it. Environment variables turn off
onnxruntime's telemetry; OpenVINO's part reads no variable, so its module is blocked.
"""
TIMEOUT_S = 300.0


def start_once(model: RunParams, data_dir: str, threads: int) -> tuple[float, float]:
    """Return milliseconds from start to prediction, and the part of them for loading.

    Raises:
        WorkerError: the process gives no prediction.
    """
    command = [
        *(sys.executable, "-B", "-c", CODE, str(PACKAGE), model.model_dir, data_dir, model.runtime, str(threads)),
        json.dumps(model.settings),
    ]
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        end_it = threading.Timer(TIMEOUT_S, process.kill)
        end_it.start()
        try:
            line = process.stdout.readline()
            total_ms = (time.perf_counter() - begin) * 1000
            errors = process.stderr.read()
        finally:
            end_it.cancel()
    if not line:
        reason = " ".join(errors.split())[-300:] or _("it ended with {0}").format(process.returncode)
        raise WorkerError(
            "cold_start_failed",
            "A fresh process gave no prediction",
            _("The model was started in a separate process, which failed: {0}.").format(reason),
            "Measure again; if it happens twice, report it with the log.",
        )
    return total_ms, float(json.loads(line)["load_ms"])
