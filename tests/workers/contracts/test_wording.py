"""Format percentages, counts and durations."""

import gettext
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from workers.contracts.wording import (
    about,
    counted,
    duration,
    in_ms,
    percent,
    percent_of,
    percent_range,
    percent_up,
)


@pytest.mark.parametrize(
    ("share", "digits", "words"),
    [
        (0.912, 1, "91.2 %"), (0.0, 1, "0 %"), (1.0, 1, "100 %"), (0.9999, 1, "99.99 %"), (0.99999, 1, "99.999 %"),
        (0.9999999, 1, "over 99.99 %"), (0.0004, 1, "0.04 %"), (0.00004, 1, "under 0.01 %"), (0.66, 0, "66 %"),
        (0.996, 0, "99.6 %"), (0.004, 0, "0.4 %"), (-0.012, 1, "-1.2 %"), (1.5, 0, "150 %"), (0.0012, 2, "0.12 %"),
    ],
)  # fmt: skip
def test_percent_rounds_no_share_to_0_or_100(share: float, digits: int, words: str) -> None:
    """Given shares, Then each keeps its relevant digits, and only exact values are 0 % and 100 %."""
    assert percent(share, digits) == words


def test_percentages_of_limits_bounds_and_ranges() -> None:
    """Given limits, bounds, ranges and changes, then each is told in its own way with the same sign."""
    assert [percent_of(value) for value in (1.0, 0.5, 90.25, 58.0)] == ["1 %", "0.5 %", "90.25 %", "58 %"]
    assert [percent_up(share) for share in (0.0041, 0.005, 0.01)] == ["0.5 %", "0.5 %", "1 %"]
    assert percent_range(0.761, 0.874) == "76 to 87 %"


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 versions"), (1, "1 version"), (2, "2 versions"), (1200, "1,200 versions")]
)
def test_counted_agrees_with_its_noun(number: int, words: str) -> None:
    """Given numbers of things, then the noun goes with them."""
    assert counted(number, "version") == words
    assert counted(number, "copy", "copies").endswith("copy" if number == 1 else "copies")


@pytest.mark.parametrize(
    ("seconds", "measured", "expected"),
    [
        (0.84, "0.8 s", "about 5 seconds"), (9.97, "10 s", "about 10 seconds"), (41, "41 s", "about 40 seconds"),
        (60, "1 min", "about 1 minute"), (88, "1 min 28 s", "about 1½ minutes"), (125, "2 min 5 s", "about 2 minutes"),
        (155, "2 min 35 s", "about 2½ minutes"), (286, "4 min 46 s", "about 5 minutes"),
        (3000, "50 min", "about 50 minutes"), (3599.6, "1 h 0 min", "about 1 hour"), (7300, "2 h 1 min", "about 2 hours"),
    ],
)  # fmt: skip
def test_duration_is_exact_and_about_is_rounded(seconds: float, measured: str, expected: str) -> None:
    """Given seconds, then what was measured is told exactly and what is expected roughly, each in one way only."""
    assert (duration(seconds), about(seconds)) == (measured, expected)


def test_wording_uses_the_catalog_of_the_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a compiled catalog, Then times and shares are formatted with its texts."""
    words = {"about {0} minutes": "etwa {0} Minuten", "{0} min {1} s": "{0} Min. {1} s", "under {0}": "unter {0}"}
    catalog = Catalog(locale="de")
    for message, text in words.items():
        catalog.add(message, text)
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "fettle.mo").open("wb") as file:
        write_mo(file, catalog)
    german = gettext.translation("fettle", tmp_path, languages=["de"])
    monkeypatch.setattr("workers.contracts.wording._", german.gettext)
    assert about(720) == "etwa 12 Minuten"
    assert duration(125) == "2 Min. 5 s"
    assert percent(0.00001) == "unter 0.01 %"


def test_in_ms_uses_no_powers_of_ten() -> None:
    """Given times of fast and of slow models, Then three digits are told, and of a second and more all of them."""
    assert [in_ms(value) for value in (0.1234, 3.966, 999.4, 999.6, 1160.0, 12345.6)] == [
        "0.123 ms", "3.97 ms", "999 ms", "1,000 ms", "1,160 ms", "12,346 ms",
    ]  # fmt: skip
