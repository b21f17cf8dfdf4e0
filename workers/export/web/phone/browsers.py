"""Name a browser by what it says about itself, in words of a table and digits alone."""

import re

BROWSERS = (
    ("Edge", r"Edg(?:A|iOS)?/(\d{1,3})"),
    ("Opera", r"OPR/(\d{1,3})"),
    ("Samsung Internet", r"SamsungBrowser/(\d{1,3})"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d{1,3})"),
    ("Chrome", r"(?:Headless)?(?:Chrome|CriOS)/(\d{1,3})"),
    ("Safari", r"Version/(\d{1,3}).*Safari/"),
)
"""Names with their patterns in order: other browsers name Chrome and Safari, too."""
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("ChromeOS", "CrOS"), ("Windows", "Windows"),
    ("Mac", "Macintosh"), ("Linux", "Linux"),
)  # fmt: skip
READ_CHARS = 500


def browser_name(agent: str) -> str:
    """Return e.g. “Chrome 143 on Android” for a header User-Agent; "" if neither part is known."""
    read = agent[:READ_CHARS]
    found = ((name, re.search(pattern, read, re.ASCII)) for name, pattern in BROWSERS)
    browser = next((f"{name} {match[1]}" for name, match in found if match), "")
    system = next((name for name, word in SYSTEMS if word in read), "")
    return " on ".join(filter(None, (browser, system)))
