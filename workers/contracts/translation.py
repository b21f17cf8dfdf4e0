"""Translate texts for people through gettext, into a language that can change while the program runs.

A process starts in English, and only the window chooses another language. A text keeps its template and its facts
(`Message`), so what a worker process composes in English is translated where it is shown: `_(message)`.
"""

import functools
import gettext
import locale
import os
import re
import string
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from numbers import Real
from pathlib import Path
from typing import Any, Self

LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "ja": "日本語", "zh_CN": "简体中文"}
"""The languages with their own names, by the folder of their catalog."""
PSEUDO = "pseudo"
"""A language for tests: `FETTLE_LANGUAGE=pseudo` shows each translated text in brackets, longer and with accents."""
VARIABLE, DOMAIN, FOLDER = "FETTLE_LANGUAGE", "fettle", Path(__file__).with_name("locale")
SEPARATORS = {"de": (".", ","), "fr": ("\u202f", ","), "es": (".", ",")}
"""Separators of thousands and decimals by language, where they are not those of English."""

CAPITAL = "capital"
_FIELD = re.compile(r"(\{[^{}]*\})")
_ACCENTS = str.maketrans("aeiouAEIOUcnsyz", "áéíóúÁÉÍÓÚçñšýž")
_LONGER = 0.4


class _Unknown(gettext.NullTranslations):
    """The answer of a catalog to a text that it does not hold."""

    def gettext(self, message: str) -> str:
        return ""


class _Pseudo(gettext.NullTranslations):
    """Texts of the catalogs in brackets, 40 % longer and with accents; placeholders stay as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._known = gettext.translation(DOMAIN, FOLDER, ["de"])
        self._known.add_fallback(_Unknown())

    def gettext(self, message: str) -> str:
        if not self._known.gettext(message) and not self._known.ngettext(message, "", 1):
            return message
        parts = (part if part.startswith("{") else part.translate(_ACCENTS) for part in _FIELD.split(message))
        return f"⟦{''.join(parts)}{'~' * round(_LONGER * len(_FIELD.sub('', message)))}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


class _Current:
    """The language of this process with its catalog; `chosen` is the person's, also while texts are stored."""

    language = chosen = "en"
    catalog: gettext.NullTranslations = gettext.NullTranslations()


class Message(str):
    """A text in the language in which it was made, with what it takes to make it in another one.

    Attributes:
        source: The text in English, with fields such as `{0}`, `{name}` or `{0:,.1f}`; the key of the catalogs.
        many: The English text for all numbers but one, where the text counts something; else "".
        number: What it counts.
        facts: Values of the numbered fields: numbers, names as they are, and other messages.
        named: Values of the named fields.
    """

    __slots__ = ("facts", "many", "named", "number", "source")

    source: str
    many: str
    number: float
    facts: tuple[Any, ...]
    named: dict[str, Any]

    @classmethod
    def made(
        cls,
        source: str,
        facts: tuple[Any, ...] = (),
        named: dict[str, Any] | None = None,
        many: str = "",
        number: float = 0,
    ) -> Self:
        """Return the text in the current language; messages among its facts are translated, too."""
        text = _Current.catalog.ngettext(source, many, _whole(number)) if many else _looked_up(source)
        if facts or named:
            values = {name: _now(value) for name, value in (named or {}).items()}
            facts = tuple(message_of(one) if isinstance(one, (str, Exception)) else one for one in facts)
            text = _FORMATTER.vformat(text, [_now(value) for value in facts], values)
        made = cls(text)
        made.source, made.facts, made.named, made.many, made.number = source, facts, named or {}, many, number
        return made

    def __format__(self, format_spec: str) -> str:
        """Return the text in the current language, so that an f-string of the window translates what it holds."""
        return format(str(_(self)), format_spec)

    def format(self, *args: Any, **kwargs: Any) -> "Message":
        """Return the text with these values in its fields."""
        return Message.made(self.source, args, kwargs, self.many, self.number)


class _LocalFormatter(string.Formatter):
    """`str.format` with the separators of the language, and `{0:capital}` for a fact at the start of a sentence."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        if format_spec == CAPITAL:
            return f"{str(value)[:1].upper()}{str(value)[1:]}"
        text = super().format_field(value, format_spec)
        return local_number(text) if isinstance(value, Real) else text


_FORMATTER = _LocalFormatter()


def _looked_up(text: str) -> str:
    return _Current.catalog.gettext(text) if text else text


def _whole(number: float) -> int:
    return int(number) if float(number).is_integer() else 2


def _now(value: Any) -> Any:
    return _(value) if isinstance(value, Message) else value


def _(text: str) -> str:
    """Return the translation of a text or message into the current language, else the text itself."""
    if isinstance(text, Message):
        return Message.made(text.source, text.facts, text.named, text.many, text.number)
    return message_of(text) if hasattr(text, "template") else Message.made(text)


def message_of(said: object) -> str:
    """Return a text or an error as a message if it keeps its template, else its text.

    Code that is copied into bundles cannot import `Message`. Its texts are `Words` with `template` and `facts`, and its
    errors hold them in `words`. Facts of messages and fields of the type `Text` are converted by themselves.
    """
    words = getattr(said, "words", said.args[0] if isinstance(said, Exception) and len(said.args) == 1 else said)
    if isinstance(words, Message):
        return words
    template, facts = getattr(words, "template", ""), getattr(words, "facts", ())
    if not template:
        return str(said)
    return Message.made(template, facts, None, getattr(words, "many", ""), getattr(words, "number", 0))


def ngettext(one: str, many: str, number: float) -> str:
    """Return the translation of a text in the form that belongs to a number."""
    return Message.made(one, many=many, number=number)


def joined(parts: Iterable[str], separator: str = " ") -> str:
    """Return texts as one text, each of which is translated for itself."""
    kept = tuple(part for part in parts if part)
    return Message.made(separator.join(f"{{{place}}}" for place in range(len(kept))), kept) if kept else ""


def mark(text: str) -> str:
    """Return the text itself: a constant that is put into the catalogs here and translated where it is shown."""
    return text


def offered() -> dict[str, str]:
    """Return the languages that have a catalog, with their own names."""
    return {name: own for name, own in LANGUAGES.items() if name == "en" or gettext.find(DOMAIN, FOLDER, [name])}


def language() -> str:
    """Return the current language, a key of `LANGUAGES` or `PSEUDO`."""
    return _Current.language


def set_language(choice: str = "", system: Iterable[str] = ()) -> str:
    """Set the language of this process and return it.

    Args:
        choice: a key of `LANGUAGES`; "" follows the variable `FETTLE_LANGUAGE`, else the system.
        system: names of the system's languages, the best first; empty asks the environment.
    """
    wanted = [os.environ.get(VARIABLE, ""), choice, *(system or _of_environment())]
    known = (*offered(), PSEUDO)
    chosen = next((found for name in wanted if (found := known_language(name)) in known), "en")
    _Current.chosen = chosen
    _use(chosen)
    return chosen


def in_english() -> AbstractContextManager[None]:
    """Make texts in English within the block, because they are stored and read in any language later."""
    return _in("en")


def in_chosen_language() -> AbstractContextManager[None]:
    """Make texts in the person's language within the block, because they are shown."""
    return _in(_Current.chosen)


@contextmanager
def _in(language: str) -> Iterator[None]:
    before = _Current.language
    _use(language)
    try:
        yield
    finally:
        _use(before)


def _use(language: str) -> None:
    _Current.language, _Current.catalog = language, _catalog(language)


def local_number(text: str) -> str:
    """Return a number that was formatted as in English with the separators of the current language."""
    if _Current.language not in SEPARATORS:
        return text
    thousands, decimal = SEPARATORS[_Current.language]
    if _Current.language == "es" and text.count(",") == 1 and len(text.split(".")[0].strip("-+")) == len("1,000"):
        text = text.replace(",", "")  # Spanish separates thousands from five digits on
    return text.translate({ord(","): thousands, ord("."): decimal})


def localized(value: float, spec: str = ",") -> str:
    """Return a number in a format of Python, with the separators of the current language."""
    return Message.made(f"{{0:{spec}}}", (value,))


@functools.cache
def _catalog(name: str) -> gettext.NullTranslations:
    if name == PSEUDO:
        return _Pseudo()
    return gettext.translation(DOMAIN, FOLDER, [name], fallback=True)


def known_language(name: str) -> str:
    """Return the language of a locale's name such as ``de_AT.UTF-8`` or ``zh-Hans-CN``; "" for an unknown one."""
    if name == PSEUDO:
        return PSEUDO
    parts = re.split(r"[-_.@]", name)
    if parts[0].lower() == "zh":
        is_traditional = {"hant", "tw", "hk", "mo"} & {part.lower() for part in parts}
        return "" if is_traditional else "zh_CN"
    return parts[0].lower() if parts[0].lower() in LANGUAGES else "en" if parts[0] in ("C", "POSIX") else ""


def _of_environment() -> list[str]:
    """Return the languages that environment variables name, on Windows that of the user's display."""
    if sys.platform == "win32":
        import ctypes

        return [locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")]
    names = (os.environ.get(name, "") for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return [one for name in names for one in name.split(":")]
