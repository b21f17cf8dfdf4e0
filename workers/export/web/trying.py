"""Run the page's own scripts and engine with Node.js, if it is installed, and compare them with the Python pipeline.

Prepared inputs and decoded predictions must be equal. A browser needs sockets between its processes, which export jobs
may not have.
"""

import base64
import io
import json
import os
import shutil
import subprocess
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.bundles import ExportCheck
from workers.contracts.pipeline import AudioSteps, ImageSteps, TextSteps
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark
from workers.export.golden_json import as_json, from_json
from workers.export.selftest import failed
from workers.pipeline.golden import golden_differences
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.prepared import Prepared

CASES = 4
TIMEOUT_S = 300
OLDEST_NODE = 18
QUIET = {"OPENSSL_CONF": os.devnull, "NODE_OPTIONS": ""}
"""Variables that keep Node from reading OpenSSL's settings, which it does not need and the sandbox forbids."""

PREPARED_TOLERANCE = 1e-4
"""Tolerance of prepared sounds, whose filter adds in another order; pictures and tokens are bitwise equal."""

TEXTS = (
    "A short text to try this model with.",
    "Grüße, naïve café №7: «quotes», 10,000.50 €, e-mail@example.org\n\tand a tab 😀",
    "日本語 und Кириллица — mixed; don't stop!",
    "word " * 700,
)
PICTURES = ((331, 250), (517, 90))
"""Width and height; Pillow before 13 resizes much taller pictures in another order and so rounds differently."""

DIFFERENT = {
    "picture": mark("The page prepares a picture differently (input {0})."),
    "sound": mark("The page prepares a sound differently (input {0})."),
    "text": mark("The page prepares a text differently (input {0})."),
}
WHAT = mark("The page’s own scripts")


def try_page(folder: Path, ctx: JobContext) -> ExportCheck:
    """Return the check of the unpacked page; raise `WorkerError` if its predictions differ."""
    node = find_node()
    if node is None:
        text = _("not tried here: no Node.js from version {0} on was found. Open index.html once to see it run.")
        return ExportCheck(what=WHAT, ok=True, detail=text.format(OLDEST_NODE))
    pipeline = load_pipeline(folder)
    prepare = examples(pipeline, ctx.work_dir)
    requested = Prepared(folder / "golden" / "inputs")
    cases = [
        {"inputs": {name: as_json(np.array(value)) for name, value in requested[number].items()}}
        for number in range(min(CASES, len(requested)))
    ]
    done = _run(node, folder, {"cases": cases, "prepare": [given for given, _ in prepare]}, ctx)
    for (given, wanted), found in zip(prepare, done["prepared"], strict=True):
        _check_prepared(next(iter(given)), wanted, found)
    _check_answers(folder / "golden", pipeline, [from_json(one) for one in done["answers"]])
    text = _(
        "prepared inputs: {0}, answers as here: {1}, by Node.js {2} with the page’s own engine; no browser was opened"
    )
    detail = text.format(len(prepare), len(done["answers"]), done["node"])
    return ExportCheck(what=WHAT, ok=True, detail=detail)


def find_node() -> str | None:
    """Return the path of Node.js; None if it is missing or too old."""
    path = shutil.which("node")
    if path is None:
        return None
    try:
        report = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=60, check=True, env={**os.environ, **QUIET}
        ).stdout
        return path if int(report.strip().lstrip("v").split(".")[0]) >= OLDEST_NODE else None
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _run(node: str, folder: Path, request: Mapping[str, Any], ctx: JobContext) -> dict[str, Any]:
    work = ctx.work_dir / "page"
    work.mkdir()
    (work / "request.json").write_text(json.dumps(request), encoding="utf-8")
    script = Path(__file__).with_name("selftest.mjs")
    command = [node, str(script), str(folder), str(work / "request.json"), str(work)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env={**os.environ, **QUIET}
        )
    except subprocess.TimeoutExpired as error:
        raise failed(_("The page did not answer within {0} s.").format(TIMEOUT_S)) from error
    try:
        return dict(json.loads(done.stdout))
    except ValueError as error:
        raise failed(_("The page does not run ({0}).").format(done.stderr.strip()[-400:])) from error


def page_differences(golden: Path, pipeline: Pipeline, given: Sequence[NDArray[Any]]) -> list[str]:
    """Return the difference of each prediction of a page from the golden one; "" if they are equal."""
    stored = Prepared(golden / "answers")
    shapes = [stored[at]["answer"].shape for at in range(len(given))]
    # if no output has a batch axis
    shaped = [
        one.reshape(shape) if one.size == np.prod(shape) else one for one, shape in zip(given, shapes, strict=True)
    ]
    return golden_differences(golden, pipeline, shaped)


def _check_answers(golden: Path, pipeline: Pipeline, given: Sequence[NDArray[Any]]) -> None:
    for number, reason in enumerate(page_differences(golden, pipeline, given)):
        if reason:
            raise failed(_("The page answers golden input {0} differently: {1}").format(number, reason))


def _check_prepared(kind: str, wanted: Mapping[str, NDArray[Any]], found: Mapping[str, Any]) -> None:
    tolerance = PREPARED_TOLERANCE if kind == "sound" else 0
    for name, one in found.items():
        values = from_json(one)
        here = wanted[name]
        if values.shape != here.shape or not np.allclose(values, here, rtol=0, atol=tolerance):
            raise failed(_(DIFFERENT[kind]).format(name))


def examples(pipeline: Pipeline, work: Path) -> list[tuple[dict[str, Any], dict[str, NDArray[Any]]]]:
    """Return (an input for the page, the pipeline's result) for the model's kind."""
    rng, steps = np.random.default_rng(7), pipeline.spec.preprocess
    if isinstance(steps, TextSteps):
        return [({"text": text}, pipeline.feeds_from(text)) for text in TEXTS]
    if isinstance(steps, ImageSteps):
        return [_picture(rng, pipeline, size) for size in PICTURES]
    if isinstance(steps, AudioSteps):
        return [_sound(rng, pipeline, work)]
    main = pipeline.main_input
    shape = [1 if axis == main.batch_axis and main.batched else size or 3 for axis, size in enumerate(main.shape)]
    values = rng.integers(0, 2, shape).astype(main.dtype)
    file = io.BytesIO()
    np.save(file, values)
    return [({"numbers": _base64(file.getvalue())}, pipeline.feeds_from(values))]


def _picture(rng: np.random.Generator, pipeline: Pipeline, size: tuple[int, int]) -> tuple[dict[str, Any], Any]:
    from PIL import Image

    smooth = Image.fromarray(rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noisy = np.clip(np.asarray(smooth, np.int16) + rng.integers(-30, 31, (size[1], size[0], 3)), 0, 255)
    picture = noisy.astype(np.uint8)
    return {"picture": as_json(picture)}, pipeline.feeds_from(Image.fromarray(picture))


def _sound(rng: np.random.Generator, pipeline: Pipeline, work: Path) -> tuple[dict[str, Any], Any]:
    path = work / "try.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 22_050, 0, "NONE", ""))
        file.writeframes(rng.integers(-20_000, 20_000, (30_000, 2)).astype("<i2").tobytes())
    return {"sound": _base64(path.read_bytes())}, pipeline.feeds_from(path)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
