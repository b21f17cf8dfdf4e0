"""Runs on one half of the examples: does the recommended version stay within the limit on the half that no run has seen?

    python -m tests.benchmarks.unseen_halves MODELS_DIR [--splits 20] [--budget SECONDS] [--only NAME …]

Each split draws other halves, optimizes in a data folder of its own, exports the recommended version, and judges the
bundle beside the original on the test items of the other half. A version that is recommended as safe holds if the loss
there is at most the run's limit of 1 %: of right answers where there are labels, of unchanged results otherwise. A run
that keeps the original, or recommends without a proof, is named and counts for nothing.
"""

import argparse
import csv
import os
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from presets.sample import sample_paths
from tests.benchmarks.peers import CASES as PEER_CASES
from tests.benchmarks.peers import LIMIT_PCT, ROOT, Bench, Case
from tests.benchmarks.under_load import log_line, recommended
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.judge import judge

CASES = (
    Case("sample", str(sample_paths().model), str(sample_paths().data)),
    *(case for case in PEER_CASES if case.name in ("magika", "MiniLM-L6")),
)
ALL, ROUNDING = 100_000, 1e-9
"""More items than any half has, and how much a share may exceed the limit by arithmetic."""


def halves(data: Path, folder: Path, seed: int) -> tuple[Path, Path]:
    """Write both halves of an NPZ (arrays of the longest length are divided) or a CSV with a header."""
    csv.field_size_limit(sys.maxsize)
    if data.suffix == ".npz":
        with np.load(data) as stored:
            arrays = dict(stored)
        count = max(len(array) for array in arrays.values() if array.ndim)
    else:
        with data.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        count = len(rows)
    order = np.random.default_rng(seed).permutation(count)
    paths = (folder / f"seen{data.suffix}", folder / f"unseen{data.suffix}")
    for path, chosen in zip(paths, np.array_split(order, 2), strict=True):
        if data.suffix == ".npz":
            parts = {name: array[chosen] if len(array) == count else array for name, array in arrays.items()}
            np.savez(path, **parts)
        else:
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *(rows[at] for at in chosen)])
    return paths


def loss_on_unseen(case: Case, models: Path, folder: Path, seed: int) -> tuple[str, str, float]:
    """Return (recommended title, its verdict in the run, loss on the unseen half as a share)."""
    assert case.data is not None
    seen, unseen = halves(models / case.data, folder, seed)
    environment = {**os.environ, "FETTLE_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    bundle, document = Bench(replace(case, data=str(seen)), models, folder).recommended_bundle(environment)
    chosen = recommended(document)
    if chosen is None:
        return "", "", 0.0
    other = Bench(replace(case, data=str(unseen)), models, folder)
    model, data = other.opened(folder / "home")
    folders = [str(model.folder), str(data.folder)]
    found = []
    for name, kind, where in (("new", "bundle", str(bundle)), ("old", "ort", str(model.folder / "model.onnx"))):
        tool = other.started(name, kind, where, folders, environment)
        other.hold_answers(tool, ALL)
        assert tool.process is not None, tool.why_not
        tool.process.communicate()
        found.append(tool.answers)
    new, old = found
    assert new is not None and old is not None
    report = judge(read_dataset(data.folder), old, new, LIMIT_PCT)
    loss = report.drop if report.labelled else report.changed_share
    assert loss is not None
    log_line(f"  {report.n} unseen items, {report.changed_count} changed, verdict there {report.verdict}")
    return str(chosen["title"]), str(chosen["verdict"]), loss


def main() -> int:
    """Run all requested cases; return 0 if no safe version lost more than its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--budget", type=float)
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES])
    requested = parser.parse_args()
    failed = 0
    for case in CASES:
        if requested.only and case.name not in requested.only:
            continue
        limited = replace(case, options=("--time-budget", str(requested.budget)) if requested.budget else case.options)
        ends: Counter[str] = Counter()
        for seed in range(requested.splits):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                title, verdict, loss = loss_on_unseen(limited, requested.models, Path(folder), seed)
            end = "within" if loss <= LIMIT_PCT / 100 + ROUNDING else "ABOVE"
            if verdict != "safe":
                end = "original kept or not proven"
            ends[end] += 1
            log_line(f"{case.name} {seed + 1}: {title or 'original'}, {verdict}, loss {loss:.2%}: {end}")
        failed += ends["ABOVE"]
        log_line(f"{case.name}: {dict(ends)}")
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
