"""Percentages are put into words in one place, so that "66%" and "66 %" never stand side by side again."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("app", "widgets", "workers", "presets")
ONE_PLACE = "workers/contracts/wording.py"
ALONE = ("workers/export/bundle_files/", "workers/monitor/words.py")
"""Runs without Fettle, so it can lean on nothing of it."""

HAND_MADE = re.compile(r"\{[^{}]*\}[ \u00a0]?%|\{[^{}]*%\}")
"""A placeholder with a percent sign behind it, or a format that makes one."""

GLUED = re.compile(r"\d%(?![\w(])")
"""Words of the program have a space before the sign."""


def docstrings(tree: ast.Module) -> set[int]:
    """Ids of the constants that are only documentation."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, kinds)]
    return {id(line.value) for body in bodies for line in body if isinstance(line, ast.Expr)}


def as_text(node: ast.JoinedStr) -> str:
    """An f-string as its template: ``{}`` for what is put in, ``{%}`` where the format makes a percentage."""
    parts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            spec = ast.unparse(part.format_spec) if part.format_spec is not None else ""
            parts.append("{%}" if spec.rstrip("'\"").endswith("%") else "{}")
        else:
            parts.append(str(part.value) if isinstance(part, ast.Constant) else "")
    return "".join(parts)


def hand_made(source: str) -> list[tuple[int, str]]:
    """(line, text) of each percentage that a piece of source puts into words by itself."""
    tree = ast.parse(source)
    report, found = docstrings(tree), []
    for line, text in texts(tree, report):
        if HAND_MADE.search(text) or GLUED.search(text):
            found.append((line, text))
    return found


def texts(tree: ast.Module, allowed: set[int]) -> Iterator[tuple[int, str]]:
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            inside |= {id(part.format_spec) for part in node.values if isinstance(part, ast.FormattedValue)}
            if id(node) not in inside:
                yield node.lineno, as_text(node)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside | allowed:
            yield node.lineno, node.value


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ('x = f"{100 * share:.0f} % of it"', True),
        ('x = f"{100 * share:.0f}% of it"', True),
        ('x = f"{share:.1%} of it"', True),
        ('x = tr("{0:.1f} % alike").format(y)', True),
        ('x = "off by {5:+.0%}"', True),
        ('x = "66% of them"', True),
        ('x = f"{percent(share)} of it, with 95 % confidence"', False),
        ('def f() -> None:\n    """`{share} %` in a docstring."""', False),
        ('x = "%d items" % n', False),
    ],
)
def test_text_made_by_hand_is_found(source: str, is_found: bool) -> None:
    """Given a line of source, then a percentage that is put together there is found, and nothing else."""
    assert bool(hand_made(source)) is is_found


@pytest.mark.parametrize("room", ROOMS)
def test_percentages_come_from_one_place(room: str) -> None:
    """Given all source, then no text puts a percent sign behind its own number: that is `wording.percent`'s."""
    found = []
    for path in sorted((ROOT / room).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name != ONE_PLACE and not name.startswith(ALONE):
            found += [f"{name}:{line}: {text[:80]!r}" for line, text in hand_made(path.read_text(encoding="utf-8"))]
    assert found == []
