"""Extract the texts of the program, update the catalogs of all languages, and compile them.

Run `python -m installer.catalogs` after a change of a text, translate what it lists, and run it again.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from workers.contracts.translation import LANGUAGES
from workers.monitor.words import DAY_OF_YEAR
from workers.registry import techniques

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "workers/contracts/locale"
TEMPLATE = FOLDER / "fettle.pot"
MARKED = ("app", "widgets", "workers")
"""Folders whose texts are marked with `_`, `ngettext` and `mark`."""
CODES = ("app", "presets", "workers")
"""Folders with records whose constant texts are translated where they are shown."""
LEFT_OUT = ("app/cli", "app/persistence/migrations", "workers/export/service/bundle_files", "workers/remote")
"""Folders of texts that the window never shows."""
LOGS = ("log", "logger", "logging")
TRANSLATED = tuple(language for language in LANGUAGES if language != "en")
KEYWORDS = {"_": None, "ngettext": (1, 2), "mark": None}
FIELD = re.compile(r"\{[^{}]*\}")
CODE = re.compile(r"[a-z][a-z0-9_-]+")
"""The code of an error, followed by its title, detail and hint."""
SENTENCES = ("info", "warning", "danger", "add", "reason", "warn", "note", "progress")
"""Functions whose first argument is a sentence of a finding or a note, or the name of a stage."""
WORDED = ("Words", "PipelineError", "ArrayFileError", "NotCompiled", "_Odd")
"""Texts and errors of the rooms that bundles copy; their first argument is a template."""
FIELDS = ("title", "detail", "hint", "summary", "how_to_run", "found", "reason", "what")
PRESET_FIELDS = ("title", "summary", "expect", "expect_plain", "how_long", "why", "about")


SAMPLE_INPUT = "a gray picture, 28×28, light on a dark ground"
"""What the file of the built-in sample says of its input."""


def extract() -> Catalog:
    """Return the template: texts that are marked, constant texts of records, and those of parameters and presets."""
    template = Catalog(project="Fettle", version="", charset="utf-8", fuzzy=False)
    found: dict[str | tuple[str, ...], set[str]] = {
        SAMPLE_INPUT: {"presets/sample/clothes.onnx"},
        DAY_OF_YEAR: {"workers/monitor/words.py"},
    }
    for folder in MARKED:
        for file, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder, [("**.py", "python")], keywords=KEYWORDS
        ):
            found.setdefault(message, set()).add(f"{folder}/{file}")
    for folder in CODES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.relative_to(ROOT).as_posix().startswith(LEFT_OUT):
                continue
            for text in record_texts(path.read_text(encoding="utf-8")):
                found.setdefault(text, set()).add(path.relative_to(ROOT).as_posix())
    for path in sorted((ROOT / "presets").rglob("*.yaml")):
        for text in _preset_texts(yaml.safe_load(path.read_text(encoding="utf-8"))):
            found.setdefault(text, set()).add(path.relative_to(ROOT).as_posix())
    for spec in techniques().values():
        for text in parameter_texts(spec.params.model_json_schema()):
            found.setdefault(text, set()).add(f"{spec.params.__module__.replace('.', '/')}.py")
    plurals = {message[0] for message in found if isinstance(message, tuple)}
    for message, places in sorted(found.items(), key=lambda one: (min(one[1]), str(one[0]))):
        if message and message not in plurals:
            template.add(message, locations=[(place, None) for place in sorted(places)])
    return template


def record_texts(source: str) -> Iterator[str | tuple[str, str]]:
    """Yield the constant texts of errors, findings, notes and descriptions, with at least two words.

    Templates of `WORDED` and the nouns of `counted` may be shorter. A text that counts something has two forms.
    """
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(owner, ast.Name) and owner.id in LOGS:
            continue
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if name in WORDED and texts and re.search(r"[A-Za-z]{2}", FIELD.sub("", texts[0])):
            yield texts[0]
        if name == "of_number" and len(texts) > 1:
            yield texts[0], texts[1]
        if name == "counted" and texts:
            yield f"{{0:,}} {texts[0]}", f"{{0:,}} {texts[1] if len(texts) > 1 else f'{texts[0]}s'}"
        titles = [word.value for word in node.keywords if word.arg == "title"]
        for value in sentences_of(node, name):
            text = value.value if isinstance(value, ast.Constant) else None
            if isinstance(text, str) and (" " in text.strip() or (value in titles and text[:1].isupper())):
                yield text


def parameter_texts(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield titles and descriptions of a technique's parameters, as the recipe editor shows them."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for field in part.get("properties", {}).values():
            yield from (field[key] for key in ("title", "description") if key in field)


def sentences_of(call: ast.Call, name: str) -> Iterator[ast.expr]:
    """Yield the arguments of a call that are sentences or titles for people."""
    yield from (word.value for word in call.keywords if word.arg in FIELDS)
    yield from call.args[:1] if name in SENTENCES else ()
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and CODE.fullmatch(str(first.value)):
        yield from call.args[1:4]


def _preset_texts(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            if key in PRESET_FIELDS and isinstance(value, str):
                yield value
            else:
                yield from _preset_texts(value)
    elif isinstance(document, list):
        for one in document:
            yield from _preset_texts(one)


def read(language: str) -> Catalog:
    """Return the catalog of a language as it is stored, or an empty one."""
    if not po_path(language).exists():
        po_path(language).parent.mkdir(parents=True)
        return Catalog(locale=language, project="Fettle", version="", charset="utf-8", fuzzy=False)
    with po_path(language).open("rb") as file:
        return read_po(file, locale=language)


def po_path(language: str) -> Path:
    """Return the path of a language's catalog."""
    return FOLDER / language / "LC_MESSAGES" / "fettle.po"


def compiled(catalog: Catalog) -> bytes:
    """Return the compiled catalog, which gettext loads."""
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # the same file each time
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def main() -> int:
    """Update and compile all catalogs, print what is not translated, and return 1 if anything is missing."""
    template = extract()
    TEMPLATE.write_bytes(_text(template))
    missing = 0
    for language in TRANSLATED:
        catalog = read(language)
        catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
        catalog.obsolete.clear()
        po_path(language).write_bytes(_text(catalog))
        if any(message.id and is_whole(message.string) for message in catalog):
            po_path(language).with_suffix(".mo").write_bytes(compiled(catalog))  # the window offers the language
        empty = [message.id for message in catalog if message.id and not is_whole(message.string)]
        missing += len(empty)
        sys.stdout.write(f"{language}: {len(catalog)} texts, {len(empty)} not translated\n")
        sys.stdout.writelines(f"    {text!r}\n" for text in empty[:20])
    return int(missing > 0)


def is_whole(translation: str | tuple[str, ...] | list[str]) -> bool:
    """Return whether a text is translated, in all forms if it counts something."""
    return all(translation) if isinstance(translation, (tuple, list)) else bool(translation)


def _text(catalog: Catalog) -> bytes:
    file = BytesIO()
    catalog.header_comment = "# Texts of Fettle. To update this file, run: python -m installer.catalogs"
    write_po(file, catalog, width=110, omit_header=False, include_lineno=False)
    kept = [line for line in file.getvalue().splitlines(keepends=True) if not line.startswith(NOISE)]
    return b"".join(kept)


NOISE = tuple(
    f'"{header}'.encode()
    for header in ("POT-Creation", "PO-Revision", "Last-Translator", "Generated-By", "Report-Msgid", "Language-Team")
)
"""Headers that say nothing or change with each run; the history is in the repository."""


if __name__ == "__main__":
    raise SystemExit(main())
