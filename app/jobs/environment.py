"""Select the environment variables that worker processes inherit: a list of allowed names, as others may be secrets.

Workers open files of strangers. Cloud keys, tokens, agent sockets and passwords of other programs have arbitrary names,
so a list of forbidden names could never be complete.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping

SYSTEM = frozenset(
    (
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR", "TEMP", "TMP", "TERM",
        "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES",
        "NO_COLOR", "VIRTUAL_ENV", "CONDA_PREFIX", "GLIBC_TUNABLES", "__CF_USER_TEXT_ENCODING",
        "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "OS", "USERPROFILE", "USERNAME", "APPDATA",
        "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "COMMONPROGRAMFILES",
        "COMMONPROGRAMFILES(X86)", "COMMONPROGRAMW6432", "NUMBER_OF_PROCESSORS",
    )
)  # fmt: skip
"""Variables that the dynamic linker, Python, the C library and Windows read."""

COMPILERS = frozenset(
    ("CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "CPATH", "LIBRARY_PATH", "C_INCLUDE_PATH",
     "CPLUS_INCLUDE_PATH", "INCLUDE", "LIB", "LIBPATH", "SDKROOT", "MACOSX_DEPLOYMENT_TARGET",
     "VSINSTALLDIR", "VCINSTALLDIR", "VCTOOLSINSTALLDIR", "WINDOWSSDKDIR", "UCRTVERSION")
)  # fmt: skip
"""Variables that compilers read, because torch.compile starts one."""

PREFIXES = (
    "FETTLE_", "LC_", "XDG_CACHE_", "XDG_CONFIG_", "PYTHON", "PROCESSOR_", "MALLOC_",
    "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_", "NUMEXPR_", "TBB_", "DNNL_", "ONEDNN_",
    "ORT_", "ONNXRUNTIME_", "OPENVINO_", "OV_", "TORCH_", "TORCHINDUCTOR_", "PYTORCH_", "ATEN_", "KINETO_", "TRITON_",
    "RAYON_", "CUDA_", "CUBLAS_", "CUDNN_", "NVIDIA_", "NCCL_", "TENSORRT_", "TRT_", "HF_HUB_", "TOKENIZERS_",
    "TRANSFORMERS_",
)  # fmt: skip
"""Prefixes of settings of this program, of the C library, and of the numeric libraries and runtimes."""

FOR_NETWORK = frozenset(
    ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
     "CURL_CA_BUNDLE", "HF_ENDPOINT")
)  # fmt: skip
"""Variables that only jobs with network access inherit, because a proxy's address may hold a password."""

_SECRETS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "API_KEY", "APIKEY", "ACCESS_KEY")


def is_secret(name: str) -> bool:
    """Return whether a variable holds a secret by its name, e.g. HF_HUB_TOKEN or NVIDIA_API_KEY."""
    plain = name.upper().removeprefix("TOKENIZERS_")
    return any(part in plain for part in _SECRETS)


def is_allowed(name: str, *, network: bool) -> bool:
    """Return whether workers inherit the variable `name`, in upper or lower case (as on Windows and for proxies)."""
    upper = name.upper()
    if upper in SYSTEM or upper in COMPILERS:
        return True
    if upper in FOR_NETWORK:
        return network
    return upper.startswith(PREFIXES) and not is_secret(name)


def allowed(environ: Mapping[str, str], *, network: bool) -> dict[str, str]:
    """Return the variables of `environ` that a worker inherits."""
    return {name: value for name, value in environ.items() if is_allowed(name, network=network)}


@contextlib.contextmanager
def only_allowed(*, network: bool) -> Iterator[None]:
    """Hide all other variables while a process starts; multiprocessing cannot pass a separate environment."""
    hidden = {name: os.environ.pop(name) for name in [*os.environ] if not is_allowed(name, network=network)}
    try:
        yield
    finally:
        os.environ.update(hidden)
