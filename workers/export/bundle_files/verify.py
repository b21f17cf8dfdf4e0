"""Check that this bundle is whole and answers as it did where it was made: ``python verify.py``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from bundle import load  # noqa: E402
from fettle_bundle.pipeline.golden import check_sums, compare_golden  # noqa: E402
from fettle_bundle.pipeline.trust import BY_HAND, check_decisions, check_signature  # noqa: E402


def main() -> int:
    """Exit code 0 if all is well, 3 otherwise."""
    problems, alike, signed = check_sums(HERE), 0, check_signature(HERE)
    problems += [text for text in (*signed.problems, *check_decisions(HERE)) if text not in problems]
    notes: tuple[str, ...] = ()
    if not problems:  # what was changed is not loaded
        model = load()
        alike, problems = compare_golden(HERE / "golden", model.pipeline, model._session)
        notes = model.notes
        if signed.is_checked:
            notes += (f"unchanged since it was signed with the key {signed.signed_by}",)
        elif signed.signed_by:
            notes += (f"its signature was not checked, since cryptography is not installed; {BY_HAND}",)
    if "--json" in sys.argv:
        document = {"ok": not problems, "alike": alike, "problems": problems, "notes": list(notes)}
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        for problem in problems:
            sys.stdout.write(problem + "\n")
        for note in notes:
            sys.stdout.write(f"note: {note}\n")
        sys.stdout.write(f"{alike} golden answers alike, {len(problems)} problems\n")
    return 3 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
