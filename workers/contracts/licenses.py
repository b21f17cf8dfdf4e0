"""What a stated license allows, as far as a program can tell. No verdict says that anything is legally cleared."""

from typing import Literal

from workers.contracts.base import Frozen

LicenseWord = Literal["ok", "conditions", "noncommercial", "unknown"]

LICENSE_WORDS: dict[LicenseWord, str] = {
    "ok": "OK",
    "conditions": "Conditions",
    "noncommercial": "Not for commercial use",
    "unknown": "Unknown, ask",
}
"""The only words for a verdict."""


class LicenseVerdict(Frozen):
    """`title` is how the license is called, "" where none is stated: an SPDX expression, or the name of own terms.

    `meaning` says what is allowed in half a sentence ("may be used, changed and sold; …"). `expression` is SPDX, with
    ``LicenseRef-`` for what SPDX does not know, None where nothing can be said. `copies` is False where changed copies,
    such as an optimized model, must not be passed on. `link` is an address that the author gave: foreign text.
    """

    word: LicenseWord
    title: str
    meaning: str
    expression: str | None = None
    copies: bool = True
    link: str | None = None

    @property
    def sentence(self) -> str:
        """``Apache-2.0: may be used, changed and sold``"""
        return f"{self.title}: {self.meaning}" if self.title else self.meaning

    @property
    def for_business(self) -> bool:
        """Whether the stated terms let a business use it, with or without conditions."""
        return self.word in ("ok", "conditions")


NOT_STATED = LicenseVerdict(word="unknown", title="", meaning="no license is stated; ask the author before you use it")
