"""Write answers as a table for people: CSV and XLSX for a spreadsheet, JSON Lines for programs."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from workers.contracts.after.answering import CONFIDENCES, Cells, Row, cells, harmless, headings
from workers.contracts.errors import InputRefused
from workers.contracts.translation import _

MOST_XLSX_ROWS = 1_048_575
"""Rows of a worksheet below the headings."""
PERCENT = 10
"""Number of the built-in format of percentages (ECMA-376, 18.8.30)."""
WIDE, NARROW = 40, 14
"""Width of a worksheet's columns of texts and of shares, in characters."""


def write_csv(path: Path, head: Row, rows: Iterable[Row]) -> None:
    """Write UTF-8 with a byte order mark, which Excel needs; a text cannot become a formula."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(headings(head))
        table.writerows(harmless(cells(row, head)) for row in rows)


def write_json_lines(path: Path, _head: Row, rows: Iterable[Row]) -> None:
    """Write each answer as one line, in the form of a bundle's ``run.py --json``.

    Half of a character (a lone surrogate) becomes an escape, which JSON has as well.
    """
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_xlsx(path: Path, head: Row, rows: Iterable[Row]) -> None:
    """Write a workbook row by row; texts stay texts.

    Raises:
        InputRefused: There are more rows than a worksheet holds.
    """
    import xlsxwriter  # late: only this format needs it

    options = {
        "constant_memory": True, "tmpdir": str(path.parent), "strings_to_formulas": False, "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }  # fmt: skip
    titles = headings(head)
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet("Answers")
        share, bold = book.add_format({"num_format": PERCENT}), book.add_format({"bold": True})
        shares = [title in CONFIDENCES for title in titles]
        for column, is_share in enumerate(shares):
            sheet.set_column(column, column, NARROW if is_share else WIDE, share if is_share else None)
        sheet.freeze_panes(1, 0)
        _write_row(sheet, 0, titles, [bold] * len(titles))
        for number, row in enumerate(rows, start=1):
            if number > MOST_XLSX_ROWS:
                raise _too_many()
            _write_row(sheet, number, cells(row, head), [share if is_share else None for is_share in shares])


def _write_row(sheet: Any, number: int, line: Cells, formats: Sequence[Any]) -> None:
    for column, (cell, style) in enumerate(zip(line, formats, strict=True)):
        if isinstance(cell, str):
            sheet.write_string(number, column, cell, style)
        elif cell is not None:
            sheet.write_number(number, column, cell, style)


def _too_many() -> InputRefused:
    detail = _("An Excel sheet holds {0:,} rows below its headings, and there are more answers.").format(MOST_XLSX_ROWS)
    return InputRefused("too_many_rows", "The table does not fit", detail, "Save it as CSV. The answers are kept.")


WRITERS = {".csv": write_csv, ".xlsx": write_xlsx, ".jsonl": write_json_lines}
