"""Numbers are rounded for people, and never made to state what they do not."""

from collections.abc import Callable
from datetime import datetime

import pytest

from widgets.parts import format as fmt


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (fmt.ms, None, "–"), (fmt.ms, 0.0421, "0.042 ms"), (fmt.ms, 0.42, "0.42 ms"), (fmt.ms, 3.08, "3.1 ms"),
        (fmt.ms, 10.44, "10.4 ms"), (fmt.ms, 104.2, "104 ms"), (fmt.ms, 1040, "1,040 ms"), (fmt.ms, 30_400, "30.4 s"),
        (fmt.size_bytes, None, "–"), (fmt.size_bytes, 0, "0 bytes"), (fmt.size_bytes, 999, "999 bytes"),
        (fmt.size_bytes, 9_200_000, "9.2 MB"), (fmt.size_bytes, 104_857_600, "105 MB"),
        (fmt.size_bytes, 999_600_000, "1.0 GB"), (fmt.size_bytes, 12_345, "12 kB"), (fmt.size_bytes, 5e15, "5000 TB"),
        (fmt.memory, 38_200_000, "38 MB"), (fmt.memory, 3_800_000, "3.8 MB"), (fmt.memory, 2.26e9, "2.3 GB"),
        (fmt.count, 96.4, "96"), (fmt.count, 2000, "2,000"), (fmt.count, 3.25, "3.2"), (fmt.count, None, "–"),
        (fmt.big_count, 3_504_872, "3.5 million"), (fmt.big_count, 480_312, "480 thousand"),
        (fmt.big_count, 7_000_000_000, "7.0 billion"), (fmt.big_count, 912, "912"),
        (fmt.times, 3.39, "3.4 ×"), (fmt.times, 1.04, "1.04 ×"), (fmt.times, 250.0, "250 ×"), (fmt.times, None, "–"),
        (fmt.seconds, 0.84, "0.8 s"), (fmt.seconds, 41, "41 s"), (fmt.seconds, 64, "1 min 4 s"),
        (fmt.seconds, 4320, "1 h 12 min"), (fmt.seconds, None, "–"),
        (fmt.about, 60, "about 1 minute"), (fmt.about, 28, "about 30 seconds"), (fmt.about, 185, "about 3 minutes"),
        (fmt.about, 7300, "about 2 hours"), (fmt.about, 1, "about 5 seconds"),
        (fmt.percent_of, 1.0, "1 %"), (fmt.percent_of, 0.5, "0.5 %"), (fmt.percent_of, 2.25, "2.25 %"),
    ],
)  # fmt: skip
def test_numbers_for_people(show: Callable[[float | None], str], value: float | None, text: str) -> None:
    """Given a value in SI units, then people read about three digits and a unit."""
    assert show(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.993, "99.3 %"), (0.912, "91.2 %"), (0.9, "90.0 %"), (1.0, "100 %"), (0.0, "0 %"), (0.9998, "99.98 %"),
        (0.99999, "99.999 %"), (0.9999999, "over 99.99 %"), (0.0001, "0.01 %"), (0.0000001, "under 0.01 %"),
        (-0.004, "-0.4 %"), (None, "–"),
    ],
)  # fmt: skip
def test_almost_all_is_never_all(share: float | None, text: str) -> None:
    """Given a share next to 0 or 1, then it is not rounded to it."""
    assert fmt.percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0046, "0.5 %"), (0.0051, "0.6 %"), (0.005, "0.5 %"), (0.139, "13.9 %"), (0.01, "1 %")]
)
def test_bounds_are_rounded_up(share: float, text: str) -> None:
    """Given an upper bound, then what is shown is never tighter."""
    assert fmt.percent_up(share) == text


def test_similarity_is_never_rounded_up_to_one() -> None:
    """Given a cosine just below 1, then it does not read 1."""
    assert fmt.cosine(0.99993) == "0.9999" and fmt.cosine(0.999987) == "0.999987"
    assert fmt.cosine(0.99999999) == "over 0.999999" and fmt.cosine(1.0) == "1.0000"


def test_moments_name_the_day_unless_it_is_today() -> None:
    """Given a time of today and one of another day, then only the other names its day."""
    now = datetime(2026, 11, 25, 15, 0)
    assert fmt.moment(datetime(2026, 11, 25, 14, 2), now) == "14:02"
    assert fmt.moment(datetime(2026, 11, 3, 14, 2), now) == "3 Nov 2026, 14:02"
    assert fmt.moment(None) == "–"


def test_foreign_lines_are_bounded_and_visible() -> None:
    """Given endless or deceiving text, then it becomes one short line, control letters shown."""
    assert fmt.clipped("a\n b\t" + "c" * 9000, 10) == "a b ccccc…"
    assert fmt.visible("photo\u202egnp.exe\x07") == "photo\ufffdgnp.exe\ufffd"
    assert fmt.visible("שלום ünï 模型 🙂\n") == "שלום ünï 模型 🙂\n"
