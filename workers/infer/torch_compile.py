"""Compile a torch program with torch.compile (inductor) and a C++ compiler, or report why that is impossible."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .base import Refusal
from .words import Words

COMPILERS = ("c++", "g++", "clang++")
MIN_COMPILING_S = 600.0
"""Shortest run, in seconds, in which programs are compiled.

MobileNetV2 and a BERT of six layers took 15 to 30 s on two cores, twice that on busy ones. Each of the five or so
processes that evaluate and measure compiles again.
"""

START_S = 20.0
MAX_WORDS = 200


class NotCompiled(RuntimeError):
    """Compilation is impossible; `str(error)` is the reason as the end of a sentence, without its full stop."""

    def __init__(self, template: str, *facts: object) -> None:
        """Make the reason, kept in `words`."""
        self.words = Words(template, *facts)
        super().__init__(self.words)


def find_compiler() -> str:
    """Return the path of the C++ compiler that `$CXX` names, or of the first usual one.

    Python loads inductor's modules, so Python's own header files must be installed as well. Inductor joins its command
    by spaces (torch 2.13: a C++ compile error where torch lies below one), so no path may contain any.

    Raises:
        NotCompiled: there is no usable compiler.
    """
    names = [name for name in (os.environ.get("CXX", ""), *COMPILERS) if name]
    program = next((path for path in map(shutil.which, names) if path), None)
    if program is None:
        raise NotCompiled("there is no C++ compiler on this computer")
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        raise NotCompiled("the header files of Python, which a C++ compiler needs, are not installed")
    if any(" " in str(path) for path in _places()):
        raise NotCompiled("its compiler cannot work in folders whose names have a space")
    return program


def why_not_compiled() -> str:
    """Return the reason why `find_compiler` fails, or "" where it succeeds."""
    try:
        find_compiler()
    except NotCompiled as error:
        return error.words
    return ""


def why_not_compile(time_budget_s: float | None) -> Refusal | None:
    """Return the reason why a run with this time limit in seconds (None: no limit) does not compile."""
    if reason := why_not_compiled():
        return Refusal("no_compiler", Words("PyTorch cannot compile it: {0}.", reason))
    if time_budget_s is not None and time_budget_s < MIN_COMPILING_S:
        words = Words(
            "Each measurement compiles it anew, for half a minute or more; it is tried in runs of {0:.0f} minutes or"
            " more.",
            MIN_COMPILING_S / 60,
        )
        return Refusal("no_time", words)
    return None


def _places() -> list[str]:
    """Return the folders that occur in the compiler's command."""
    torch = importlib.util.find_spec("torch")
    roots = list(torch.submodule_search_locations or ()) if torch is not None else []
    return [*roots, sysconfig.get_path("include"), os.environ.get("TORCHINDUCTOR_CACHE_DIR", "")]


def start_compiler() -> str:
    """Return the path of the compiler after starting it once; a sandbox may forbid that.

    Raises:
        NotCompiled: the compiler is missing or cannot be started.
    """
    program = find_compiler()
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=START_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotCompiled("the C++ compiler may not be started here") from error
    if done.returncode != 0:
        raise NotCompiled("the C++ compiler does not work")
    return program


def compile_module(
    torch: Any, module: Any, example: Callable[[Any], Any], threads: int, *, on_card: bool = False
) -> Any:
    """Compile `module`; `example(compiled)` calls it once, so that this call's code is compiled on return.

    Free sizes stay free: only a size of 1 is compiled separately when it first occurs. Weights are frozen into the
    program, which lets inductor lay them out for the processor (a convolution in half the time). With `on_card`, Triton
    compiles for the card, which also needs a C++ compiler for the code that starts its programs.

    Raises:
        NotCompiled: with the reason.
    """
    # no process pool that outlives the call
    options: dict[str, Any] = {"compile_threads": 1, "cpp.cxx": (start_compiler(),)}
    if on_card and importlib.util.find_spec("triton") is None:
        raise NotCompiled("PyTorch's compiler for cards, Triton, is not installed")
    if not on_card:
        # The number of threads becomes part of the cache key, so that programs for other numbers are not used.
        options |= {"freezing": True, "cpp.threads": threads}
    try:
        compiled = torch.compile(module, dynamic=True, fullgraph=True, options=options)
        with torch.inference_mode():
            example(compiled)
    except NotCompiled:
        raise
    except Exception as error:  # dynamo, inductor and the compiler raise many types
        words = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise NotCompiled("PyTorch's compiler failed with: {0}", words[:MAX_WORDS].rstrip(".:")) from error
    return compiled
