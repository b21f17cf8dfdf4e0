"""Every text of the window can be extracted into a catalog, and every catalog is complete."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from installer import catalogs

ROOT = Path(__file__).parents[2]
FOLDERS = ("app", "widgets", "workers")
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
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
        if any(is_composed(part) for part in ast.walk(node))
    ]
    assert wrong == []


def test_sentences_of_records_are_no_f_strings() -> None:
    """Given the calls whose arguments people read, Then none composes its words in an f-string: it has no template."""
    wrong = [
        f"{path.relative_to(ROOT)}:{part.lineno}"
        for folder in catalogs.CODES
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(catalogs.LEFT_OUT)
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and (name := called(call)) is not None
        for sentence in catalogs.sentences_of(call, name)
        for part in ((sentence.body, sentence.orelse) if isinstance(sentence, ast.IfExp) else (sentence,))
        if isinstance(part, ast.JoinedStr) and has_words(part)
    ]
    assert wrong == []


def called(call: ast.Call) -> str | None:
    """Return the name of the function that is called, None for one of a log."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(owner, ast.Name) and owner.id in catalogs.LOGS:
        return None
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def has_words(text: ast.JoinedStr) -> bool:
    """Return whether the constant parts of an f-string are words of a sentence."""
    constant = "§".join(str(part.value) for part in text.values if isinstance(part, ast.Constant))
    return re.search(r"[A-Za-z]{2,} +[a-z]{2,}| [a-z]{3,}|[a-z]{3,} ", constant) is not None


def is_composed(node: ast.AST) -> bool:
    """Return whether an expression formats, adds or joins texts."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ("format", "join")
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)))


@pytest.mark.parametrize("language", catalogs.TRANSLATED)
def test_catalog_is_updated_complete_and_compiled(language: str, template: Catalog) -> None:
    """Given a catalog, Then it holds the texts of the program; once the language is offered, each is translated with
    the same placeholders and all plural forms, and the compiled file holds the same."""
    catalog = catalogs.read(language)
    assert ids(catalog) == ids(template), f"{language}: {HOW}"
    done = [message for message in catalog if message.id and catalogs.is_whole(message.string)]
    compiled = catalogs.po_path(language).with_suffix(".mo")
    assert bool(done) == compiled.exists(), f"{language}: {HOW}"
    if done:
        missing = [one.id for one in catalog if one.id and not catalogs.is_whole(one.string)]
        assert missing == [], f"{language} is not complete: {HOW}"
        assert [one.id for one in done if one.fuzzy or not has_same_placeholders(one, catalog)] == []
        assert compiled.read_bytes() == catalogs.compiled(catalog), f"{language}: {HOW}"


def test_no_text_is_of_another_language() -> None:
    """Given all catalogs, Then Japanese and Chinese texts of several words have letters of their own, and no French text
    stands in for a Spanish or German one."""
    texts = {name: {one.id: str(one.string) for one in catalogs.read(name)} for name in catalogs.TRANSLATED}
    foreign = [
        f"{name}: {text}"
        for name in ("ja", "zh_CN")
        for key, text in texts[name].items()
        if text != key and re.search(r"[^\W\d_]{4,} [a-zà-ÿ]{3,} ", text) and not re.search(r"[\u3040-\u9fff]", text)
    ]
    foreign += [
        f"{name}: {text}"
        for name in ("es", "de")
        for key, text in texts[name].items()
        if text not in ("", key) and text == texts["fr"][key] and re.search(r"[a-zà-ÿ]{3,} [a-zà-ÿ]{3,}", text)
    ]
    assert foreign == []


def has_same_placeholders(message: Message, catalog: Catalog) -> bool:
    """Return whether each form of a translation has the placeholders of the text."""
    texts = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
    forms = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    wanted = sorted(PLACEHOLDER.findall(texts[-1]))
    is_counted = len(texts) == 1 or len(forms) == catalog.num_plurals
    return is_counted and all(sorted(PLACEHOLDER.findall(form)) == wanted for form in forms)


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
