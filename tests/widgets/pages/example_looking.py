"""Example values of the page "What changed, and why"."""

from dataclasses import replace

from compared_graphs import blocks, compared

from widgets.pages.changes.tried import TriedValue
from widgets.pages.changes.value import ChangesValue
from widgets.parts.tables.values import Cell
from workers.contracts.after.changes import Cause, ExplainResult


def tried() -> TriedValue:
    """A recipe with every outcome."""
    return TriedValue(
        headline="4 ways were tried, 2 others were left out or not needed.",
        rows=(
            _recipe("Original", "What everything else is compared with.", "4.0 ms, 14 MB", "Tried in 4.2 s", "", Cell("To compare with", tag="none")),
            _recipe(
                "16-bit numbers (BF16)", "Numbers with half the digits, where this processor computes with them directly.",
                "2.1 ms, 1.9 × as fast (1.85 to 1.95), 100 % alike, 14 MB", "Measured on 2026-03-04 at 05:06", "", Cell("Recommended", tag="ok"),
            ),
            _recipe(
                "Faster engine", "Another engine for the same model.", "3.7 ms, 1.1 × as fast, 100 % alike, 14 MB",
                "Tried in 4.4 s", "Another one is faster.", Cell("Alike, not proven", tag="warn"),
            ),
            _recipe(
                "INT8, all layers", "Numbers in 8 bits.", "1.6 ms, 2.5 × as fast, 93 % alike, 3.6 MB",
                "Tried in 5.5 s", "Beyond your limit of 1 %", Cell("Silent regression", tag="bad"),
            ),
            _recipe("INT8, sensitive layers kept", "", "", "", "No time left within your limit.", Cell("Not begun", tag="none")),
            _recipe("On the graphics card", "", "", "", "There is none here.", Cell("Left out", tag="none")),
        ),
        ids=("", "v1", "v2", "v3", "", ""),
        said=(
            ("scales", "Why this one", "“16-bit numbers (BF16)” is 1.9 times as fast as the original."),
            ("cpu", "On other computers", "Expected, not measured: about the original's speed."),
        ),
        forecast=(
            ("Time", "1 min 20 s", "70 s", "66 s", "6 % too high"),
            ("Memory at its peak", "900 MB", "850 MB", "1.1 GB", "23 % too low"),
        ),
        forecast_note="Memory is the sum over all of its processes; shared memory is counted in each.",
    )  # fmt: skip


def _recipe(title: str, why: str, gave: str, note: str, because: str, outcome: Cell) -> tuple[Cell, Cell, Cell, Cell]:
    return Cell(title, strong=True, below=why), Cell(gave, below=note), Cell(because), outcome


def what_changed() -> ChangesValue:
    """A version in 8 bits with casts, whose answers differ because of another mean."""
    cause = Cause(
        code="mean_std", parameter="mean", before=0.0, after=0.5, share_differing_after=0.0,
        text="The version receives pictures with another mean (0 instead of 0.5).",
    )  # fmt: skip
    return ChangesValue(
        versions=(("v1", "16-bit numbers (BF16)"), ("v2", "Faster engine"), ("v0", "Original")),
        chosen="v1",
        tried=tried(),
        result=compared(blocks(6), cast_every=7),
        explained=ExplainResult(agree=False, share_differing=0.1, causes=(cause,), n_items=32, tried=40),
        n_changed=3,
    )


def what_changed_plain() -> ChangesValue:
    """Two models without data: no errors, times, reasons or picture; nothing is known of the answers."""
    value = what_changed()
    assert value.result is not None
    bare = {"error": None, "ms_a": None, "ms_b": None, "kernel_b": None}
    nodes = tuple(node.model_copy(update=bare) for node in value.result.nodes)
    update = {
        "nodes": nodes, "reasons": (), "first_different": None, "total_ms_a": None, "total_ms_b": None, "levels": (),
        "notes": ("The second model runs as a program: its inner values cannot be read.",),
    }  # fmt: skip
    result = value.result.model_copy(update=update)
    return replace(value, can_explain=True, result=result, explained=None, n_changed=None)
