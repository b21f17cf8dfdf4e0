"""Report size, brightness, length and loudness of the items, and their kinds of files."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.checks import CheckFinding
from workers.contracts.process.context import JobContext
from workers.contracts.wording import counted, is_are, percent, percent_range
from workers.evaluate.checks.base import Check, Floats, Material, Outcome, named
from workers.evaluate.data.base import names_of

EMPTY = 0.004
"""A picture with a standard deviation of at most one of 255 levels has a single color."""
TOLD = {
    "images": ("brightness", "contrast", "color"),
    "texts": ("length in characters",),
    "audio": ("length in seconds", "loudness in dB"),
    "arrays": ("mean of the numbers",),
}


def run(material: Material, ctx: JobContext) -> Outcome:
    """Report figures of the first set, and unusual files and empty pictures of both."""
    first = material.sides == 0
    if not first.any():
        return Outcome(counts={"empty": 0})
    findings = [_figures(material, first)]
    if material.pictures is not None:
        findings += _files(material)
    rates = material.properties.get("rate in Hz")
    if rates is not None and len(set(rates.tolist())) > 1:
        listed = ", ".join(f"{rate:,.0f}" for rate in sorted(set(rates.tolist())))
        what = f"The sounds have different rates: {listed} Hz. Each is brought to the model’s own rate."
        findings.append(CHECK.finding("info", what))
    empty = _empty(material)
    if empty is not None:
        findings.append(empty)
    return Outcome(tuple(findings), {"empty": 0 if empty is None else empty.count})


def _figures(material: Material, first: NDArray[np.bool_]) -> CheckFinding:
    values: dict[str, float] = {}
    said: list[str] = []
    for name, column in material.properties.items():
        own = column[first]
        values |= {f"{name}, median": float(np.median(own)), f"{name}, least": float(own.min())}
        values[f"{name}, most"] = float(own.max())
        if name in TOLD[material.kind]:
            said.append(_said(name, own))
    if material.pictures is not None:
        said.insert(0, _sizes(material.pictures.sizes[first]))
    words = "; ".join(said) or "no figures can be told for these"
    what = f"{counted(int(first.sum()), 'item').capitalize()}: {words}."
    return CHECK.finding("info", what, values=values)


def _said(name: str, own: Floats) -> str:
    middle, least, most = float(np.median(own)), float(own.min()), float(own.max())
    if name in ("brightness", "contrast", "color"):
        return f"{name} mostly about {percent(middle, 0)} ({percent_range(least, most)})"
    low, mid, high = _rounded(least), _rounded(middle), _rounded(most)
    return f"{name} {mid} in all" if low == high else f"{name} mostly about {mid} ({low} to {high})"


def _rounded(value: float) -> str:
    """Return a number with three significant digits and a typographic minus."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "−")


def _sizes(sizes: NDArray[np.int64]) -> str:
    different = Counter(map(tuple, sizes.tolist()))
    (width, height), _ = different.most_common(1)[0]
    if len(different) == 1:
        return f"all {width} × {height} pixels"
    least, most = min(different, key=lambda s: s[0] * s[1]), max(different, key=lambda s: s[0] * s[1])
    small, large = f"{least[0]} × {least[1]}", f"{most[0]} × {most[1]}"
    return f"{len(different):,} different sizes from {small} to {large} pixels, most often {width} × {height}"


def _files(material: Material) -> list[CheckFinding]:
    assert material.pictures is not None
    kinds = Counter(kind for report in material.pictures.modes for kind in report.split(", ") if kind)
    findings = []
    if kinds:
        listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
        what = f"Some pictures are of unusual kinds and are read as plain color or gray pictures: {listed}."
        animated = " Of animated ones the first picture is used." if kinds["animated"] else ""
        findings.append(CHECK.finding("info", what + animated))
    return findings


def _empty(material: Material) -> CheckFinding | None:
    contrast = material.properties.get("contrast")
    if contrast is None:
        return None
    names = [material.name_of(int(i)) for i in np.flatnonzero(contrast < EMPTY)]
    if not names:
        return None
    count = len(names)
    report = f"{counted(count, 'item').capitalize()} {is_are(count)} of one color"
    what = f"{report}, with nothing to see: {names_of(names)}."
    hint = "Look at them, and take out those that were saved by mistake."
    return CHECK.finding("warning", what, hint, count=count, items=named(names))


CHECK = Check("sizes", "Sizes and colors", "plain statistics of the decoded items", 20, run)
