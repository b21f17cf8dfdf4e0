"""Escape text of other people in a card: names of tensors, labels, files and licenses may contain Markdown or HTML."""

import re


def plain(text: str) -> str:
    """Return foreign text on one line, without active Markdown or HTML and without hidden characters."""
    line = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!~" else char for char in one_line(text))
    return re.sub(r"^(=|[-+](?=[-+ ]|$)|\d{1,9}(?=[.)]( |$)))", _harmless_start, line)


def _harmless_start(match: re.Match[str]) -> str:
    """Escape characters that would begin a list or underline a heading (CommonMark 4.3, 5.2)."""
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def code(text: str) -> str:
    """Return foreign text as a code span; its fence is longer than any run of backticks inside (CommonMark 6.1)."""
    line = one_line(text)
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def one_line(text: str) -> str:
    """Return foreign text without line ends, control characters and characters that change its direction."""
    return "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))
