"""Set the environment variables of a worker before any library that reads them is imported."""

import os
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_MAX_THREADS")


def silence_telemetry(environ: MutableMapping[str, str], *, network: bool) -> None:
    """Switch off the telemetry of onnxruntime, OpenVINO and huggingface_hub, which all send data by default.

    Without `network` the hub's libraries are set to offline mode, too.
    """
    environ["ORT_DISABLE_TELEMETRY"] = "1"
    environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    environ["DO_NOT_TRACK"] = "1"
    if not network:
        environ["HF_HUB_OFFLINE"] = "1"
        environ["TRANSFORMERS_OFFLINE"] = "1"
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]


def bound_threads(environ: MutableMapping[str, str], threads: int) -> None:
    """Limit the thread pools of OpenMP, MKL and OpenBLAS, and of torch if it is already imported."""
    for name in THREAD_VARIABLES:
        environ[name] = str(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def move_home(environ: MutableMapping[str, str], home: Path) -> None:
    """Point home, temporary and cache folders to `home`, so that a job leaves nothing outside its folder."""
    home.mkdir(parents=True, exist_ok=True)
    text = str(home)
    for name in ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        environ[name] = text
    environ["TORCHINDUCTOR_CACHE_DIR"] = str(home / "inductor")
    environ["TRITON_CACHE_DIR"] = str(home / "triton")
    environ["HF_HOME"] = str(home / "huggingface")
    tempfile.tempdir = None


def prepare(*, network: bool, threads: int, home: Path | None) -> None:
    """Set telemetry, threads and, with `home`, the folders of this process."""
    silence_telemetry(os.environ, network=network)
    bound_threads(os.environ, threads)
    if home is not None:
        move_home(os.environ, home)
