"""Interpret a stated license as far as a program can; no verdict means legal clearance."""

from typing import Literal

from workers.contracts.base import Frozen
from workers.contracts.text import Text
from workers.contracts.translation import _, joined, mark

LicenseWord = Literal["ok", "conditions", "noncommercial", "unknown"]

LICENSE_WORDS: dict[LicenseWord, str] = {
    "ok": mark("OK"),
    "conditions": mark("Conditions"),
    "noncommercial": mark("Not for commercial use"),
    "unknown": mark("Unknown, ask"),
}
"""The only words for a verdict."""


class LicenseVerdict(Frozen):
    """What a stated license allows.

    Attributes:
        title: Name of the license: an SPDX expression or the name of the author's own terms; "" if none is stated.
        meaning: What is allowed, as half a sentence ("may be used, changed and sold; …").
        expression: SPDX, with ``LicenseRef-`` for terms that SPDX does not know; None if unknown.
        copies: False if changed copies, such as an optimized model, must not be passed on.
        link: Address that the author gave: text of other people.
    """

    word: LicenseWord
    title: Text
    meaning: Text
    expression: str | None = None
    copies: bool = True
    link: str | None = None

    @property
    def sentence(self) -> str:
        """Return the verdict as a sentence: ``Apache-2.0: may be used, changed and sold``."""
        return joined([_(self.title), _(self.meaning)], ": ")

    @property
    def for_business(self) -> bool:
        """Return whether the stated terms allow business use, with or without conditions."""
        return self.word in ("ok", "conditions")


NOT_STATED = LicenseVerdict(
    word="unknown", title="", meaning=mark("no license is stated; ask the author before you use it")
)
