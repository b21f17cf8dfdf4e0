"""Find private data in texts by patterns, and by checksums where they exist, so that few other numbers are found.

Sources: ISO/IEC 7812-1 annex B (Luhn), ISO 13616 (IBAN, remainder 97), ITU-T E.164 (telephone numbers), RFC 5321
(addresses, in the simple form that people write).
"""

import re
from collections.abc import Iterator

from workers.contracts.translation import mark

EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}(?![\w-])", re.ASCII)
CARD = re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d.,-]{0,20}\d)")
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
PHONE = re.compile(r"(?<![\w+.,/-])(?:\+|00)?\(?\d{1,4}\)?(?:[ ./-]{1,2}\(?\d{1,5}\)?){2,6}(?![\w.,/-]{0,20}\d)")
PHONE_PLAIN = re.compile(r"(?<![\w+])\+\d{8,15}(?!\d)")
CALLED = re.compile(
    r"(?:\bcall|\bphone|\bmobile|\btel\b|\bfax\b|\bcell|\bwhatsapp|\bsms\b|\btext\b|telefon|☎|📞)", re.I
)
DATE = re.compile(r"^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:\D|$)")

CARD_STARTS = ("34", "35", "36", "37", "38", "30", "4", "5", "6", "2")
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24,
    "XK": 20,
}  # fmt: skip
"""Number of characters of an IBAN by country (SWIFT's IBAN registry)."""


def private_in(text: str) -> list[tuple[str, str]]:
    """Return the kind of each piece of private data in a text, and the piece with all but its ends masked.

    The most certain kinds come first, and each piece counts once.
    """
    hits: list[tuple[str, str]] = []
    taken: list[tuple[int, int]] = []
    for kind, start, end in _found(text):
        if any(start < other_end and other_start < end for other_start, other_end in taken):
            continue
        taken.append((start, end))
        hits.append((kind, masked(kind, text[start:end])))
    return hits


def _found(text: str) -> Iterator[tuple[str, int, int]]:
    for match in EMAIL.finditer(text):
        yield mark("e-mail address"), *match.span()
    for match in IBAN.finditer(text):
        length = iban_length(match.group())
        if length:
            yield mark("bank account (IBAN)"), match.start(), match.start() + length
    for match in CARD.finditer(text):
        if is_card(match.group()):
            yield mark("card number"), *match.span()
    for pattern in (PHONE_PLAIN, PHONE):
        for match in pattern.finditer(text):
            if is_phone(match.group(), text[max(0, match.start() - 24) : match.start()]):
                yield mark("telephone number"), *match.span()


def luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of the others (Luhn)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card(written: str) -> bool:
    """Return whether a text has 13 to 19 digits with a card's prefix, not all equal, and a correct check digit."""
    digits = re.sub(r"\D", "", written)
    return 13 <= len(digits) <= 19 and digits.startswith(CARD_STARTS) and len(set(digits)) > 1 and luhn(digits)


def iban_length(written: str) -> int:
    """Return how many characters from the start are a valid IBAN, 0 if none are; a word may follow without a gap."""
    wanted = IBAN_LENGTHS.get(written[:2], 0)
    kept = written.replace(" ", "")[:wanted]
    if not wanted or len(kept) != wanted:
        return 0
    used = next(end for end in range(wanted, len(written) + 1) if len(written[:end].replace(" ", "")) == wanted)
    number = "".join(str(int(char, 36)) for char in kept[4:] + kept[:4])
    return used if int(number) % 97 == 1 else 0


def is_phone(written: str, before: str) -> bool:
    """Return whether a text is a telephone number, not a date: 8 to 15 digits with a country code or a hint.

    The hint is a word such as "call" just before the number, or an area code in brackets.
    """
    digits = re.sub(r"\D", "", written)
    if not 8 <= len(digits) <= 15 or DATE.match(written.strip()) or len(set(digits)) < 3:
        return False
    international = written.startswith(("+", "00")) and not digits.startswith("000")
    in_brackets = re.match(r"\(\d{2,4}\)[ -]?\d", written) is not None
    return international or in_brackets or CALLED.search(before) is not None


def masked(kind: str, value: str) -> str:
    """Return enough characters to find the piece again, and too few to use it."""
    if kind == "e-mail address":
        name, _, host = value.partition("@")
        return f"{name[0]}…@…{host[host.rfind('.') :]}"
    return f"{value[:2]}…{value[-2:]}"
