"""Tables that are small files and would be large in memory."""

import json
import tracemalloc
from pathlib import Path

import pytest

from workers.contracts.errors import InputRefused
from workers.evaluate.data.tables import read_table

RAGGED = {
    "a.csv": lambda: "x" + "," * 100_000 + "\n" + "a\n" * 10_000,
    "a.jsonl": lambda: "\n".join(json.dumps({f"k{number}": 1}) for number in range(10_000)),
}


@pytest.mark.parametrize("name", RAGGED)
def test_read_table_short_rows_with_a_long_one_are_refused_within_memory(tmp_path: Path, name: str) -> None:
    """Given 120 KB whose rows would be filled up to a billion cells, then a clear refusal and little memory."""
    path = tmp_path / name
    path.write_text(RAGGED[name]())
    tracemalloc.start()
    try:
        with pytest.raises(InputRefused, match="different lengths"):
            read_table(path)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_read_table_line_of_brackets_is_left_out(tmp_path: Path) -> None:
    """Given a line of 9 MB of JSON and a good one, Then the long one is not read, and is counted as left out."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "good"}\n{"text": [' + "[]," * 3_000_000 + "0]}\n")
    tracemalloc.start()
    try:
        table = read_table(path)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
    assert [list(row) for row in table.rows] == [["good"]]
    assert any("1 of 2 lines" in finding.what for finding in table.findings)


def test_read_table_full_table_of_many_cells_is_read(tmp_path: Path) -> None:
    """Given a table of 6 million cells that are all written, then it is read."""
    (tmp_path / "a.csv").write_text(("1" + ",2" * 5_999 + "\n") * 1_000)
    assert len(read_table(tmp_path / "a.csv").header) == 6_000
