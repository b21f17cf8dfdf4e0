"""Determine what a stated license allows: SPDX by `license-expression`, the hub's identifiers by our own list."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from workers.contracts.licenses import NOT_STATED, LicenseVerdict, LicenseWord
from workers.contracts.translation import mark
from workers.hub.license_rows import CATEGORIES, CREATIVE_COMMONS, OWN, SAME, SPDX, UNCLEAR

if TYPE_CHECKING:
    from license_expression import Licensing

MAX_CHARS = 200
"""Longest identifier; longer texts are prose."""
NOTHING = frozenset({"", "none", "null", "unknown", "n/a"})
AND = " AND "
WORST: tuple[LicenseWord, ...] = ("unknown", "noncommercial", "conditions", "ok")
_CC = re.compile(r"cc-(by(?:-nc)?(?:-sa|-nd)?)(?:-\d|$)", re.IGNORECASE)
_BESIDE = re.compile(
    r"\(?\s*https?://[^\s()]{1,500}\)?|\b(?:the|licen[cs]e|version|agreement|community)\b|,", re.IGNORECASE
)
"""Words that people write around a license's name: “AGPL-3.0 License (https://…)”, “Apache License, Version 2.0”."""
_NUMBER = re.compile(r"(?<=[a-z])[- ]*v?[- ]*(\d+)(\.\d+)*$", re.IGNORECASE)
_HTTP = re.compile(r"https?://[^\s<>\"']{1,500}", re.IGNORECASE)


def judge(stated: str | Sequence[str] | None, *, name: str = "", link: str = "") -> LicenseVerdict:
    """Return the verdict on an SPDX expression or on the hub's identifiers, of which all apply together.

    `name` and `link` are the hub's `license_name` and `license_link`, which explain the identifier "other".
    """
    parts = [stated] if isinstance(stated, str) else list(stated or ())
    wanted = [part.strip() for part in parts if part.strip().lower() not in NOTHING]
    address = link.strip() if _HTTP.fullmatch(link.strip()) else None
    if not wanted:
        return NOT_STATED.model_copy(update={"link": address})
    found = [_judge_one(part[:MAX_CHARS], name.strip()[:MAX_CHARS]) for part in wanted]
    return _together(found).model_copy(update={"link": address})


def _judge_one(text: str, name: str) -> LicenseVerdict:
    if text.lower() == "other":
        known = _by_identifier(name) if name else None
        return known or _verdict(UNCLEAR, name or mark("Own terms"), None)
    for wording in dict.fromkeys((text, _name_in(text), *_numbered(_name_in(text)))):
        found = _by_identifier(wording) or _by_expression(wording) or _by_family(wording)
        if found is not None:
            return found
    return _verdict(UNCLEAR, text, None)


def _name_in(text: str) -> str:
    """Return the license's name without the words around it; other text stays unchanged and matches nothing."""
    return "-".join(_BESIDE.sub(" ", text).split())


def _numbered(name: str) -> tuple[str, ...]:
    """Return SPDX's number of ``GPLv3``, ``GPL-3.0``, and the hub's of ``llama-3.1``, ``llama3.1``."""
    match = _NUMBER.search(name)
    if match is None:
        return ()
    head, number = name[: match.start()], match[0].lstrip("- vV")
    whole = number if "." in number else f"{number}.0"
    return f"{head}-{whole}", f"{head}{number}"


def _by_family(text: str) -> LicenseVerdict | None:
    """Return the verdict on Creative Commons without a version, whose letters hold for every version."""
    family = _CC.fullmatch(text)
    return None if family is None else _verdict(CREATIVE_COMMONS[family[1].lower()], text.upper(), None)


def _by_identifier(text: str) -> LicenseVerdict | None:
    key = text.lower()
    if key in OWN:
        title, terms = OWN[key]
        return _verdict(terms, title, f"LicenseRef-{key.replace('+', '-plus')}")
    if key in SAME:
        return _verdict(_terms_of(SAME[key]), SAME[key], SAME[key])
    return None


def _by_expression(text: str) -> LicenseVerdict | None:
    """Return the verdict on an SPDX expression: the best part of OR, the worst of AND; None for other text."""
    from license_expression import ExpressionError

    licensing = _licensing()
    try:
        tree = licensing.parse(text, validate=True, strict=True)
    except (ExpressionError, TypeError, ValueError, RecursionError):
        return None
    return None if tree is None else _of_tree(tree, licensing)


def _of_tree(tree: object, licensing: "Licensing") -> LicenseVerdict:
    if isinstance(tree, licensing.OR | licensing.AND):
        joined = [_of_tree(part, licensing) for part in tree.args]
        if isinstance(tree, licensing.AND):
            return _together(joined)
        best = max(joined, key=lambda verdict: WORST.index(verdict.word))
        text = tree.render()
        return best.model_copy(update={"title": text, "expression": text})
    text = tree.render()  # type: ignore[attr-defined]
    key = getattr(getattr(tree, "license_symbol", tree), "key", text)  # without its WITH exception
    return _verdict(_terms_of(key), text, text)


def _together(verdicts: Sequence[LicenseVerdict]) -> LicenseVerdict:
    """Combine verdicts that all apply: the worst one counts, with its own sentence."""
    if len(verdicts) == 1:
        return verdicts[0]
    worst = min(verdicts, key=lambda verdict: WORST.index(verdict.word))
    stated = [verdict.expression for verdict in verdicts]
    whole = AND.join(f"({one})" if " OR " in one else one for one in stated if one)
    return worst.model_copy(
        update={
            "title": AND.join(dict.fromkeys(verdict.title for verdict in verdicts))[:MAX_CHARS],
            "expression": None if None in stated else whole,
            "copies": all(verdict.copies for verdict in verdicts),
        }
    )


def _terms_of(key: str) -> LicenseVerdict:
    family = _CC.match(key)
    if key not in SPDX and family is not None:
        return CREATIVE_COMMONS[family[1].lower()]
    return SPDX.get(key) or CATEGORIES.get(_categories().get(key, ""), UNCLEAR)


def _verdict(terms: LicenseVerdict, title: str, expression: str | None) -> LicenseVerdict:
    return terms.model_copy(update={"title": title, "expression": expression})


@lru_cache(maxsize=1)
def _licensing() -> "Licensing":
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


@lru_cache(maxsize=1)
def _categories() -> dict[str, str]:
    """Return the category of each SPDX key."""
    from license_expression import get_license_index

    return {
        key: row["category"]
        for row in get_license_index()
        for key in (row.get("spdx_license_key"), *row.get("other_spdx_license_keys", ()))
        if key
    }
