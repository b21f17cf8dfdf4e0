"""A variant's settings on another computer than where they were measured: taken where they fit, else safe ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import processor

MEASURED_ONLY = ("tbb_partitioner",)
"""Settings that helped on one processor and may harm on another; without them the runtime's own choice holds."""

PLACES = ("cache_dir",)
"""Folders of the computer that wrote the settings. A stranger's may hold compiled models, which are code."""


def fit_settings(
    settings: Mapping[str, Any], precision: str, measured_on: Mapping[str, Any], cores: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(settings to use here, one sentence for each thing that is otherwise than where they were measured).

    `measured_on` holds `processor` and `features` of that computer, `cores` is how many may be used here. What a
    runtime cannot do at all it says by itself (`Session.fallbacks`).
    """
    fitted = _without_places(settings)
    notes = []
    threads = fitted.get("num_threads")
    if isinstance(threads, int) and threads > cores:
        fitted["num_threads"] = cores
        notes.append(f"It was measured with {threads} cores, and {cores} may be used here")
    here, there = processor.name(), str(measured_on.get("processor", ""))
    dropped = [name for name in MEASURED_ONLY if name in fitted and here != there]
    for name in dropped:
        del fitted[name]
    if dropped:
        where = there or "another processor"
        notes.append(f"{', '.join(dropped)} was measured on {where}; the usual way is taken here")
    had_int8 = "int8" in processor.fast(measured_on.get("features", ()))
    if "int8" in precision and had_int8 and processor.has_int8() is False:
        notes.append(
            "8-bit numbers: this processor has no fast instructions for them, so expect about the original's speed, "
            "and answers that differ more"
        )
    return fitted, tuple(notes)


def _without_places(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same without `PLACES`, also in settings of parts of the model."""
    kept = {name: value for name, value in settings.items() if name not in PLACES}
    return {name: _without_places(value) if isinstance(value, Mapping) else value for name, value in kept.items()}
