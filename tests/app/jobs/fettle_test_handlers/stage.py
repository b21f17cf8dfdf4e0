"""Hang within a stage with a time limit, as `values["how"]` names."""

import ctypes
import re
import time

from fettle_test_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext

WHAT = "looking at it"


def _native_with_lock() -> None:
    """Native code that holds Python's lock: no Python thread runs meanwhile."""
    ctypes.PyDLL(None).sleep(60)


def _python() -> None:
    while True:
        pass


def run(params: Params, ctx: JobContext) -> Result:
    hangs = {
        "native": lambda: ctypes.CDLL(None).sleep(60),
        "native_with_lock": _native_with_lock,
        "expression": lambda: re.match(r"(a+)+$", "a" * 64 + "b"),
        "python": _python,
        "in_time": lambda: None,
    }
    with ctx.time_limit(params.values["seconds"], WHAT):
        hangs[params.values["how"]]()
    time.sleep(params.values.get("afterwards", 0))
    if params.values.get("crash"):
        ctypes.string_at(0)
    return Result(values={"missing": [one.name for one in ctx.missing_protections], "held": list(ctx.protections)})
