"""Golden predictions: inputs with predictions from the computer where the bundle was made, and hashes of its files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .answers import one_item
from .comparing import OF_32_BIT, OF_FEWER_BITS, differing
from .pipeline import Pipeline, Runs
from .prepared import Prepared, write_prepared
from .trust import SIGNATURE_FILE, differences, sha256_of
from .words import Words

SUMS_FILE = "SHA256SUMS"
NOT_LISTED = (SUMS_FILE, SIGNATURE_FILE)
"""Files without a hash: the list itself and the signature over it (`trust`)."""


def write_golden(folder: Path, pipeline: Pipeline, session: Runs, items: Iterable[Mapping[str, NDArray[Any]]]) -> int:
    """Write `folder`/inputs and `folder`/answers (prepared stores, one item each) and return their number."""
    kept = [{name: np.array(value) for name, value in feeds.items()} for feeds in items]
    write_prepared(folder / "inputs", kept)
    return write_prepared(folder / "answers", ({"answer": pipeline.answer(session, feeds)} for feeds in kept))


def compare_golden(folder: Path, pipeline: Pipeline, session: Runs, of: str = "answers") -> tuple[int, list[str]]:
    """Run the golden inputs and compare the predictions with the stored ones (`comparing`).

    Servers of older bundles call this function of a newer one, so its arguments must not change.

    Args:
        folder: The bundle's folder "golden"; the manifest beside it names the model's precision.
        pipeline: The bundle's pipeline.
        session: The loaded model, or a replacement for it.
        of: The store in `folder` with the expected predictions; a bundle's fallback has its own.

    Returns:
        The number of equal predictions, and one sentence for each that differs.
    """
    requested = Prepared(folder / "inputs")
    given = [pipeline.answer(session, feeds) for feeds in requested]
    reasons = golden_differences(folder, pipeline, given, of)
    report: list[str] = [Words("Golden input {0}: {1}", at, reason) for at, reason in enumerate(reasons) if reason]
    return len(given) - len(report), report


def golden_differences(
    folder: Path, pipeline: Pipeline, given: Sequence[NDArray[Any]], of: str = "answers"
) -> list[str]:
    """Return the difference of each of the `given` predictions from the stored one; "" if they are equal.

    `given` are predictions for the first golden inputs, with their batch axis.
    """
    inputs, stored = Prepared(folder / "inputs"), Prepared(folder / of)
    spec = pipeline.spec
    expected = [one_item(stored[at]["answer"], inputs[at], spec) for at in range(len(given))]
    found = [one_item(values, inputs[at], spec) for at, values in enumerate(given)]
    return differing(spec, expected, found, _share_of_rounding(folder.parent / "manifest.json", of))


def _share_of_rounding(manifest: Path, of: str) -> float:
    """Return the share of the proof's tolerance that rounding may use, by the model's precision.

    Bundles of some targets have no manifest here; rounding may then use the full tolerance.
    """
    try:
        document = json.loads(manifest.read_text(encoding="utf-8"))
        described = document["fallback"] if of == "fallback" else document
        precision, runtime = str(described["model"]["precision"]), dict(described["runtime"])
        chosen = dict(runtime["settings"]).get("inference_precision", "")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return OF_FEWER_BITS
    # engines other than these two use 16-bit arithmetic by default if the processor supports it
    exact = chosen == "f32" or (not chosen and runtime.get("id") in ("onnxruntime-cpu", "torch-cpu"))
    return OF_32_BIT if precision == "fp32" and exact else OF_FEWER_BITS


def write_sums(folder: Path) -> int:
    """Write `SHA256SUMS` (as coreutils' sha256sum reads it) over all files below `folder`; return their number."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    digests = {name: sha256_of(folder / name) for name in names if name not in NOT_LISTED}
    (folder / SUMS_FILE).write_bytes(_sums_text(digests))
    return len(digests)


def _sums_text(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def check_sums(folder: Path, allow_caches: bool = False) -> list[str]:
    """Return one sentence for each file that was changed, removed or added.

    Python runs a file in ``__pycache__`` instead of its source, so use `allow_caches` only if none of the code runs.
    """
    sums = folder / SUMS_FILE
    if not sums.is_file():
        return [Words("{0} is missing.", SUMS_FILE)]
    listed: dict[str, str] = {}
    content = sums.read_bytes()
    for line in content.decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    caches = folder.rglob("__pycache__/**/*") if allow_caches else ()
    unlisted = {*NOT_LISTED, *(path.relative_to(folder).as_posix() for path in caches)}
    problems = differences(folder, listed, unlisted)
    if not problems and content != _sums_text(listed):
        problems.append(Words("{0} was changed.", SUMS_FILE))
    return problems
