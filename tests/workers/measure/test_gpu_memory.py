"""Peak memory on a GPU: that of the process if the driver reports it, else the change of the card."""

from pathlib import Path

import pytest
from stand_in_driver import run_beside

from workers.measure.gpu_memory import GpuPeak

CODE = """
import os, sys, time
from pathlib import Path
from workers.measure.gpu_memory import GpuPeak
file, lines = Path(sys.argv[1]), sys.argv[2:]
peak = GpuPeak(0)
for text in lines:
    part = file.with_suffix(".part")  # the stand-in never reads half a file
    part.write_text(text.replace("PID", str(os.getpid())).replace(";", chr(10)))
    part.replace(file)
    time.sleep(0.2)
peak.stop()
print("null" if peak.peak_bytes is None else peak.peak_bytes)
"""


@pytest.mark.parametrize(
    ("moments", "peak"),
    [
        (("0.used=5000;0.procs=PID:3000", "0.used=9000;0.procs=PID:7000", "0.used=2000;0.procs=PID:100"), 7000),
        (("0.used=5000;0.procs=1:3000", "0.used=9000;0.procs=1:3000", "0.used=2000;0.procs="), 8000),
        (("0.used=5000;0.fail.nvmlDeviceGetComputeRunningProcesses_v3=3", "0.used=1000"), 4000),
    ],
)
def test_peak_is_the_highest_reading(nvml_dir: Path, tmp_path: Path, moments: tuple[str, ...], peak: int) -> None:
    """Given readings that rise and fall, then the peak is that of this process if it is listed, else the card's change;
    a runtime of the processor has none."""
    file = tmp_path / "readings"
    file.write_text("0.used=1000\n")
    assert run_beside(nvml_dir, CODE, file, *moments, FETTLE_FAKENVML_FILE=file) == [peak]
    assert GpuPeak.of("onnxruntime-cpu") is None
