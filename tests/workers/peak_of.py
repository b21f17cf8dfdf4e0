"""How much memory a step takes above the level after its imports, in a separate process.

python peak_of.py open MODEL FOLDER
python peak_of.py language_int8 OPENED FOLDER
python peak_of.py language_int4 OPENED FOLDER    # learns from EXAMPLES texts of TOKENS tokens
"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests" / "fixtures")))}
EXAMPLES, TOKENS = 32, 128


def peak_bytes(step: str, source: Path, out: Path) -> int:
    """Bytes above the level; raises the step's error where it failed."""
    command = [sys.executable, __file__, step, str(source), str(out)]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(json.loads(done.stdout.splitlines()[-1]))


def main(step: str, source: Path, out: Path) -> None:
    from workers.runtime.environment import silence_telemetry

    silence_telemetry(os.environ, network=False)
    for name in ("torch", "nncf", "openvino", "transformers.exporters.exporter_openvino"):
        importlib.import_module(name)
    importlib.import_module("transformers.models.llama.modeling_llama")
    from recording import RecordingContext

    from workers.contracts.folder import read_model
    from workers.contracts.jobs import OpenParams
    from workers.measure.memory import PeakMeter
    from workers.model_io.opening import open_model
    from workers.pipeline.prepared import write_prepared

    out.mkdir()
    rng = np.random.default_rng(5)
    texts = [{"input_ids": rng.integers(3, 260, (1, TOKENS))} for _ in range(EXAMPLES)]
    write_prepared(out / "data" / "calibration", texts)
    ctx = RecordingContext(work_dir=out, threads=2, data_dir=out / "data")
    meter = PeakMeter()
    if step == "open":
        open_model(OpenParams(path=str(source)), ctx)
    else:
        technique = importlib.import_module(f"workers.quantize.{step}")
        technique.apply(read_model(source), technique.Params(), ctx)
    print(json.dumps(meter.peak_bytes()))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
