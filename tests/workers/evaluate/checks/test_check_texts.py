"""Tables of texts, arrays and sounds through the job ``data_check``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import write_wav
from recording import RecordingContext

from workers.evaluate.checks.near_texts import jaccard, near_texts, shingles
from workers.evaluate.checks.patterns import iban_length, is_card, luhn, private_in

Make = Callable[..., Any]
NOUNS = (
    "shop", "garden", "engine", "letter", "river", "window", "camera", "bread", "bicycle", "song", "market", "lamp",
)  # fmt: skip
GOOD, BAD = ("lovely", "great", "fine", "splendid"), ("broken", "awful", "late", "dirty")


def sentence(number: int, words: tuple[str, ...] = ()) -> str:
    """Return twelve words that depend on the number, with one of `words` among them."""
    random = np.random.default_rng(number)
    chosen = [NOUNS[i] for i in random.integers(0, len(NOUNS), 11)]
    return " ".join([*chosen, words[number % len(words)] if words else str(number)])


def test_equal_and_nearly_equal_texts_are_counted_once(check: Make, table: Make, findings_of: Make) -> None:
    """Given one text twice, one also in capitals and one also with another word, then each is counted once."""
    rows = [(sentence(n), "a" if n % 2 else "b") for n in range(40)]
    rows += [(sentence(3), "a"), (sentence(5).upper(), "a"), (sentence(7) + " indeed", "a")]
    result = check(table("t.csv", rows))
    assert (result.counts["exact_duplicates"], result.counts["near_duplicates"]) == (1, 2)
    groups = {group for f in findings_of(result, "duplicates") for group in f.groups}
    assert {("row 4", "row 41"), ("row 6", "row 42"), ("row 8", "row 43")} == groups


def test_text_in_both_tables_leaks(check: Make, table: Make) -> None:
    """Given two texts of the first table in the second one, then they leak."""
    first = table("test.csv", [(sentence(n), "a") for n in range(20)])
    second = table("train.csv", [(sentence(n), "a") for n in range(18, 40)])
    result = check(first, second)
    assert result.leaked == 2 and result.leave_out == ("row 19", "row 20")


def test_minhash_finds_the_pairs_of_the_exact_jaccard_index(tmp_path: Path) -> None:
    """Given 300 texts, some with words exchanged, then 95 % of the pairs with a Jaccard index from .8 on are found, and no
    others."""
    texts = [sentence(n) + " " + sentence(1000 + n) + " " + sentence(2000 + n) for n in range(280)]
    texts += [texts[n].replace(texts[n].split()[k % 20], "other", 1) for k, n in enumerate(range(0, 60, 3))]
    sets = [shingles(text) for text in texts]
    truth = [(i, j) for i in range(len(sets)) for j in range(i + 1, len(sets)) if jaccard(sets[i], sets[j]) >= 0.8]
    got = near_texts(texts, RecordingContext(tmp_path))
    assert len(truth) >= 10 and set(got) <= set(truth) and len(got) >= 0.95 * len(truth)


def test_private_data_are_counted_and_not_repeated(check: Make, table: Make, findings_of: Make) -> None:
    """Given an address, a telephone number, a card and an account among texts, then each is counted and none is shown."""
    secret = ["write to jane.roe@example.org now", "call +44 20 7946 0958 today", "card 4111 1111 1111 1111 please"]
    secret += ["pay into DE89 3704 0044 0532 0130 00 soon", "mail: max@shop.co.uk or call (030) 1234 5678"]
    result = check(table("t.csv", [*((sentence(n), "a") for n in range(20)), *((text, "a") for text in secret)]))
    (finding,) = findings_of(result, "private")
    assert result.counts["private"] == 5
    wanted = {"e-mail address": 2.0, "telephone number": 2.0, "card number": 1.0, "bank account (IBAN)": 1.0}
    assert finding.values == wanted
    everything = result.model_dump_json()
    for piece in ("jane.roe", "7946", "1111", "3704", "max@"):
        assert piece not in everything


@pytest.mark.parametrize(
    "text",
    [
        "on 2024-01-15 at 10:30:00", "version 1.2.3.4 of 10.0.0.1", "4111 1111 1111 1112", "order 12345678901234567",
        "DE89 3704 0044 0532 0130 01", "pi is 3.14159265358979", "a @ b.com", "1 000 000 000 people", "@name and #tag",
        "scores 10-12 14-16 20-18", "ISBN 978-3-16-148410-0", "0000 0000 0000 0000",
    ],
)  # fmt: skip
def test_other_numbers_are_not_private(text: str) -> None:
    """Given dates, versions, wrong check digits and other numbers, then none is private."""
    assert private_in(text) == []


@pytest.mark.parametrize(
    "text", ["1.1" * 100_000 + "a" * 100_000, "1 1 " * 100_000, "4" * 300_000, "a.b-" * 100_000 + "@", "DE89 " * 60_000]
)
def test_long_texts_do_not_backtrack(text: str) -> None:
    """Given texts on which patterns could backtrack without end, then the search ends within the time of a test."""
    private_in(text)


def test_checksums_of_published_examples_hold() -> None:
    """Given published examples, then the checksums hold, and fail with one digit changed."""
    assert luhn("79927398713") and not luhn("79927398710")
    assert is_card("5555-5555-5555-4444") and not is_card("5555-5555-5555-4445")
    for valid in ("GB29 NWBK 6016 1331 9268 19", "FR14 2004 1010 0505 0001 3M02 606", "NO9386011117947"):
        assert iban_length(valid) == len(valid)
        assert iban_length(valid[:-1] + ("0" if valid[-1] != "0" else "1")) == 0
    assert iban_length("GB29 NWBK 6016 1331 9268 19 AND") == len("GB29 NWBK 6016 1331 9268 19")


def test_planted_label_errors_are_found(check: Make, table: Make, findings_of: Make) -> None:
    """Given 300 texts with words for good or bad, ten of them under the wrong label, then at least eight of these and at
    most two others are found."""
    words = {n: GOOD if n % 2 else BAD for n in range(300)}
    rows = [(" ".join([sentence(n)[:30], *words[n][n % 3 :]]), "good" if n % 2 else "bad") for n in range(300)]
    wrong = range(0, 300, 30)
    rows = [
        (text, ("bad" if label == "good" else "good") if n in wrong else label) for n, (text, label) in enumerate(rows)
    ]
    result = check(table("t.csv", rows))
    (finding,) = findings_of(result, "label_errors")
    planted, doubted = {f"row {n + 1}" for n in wrong}, set(finding.items)
    assert len(planted & doubted) >= 8 and len(doubted - planted) <= 2
    assert finding.count == result.counts["label_errors"] == len(doubted)


def test_random_labels_are_not_doubted(check: Make, table: Make, findings_of: Make) -> None:
    """Given labels that the texts do not explain, then no label is doubted, and a finding gives the reason."""
    random = np.random.default_rng(0)
    rows = [(sentence(n), str(random.integers(0, 3))) for n in range(200)]
    result = check(table("t.csv", rows))
    assert result.counts["label_errors"] is None and "not looked for" in findings_of(result, "label_errors")[0].what


@pytest.mark.parametrize(
    ("name", "separator", "encoding", "word"),
    [
        ("a.csv", ";", "utf-8", "semicolon"),
        ("a.tsv", "\t", "utf-16", "UTF-16"),
        ("a.csv", ",", "cp1252", "Windows-1252"),
    ],
)
def test_table_with_other_separator_or_encoding_is_read(
    check: Make, tmp_path: Path, name: str, separator: str, encoding: str, word: str
) -> None:
    """Given another separator or encoding, then the table is read, and a finding names it."""
    lines = [separator.join(("text", "label")), *(f"Grüße Nr. {n} café{separator}{n % 2}" for n in range(12))]
    (tmp_path / name).write_bytes("\r\n".join(lines).encode(encoding))
    result = check(tmp_path / name)
    assert result.counts["items"] == 12 and result.counts["classes"] == 2
    assert any(word in f.what for f in result.findings if f.check == "reading")


def test_formula_cells_stay_text(check: Make, table: Make) -> None:
    """Given cells that a spreadsheet would run, then they are read as texts and reported."""
    rows = [(sentence(n), "a") for n in range(12)] + [
        ('=HYPERLINK("http://x.example";"open")', "a"),
        ("@SUM(A1:A9)", "b"),
    ]
    result = check(table("t.csv", rows))
    assert result.counts["items"] == 14 and result.counts["formulas"] == 2
    assert any("spreadsheet" in f.what for f in result.findings)


def test_sounds_of_several_rates_are_read_and_reported(check: Make, tmp_path: Path, findings_of: Make) -> None:
    """Given sounds at 8, 16 and 44.1 kHz, a copy and a damaged one, then all others are read, and a finding names the rates."""
    for number in range(12):
        rate_hz, pitch_hz = (8000, 16000, 44100)[number % 3], 200 + 50 * number
        tone = 12000 * np.sin(2 * np.pi * pitch_hz * np.arange(int(0.3 * rate_hz)) / rate_hz)
        write_wav(tmp_path / f"{number}.wav", tone, rate_hz)
    (tmp_path / "copy.wav").write_bytes((tmp_path / "3.wav").read_bytes())
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    result = check(tmp_path)
    assert result.kind == "audio" and result.counts["items"] == 13 and result.counts["unreadable"] == 1
    assert result.counts["exact_duplicates"] == 1 and result.counts["near_duplicates"] is None
    report = " ".join(f.what for f in findings_of(result, "sizes"))
    assert "8,000, 16,000, 44,100 Hz" in report
    assert "length in seconds 0.3 in all; loudness in dB" in report and "−11.7" in report and "-" not in report


def test_arrays_are_checked_as_numbers_or_pictures(check: Make, tmp_path: Path, findings_of: Make) -> None:
    """Given numbers with labels and one row twice, then the duplicate and the classes are counted; bytes with the shape of
    pictures are pictures."""
    random = np.random.default_rng(1)
    x = random.normal(size=(60, 5)).astype(np.float32)
    x[7] = x[3]
    np.savez(tmp_path / "n.npz", x=x, y=(x[:, 0] > 0).astype(np.int64))
    result = check(tmp_path / "n.npz")
    assert result.kind == "arrays" and result.counts["exact_duplicates"] == 1 and result.counts["classes"] == 2
    np.savez(tmp_path / "p.npz", x=random.integers(0, 256, (20, 16, 16), dtype=np.uint8))
    assert check(tmp_path / "p.npz").kind == "images"
    np.savez(tmp_path / "m.npz", age=random.normal(size=30), height=random.normal(size=30), y=np.arange(30) % 2)
    named = check(tmp_path / "m.npz")
    assert named.counts["items"] == 30 and named.counts["labelled"] == 30
