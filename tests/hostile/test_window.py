"""The hostile files dropped on the real window: each gets its verdict, nothing runs, and the window goes on answering."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from doors import expected
from hostile_corpus.base import EITHER, OPEN, Entry
from own_core import all_cores
from run_text import run_text
from stopwatch import busyness
from test_corpus import ENGINE_LACKS, opens_later, refused_when_worked_with

ROOT = Path(__file__).parents[2]
GAP_MS = 500.0
"""Of the window's own processor time; 207 to 321 ms were seen on a processor with AVX2 alone, 139 on a Xeon. Too long: what
it does while the first model opens has to be found (UX: 16 ms)."""
EXAMPLES = ("npy_object_array.npy",)
"""Taken for data, which waits for a model; `test_data_door.py` shows how it is read then."""

SOME = (
    "onnx_is_html_login.onnx", "onnx_deep_10k_nodes.onnx", "onnx_html_in_names.onnx", "onnx_function_bomb_2e29.onnx",
    "onnx_memory_bomb_run.onnx", "ext_ok/model.onnx", "ext_fifo/model.onnx", "pkl_os_system_p2.bin", "ts_ok.pt",
    "st_dup_keys.safetensors", "zip_ok.zip", "zip_bomb_nested.zip", "name_notutf8/raw\ufffd\ufffd.onnx",
    "name_rtl/model_\u202exnno.exe.onnx", "odd_fifo.onnx", "odd_directory.onnx", "card_10MB_line.md", "img_png_bomb.png",
    "npy_object_array.npy",
)  # fmt: skip


def drop_all(files: Sequence[Path | dict[str, str]], root: Path, without: str = "") -> list[dict[str, Any]]:
    """What the window made of each, on a kernel that lacks the features `without`."""
    listed, out = root / "files.json", root / "out.json"
    visits = [file if isinstance(file, dict) else file.absolute().as_uri() for file in files]
    listed.write_text(json.dumps(visits), encoding="ascii")
    hidden = [sys.executable, str(Path(__file__).parent / "without_kernel.py"), without] if without else []
    command = [*hidden, sys.executable, str(Path(__file__).parent / "window_drops.py"), root / "data", listed, out]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    with all_cores():
        done = run_text(command, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return list(json.loads(out.read_text(encoding="utf-8")))


def complaint(entry: Entry, row: dict[str, Any]) -> str:
    """What is wrong with what the page shows; empty where nothing is."""
    report = f"{entry.file}: {row['state']}, {[word for word in row['words'] if word][:12]}"
    if entry.group == "input":
        return "" if row["state"] in ("empty", "error") else report
    if entry.file in EXAMPLES:
        waits = "These are examples, but a model is needed first"
        return "" if row["state"] == "empty" and waits in " ".join(row["words"]) else report
    wanted = expected(entry)
    later = opens_later(entry)
    if entry.file in ENGINE_LACKS or wanted == EITHER:
        return "" if row["state"] in ("full", "error") else report
    if later == "needs_consent":
        return "" if row["dialogs"] == 1 else f"no question, {report}"
    opens = wanted == OPEN and not later and not refused_when_worked_with(entry.file)
    if row["state"] != ("full" if opens else "error"):
        return report
    words = " ".join(row["words"])
    return "" if opens or "the file stays where it was" in words else f"no word of safety, {report}"


def check(rows: list[dict[str, Any]], chosen: list[Entry], canary: Path) -> None:
    wrong = [text for entry, row in zip(chosen, rows, strict=True) if (text := complaint(entry, row))]
    assert not wrong, "\n".join(wrong)
    assert list(canary.iterdir()) == [], "something was executed"


def check_gaps(rows: list[dict[str, Any]], chosen: list[Entry]) -> None:
    busy = busyness()
    longest, own = (max(row[key] for row in rows) for key in ("gap_ms", "cpu_gap_ms"))
    seconds = sorted(row["seconds"] for row in rows)
    worst, slowest = (
        max(zip(rows, chosen, strict=True), key=lambda pair: pair[0][key])[1].file for key in ("gap_ms", "seconds")
    )
    print(  # noqa: T201 - the figures are the point
        f"longest gap {longest:.0f} ms ({worst}), of it at work {own:.0f} ms; 95 % of {len(rows)} verdicts within"
        f" {seconds[int(0.95 * (len(seconds) - 1))]:.1f} s, all within {seconds[-1]:.1f} s ({slowest}); busy {busy:.1f} times"
    )
    assert own <= GAP_MS, "the window was at work for so long without answering"
    assert longest <= GAP_MS * busy, f"the window did not answer for so long (busy {busy:.1f} times)"


@pytest.mark.whole
def test_some_dropped_on_the_window(
    entries: dict[str, Entry], files: dict[str, Path], canary: Path, tmp_path: Path
) -> None:
    """Given one of every kind of trick, when dropped, then its verdict is shown on the page."""
    some = SOME[::2]
    rows = drop_all([files[name] for name in some], tmp_path)
    check(rows, [entries[name] for name in some], canary)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_dropped_on_the_window(
    entries: dict[str, Entry], files: dict[str, Path], canary: Path, tmp_path: Path
) -> None:
    """Given all 267 files, then the verdict of each is shown, and the window never froze."""
    rows = drop_all(list(files.values()), tmp_path)
    check(rows, list(entries.values()), canary)
    check_gaps(rows, list(entries.values()))
