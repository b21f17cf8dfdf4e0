"""Tests of the task pages: short, packaged, and with names that the window shows."""

import ast
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
import yaml

from app.help import TOPICS, task_pages
from installer import catalogs
from workers.contracts.translation import set_language

ROOT = Path(__file__).parents[2]
TASKS = ROOT / "app" / "help" / "tasks"
MAX_LINES, MAX_PICTURE_BYTES = 60, 1_000_000
SOURCES = ("widgets", "app/controllers", "app/domain/words", "workers/export", "workers/contracts/proof")
FIELD = re.compile(r"\{[^}]*\}")


@cache
def shown_texts() -> list[re.Pattern[str]]:
    """Return a pattern for each text that the window may show; a field such as {0} stands for anything."""
    texts = {
        node.value
        for source in SOURCES
        for path in (ROOT / source).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    texts |= {
        yaml.safe_load(path.read_text(encoding="utf-8"))["title"] for path in (ROOT / "presets/data").glob("*.yaml")
    }
    sentences = [text for text in texts if len(FIELD.sub("", text).strip()) > 2]
    return [re.compile(".+".join(map(re.escape, FIELD.split(text)))) for text in sentences]


def test_every_file_is_a_page_or_a_picture_of_one() -> None:
    """Given the folder, then each file is used, all pictures exist, and together they are small."""
    assert {path.stem for path in TASKS.glob("*.md")} == set(TOPICS)
    pictures = {path for page in task_pages().values() for path in page.pictures()}
    assert pictures == {f"pictures/{path.name}" for path in (TASKS / "pictures").iterdir()}
    assert sum(path.stat().st_size for path in (TASKS / "pictures").iterdir()) < MAX_PICTURE_BYTES
    for page in task_pages().values():
        assert page.body.count("![") == len(page.pictures()) and page.body.count("\n") <= MAX_LINES, page.topic


def test_pages_are_installed_and_linked_from_docs() -> None:
    """Given the package's settings, then each file is package data; `docs/tasks` is the same folder, not a copy."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = data["tool"]["setuptools"]["package-data"]["app.help"]
    names = [path.relative_to(TASKS.parent).as_posix() for path in TASKS.rglob("*.*")]
    assert [name for name in names if not any(fnmatch(name, pattern) for pattern in patterns)] == []
    link = ROOT / "docs" / "tasks"
    assert link.resolve() == TASKS.resolve() or link.read_text(encoding="utf-8") == "../app/help/tasks"


@pytest.mark.parametrize("topic", TOPICS)
def test_bold_names_are_those_of_the_window(topic: str) -> None:
    """Given a page, then each bold name is a text that the window shows."""
    named = set(re.findall(r"\*\*([^*]+)\*\*", task_pages()[topic].body))
    texts = shown_texts()
    assert named and [name for name in named if not any(text.fullmatch(name) for text in texts)] == []


@pytest.fixture
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """One language of the catalogs, and English afterwards."""
    yield set_language(request.param)
    set_language("en")


PARTS = (r"(?m)^#+ ", r"(?m)^(?:\d+\.|-) ", r"\]\((pictures/[^)]+)\)", r"`[^`]+`", r"\*\*")
"""Headings, items, pictures, code and bold letters: a translation has the same."""


@pytest.mark.parametrize("language", catalogs.TRANSLATED, indirect=True)
def test_translated_pages_have_the_same_parts_and_the_names_of_the_window(language: str) -> None:
    """Given a language, then each page is translated, has the parts of the English one, and its bold names are texts of
    the window in that language."""
    catalog = catalogs.read(language)
    shown = {form for one in catalog for form in ((one.string,) if isinstance(one.string, str) else one.string)}
    shown |= {text.partition(" ({")[0] for text in shown}  # a button with its time, such as "Start ({0})"
    sentences = [text.strip(" ….") for text in shown if len(FIELD.sub("", text).strip()) > 1]
    texts = [re.compile(".+".join(map(re.escape, FIELD.split(text)))) for text in sentences]
    for topic, page in task_pages().items():
        english = (TASKS / f"{topic}.md").read_text(encoding="utf-8")
        text = (TASKS / language / f"{topic}.md").read_text(encoding="utf-8")
        assert page.title in text.splitlines()[0] and text != english
        for part in PARTS:
            assert sorted(re.findall(part, text)) == sorted(re.findall(part, english)), (topic, part)
        named = {re.sub(r"[ \n]+", " ", name).strip(" ….") for name in re.findall(r"\*\*([^*]+)\*\*", text)}
        assert [name for name in named if not any(one.fullmatch(name) for one in texts)] == [], topic
