"""Facts travel typed: no code parses, slices or compares text that was made for people."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "widgets", "workers", "presets")
FOR_PEOPLE = {
    "title", "subtitle", "headline", "detail", "hint", "what", "why", "summary", "note", "notes", "reason", "expect",
    "stage", "safe", "subject",
}  # fmt: skip
"""Names of fields that hold sentences."""

PARSING = {
    "startswith", "endswith", "split", "rsplit", "partition", "rpartition", "removeprefix", "removesuffix", "replace",
    "find", "index", "splitlines", "count", "lower", "casefold",
}  # fmt: skip


NAMES_ALONE = {
    "workers/tune/plan.py: twin.title != recipe.title",  # nothing is reported to be the same as what has its own name
}
"""Where it is the name itself that is meant, with the reason."""


def is_for_people(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in FOR_PEOPLE


def tells_nothing_of_it(node: ast.expr) -> bool:
    """Whether there is a sentence at all, or another one than was shown last (`self._…`), is no reading of it."""
    if isinstance(node, ast.Constant):
        return node.value in ("", None)
    return isinstance(node, ast.Attribute) and node.attr.startswith("_")


def readings(tree: ast.AST) -> Iterator[ast.expr]:
    """Expressions that look into sentences."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in PARSING and is_for_people(node.func.value):
                yield node
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and is_for_people(node.value):
            yield node
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(is_for_people(side) for side in sides) and not any(tells_nothing_of_it(side) for side in sides):
                yield node


def found_in(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}:{node.lineno}: {ast.unparse(node)}"
        for room in ROOMS
        for path in sorted((root / room).rglob("*.py"))
        for node in readings(ast.parse(path.read_text(encoding="utf-8")))
    ]


def test_nothing_reads_what_was_made_for_people() -> None:
    """Given the whole tree, Then nowhere is a sentence parsed, sliced or compared, and every exception is still there."""
    found = {re.sub(r":\d+:", ":", place) for place in found_in(ROOT)}
    assert found == NAMES_ALONE


@pytest.mark.parametrize(
    "code",
    [
        "if error.hint.startswith('Open'): pass",
        "name = run.headline.split(' (')[0]",
        "short = event.stage[:8]",
        "if recipe.title == other.title: pass",
        "found = 'labels' in finding.what",
    ],
)
def test_each_form_of_reading_is_found(tmp_path: Path, code: str) -> None:
    """Given one such line in a module, Then it is found."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "reads.py").write_text(code, encoding="utf-8")
    assert len(found_in(tmp_path)) == 1
