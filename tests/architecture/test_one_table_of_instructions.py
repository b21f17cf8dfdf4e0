"""What sets of instructions there are stands in one module; all others use it."""

import re
from pathlib import Path

import pytest

from workers.infer import processor

ROOT = Path(__file__).parents[2]
ONE_PLACE = "workers/infer/processor.py"
NAMES = sorted({word for feature in processor.FEATURES for word in (feature.flag, feature.name)} - {"bf16"})
NAMED = re.compile(r"[\"'](" + "|".join(map(re.escape, NAMES)) + r")[\"']")


def named(source: str) -> list[str]:
    """Names of sets of instructions that stand in a piece of source as texts of their own."""
    return NAMED.findall(source)


@pytest.mark.parametrize("room", ["app", "widgets", "workers", "presets"])
def test_no_other_module_names_instructions(room: str) -> None:
    """Given all source, then only the module of the processor names its instructions."""
    found = {
        path.relative_to(ROOT).as_posix(): names
        for path in sorted((ROOT / room).rglob("*.py"))
        if (names := named(path.read_text(encoding="utf-8")))
    }
    found.pop(ONE_PLACE, None)
    assert found == {}


def test_a_second_table_would_be_found() -> None:
    """Given a module with its own table, as three had, then it is found."""
    assert named('FAST_INT8 = {"avx512_vnni", "i8mm"}') == ["avx512_vnni", "i8mm"]
    assert named("precision = 'bf16'") == []


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ("fpu avx2", {"fp32"}),
        ("avx2 avx_vnni", {"fp32", "int8"}),
        ("avx512f avx512_bf16", {"fp32", "bf16"}),
        ("amx_int8 amx_bf16 amx_tile", {"int8", "bf16"}),
        ("fp asimd asimddp", {"int8"}),
        ("fp asimd i8mm svebf16", {"int8", "bf16"}),
    ],
)
def test_flags_names_and_numbers_agree(flags: str, wanted: set[str]) -> None:
    """Given the flags of a processor, then their stored form names the same fast numbers as the flags do."""
    names = processor.names_of(flags.split())
    assert processor.fast(names) == wanted
    assert [one.name for one in reversed(processor.known(names))] == [name for name in names if _has_title(name)]


def _has_title(name: str) -> bool:
    return any(feature.title for feature in processor.FEATURES if feature.name == name)
