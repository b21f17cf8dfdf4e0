"""Report size, brightness, length and loudness of the items, and their kinds of files."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.checks import CheckFinding
from workers.contracts.process.context import JobContext
from workers.contracts.translation import Message, _, joined, localized, mark, ngettext
from workers.contracts.wording import counted, percent, percent_range
from workers.evaluate.checks.base import Check, Floats, Material, Outcome
from workers.evaluate.data.base import names_of

EMPTY = 0.004
"""A picture with a standard deviation of at most one of 255 levels has a single color."""
REPORTED = {
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
    findings = [_figures(material, first), *_files(material)]
    rates = material.properties.get("rate in Hz")
    if rates is not None and len(set(rates.tolist())) > 1:
        listed = joined([localized(rate, ",.0f") for rate in sorted(set(rates.tolist()))], ", ")
        what = _("The sounds have different rates: {0} Hz. Each is brought to the model’s own rate.").format(listed)
        findings.append(CHECK.finding("info", what))
    contrast = material.properties.get("contrast", np.ones(0, np.float32))
    names = [material.name_of(i) for i in np.flatnonzero(contrast < EMPTY).tolist()]
    if names:
        what = ngettext(
            "{0} item is of one color, with nothing to see: {1}.",
            "{0:,} items are of one color, with nothing to see: {1}.",
            len(names),
        ).format(len(names), names_of(names))
        hint = mark("Look at them, and take out those that were saved by mistake.")
        findings.append(CHECK.finding("warning", what, hint, names))
    return Outcome(tuple(findings), {"empty": len(names)})


def _figures(material: Material, first: NDArray[np.bool_]) -> CheckFinding:
    values: dict[str, float] = {}
    own = {name: column[first] for name, column in material.properties.items()}
    for name, column in own.items():
        values |= {f"{name}, median": float(np.median(column)), f"{name}, least": float(column.min())}
        values[f"{name}, most"] = float(column.max())
    sentences = [_sentence(name, own[name]) for name in REPORTED[material.kind] if name in own]
    if material.pictures is not None:
        sizes = zip(own["width in pixels"].tolist(), own["height in pixels"].tolist(), strict=True)
        sentences.insert(0, _sizes(Counter((round(width), round(height)) for width, height in sizes)))
    words = joined(sentences, "; ") or _("there are no figures of these")
    what = _("{0}: {1}.").format(counted(int(first.sum()), "item"), words)
    return CHECK.finding("info", what, values=values)


def _sentence(name: str, own: Floats) -> str:
    middle, least, most = float(np.median(own)), float(own.min()), float(own.max())
    if name in ("brightness", "contrast", "color"):
        return _("{0} mostly about {1} ({2})").format(_(name), percent(middle, 0), percent_range(least, most))
    low, mid, high = _rounded(least), _rounded(middle), _rounded(most)
    words = _("{0} {1} in all") if low == high else _("{0} mostly about {1} ({2} to {3})")
    return words.format(_(name), mid, low, high)


def _rounded(value: float) -> str:
    """Return a number with three significant digits and a typographic minus."""
    text = localized(abs(value), ",.0f" if abs(value) >= 100 else ".3g")
    return Message.made("−{0}", (text,)) if value < 0 else text


def _sizes(different: Counter[tuple[int, int]]) -> str:
    width, height = max(different, key=different.__getitem__)
    if len(different) == 1:
        return _("all {0} × {1} pixels").format(width, height)
    least, most = min(different, key=lambda s: s[0] * s[1]), max(different, key=lambda s: s[0] * s[1])
    small, large = f"{least[0]} × {least[1]}", f"{most[0]} × {most[1]}"
    return _("{0:,} different sizes from {1} to {2} pixels, most often {3} × {4}").format(
        len(different), small, large, width, height
    )


def _files(material: Material) -> list[CheckFinding]:
    kinds = Counter(kind for one in material.file_kinds for kind in one)
    if not kinds:
        return []
    listed = joined([_("{0:,} {1}").format(count, _(kind)) for kind, count in kinds.most_common()], ", ")
    what = _("Some pictures are of unusual kinds and are read as plain color or gray pictures: {0}.").format(listed)
    animated = _("Of animated ones the first picture is used.") if kinds["animated"] else ""
    return [CHECK.finding("info", joined([what, animated]))]


CHECK = Check("sizes", "Sizes and colors", "plain statistics of the decoded items", 20, run)
