"""Predict from the command line: ``python run.py photo.jpg``, ``python run.py --text "…"``, ``--json`` for programs.

A model that generates texts from texts also accepts words in quotes without ``--text``, unless a file has that name. A
detector prints class, score and place of each object and draws it into the picture of ``--out``. A segmentation model
writes its mask there, with the class number of each pixel.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
runpy.run_path(str(HERE / "own_code.py"))

from bundle import Model, load  # noqa: E402
from fettle_bundle.monitor.writing import CannotLog  # noqa: E402
from fettle_bundle.pipeline.answering import answered  # noqa: E402
from fettle_bundle.pipeline.spec import PipelineError  # noqa: E402

SHORT_ANSWER = 64
"""Maximum number of tokens of a language model's answer here; chat.py gives longer ones."""


def answer(model: Model, name: str, source: Any, out: Path | None = None) -> dict[str, Any]:
    """Return one sample's prediction: labels with shares, boxes, a text, or numbers."""
    if model.pipeline.spec.chat is not None:
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
        return {"input": name, "answer": "".join(model.generate(text, SHORT_ANSWER))}
    return {"input": name, **answered(model.pipeline, model.answer(source), source, out)}


def source_of(model: Model, name: str) -> Any:
    """Return the file of this name, or the name as text if it has no file suffix and no such file exists."""
    spec = model.pipeline.spec
    reads = spec.generation is not None and spec.generation.mel is None
    if not reads or Path(name).suffix.strip(".").isalnum():
        return Path(name)
    try:
        return Path(name) if Path(name).exists() else name
    except (OSError, ValueError):  # longer than a file name can be
        return name


def in_words(done: dict[str, Any]) -> str:
    """Return the prediction in words."""
    if "scores" in done:
        scores = ", ".join(f"{label} {100 * share:.1f} %" for label, share in list(done["scores"].items())[:3])
        return f"{done['input']}: {scores}"
    if "boxes" in done:
        lines = (
            f"  {one['class']} {100 * one['score']:.1f} % at {', '.join(f'{edge:.0f}' for edge in one['box'])}"
            for one in done["boxes"]
        )
        return "\n".join([f"{done['input']}: {done['answer']}", *lines])
    if "shape" not in done:
        return f"{done['input']}: {done['answer']}"
    if "shares" in done:
        parts = ", ".join(f"{name} {100 * share:.1f} %" for name, share in done["shares"].items())
        return f"{done['input']}: {parts} of the picture"
    flat = json.dumps(done["answer"])
    return f"{done['input']}: {flat if len(flat) < 400 else flat[:400] + ' …'} (shape {done['shape']})"


def main() -> int:
    """Run the command line.

    Returns:
        Exit code 0 if all inputs were predicted, 3 if one could not be read or the model does not open.
    """
    parser = argparse.ArgumentParser(description="Answer with this model.")
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="a picture, text, WAV, NPY or NPZ file")
    parser.add_argument("--text", action="append", default=[], help="a text, or a row of numbers, instead of a file")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--out", type=Path, help="where the picture with what was found, or the mask, is written")
    parser.add_argument("--log", type=Path, metavar="DIR", help="note figures for monitor.py there, never an input")
    options = parser.parse_args()
    if not options.inputs and not options.text:
        parser.error("give at least one input file, or --text")
    if options.out is not None and len(options.inputs) != 1:
        parser.error("--out takes one picture")
    try:
        model = load(options.threads, log=options.log)
    except CannotLog as error:
        parser.error(f"--log: {error}")
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    answers, refused = [], 0
    given = [(name, source_of(model, name)) for name in options.inputs] + [(text, text) for text in options.text]
    for name, source in given:
        try:
            answers.append(answer(model, name, source, options.out))
        except (PipelineError, OSError, ValueError) as error:
            refused += 1
            answers.append({"input": name, "error": str(error)})
            sys.stderr.write(f"{name}: {error}\n")
            continue
        if not options.json:
            sys.stdout.write(in_words(answers[-1]) + "\n")
    if options.json:
        json.dump({"answers": answers, "notes": list(model.notes)}, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    for note in model.notes:
        sys.stderr.write(f"note: {note}\n")
    return 3 if refused else 0


if __name__ == "__main__":
    raise SystemExit(main())
