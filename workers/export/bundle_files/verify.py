"""Check that this bundle is intact and gives its golden predictions: ``python verify.py``.

``python verify.py --measure`` times the version and the original alternately on this computer and stores beside the
bundle which of them is used from now on. ``--use version|fallback`` checks exactly one of them.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
runpy.run_path(str(HERE / "own_code.py"))

from bundle import MANIFEST, Model, landing, load  # noqa: E402
from fettle_bundle.infer.turns import Ended, Turns  # noqa: E402
from fettle_bundle.pipeline.golden import check_sums, compare_golden  # noqa: E402
from fettle_bundle.pipeline.prepared import Prepared  # noqa: E402
from fettle_bundle.pipeline.trust import BY_HAND, check_decisions, check_signature  # noqa: E402

REFUSED = 3
LEAST_ANSWERS, LEAST_SECONDS = 3, 0.2
"""Minimum length of one turn in predictions and in seconds.

Shorter times are below the clock's precision, and the first runs after a pause are slower.
"""


def check(use: str | None) -> dict[str, Any]:
    """Check the files' hashes, then the golden predictions; changed files are not loaded."""
    problems, alike, signed = check_sums(HERE), 0, check_signature(HERE)
    problems += [text for text in (*signed.problems, *check_decisions(HERE)) if text not in problems]
    notes: tuple[str, ...] = ()
    used = ""
    if not problems:
        try:
            model = load(use=use)
            used, notes = model.used, model.notes
            answers = "answers" if used == landing.VERSION else "fallback"
            alike, problems = compare_golden(HERE / "golden", model.pipeline, model._session, answers)
        except RuntimeError as error:
            problems = [str(error)]
        if signed.is_checked:
            notes += (f"unchanged since it was signed with the key {signed.signed_by}",)
        elif signed.signed_by:
            notes += (f"its signature was not checked, since cryptography is not installed; {BY_HAND}",)
    return {"ok": not problems, "alike": alike, "problems": problems, "notes": list(notes), "used": used}


def measure() -> dict[str, Any]:
    """Time the version and its fallback alternately, each in its own process.

    An instruction that the processor lacks ends only that process.
    """
    problems = [*check_sums(HERE), *check_signature(HERE).problems]
    if "fallback" not in MANIFEST:
        problems.append(
            "This bundle holds no fallback, so there is nothing to measure against: it was exported without."
        )
    if problems:
        return {"ok": False, "problems": problems}
    bundle = landing.bundle_id(HERE)
    with Turns(HERE, landing.FALLBACK) as fallback, Turns(HERE, landing.VERSION) as version:
        try:
            turns = {landing.VERSION: version.turn, landing.FALLBACK: fallback.turn}
            landed = landing.decide(bundle, landing.in_turn(turns))
        except Ended as ended:
            if ended.name == landing.FALLBACK:
                return {"ok": False, "problems": [f"The original does not run here: {ended}"]}
            landed = landing.fails(bundle, str(ended))
    words = landing.described(landed)
    document = {"ok": True, "problems": [], "used": landed.use, "ratio": landed.ratio, "told": words}
    try:
        return {**document, "kept": str(landing.save_choice(HERE, landed))}
    except OSError as error:
        place = landing.place_of(HERE)
        report = f"The choice cannot be kept in {place} ({error.strerror}). Name another place: {landing.PLACE}=FILE"
        return {**document, "ok": False, "problems": [report]}


def take_turns(use: str) -> int:
    """Run one turn for each line of the input and print the seconds per prediction; `measure` starts this process."""
    model = load(use=use)
    items = [{name: value.copy() for name, value in feeds.items()} for feeds in Prepared(HERE / "golden" / "inputs")]
    for number, _line in enumerate(sys.stdin):
        sys.stdout.write(f"{_turn(model, items, number)!r}\n")
        sys.stdout.flush()
    return 0


def _turn(model: Model, items: list[dict[str, Any]], number: int) -> float:
    began, answers = time.perf_counter(), 0
    while answers < LEAST_ANSWERS or time.perf_counter() - began < LEAST_SECONDS:
        model.pipeline.run(model._session, items[(number + answers) % len(items)])
        answers += 1
    return (time.perf_counter() - began) / answers


def print_result(document: dict[str, Any]) -> None:
    """Print the result in words."""
    lines = [*document["problems"], *(f"note: {note}" for note in document.get("notes", ()))]
    if "alike" in document:
        lines.append(f"{document['alike']} golden answers alike, {len(document['problems'])} problems")
    if "told" in document:
        lines.append(document["told"])
    if "kept" in document:
        lines.append(f"This is kept in {document['kept']}; delete that file to undo it.")
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> int:
    """Run the command line; return exit code 0 if all is well, 3 otherwise."""
    parser = argparse.ArgumentParser(description="Check this bundle.")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument(
        "--measure", action="store_true", help="find out whether the version or the original is faster here"
    )
    parser.add_argument("--use", choices=("version", "fallback"), help="check exactly this one of both")
    parser.add_argument("--turn", choices=("version", "fallback"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.turn:
        return take_turns(options.turn)
    if options.use == landing.FALLBACK and "fallback" not in MANIFEST:
        parser.error("this bundle holds no fallback")
    document = measure() if options.measure else check(options.use)
    if options.json:
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        print_result(document)
    return 0 if document["ok"] else REFUSED


if __name__ == "__main__":
    raise SystemExit(main())
