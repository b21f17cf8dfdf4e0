"""Texts that keep their template and facts: Fettle translates them, and a bundle prints them in English."""

from __future__ import annotations


class Words(str):
    """A text made of a template with numbered fields, and the facts in them; `installer.catalogs` reads its calls.

    Of a text that counts something, `template` is the one for 1, and `many` the one for all other numbers.
    """

    __slots__ = ("facts", "many", "number", "template")

    template: str
    facts: tuple[object, ...]
    many: str
    number: int

    def __new__(cls, template: str, *facts: object) -> Words:
        """Return the text; without facts the template is the text as it is."""
        made = super().__new__(cls, template.format(*facts) if facts else template)
        made.template, made.facts, made.many, made.number = str(template), facts, "", 0
        return made

    @classmethod
    def of_number(cls, number: int, one: str, many: str, *facts: object) -> Words:
        """Return the text that belongs to a number; its first field is the number."""
        made = cls(one if number == 1 else many, number, *facts)
        made.template, made.many, made.number = one, many, number
        return made


class WordedError(Exception):
    """Error whose text keeps its template and facts in `words`."""

    def __init__(self, template: str, *facts: object) -> None:
        """Create the error from an English template with fields such as `{0}`, and the values of the fields."""
        self.words = Words(template, *facts)
        super().__init__(self.words)
