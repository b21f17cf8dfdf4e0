"""Round numbers for people; all other modules keep SI units and full precision."""

import re
from datetime import datetime

from PySide6.QtCore import QDate, QLocale
from PySide6.QtGui import QFont

from workers.contracts import wording
from workers.contracts.translation import PSEUDO, _, language, local_number, localized

UNKNOWN = "–"
"""The text for a missing measurement, which is never a zero."""


def tabular(font: QFont) -> QFont:
    """Return the font with digits of equal width, so that figures align in columns."""
    copy = QFont(font)
    copy.setFeature(QFont.Tag("tnum"), 1)
    return copy


def sized(font: QFont, px: int, weight: QFont.Weight | None = None) -> QFont:
    """Return the font in another size and optionally another weight."""
    copy = QFont(font)
    copy.setPixelSize(px)
    if weight is not None:
        copy.setWeight(weight)
    return copy


def _three_digits(value: float) -> str:
    """Return about three significant digits: 0.042, 0.42, 3.1, 10.4, 104, 1,040."""
    size = abs(value)
    if size >= 99.95:
        return localized(value, ",.0f")
    if size >= 0.995:
        return localized(value, ".1f")
    if size >= 0.0995:
        return localized(value, ".2f")
    return localized(value, ".3f") if size >= 0.0005 else ("0" if value == 0 else localized(value, ".1e"))


def ms(value: float | None) -> str:
    """Return milliseconds as text; from ten seconds on in seconds."""
    if value is None:
        return UNKNOWN
    return _("{0} s").format(localized(value / 1000, ".1f")) if value >= 10_000 else f"{_three_digits(value)} ms"


def size_bytes(value: float | None) -> str:
    """Return a size in decimal units (1 MB = 1,000,000 bytes), as file managers and hubs count."""
    if value is None:
        return UNKNOWN
    if value < 1000:
        return _("{0} bytes").format(localized(value, ".0f"))
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            return f"{localized(value, '.0f' if value >= 99.5 or unit == 'kB' else '.1f')} {unit}"
    raise AssertionError("the last unit always fits")


def memory(value: float | None) -> str:
    """Return a memory peak as text, which is not accurate to a tenth of a megabyte: 38 MB, 1.2 GB."""
    if value is None or value < 10e6 or value >= 1e9:
        return size_bytes(value)
    return f"{localized(value / 1e6, '.0f')} MB"


def count(value: float | None) -> str:
    """Return a whole number with separators, or one decimal below ten for a rate."""
    if value is None:
        return UNKNOWN
    return localized(value, ",.0f" if value >= 10 or float(value).is_integer() else ".1f")


def big_count(value: int | None) -> str:
    """Return the number of a model's parameters and the like: 480 thousand, 25.6 million."""
    if value is None:
        return UNKNOWN
    for limit, word in ((1e9, _("{0} billion")), (1e6, _("{0} million")), (1e4, _("{0} thousand"))):
        if value >= limit:
            part = value / limit if limit != 1e4 else value / 1000
            return word.format(localized(part, ".0f" if part >= 99.5 or limit == 1e4 else ".1f"))
    return localized(value, ",d")


def short_count(value: int | None) -> str:
    """Return a number for a narrow column: 940, 24 k, 2.4 M."""
    if value is None:
        return UNKNOWN
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            part = value / limit
            return f"{localized(part, '.1f' if part < 9.95 and unit != 'k' else '.0f')} {unit}"
    return f"{value:d}"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share 0..1 in percent; only exact values give 100 % or 0 %."""
    return UNKNOWN if share is None else wording.percent(share, digits)


def percent_up(share: float | None) -> str:
    """Return an upper bound in percent, rounded up to a tenth, so that it does not look tighter than it is."""
    return UNKNOWN if share is None else wording.percent_up(share)


percent_of, percent_tick = wording.percent_of, wording.percent_tick


def percent_range(low: float, high: float) -> str:
    """Return a range of two shares 0..1: 76 to 87 %."""
    return wording.percent_range(low, high)


def times(ratio: float | None) -> str:
    """Return a ratio as a figure: 3.4 ×."""
    if ratio is None:
        return UNKNOWN
    return f"{localized(ratio, '.2f' if ratio < 1.1 else '.1f' if ratio < 99.5 else ',.0f')} ×"


def at_least(ratio: float) -> str:
    """Return a lower bound of a ratio, rounded down: ≥ 1.9 ×."""
    return f"≥ {wording.rounded_down(ratio)} ×"


def cosine(value: float | None) -> str:
    """Return the similarity of predictions that are no classes; it is never rounded up to 1."""
    if value is None:
        return UNKNOWN
    for places in (4, 6):
        text = f"{value:.{places}f}"
        if float(text) < 1 or value >= 1:
            return local_number(text)
    return _("over {0}").format(localized(0.999999, ".6f"))


def seconds(value: float | None) -> str:
    """Return a duration: 4.2 s, 38 s, 2 min 5 s, 1 h 12 min."""
    return UNKNOWN if value is None else wording.duration(value)


def about(value: float) -> str:
    """Return an expected time: about 30 seconds, about 1½ minutes, about 2 hours."""
    return wording.about(value)


def moment(when: datetime | None, now: datetime | None = None) -> str:
    """Return the local clock time, with the day unless it is today."""
    if when is None:
        return UNKNOWN
    local = when.astimezone() if when.tzinfo else when
    today = (now or datetime.now(local.tzinfo)).date()
    clock = f"{local:%H:%M}"
    return clock if local.date() == today else f"{day(local)}, {clock}"


def day(when: datetime, *, year: bool = True) -> str:
    """Return a date as the language writes it: 4 Mar 2026, 4. März 2026, 2026年3月4日."""
    if language() in ("en", PSEUDO):
        return f"{when.day} {when:%b %Y}" if year else f"{when.day} {when:%b}"
    locale = QLocale(language())
    form = locale.dateFormat(QLocale.FormatType.LongFormat)
    parts = re.sub(r"\s*(dddd|ddd)[,、]?\s*(de )?", "", form)
    if not year:
        parts = re.sub(r"[\s,]*('de' )?y+年?", "", parts).replace("MMMM", "MMM")  # whole names are too long for an axis
    return locale.toString(QDate(when.year, when.month, when.day), parts)


def ago(when: datetime, now: datetime | None = None) -> str:
    """Return the time since `when` in one unit: today, 3 days ago, 5 months ago, 2 years ago."""
    days = ((now or datetime.now(when.tzinfo)) - when).days
    if days < 1:
        return _("today")
    for least, unit, one, many in (
        (365, 365.25, _("a year ago"), _("{0} years ago")),
        (30, 30.44, _("a month ago"), _("{0} months ago")),
        (1, 1, _("yesterday"), _("{0} days ago")),
    ):
        if days >= least:
            count = max(1, int(days / unit))
            return one if count == 1 else many.format(count)
    raise AssertionError("a day at least has passed")


_UNSEEN = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), 127, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd"
)


def visible(text: str) -> str:
    """Return text of unknown origin in the current language, with visible control characters.

    A character that turns the direction can disguise a file's suffix.
    """
    return f"{text}".translate(_UNSEEN)


def clipped(text: str, limit: int = 2000) -> str:
    """Return text of unknown origin as one line, short enough for any text widget."""
    flat = " ".join(f"{text}".split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
