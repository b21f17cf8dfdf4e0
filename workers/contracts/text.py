"""Carry texts for people through records, processes and files, so that they can still be translated.

A record's field of the type `Text` holds a `Message` or a plain text. `model_dump_json` of a record writes a message
with its template and facts, for processes and files of the program itself. `model_dump` writes the English text, for
documents that others read.
"""

import math
import re
import string
from contextlib import suppress
from numbers import Integral, Real
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, JsonValue, SerializationInfo
from pydantic_core import CoreSchema, core_schema

from workers.contracts.translation import CAPITAL, Message, _, in_english, message_of

WHOLE = {"texts": "whole"}
"""Context of a serialization that keeps templates and facts."""
MOST_DEPTH, MOST_FACTS, MOST_LETTERS = 8, 200, 20_000
_SPEC = re.compile(rf"\+?#?,?(\.\d{{1,2}})?[defg%]?|{CAPITAL}")
_NAME = re.compile(r"[a-z_][a-z0-9_]*|\d{1,3}", re.IGNORECASE)


class _Form:
    """How pydantic reads and writes a text."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            read_text,
            json_schema_input_schema=core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(_written, info_arg=True),
        )


Text = Annotated[str, _Form]
"""Type of a record's field that holds words for people: a `Message`, or a plain text of an older record."""


def read_text(value: object, depth: int = 0) -> str:
    """Return a text, or a message from its written form; raise ValueError for other values and beyond the limits."""
    if isinstance(value, str):
        return message_of(value)
    if not isinstance(value, dict) or not value.keys() <= {"text", "many", "number", "facts", "named"}:
        raise ValueError("a text is a string, or a template with facts")
    source, many, number = value.get("text"), value.get("many", ""), value.get("number", 0)
    facts, named = value.get("facts", []), value.get("named", {})
    if not isinstance(facts, list) or not isinstance(named, dict) or len(facts) + len(named) > MOST_FACTS:
        raise ValueError(f"a text has at most {MOST_FACTS} facts")
    if not isinstance(number, (int, float)) or depth > MOST_DEPTH:
        raise ValueError("a text is nested too deeply, or counts what is no number")
    values = tuple(_fact(one, depth) for one in facts)
    names = {str(name): _fact(one, depth) for name, one in named.items()}
    if not all(map(_NAME.fullmatch, names)):
        raise ValueError("a fact has a name of letters")
    for template in (source, many):
        _check(template, len(values), names)
    try:
        text = Message.made(str(source), values, names, str(many), number)
    except (ValueError, TypeError, OverflowError, LookupError) as error:
        raise ValueError("a fact does not fit its field") from error
    if len(text) > MOST_LETTERS:
        raise ValueError(f"a text has at most {MOST_LETTERS} letters")
    return text


def _fact(value: object, depth: int) -> object:
    if value is None or isinstance(value, (int, float)):
        return value
    text = read_text(value, depth + 1)
    if len(text) > MOST_LETTERS:
        raise ValueError(f"a fact has at most {MOST_LETTERS} letters")
    return text


def _check(template: object, count: int, names: dict[str, object]) -> None:
    """Raise ValueError for a template that str.format must not see: attributes, wide fields, fields without a fact."""
    if not isinstance(template, str) or len(template) > MOST_LETTERS:
        raise ValueError(f"a template is a text of at most {MOST_LETTERS} letters")
    parsed = string.Formatter().parse(template)
    fields = [(field, spec or "", conversion) for _words, field, spec, conversion in parsed if field is not None]
    if len(fields) > MOST_FACTS:
        raise ValueError(f"a template has at most {MOST_FACTS} fields")
    for field, spec, conversion in fields:
        is_known = field in names or (field.isascii() and field.isdecimal() and int(field) < count)
        if not is_known or not _SPEC.fullmatch(spec) or conversion not in (None, "r"):
            raise ValueError("a field of a template has no fact, or a format that texts do not use")


def written(text: str) -> JsonValue:
    """Return a text with its template and facts, for `read_text`; the text alone where that would refuse it."""
    if isinstance(text, Message) and (form := _form(text)) is not None:
        with suppress(ValueError):
            read_text(form)
            return form
    return _encodable(str(text))


def _encodable(text: str) -> str:
    """Return a text for JSON: in the name of a file there may be bytes that are no text."""
    return text.encode(errors="replace").decode()


def _form(message: Message, depth: int = 0) -> dict[str, JsonValue] | None:
    """Return the written form of a message, None for one that `read_text` refuses or with a number that JSON lacks."""
    count = len(message.facts) + len(message.named)
    if _is_bare(message) or depth > MOST_DEPTH or len(message) > MOST_LETTERS or count > MOST_FACTS:
        return None
    form: dict[str, JsonValue] = {"text": message.source}
    if message.many:
        form |= {"many": message.many, "number": message.number}
    facts = [_fact_form(value, depth) for value in message.facts]
    named = {name: _fact_form(value, depth) for name, value in message.named.items()}
    if ... in facts or ... in named.values():
        return None
    return form | ({"facts": facts} if facts else {}) | ({"named": named} if named else {})


def _is_bare(message: Message) -> bool:
    """Return whether a text is no template although it has braces, such as a title that a person wrote."""
    return not message.facts and not message.named and not {"{", "}"}.isdisjoint(message.source)


def _fact_form(value: Any, depth: int) -> Any:
    if isinstance(value, Message) and not _is_bare(value):
        return ... if (form := _form(value, depth + 1)) is None else form
    if value is None or isinstance(value, Integral):  # of numpy, too
        return value if value is None else int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else ...
    return _encodable(str(value))


def _written(text: str, info: SerializationInfo) -> Any:
    if info.mode != "json":
        return text
    if info.context == WHOLE:
        return written(text)
    with in_english():
        return _encodable(str(_(text)) if isinstance(text, Message) else text)
