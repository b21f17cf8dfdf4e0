"""Format percentages, counts and durations for window, command line and reports."""

import math
from datetime import datetime

from workers.contracts.translation import CAPITAL, Message, _, language, localized, mark, ngettext

HALF_MINUTES_UNTIL_S, SECONDS_UNTIL_S = 285, 50


def percent(share: float, digits: int = 1) -> str:
    """Return a share 0..1 as text: "91.2 %", "0.04 %", "100 %".

    The text is 0 % or 100 % only for exactly these values: small shares keep two significant digits, shares near the
    whole get more decimals, and beyond a hundredth of a percent the text says "under" or "over".
    """
    value = share * 100
    if value in (0, 100):
        return _percent(value, ".0f")
    if 0 < abs(value) < 0.01:
        least = _percent(0.01, ".2f")
        return _("under {0}").format(least) if value > 0 else _("over {0}").format(Message.made("−{0}", (least,)))
    if abs(value) < 10**-digits:
        return _percent(value, ".2g")
    for places in range(digits, digits + 3):
        if abs(round(value, places)) != 100:
            return _percent(value, f".{places}f")
    return _("over {0}").format(_percent(99.99, ".2f")) if value < 100 else _percent(value, f".{digits}f")


def _percent(value: float, spec: str) -> str:
    """Return a percentage in a format of Python."""
    return _("{0} %").format(localized(value, spec))


def percent_of(value_pct: float, decimals: int = 2) -> str:
    """Return a value in percent without trailing zeros: "1 %", "0.5 %", "90.25 %"."""
    digits = f"{value_pct:.{decimals}f}".rstrip("0")
    return _percent(value_pct, f",.{len(digits.partition('.')[2])}f")


def percent_up(share: float) -> str:
    """Return an upper bound 0..1 rounded up to a tenth of a percent: a bound must not look tighter than it is."""
    tenths = math.ceil(share * 1000 - 1e-9)
    return percent_of(tenths / 10, 1)


def rounded_down(ratio: float, digits: int = 1) -> str:
    """Return a lower bound rounded down to `digits` decimals: a bound must not look better than it is."""
    scale = 10**digits
    return localized(math.floor(scale * ratio + 1e-9) / scale, f".{digits}f")


def percent_range(low: float, high: float, digits: int = 0) -> str:
    """Return two shares 0..1 with one sign: "76 to 87 %"."""
    return _("{0} to {1}").format(localized(100 * low, f".{digits}f"), _percent(100 * high, f".{digits}f"))


def percent_tick(text: str) -> str:
    """Return an axis label with a percent sign; its digits are already chosen."""
    return _("{0} %").format(text)


def in_ms(value_ms: float) -> str:
    """Return milliseconds with three significant digits, or all digits before the point: ``3.97 ms``, ``1,160 ms``."""
    return Message.made("{0} ms", (localized(value_ms, ",.0f" if value_ms >= 999.5 else ".3g"),))


def capitalized(text: str) -> str:
    """Return the text with a capital first letter."""
    return Message.made(f"{{0:{CAPITAL}}}", (text,))


def in_sentence(text: str) -> str:
    """Return a translated name as it stands within a sentence: in lower case, but for German nouns."""
    return text if language() == "de" else text.lower()


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun, such as "1 item" or "1,200 items"; `many` is an irregular plural.

    `installer.catalogs` reads the nouns of its calls, so they must be constants.
    """
    return ngettext(f"{{0:,}} {one}", f"{{0:,}} {many or f'{one}s'}", number).format(number)


MONTHS = (
    mark("January"), mark("February"), mark("March"), mark("April"), mark("May"), mark("June"), mark("July"),
    mark("August"), mark("September"), mark("October"), mark("November"), mark("December"),
)  # fmt: skip


def day(when: datetime) -> str:
    """Return the day in local time as text: 12 November 2025."""
    local = when.astimezone()
    return _("{day} {month} {year}").format(day=local.day, month=_(MONTHS[local.month - 1]), year=str(local.year))


def duration(seconds: float) -> str:
    """Return a measured time: 4.2 s, 38 s, 2 min 5 s, 1 h 12 min."""
    if seconds < 9.95:
        return _("{0} s").format(localized(seconds, ".1f"))
    whole = round(seconds)
    if whole < 60:
        return _("{0} s").format(whole)
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return _("{0} min {1} s").format(minutes, rest) if rest else _("{0} min").format(minutes)
    return _("{0} h {1} min").format(whole // 3600, whole % 3600 // 60)


def about(seconds: float) -> str:
    """Return an expected time: about 40 seconds, about 1½ minutes, about 12 minutes, about 2 hours."""
    if seconds < SECONDS_UNTIL_S:
        return _("about {0} seconds").format(max(5, 5 * round(seconds / 5)))
    if seconds < HALF_MINUTES_UNTIL_S:
        whole, half = divmod(max(2, round(seconds / 30)), 2)
        if (whole, half) == (1, 0):
            return _("about 1 minute")
        return _("about {0} minutes").format(f"{whole}½" if half else whole)
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("about {0} minutes").format(minutes)
    hours = max(1, round(seconds / 3600))
    return _("about 1 hour") if hours == 1 else _("about {0} hours").format(hours)
