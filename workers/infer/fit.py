"""Adapt the settings of a version to a computer that differs from the one on which it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import processor
from .words import Words

MEASURED_ONLY = ("tbb_partitioner",)
"""Settings that help on one processor and may slow down another; without them the runtime chooses."""

PLACES = ("cache_dir",)
"""Settings that name folders of the computer that wrote them.

A folder from somebody else may hold compiled models, which are code, so these settings are dropped.
"""


def fit_settings(
    settings: Mapping[str, Any], precision: str, measured_on: Mapping[str, Any], cores: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the settings to use on this computer and one sentence for each difference.

    Args:
        settings: the settings of the version.
        precision: the number format of the version.
        measured_on: `processor` and `features` of the computer on which the version was measured.
        cores: number of cores that may be used here.

    A runtime reports by itself what it cannot do at all (`Session.fallbacks`).
    """
    fitted = _without_places(settings)
    notes: list[str] = []
    threads = fitted.get("num_threads")
    if isinstance(threads, int) and threads > cores:
        fitted["num_threads"] = cores
        notes.append(Words("It was measured with {0} cores, and {1} may be used here", threads, cores))
    here, there = processor.name(), str(measured_on.get("processor", ""))
    dropped = [name for name in MEASURED_ONLY if name in fitted and here != there]
    for name in dropped:
        del fitted[name]
    if dropped:
        where = there or Words("another processor")
        notes.append(Words("{0} was measured on {1}; the usual setting is used here", ", ".join(dropped), where))
    had_int8 = "int8" in processor.fast(measured_on.get("features", ()))
    if "int8" in precision and had_int8 and processor.has_int8() is False:
        notes.append(
            Words(
                "8-bit numbers: this processor has no fast instructions for them, so expect about the original's speed,"
                " and answers that differ more"
            )
        )
    return fitted, tuple(notes)


def _without_places(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without `PLACES`, also within nested settings."""
    kept = {name: value for name, value in settings.items() if name not in PLACES}
    return {name: _without_places(value) if isinstance(value, Mapping) else value for name, value in kept.items()}
