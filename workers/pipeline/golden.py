"""Golden answers: inputs with the answers that were given where the bundle was made, and the hashes of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .next_words import changed_places
from .pipeline import Pipeline, Runs
from .postprocess.matching import same_boxes
from .prepared import Prepared, write_prepared
from .spec import BoxesSteps

SUMS_FILE = "SHA256SUMS"
NOT_LISTED = (SUMS_FILE, "model.sig")
"""The list itself, and the signature over it (`trust`)."""

LEAST_SAME_PIXELS = 0.98
"""Edges of masks may lie a pixel aside on another processor."""

MOST_OTHER_WORDS = 0.02
"""Of a dialogue's next words, such that were far less likely where the bundle was made."""

MIN_COSINE = 0.999
"""Another processor may round otherwise; answers that are no classes must still point this much the same way."""


def write_golden(folder: Path, pipeline: Pipeline, session: Runs, items: Iterable[Mapping[str, NDArray[Any]]]) -> int:
    """Write `folder`/inputs and `folder`/answers (prepared stores, one item each) and return their number."""
    kept = [{name: np.array(value) for name, value in feeds.items()} for feeds in items]
    write_prepared(folder / "inputs", kept)
    return write_prepared(folder / "answers", ({"answer": pipeline.answer(session, feeds)} for feeds in kept))


def compare_golden(folder: Path, pipeline: Pipeline, session: Runs, of: str = "answers") -> tuple[int, list[str]]:
    """(answers that are alike, one sentence for each that is not). `of` is the store in `folder` of what to expect: a
    bundle's fallback has its own."""
    alike, differences = 0, []
    answers = Prepared(folder / of)
    for number, feeds in enumerate(Prepared(folder / "inputs")):
        expected = answers[number]["answer"]
        given = pipeline.answer(session, feeds)
        reason = difference(pipeline, expected, given)
        if reason:
            differences.append(f"Golden input {number}: {reason}")
        else:
            alike += 1
    return alike, differences


def difference(pipeline: Pipeline, expected: NDArray[Any], given: NDArray[Any]) -> str:
    """What differs between two answers of one input, by the task's own rule; "" where they are alike."""
    steps = pipeline.spec.postprocess
    if isinstance(steps, BoxesSteps):
        same = same_boxes(expected, given, steps.score_threshold)
        return "" if same else "something else is found, or elsewhere."
    if expected.shape != given.shape:
        return f"the answer has the shape {given.shape} instead of {expected.shape}."
    if not np.isfinite(given).all() and np.isfinite(expected).all():
        return "the answer is not a number."
    if pipeline.spec.answer_kind == "mask":
        return "" if np.mean(expected == given) >= LEAST_SAME_PIXELS else "the mask lies elsewhere."
    if pipeline.spec.answer_kind in ("tokens", "transcript"):
        return "" if np.array_equal(expected, given) else "another text is answered."
    if pipeline.spec.answer_kind == "next_tokens":
        same = not expected.size or changed_places(expected[0], given[0]).mean() <= MOST_OTHER_WORDS
        return "" if same else "it goes on with other words."
    if pipeline.spec.answer_kind == "class":
        return "" if (expected.argmax(-1) == given.argmax(-1)).all() else "another class is answered."
    cosine = _cosine(expected, given)
    return "" if cosine >= MIN_COSINE else f"the answer differs (cosine {cosine:.4f})."


def _cosine(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Of two arrays taken as one vector each; 1 for two zero vectors."""
    x, y = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    norm = float(np.linalg.norm(x) * np.linalg.norm(y))
    if norm == 0.0:
        return 1.0 if np.allclose(x, y) else 0.0
    return float(x @ y) / norm


def write_sums(folder: Path) -> int:
    """Write `SHA256SUMS` (as coreutils' sha256sum reads it) over all files below `folder`; return their number."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    digests = {name: _sha256(folder / name) for name in names if name not in NOT_LISTED}
    (folder / SUMS_FILE).write_bytes(_sums_text(digests))
    return len(digests)


def _sums_text(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def check_sums(folder: Path, allow_caches: bool = False) -> list[str]:
    """Return one sentence for each file that is changed, missing or added.

    Python runs a file in ``__pycache__`` in place of its source, so `allow_caches` only where none of its code runs.
    """
    sums = folder / SUMS_FILE
    if not sums.is_file():
        return [f"{SUMS_FILE} is missing."]
    listed: dict[str, str] = {}
    content = sums.read_bytes()
    for line in content.decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
    found = {name for name in found if not (allow_caches and "__pycache__" in name.split("/"))} - {*NOT_LISTED}
    problems = [f"{name} is missing." for name in sorted(set(listed) - found)]
    problems += [f"{name} was added." for name in sorted(found - set(listed))]
    problems += [
        f"{name} was changed." for name in sorted(found & set(listed)) if not _has_digest(folder / name, listed[name])
    ]
    if not problems and content != _sums_text(listed):
        problems.append(f"{SUMS_FILE} was changed.")
    return problems


def _has_digest(path: Path, digest: str) -> bool:
    return path.is_file() and not path.is_symlink() and _sha256(path) == digest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
