"""The real libraries for NVIDIA GPUs, without a GPU: what they request is there, and they meet the driver's own error.

`installer/test -m gpu_libs` makes the environments below FETTLE_GPU_LIBS from the locks (some GB, announced before).
"""

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from elf import needed, soname
from run_text import run_text

pytestmark = [
    pytest.mark.gpu_libs,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="the stand-ins are Linux libraries"),
]

ROOT = Path(__file__).parents[2]
DRIVER = ("libcuda.so.1", "libnvidia-ml.so.1")
# What every Linux that takes manylinux packages has (PEP 600 and auditwheel's policy).
SYSTEM = (
    "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "librt.so.1",
    "libstdc++.so.6", "libz.so.1",
)  # fmt: skip
BY_ITS_OWN = ("libonnxruntime.so.1",)
"""A provider is loaded by the process that has it."""


def packages(name: str) -> Path:
    """Where the packages of a set lie. Fails where they were not fetched: a test that skips here is never missed."""
    place = os.environ.get("FETTLE_GPU_LIBS")
    assert place, "run it as: installer/test -m gpu_libs"
    folder = Path(place, name)
    return next((folder / "lib").glob("python3*/site-packages"), folder)


def supplied(name: str) -> set[str]:
    """File names of all libraries of a set, and the names that its links give them."""
    found = set()
    for path in packages(name).rglob("*.so*"):
        found.add(path.name)
        with contextlib.suppress(ValueError):  # a list of names, or no library at all
            found.add(soname(path))
    return found


def output_of(name: str, code: str, variables: Mapping[str, str]) -> str:
    """Return the output of a script that imports the packages of set `name` first, then the project's modules."""
    path = os.pathsep.join((str(packages(name)), str(ROOT)))
    environ = {**os.environ, "PYTHONPATH": path, "ORT_DISABLE_TELEMETRY": "1", **variables}
    run = run_text([sys.executable, "-c", code], env=environ, cwd=ROOT)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout


PROVIDERS = {
    "cuda": (
        "onnxruntime/capi/libonnxruntime_providers_cuda.so",
        "onnxruntime/capi/libonnxruntime_providers_shared.so",
    ),
    "rtx": (
        "onnxruntime_ep_nv_tensorrt_rtx/libonnxruntime_providers_nv_tensorrt_rtx.so",
        "onnxruntime_ep_nv_tensorrt_rtx/libtensorrt_rtx.so.1",
    ),
}


@pytest.mark.parametrize(("name", "library"), [(name, one) for name, some in PROVIDERS.items() for one in some])
def test_every_requested_library_is_supplied(name: str, library: str) -> None:
    """Given a provider's own list, Then each name comes from a locked package, the driver or the system."""
    requested = needed(packages(name) / library)
    known = supplied(name) | set(DRIVER) | set(SYSTEM) | set(BY_ITS_OWN)
    assert [one for one in requested if one not in known] == []


def test_the_cuda_provider_requests_the_pinned_libraries() -> None:
    """Given the provider, Then it really requests cuBLAS: an empty list would prove nothing. cuDNN it loads later."""
    requested = " ".join(needed(packages("cuda") / PROVIDERS["cuda"][0]))
    assert "libcublasLt.so.13" in requested
    assert "libcudnn.so.9" in supplied("cuda")


AVAILABLE = "from workers.infer import onnxruntime_cuda as c; print(c.available())"
WITHOUT_PRELOAD = (
    "from workers.infer import onnxruntime_cuda as c; c.preload = lambda library: None; print(c.available())"
)


def test_the_real_provider_meets_the_drivers_error(driver_dir: Path) -> None:
    """Given CUDA's libraries as packages and a driver that refuses, Then after the preload the provider loads, and what
    is reported is CUDA's error; without the preload it is the library that was not found. Neither ever computes."""
    variables = {"LD_LIBRARY_PATH": str(driver_dir), "FETTLE_FAKECUDA_RC": "100"}
    report = output_of("cuda", AVAILABLE, variables)
    assert "available=False" in report and "CUDA error" in report
    report = output_of("cuda", WITHOUT_PRELOAD, variables)
    assert "available=False" in report and "libcublasLt.so.13 was not found" in report


def test_the_doctor_finds_the_libraries_whole(driver_dir: Path) -> None:
    """Given the set, Then its rung of libraries holds, and the product that stands on the driver does not."""
    code = (
        "from workers.measure.ladder.rungs import onnxruntime as r;"
        "print([rung.attempt(None).model_dump_json() for rung in r.RUNGS])"
    )
    report = output_of("cuda", code, {"LD_LIBRARY_PATH": str(driver_dir), "FETTLE_FAKECUDA_RC": "304"})
    assert '"ok":true' in report and '"ok":false' in report and "no_product" in report


def test_the_rtx_provider_registers_and_lists_no_gpu(driver_dir: Path) -> None:
    """Given the provider of TensorRT for RTX and the stand-ins, Then it registers and offers no device of theirs."""
    code = (
        "import onnxruntime as o, onnxruntime_ep_nv_tensorrt_rtx as p;"
        "o.register_execution_provider_library('rtx', p.get_library_path());"
        "print([device.ep_name for device in o.get_ep_devices()])"
    )
    report = output_of("rtx", code, {"LD_LIBRARY_PATH": str(driver_dir), "FETTLE_FAKECUDA_RC": "100"})
    assert report.strip() == "['CPUExecutionProvider']"
    links = [path for path in (packages("rtx") / "onnxruntime_ep_nv_tensorrt_rtx").iterdir() if path.is_symlink()]
    assert links, "the installer's import has made them"


OPTIONS = """
import onnxruntime as o
from workers.infer import onnxruntime_cuda as c
from workers.infer.onnxruntime_cpu import import_library, make_options
library = import_library()
c.preload(library)
for name, value in (*c.on_card(7, graph=True)[1].items(), ("nonsense", "1")):
    try:
        o.InferenceSession(c.PROBE, make_options(library, {}, 1), providers=[(c.PROVIDER, {name: value})], enable_fallback=0)
    except Exception as error:
        print(name, "unknown" if "Unknown provider option" in str(error) else "known")
"""


def test_the_real_provider_accepts_our_options(driver_dir: Path) -> None:
    """Given each option of ours, Then the real provider reads it and meets the driver's error; another word it refuses."""
    report = output_of("cuda", OPTIONS, {"LD_LIBRARY_PATH": str(driver_dir), "FETTLE_FAKECUDA_RC": "100"})
    found = dict(line.split() for line in report.splitlines())
    assert found.pop("nonsense") == "unknown"
    assert found == dict.fromkeys(("device_id", "user_compute_stream", "enable_cuda_graph"), "known")


@pytest.mark.parametrize("rc", ["0", "100", "304", "999"])
def test_the_rtx_runtime_opens_nothing_on_a_stand_in(driver_dir: Path, rc: str) -> None:
    """Given the real provider and a driver that only claims cards, whatever its cuInit says, Then the runtime registers it
    once, is not available, reports why, and loads no model."""
    code = (
        "from workers.infer import onnxruntime_rtx as r; from workers.infer.base import NotRunnable\n"
        "print(r.available().available, r.available().hint)\n"
        "try: r.load(None, {}, 1)\n"
        "except NotRunnable as error: print(error)"
    )
    report = output_of("rtx", code, {"LD_LIBRARY_PATH": str(driver_dir), "FETTLE_FAKECUDA_RC": rc})
    assert report.startswith("False TensorRT for RTX finds no card") and report.count("finds no card") == 2
