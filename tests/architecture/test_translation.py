"""Every text of the window can be extracted into a catalog, and every catalog is complete."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from installer import catalogs

ROOT = Path(__file__).parents[2]
FOLDERS = ("app", "widgets", "workers/contracts")
HOW = "run python -m installer.catalogs, translate what it lists, and run it again"


def arguments() -> Iterator[tuple[Path, ast.expr]]:
    """Yield the argument of each call of `_`."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                    yield path, node.args[0]


@pytest.fixture(scope="module")
def template() -> Catalog:
    """The texts as they are extracted now."""
    return catalogs.extract()


def ids(catalog: Catalog) -> set[str | tuple[str, ...]]:
    """Return the texts of a catalog."""
    return {tuple(message.id) if message.pluralizable else message.id for message in catalog if message.id}


def test_catalog_holds_every_literal_text(template: Catalog) -> None:
    """Given the source, When Babel extracts its texts, Then none that is passed to `_` as a literal is missing."""
    literals = {node.value for _path, node in arguments() if isinstance(node, ast.Constant)}
    assert len(literals) > 1000
    assert literals <= ids(template)


def test_translated_texts_are_literals_or_fields_of_records() -> None:
    """Given all calls of `_`, Then none formats or joins its text before it is translated: no catalog could hold that."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, node in arguments()
        if not isinstance(node, (ast.Constant, ast.Attribute, ast.Name, ast.Subscript))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", catalogs.TRANSLATED)
def test_catalog_is_updated_and_compiled(language: str, template: Catalog) -> None:
    """Given a catalog, Then it holds the texts of the program, and its compiled file the same translations."""
    catalog = catalogs.read(language)
    assert ids(catalog) == ids(template), f"{language}: {HOW}"
    assert catalogs.po_path(language).with_suffix(".mo").read_bytes() == catalogs.compiled(catalog), HOW


def test_import_translates_nothing() -> None:
    """Given all modules, Then none calls `_` while it is imported: its text would keep the language of the start."""
    early = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in at_import(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext")
    ]
    assert early == []


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when a module is imported: all but the bodies of functions."""
    inside = getattr(node, "body", ()) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) else ()
    for child in ast.iter_child_nodes(node):
        if child is not inside and not (isinstance(inside, list) and child in inside):
            yield child
            yield from at_import(child)
