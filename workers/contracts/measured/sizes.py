"""Numbers of bytes for people."""

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def bytes_words(size: float) -> str:
    """``3.4 MB``: decimal units as disks and hubs use them."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {UNITS[unit]}" if unit and value < 99.95 else f"{value:.0f} {UNITS[unit]}"
