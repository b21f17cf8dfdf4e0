"""Build this model's engine before its first start: ``python build_engine.py`` for the card in this computer.

``--for sm89,sm120 --out engine.plan`` builds a file for cards elsewhere and needs no card.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import runpy
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
runpy.run_path(str(HERE / "own_code.py"))

from bundle import MANIFEST  # noqa: E402
from fettle_bundle.infer import tensorrt_build, tensorrt_engines, tensorrt_first  # noqa: E402
from fettle_bundle.infer.base import NotRunnable  # noqa: E402
from fettle_bundle.infer.cuda_driver import Place  # noqa: E402
from fettle_bundle.infer.tensorrt_editions import EDITIONS, load_library  # noqa: E402

MODEL = HERE / MANIFEST["model"]["folder"] / MANIFEST["model"]["main"]


def build_for(architectures: tuple[str, ...], out: Path) -> dict[str, Any]:
    """Write an engine for cards elsewhere; raise `NotRunnable`."""
    rtx = EDITIONS[0]
    trt = load_library(rtx)
    requested = tensorrt_engines.build_request(tensorrt_engines.describe_file(MODEL))
    request = dataclasses.replace(requested, architectures=architectures)
    built = tensorrt_build.build(rtx, trt, MODEL, request, Place(), tensorrt_first.progress_printer())
    tensorrt_engines.write(out, built.engine)
    return {"architectures": architectures, "seconds": round(built.seconds, 3), "size_bytes": len(built.engine)}


def main() -> int:
    """Run the command line.

    Returns:
        Exit code 0 if an engine exists now, 6 if none could be built (the model runs without one).
    """
    parser = argparse.ArgumentParser(description="Build this model's TensorRT engine.")
    parser.add_argument("--for", dest="architectures", default="", help="architectures such as sm89,sm120")
    parser.add_argument("--out", type=Path, help="the file for an engine of cards elsewhere")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    options = parser.parse_args()
    names = tuple(name for name in options.architectures.split(",") if name)
    if bool(names) != (options.out is not None):
        parser.error("--for and --out go together")
    problem, done = "", {}
    try:
        if names:
            done = build_for(names, options.out)
        else:
            tensorrt_first.open_engine(MODEL, MANIFEST["runtime"]["settings"], 1).close()
    except NotRunnable as error:
        problem = str(error)
    if options.json:
        sys.stdout.write(json.dumps({"ok": not problem, "problem": problem, **done}) + "\n")
    else:
        sys.stdout.write((f"No engine: {problem}." if problem else "The engine is there.") + "\n")
    return 6 if problem else 0


if __name__ == "__main__":
    raise SystemExit(main())
