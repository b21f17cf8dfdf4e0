"""Peak memory on a GPU: that of the process if the driver reports it, else the change of the card."""

from pathlib import Path

from stand_in_driver import run_beside

from workers.measure.gpu_memory import GpuPeak

CODE = """
import os, sys, time
from pathlib import Path
from workers.measure.gpu_memory import GpuPeak
file = Path(sys.argv[1])
for moments in sys.argv[2:]:
    file.write_text("0.used=1000")
    peak = GpuPeak(0)
    for text in moments.split("|"):
        part = file.with_suffix(".part")  # the stand-in never reads half a file
        part.write_text(text.replace("PID", str(os.getpid())).replace(";", chr(10)))
        part.replace(file)
        time.sleep(0.2)
    peak.stop()
    print("null" if peak.peak_bytes is None else peak.peak_bytes)
"""
PEAKS = {
    "0.used=5000;0.procs=PID:3000|0.used=9000;0.procs=PID:7000|0.used=2000;0.procs=PID:100": 7000,
    "0.used=5000;0.procs=1:3000|0.used=9000;0.procs=1:3000|0.used=2000;0.procs=": 8000,
    "0.used=5000;0.fail.nvmlDeviceGetComputeRunningProcesses_v3=3|0.used=1000": 4000,
}
"""Readings of the card at several moments, and the peak in bytes."""


def test_peak_is_the_highest_reading(nvml_dir: Path, tmp_path: Path) -> None:
    """Given readings that rise and fall, then the peak is that of this process if it is listed, else the card's change;
    a runtime of the processor has none."""
    file = tmp_path / "readings"
    file.touch()
    assert run_beside(nvml_dir, CODE, file, *PEAKS, FETTLE_FAKENVML_FILE=file) == list(PEAKS.values())
    assert GpuPeak.of("onnxruntime-cpu") is None
