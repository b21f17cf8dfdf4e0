"""Addresses that people enter, and facts that strangers report."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.computers.fitting import check_fits, trouble
from app.computers.records import Computer, complete, computer, computers, new_place, parse_address, read_facts, save
from workers.contracts.errors import InputRefused

FACTS: dict[str, Any] = {
    "os": "Debian", "system": "Linux", "arch": "aarch64", "bits": 64, "libc": "glibc-2.36", "cores": 4,
    "memory_bytes": 8 << 30, "free_disk_bytes": 1 << 35, "machine": "m", "versions": ["1"], "clock_s": 100.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anna@server.local", ("server.local", "anna", "server.local", 22)),
        ("anna@10.0.0.7:2222", ("10.0.0.7", "anna", "10.0.0.7", 2222)),
        ("pi@fe80::1%eth0", ("fe80-1-eth0", "pi", "fe80::1%eth0", 22)),
    ],
)
def test_address_is_read(text: str, expected: tuple[str, str, str, int]) -> None:
    """Given an address as people write it, Then name, user, host and port are in it."""
    found = parse_address(text)
    assert (found.name, found.user, found.host, found.port) == expected


def test_address_of_a_known_computer_gets_its_name() -> None:
    """Given a computer that was named, When its address is entered without a name, Then it is that computer."""
    known = parse_address("a@h:2222", "office")
    assert parse_address("a@h", known=[known]).name == "h"
    assert parse_address("a@h:2222", known=[known]) == known == parse_address("a@h", port=2222, known=[known])


@pytest.mark.parametrize(
    "text", ["", "server", "a@", "a@-oProxyCommand=x", "-oX@h", "a@h;ls", "a@h:0", "a@h:99999", "a b@h"]
)
def test_text_that_ssh_could_take_for_something_else_is_refused(text: str) -> None:
    """Given an option, a command or half an address, Then it never reaches ssh."""
    with pytest.raises(InputRefused) as error:
        parse_address(text)
    assert error.value.code == "bad_address"


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "x.part", "a" * 65, "a\nb"])
def test_name_that_is_no_plain_folder_is_refused(name: str) -> None:
    """Given a name that would lead elsewhere, Then it is refused."""
    with pytest.raises(InputRefused) as error:
        parse_address("a@h", name)
    assert error.value.code == "bad_name"


@pytest.mark.parametrize(
    "change",
    [
        {"os": "x\x1b[31m"},
        {"os": "x" * 201},
        {"cores": 0},
        {"cores": "many"},
        {"machine": None},
        {"features": ["x"] * 101},
        {"os": "x\u202egnp"},
        {"cores": 10**400},
        {"memory_bytes": 10**400},
        {"free_disk_bytes": 2**63},
        {"clock_s": float("nan")},
        {"clock_s": float("inf")},
    ],
)
def test_facts_of_a_hostile_computer_are_refused(change: dict[str, object]) -> None:
    """Given signs that a screen obeys, long texts, wrong kinds or endless numbers, Then the facts are refused; unknown
    fields and a clock of 400 digits are left out."""
    assert read_facts({**FACTS, "clock_s": 10**400}, 40.0).clock_ahead_s == 0.0
    assert read_facts({**FACTS, "later": 1}, 40.0).clock_ahead_s == 60.0
    with pytest.raises(ValidationError):
        read_facts({**FACTS, **change}, 0.0)


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True), ({"arch": "riscv64"}, False), ({"bits": 32}, False), ({"system": "Darwin"}, False),
        ({"libc": "musl-1.2"}, False), ({"libc": "glibc-2.31"}, False), ({"arch": "x86_64", "libc": "glibc-2.31"}, True),
    ],
)  # fmt: skip
def test_computer_fits_by_processor_and_system(change: dict[str, object], fits: bool) -> None:
    """Given processors and systems, Then those without ready-built packages are refused."""
    facts = read_facts({**FACTS, **change}, 0.0)
    if fits:
        check_fits(facts)
        return
    with pytest.raises(InputRefused) as error:
        check_fits(facts)
    assert error.value.code == "other_processor"


def test_trouble_is_another_version_or_a_clock_that_differs_by_hours() -> None:
    """Given the facts of a look, Then another version and a wrong clock are reported, and nothing else."""
    one = Computer(name="a", host="h", user="u", facts=read_facts(FACTS, 100.0))
    late = one.model_copy(update={"facts": read_facts(FACTS, 100.0 + 7200)})
    assert trouble(one, "1") == "" and trouble(one, "2") and trouble(late, "1")


def test_records_are_private_and_half_ones_are_not_listed(tmp_path: Path) -> None:
    """Given a complete record, a half one and a damaged one, Then only the complete one is listed."""
    folder = tmp_path / "computers"
    record = parse_address("a@h")
    save(new_place(folder, "h"), record)
    assert computers(folder) == ()
    complete(folder, "h")
    (folder / "bad").mkdir()
    (folder / "bad" / "computer.json").write_text("{")
    new_place(folder, "half")
    assert computers(folder) == (record,) and computer(folder, "h") == record
    assert folder.stat().st_mode & 0o077 == 0 and (folder / "h" / "computer.json").stat().st_mode & 0o077 == 0
    with pytest.raises(KeyError):
        computer(folder, "half")
