"""Texts that keep their template and facts: Fettle translates them, and a bundle prints them in English."""

from __future__ import annotations


class Words(str):
    """A text made of a template with numbered fields, and the facts in them; `installer.catalogs` reads its calls."""

    __slots__ = ("facts", "template")

    template: str
    facts: tuple[object, ...]

    def __new__(cls, template: str, *facts: object) -> Words:
        """Return the text; without facts the template is the text as it is."""
        made = super().__new__(cls, template.format(*facts) if facts else template)
        made.template, made.facts = template, facts
        return made


class WordedError(Exception):
    """Error whose text keeps its template and facts in `words`."""

    def __init__(self, template: str, *facts: object) -> None:
        """Make the text."""
        self.words = Words(template, *facts)
        super().__init__(self.words)
