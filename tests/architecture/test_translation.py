"""Every text of the window can be extracted into a catalog and translated."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).parents[2]
FOLDERS = ("app", "widgets", "workers/contracts")


def arguments() -> Iterator[tuple[Path, ast.expr]]:
    """Yield the argument of each call of `_`."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                    yield path, node.args[0]


@pytest.fixture(scope="module")
def catalog() -> set[str]:
    """Texts that Babel extracts."""
    return {
        message
        for folder in FOLDERS
        for _file, _line, message, _comments, _context in extract_from_dir(ROOT / folder, [("**.py", "python")])
        if isinstance(message, str)
    }


def test_catalog_holds_every_literal_text(catalog: set[str]) -> None:
    """Given the source, When Babel extracts its texts, Then none that is passed to `_` as a literal is missing."""
    literals = {node.value for _path, node in arguments() if isinstance(node, ast.Constant)}
    assert len(literals) > 1000
    assert literals <= catalog


def test_translated_texts_are_literals_or_fields_of_records() -> None:
    """Given all calls of `_`, Then none formats or joins its text before it is translated: no catalog could hold that."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, node in arguments()
        if not isinstance(node, (ast.Constant, ast.Attribute, ast.Name))
    ]
    assert wrong == []
