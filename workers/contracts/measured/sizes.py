"""Format numbers of bytes for the user, and define what counts as faster."""

from workers.contracts.translation import Message, _, localized

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def bytes_words(size: float) -> str:
    """Return a size as text, ``3.4 MB``, in the decimal units of disks and hubs."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    number = localized(value, ".1f" if unit and value < 99.95 else ".0f")
    return Message.made(f"{{0}} {UNITS[unit]}", (number,)) if unit else _("{0} bytes").format(number)


GAIN = 1.03
"""Minimum lower bound of a real speedup (docs/evaluation.md); less is noise between engines and processes."""
